"""How many numbers of forecasts are in memory at once: whole windows count, not only what is forecast."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.task.test_forecast import data
from tutelage.planning.plan import Plan
from tutelage.task import forecast_data, forecast_evaluation
from tutelage.task.forecast_evaluation import ForecastEvaluator


@pytest.mark.parametrize(("length", "horizon"), [(2_880, 1), (24, 48)])
def test_a_batch_of_long_windows_is_a_small_one(length: int, horizon: int) -> None:
    values = np.sin(np.arange(10_000) * 2 * np.pi / 24)[:, None]
    made = data(values, horizon=horizon, prepare={"length": length, "season": 24})
    plan = Plan.model_construct(metrics=(), seed=0)
    own = ForecastEvaluator(
        "val", made.parts["validation"], made.windows["validation"], made.fitted, plan, lambda _: nn.Identity()
    )
    batch = own.rows.take(torch.arange(3))
    numbers = sum(batch[name].numel() for name in batch) // 3
    assert 0 < own._batch_size * numbers <= forecast_evaluation.MOST_VALUES


def test_of_very_many_validation_windows_some_are_looked_at_at_each_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    made = data(np.sin(np.arange(2_000) * 2 * np.pi / 24)[:, None], horizon=12, prepare={"length": 24, "season": 24})
    whole = made.windows["validation"]
    assert made.watched is whole
    assert "validation" not in {decision.key for decision in made.decisions()}
    monkeypatch.setattr(forecast_data, "MOST_WATCHED", 50 * 36 * (1 + made.fitted.shape.known))
    np.testing.assert_array_equal(made.watched.starts, whole.starts[::8])
    said = next(decision.value for decision in made.decisions() if decision.key == "validation")
    assert (len(whole), said) == (389, "1 of 8 windows, 49 in all")
