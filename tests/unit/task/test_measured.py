"""Intervals from units drawn independently: each metric's own, through the metric itself."""

import math
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

import tutelage
from tests.contract.examples import TASKS
from tutelage.core import catalog
from tutelage.metric.base import Metric, Tally
from tutelage.metric.episodes import EpisodeOutcome
from tutelage.metric.tally import Sums, SumTally, mean_of
from tutelage.metric.token_outcome import TokenOutcome
from tutelage.planning.recipe import recipe_from
from tutelage.run.start import Request, plan_training
from tutelage.task.base import Task
from tutelage.task.measured import MAX_UNITS, UnitTallies
from tutelage.task.text_evaluation import TextEvaluator


class Perplexity(Metric):
    """The exponential of the surprise: another unit than nats."""

    kind: Literal["perplexity"] = "perplexity"

    def tally(self) -> Tally:
        return SumTally(_sums, lambda sums: np.exp(mean_of(sums)))


def _sums(outcome: TokenOutcome) -> Sums:
    surprise = -outcome.log_likelihood
    return {"sum": surprise.sum(keepdims=True), "weight": np.array([float(len(surprise))])}


def episodes(count: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(50.0, 10.0, count)


def interval(returns: np.ndarray) -> tuple[float, float]:
    units = UnitTallies(catalog.load("metric", "return")(), num_units=len(returns))
    for one in returns:
        units.add(EpisodeOutcome(np.array([one]), np.array([1])))
    assert len(units.tallies) <= MAX_UNITS
    return units.interval(seed=1, estimate=float(returns.mean()))


@pytest.mark.parametrize("count", [100, 1_000])
def test_the_interval_of_a_mean_is_that_of_the_normal_distribution(count: int) -> None:
    returns = episodes(count)
    low, high = interval(returns)
    half = 1.96 * returns.std(ddof=1) / count**0.5
    # 400 resamples know the quantiles to about 10 % of the width.
    assert low == pytest.approx(returns.mean() - half, abs=0.25 * half)
    assert high == pytest.approx(returns.mean() + half, abs=0.25 * half)
    assert interval(returns) == (low, high)


def test_one_unit_has_no_interval() -> None:
    assert all(math.isnan(end) for end in interval(episodes(1)))


def text_evaluator(tmp_path: Path) -> tuple[TextEvaluator, Task]:
    example = TASKS["language"]
    recipe = recipe_from({"source": example.source(tmp_path), **example.wishes}, where="test")
    plan, gathered, _ = plan_training(Request(recipe))
    plan = plan.but(metrics=(*plan.metrics, Perplexity()))
    problem = plan.task.build(plan, gathered.data)
    assert isinstance(problem.test, TextEvaluator)
    generator = torch.Generator().manual_seed(0)
    for parameter in problem.task.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)  # else all characters are as likely
    return problem.test, problem.task


def test_a_further_metric_of_a_text_has_an_interval_and_a_baseline_of_its_own(tmp_path: Path) -> None:
    evaluator, task = text_evaluator(tmp_path)
    record = evaluator.final(task)
    nats, perplexity = (record["intervals"][f"test/{kind}"] for kind in ("nats_per_character", "perplexity"))
    assert perplexity == pytest.approx(np.exp(nats), rel=1e-3)  # quantiles are interpolated
    assert perplexity[0] < record["metrics"]["test/perplexity"] < perplexity[1]
    # As good as knowing how often each character comes: better than taking all for as likely.
    assert 1 < record["baseline"]["test/perplexity"] < len(evaluator.fitted.alphabet) - 1
    assert evaluator(task) == record["metrics"]


def test_the_last_measuring_runs_the_network_once(tmp_path: Path) -> None:
    evaluator, task = text_evaluator(tmp_path)
    calls: list[int] = []
    task.network().register_forward_hook(lambda *_: calls.append(1))
    evaluator.final(task)
    assert len(calls) == -(-len(evaluator) // evaluator.batch_size)


def test_a_metric_that_does_not_fit_is_not_watched_either() -> None:
    with pytest.raises(tutelage.TutelageError, match=r"stopping\.metric = 'top5': with 3 classes"):
        tutelage.plan("sklearn:iris", stopping={"metric": "top5"})


def test_endless_data_are_not_counted_in_the_reason() -> None:
    plan = tutelage.plan("gym:CartPole-v1")
    reason = next(decision.reason for decision in plan.decisions if decision.key == "batch_size")
    assert "0 train rows" not in reason
