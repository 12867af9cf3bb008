"""What one part of the data is told by: the same for any size of batches, with the metrics that were asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest

import tutelage
from tutelage.core.errors import RecipeError
from tutelage.metric.base import Outcome
from tutelage.metric.calibration_error import CalibrationError
from tutelage.metric.f1 import F1
from tutelage.metric.interval import interval
from tutelage.planning.recipe import recipe_from
from tutelage.run.start import Request, plan_training
from tutelage.task.base import Problem, Task
from tutelage.task.evaluation import RowsEvaluator

METRICS: list[Any] = ["accuracy", "auroc", {"kind": "f1", "average": "weighted"}, {"kind": "calibration_error", "bins": 4}]
NAMES = ["accuracy", "auroc", "f1", "calibration_error"]


@pytest.fixture(scope="module")
def built() -> Problem:
    """An untrained task and its evaluators, with metrics and settings of one's own."""
    recipe = recipe_from({"source": "sklearn:iris", "metrics": METRICS}, where="test")
    plan, gathered, _ = plan_training(Request(recipe))
    problem: Problem = plan.task.build(plan, gathered.data)
    return problem


def evaluator_of(problem: Problem) -> RowsEvaluator:
    assert isinstance(problem.test, RowsEvaluator)
    return problem.test


def whole(evaluator: RowsEvaluator, task: Task) -> Outcome:
    """All predictions at once."""
    outcomes = [outcome for _, outcome in evaluator.outcomes(task)]
    return Outcome(np.concatenate([o.prediction for o in outcomes]), np.concatenate([o.target for o in outcomes]))


def test_metrics_that_were_asked_for_reach_the_test_part_with_their_settings(built: Problem) -> None:
    evaluator = evaluator_of(built)
    result = evaluator.final(built.task)
    names = [f"test/{name}" for name in NAMES]
    assert list(result["metrics"]) == list(result["intervals"]) == names
    assert [name for name in result["baseline"] if name != "description"] == names
    assert result["metrics"]["test/f1"] == F1(average="weighted").compute(whole(evaluator, built.task))
    assert result["metrics"]["test/calibration_error"] == CalibrationError(bins=4).compute(whole(evaluator, built.task))


def test_the_watched_metric_is_measured_on_the_validation_part_alone(built: Problem) -> None:
    assert isinstance(built.validation, RowsEvaluator)
    watched = built.validation.plan.watched
    assert watched not in NAMES
    assert list(built.validation(built.task)) == [f"val/{name}" for name in (*NAMES, watched)]


def test_batches_do_not_matter(built: Problem) -> None:
    task, evaluator = built.task, evaluator_of(built)
    one, many = evaluator.final(task), replace(evaluator, batch_size=4).final(task)
    assert many["confusion"] == one["confusion"]
    assert many["baseline"].pop("description") == one["baseline"].pop("description")
    for key in ("metrics", "baseline"):
        # A model's answers themselves may differ by the rounding of float32 with the size of the batch.
        assert many[key] == pytest.approx(one[key], abs=1e-6)
    for name, ends in one["intervals"].items():
        assert many["intervals"][name] == pytest.approx(ends, abs=1e-6)
    assert [item["name"] for item in many["worst"]] == [item["name"] for item in one["worst"]]


def test_the_result_is_that_of_all_predictions_at_once(built: Problem) -> None:
    task, evaluator = built.task, evaluator_of(built)
    result, outcome = evaluator.final(task), whole(evaluator, task)
    for metric in evaluator.metrics:
        name = f"test/{metric.kind}"  # type: ignore[attr-defined]
        assert result["metrics"][name] == metric.compute(outcome)
        assert tuple(result["intervals"][name]) == interval(metric, outcome, seed=evaluator.plan.seed)
    assert evaluator(task) == result["metrics"]


def test_the_worst_mistakes_come_first(built: Problem) -> None:
    task, evaluator = built.task, evaluator_of(built)
    worst, outcome = evaluator.final(task)["worst"], whole(evaluator, task)
    loss, is_mistake = evaluator.judge.mistakes(outcome)
    expected = np.sort(loss[is_mistake])[::-1][:24]
    assert [item["loss"] for item in worst] == expected.tolist()


def test_a_metric_whose_settings_do_not_fit_is_refused_before_training() -> None:
    with pytest.raises(RecipeError, match="needs two classes; there are 3"):
        tutelage.plan("sklearn:iris", metrics=[{"kind": "f1", "average": "positive"}])
    with pytest.raises(RecipeError, match="it would always be 1"):
        tutelage.plan("sklearn:iris", metrics=["top5"])


@dataclass(frozen=True)
class Endless(RowsEvaluator):
    """A part of very many rows, in batches that are made as they are asked for."""

    num_batches: int = 60

    def __len__(self) -> int:
        return self.num_batches * self.batch_size

    def outcomes(self, task: Task) -> Iterator[tuple[np.ndarray, Outcome]]:
        for number in range(self.num_batches):
            random = np.random.default_rng(number)
            target = random.integers(3, size=self.batch_size)
            prediction = (np.eye(3)[target] + 0.5 * random.dirichlet(np.ones(3), self.batch_size)) / 1.5
            yield np.arange(number * self.batch_size, (number + 1) * self.batch_size), Outcome(prediction, target)


def test_intervals_of_many_rows_go_with_the_rows_there_are_and_not_with_those_of_the_sample(built: Problem) -> None:
    evaluator = evaluator_of(built)
    given = {field.name: getattr(evaluator, field.name) for field in fields(evaluator)}
    result = Endless(**given | {"plan": evaluator.plan.but(metrics=evaluator.plan.metrics[:1])}).final(built.task)
    low, high = result["intervals"]["test/accuracy"]
    assert result["worst"] == []
    assert high == 1.0
    # Wilson's interval of N right answers out of N begins at N / (N + 1.96^2).
    assert low == pytest.approx(30_720 / (30_720 + 1.96**2), abs=1e-8)
