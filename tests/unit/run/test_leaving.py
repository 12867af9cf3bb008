"""What is decided at the end of a training, and what is left undecided where the run only pauses."""

from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from tutelage.model.layers.rejecting import Judge
from tutelage.planning.recipe import Recipe
from tutelage.run.compose import Composed, compose
from tutelage.run.leaving import decide_what_leaves
from tutelage.run.start import Request, plan_training
from tutelage.task.generate import Generate


@pytest.fixture
def generator() -> Composed:
    """A generator of points, not trained, that planned enough steps for a judge of its samples."""
    points = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    recipe = Recipe(task=Generate(rejection="on"), device="cpu", budget={"steps": 400})  # type: ignore[arg-type]
    plan, gathered, _ = plan_training(Request(recipe, data=points))
    composed = compose(plan, gathered.data)
    composed.state.task.begin(400)
    return composed


def test_a_run_that_pauses_lets_no_judge_learn_and_one_that_ends_does(generator: Composed) -> None:
    assert list(decide_what_leaves(generator, is_paused=True)) == []
    assert generator.problem.extras() == {}
    (told,) = decide_what_leaves(generator)
    assert "a judge takes" in told
    assert "before" in generator.problem.extras()["rejection"]


def test_a_judge_that_leaves_counts_among_the_parameters(generator: Composed) -> None:
    judge = Judge(None, nn.Linear(2, 1), cut=0.0)
    assert generator.problem.num_leaving == generator.problem.num_parameters
    assert replace(generator.problem, judge=lambda: judge).num_leaving == generator.problem.num_parameters + 3
