"""The stored coefficients have all that forecasts ask for, and are sane."""

import pytest

from tutelage.foresight.coefficients import fitted
from tutelage.foresight.move import effects_between
from tutelage.hardware.catalog import find_device


@pytest.mark.parametrize("name", ["moved", "target"])
def test_every_effect_between_devices_has_a_coefficient(name: str) -> None:
    parts = effects_between(find_device("A100"), workload="this", devices=1, precision="bf16")
    assert set(parts) <= set(fitted(name).effects)


def test_slopes_are_what_physics_allows() -> None:
    effects = fitted("moved").effects
    assert 0 < effects["compute"].mean < 1
    assert 0 < effects["bandwidth"].mean < 1
    assert effects["compute"].mean + effects["bandwidth"].mean < 1.2
    work = fitted("work").effects
    assert all(effect.mean >= 0 for name, effect in work.items() if name != "float32")
    assert -0.5 < work["float32"].mean < 0


def test_a_wider_share_has_a_wider_interval() -> None:
    for name in ("work", "moved", "target"):
        for scale in fitted(name).scales.values():
            assert 0 < scale.half_50 < scale.half_80
