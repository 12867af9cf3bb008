"""What auto means for forecasts, by windows and series."""

from typing import Any

import pytest

from tutelage.core.shape.forecast import ForecastShape
from tutelage.defaults.forecast import ForecastDefaults
from tutelage.planning.facts import Facts, Machine

MACHINE = Machine(device="cpu", name="any", num_threads=2, bf16="", speedup=0.0, gflops=100.0)


def suggest(windows: int, **sizes: int) -> Any:
    shape = ForecastShape(**sizes)
    facts = Facts("forecast", shape, windows, windows // 4, windows // 4, "forecast", (), MACHINE)
    return ForecastDefaults().suggest(facts)


@pytest.mark.parametrize("length", [1, 3, 24, 96, 504, 10_000])
def test_any_window_has_a_network_with_some_patches(length: int) -> None:
    model = suggest(500, channels=2, length=length).model
    assert model.build(ForecastShape(channels=2, length=length), 1).num_patches <= 32


def test_few_windows_take_smaller_and_fewer_steps_than_many() -> None:
    few, many = suggest(50, channels=1, length=24), suggest(8_000, channels=7, length=336)
    assert few.optim.lr < many.optim.lr
    assert few.epochs * 50 / few.batch_size < many.epochs * 8_000 / many.batch_size


def test_many_series_share_a_step_and_much_data_gets_a_wider_network() -> None:
    some, many = suggest(8_000, channels=7, length=336), suggest(8_000, channels=300, length=336)
    assert 1 <= many.batch_size < some.batch_size
    assert many.model.width > some.model.width


@pytest.mark.parametrize("windows", [50, 500, 8_000])
def test_a_step_never_takes_very_many_series_at_once(windows: int) -> None:
    assert suggest(windows, channels=5_000, length=84).batch_size <= 4
    assert suggest(windows, channels=7, length=84).batch_size >= 16


def test_every_choice_has_its_reason() -> None:
    assert {"model", "augment", "optim", "ema", "clip", "epochs", "patience", "floor"} <= set(suggest(500).why)
