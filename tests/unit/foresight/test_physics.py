"""What the datasheet lets expect: exact sums."""

import pytest

from tutelage.foresight.demand import demand_of
from tutelage.foresight.physics import FP8_GAIN, effects_of, physics_of
from tutelage.foresight.wish import RunWish
from tutelage.hardware.catalog import find_device

WISH = RunWish(hardware="H100", samples=1.0, params=1e9, devices=64)


def test_operations_and_bytes_are_added() -> None:
    device, demand = find_device("H100"), demand_of(WISH)
    found = physics_of(demand, device=device, precision="bf16")
    assert found.ideal_s == demand.flops / 989e12
    assert found.seconds == pytest.approx(demand.flops / (989e12 * 0.803) + demand.num_bytes / 3.35e12)


def test_float8_gains_less_than_its_peak_says() -> None:
    device, demand = find_device("H100"), demand_of(WISH)
    wide, narrow = (physics_of(demand, device=device, precision=precision).compute_s for precision in ("bf16", "fp8"))
    assert wide / narrow == pytest.approx(FP8_GAIN)
    old = find_device("A100")
    assert physics_of(demand, device=old, precision="fp8") == physics_of(demand, device=old, precision="bf16")


def test_effects_count_doublings() -> None:
    parts = effects_of(WISH, demand=demand_of(WISH), device=find_device("H100"), source="here")
    assert parts["devices"] == ("", 3.0)
    assert parts["source"] == ("here", 1.0)
    assert "context" not in parts
    assert "float32" not in parts
    assert "float32" in effects_of(WISH, demand=demand_of(WISH), device=find_device("GTX 1080"))
    assert parts["course"][1] == 1.0
