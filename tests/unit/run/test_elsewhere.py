"""A training that was tried here, forecast for other hardware: only what the device does moves."""

from pathlib import Path

import pytest

from tutelage.core.errors import UsageError
from tutelage.planning.recipe import recipe_from
from tutelage.run.elsewhere import Where
from tutelage.run.estimate import Estimate, estimate_of
from tutelage.run.estimating import Tried, estimate_training
from tutelage.run.start import Request

HERE = ("starting", "reading", "preparing", "planning", "scoring")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """A training of small pictures, tried for a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUTELAGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        wishes = {"source": "sklearn:digits", "budget": {"steps": 5_000}, "precision": "float32"}
        return estimate_training(Request(recipe_from(wishes, where="test")), report=lambda folder: None, most_seconds=0.2)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))


def on(tried: Tried, hardware: str, *, devices: int = 1, price: float | None = None) -> Estimate:
    return estimate_of(tried, Where(hardware, devices, price))


@pytest.mark.slow
def test_only_what_the_device_does_moves(tried: Tried) -> None:
    here, there = estimate_of(tried), on(tried, "A100 80GB")
    assert {part: there.time.parts[part] for part in HERE} == {part: here.time.parts[part] for part in HERE}
    assert there.time.parts["steps"] != here.time.parts["steps"]
    assert (
        there.time.interval_80[0]
        < there.time.interval_50[0]
        < there.seconds
        < there.time.interval_50[1]
        < there.time.interval_80[1]
    )
    assert there.hardware == "NVIDIA A100 SXM 80GB"
    assert there.record()["hardware"] == there.hardware


@pytest.mark.slow
def test_the_ideal_is_work_over_peak(tried: Tried) -> None:
    # 19.5 TFLOP/s in float32 (NVIDIA A100 data sheet).
    there = on(tried, "a100-sxm-80gb")
    assert there.flops is not None
    assert there.ideal_seconds == pytest.approx(there.flops / 19.5e12)
    assert on(tried, "a100-sxm-80gb", devices=4).ideal_seconds == pytest.approx(there.flops / 19.5e12 / 4)


@pytest.mark.slow
def test_a_small_step_takes_what_the_host_needs_to_call_its_operators(tried: Tried) -> None:
    # Far below a microsecond of work: a faster card changes nothing.
    steps = {name: on(tried, name).time.parts["steps"] for name in ("A100 80GB", "H100 SXM")}
    assert steps["A100 80GB"] == pytest.approx(steps["H100 SXM"])


@pytest.mark.slow
def test_a_price_makes_a_cost_and_rated_power_an_energy(tried: Tried) -> None:
    there = on(tried, "A100 80GB", devices=8, price=2.0)
    assert there.cost == pytest.approx(2.0 * 8 * there.seconds / 3600)
    assert there.energy_joules is not None
    low, high = there.energy_joules
    # 400 W each, 85 % of it, and 1.3 times that for the node at the wall.
    assert low < 8 * 400 * 0.85 * 1.3 * there.seconds < high
    assert estimate_of(tried).cost is None


def test_what_cannot_be_is_refused_before_anything_is_tried() -> None:
    with pytest.raises(UsageError, match="not in the catalogue"):
        Where("A10O")
    with pytest.raises(UsageError, match="whole number"):
        Where(devices=0)


@pytest.mark.parametrize(
    ("devices", "price"), [(0, None), (10**30, None), (1.5, None), (float("nan"), None), (1, -1.0), (1, 1e300)]
)
def test_numbers_out_of_range_are_refused_before_anything_is_tried(devices: float, price: float | None) -> None:
    with pytest.raises(UsageError, match="expected a"):
        Where("", devices, price)  # type: ignore[arg-type]
