"""What measures a generator: made ready once, and how long its scores at the end take."""

import numpy as np

from tutelage.diagnosis.rivalry import Look
from tutelage.planning.recipe import Recipe
from tutelage.run.start import Request, plan_training
from tutelage.task.generate import Generate
from tutelage.task.measured import Remembering
from tutelage.task.sample_evaluation import SampleEvaluator


def evaluator(count: int) -> SampleEvaluator:
    """Return what measures a generator of some points on their validation part."""
    points = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    plan, gathered, _ = plan_training(Request(Recipe(task=Generate(), device="cpu"), data=points))
    validation = plan.task.build(plan, gathered.data).validation
    assert isinstance(validation, SampleEvaluator)
    return validation


def test_all_that_is_made_once_is_made_when_it_gets_ready() -> None:
    ready = evaluator(100)
    assert not ready.compared._parts
    ready.ready()
    assert set(ready.compared._parts) == {"validation"}
    assert {"space", "train_samples", "_others"} <= set(vars(ready.compared))


def test_scores_at_the_end_are_of_ten_draws() -> None:
    few, many = evaluator(1_000), evaluator(10_000)
    # Evaluations of 80 rows are of 7 draws, those of 800 of one.
    assert (len(few), few._num_draws) == (80, 7)
    # And twice as many draws, of twice the samples once, say whether a judge helps.
    assert few.reserve_seconds(1.0) == (10 / 7 - 1) * (80 + 200) + 3 * 10 / 7 * 80
    assert (len(many), many._num_draws) == (800, 1)
    assert many.reserve_seconds(1.0) == 9 * (800 + 2_000) + 3 * 10 * 800


def test_what_was_seen_of_the_two_networks_is_remembered() -> None:
    first, second = evaluator(100), evaluator(100)
    assert isinstance(first, Remembering)
    first.rivalry.latest = Look(0.7, 0.9, 0.5)
    first.rivalry.judge()
    second.recall(first.memory())
    assert second.memory() == first.memory()
    assert len(second.memory()["looks"]) == 1
