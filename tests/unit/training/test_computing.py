"""How steps are computed can be said by the user, and is obeyed for our own architectures too."""

import pytest
import torch

from tutelage.core.errors import RecipeError
from tutelage.core.shape.image import ImageShape
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import plan_from
from tutelage.planning.recipe import recipe_from
from tutelage.run.compose import compose
from tutelage.run.start import Request, plan_training
from tutelage.training.resolve import resolve

MACHINE = Machine("cpu", "Test", 2, "amx", 6.0, 300.0)
PICTURES = Facts("image", ImageShape(channels=1, height=28, width=28), 900, 100, 200, "classify", (300, 300, 300), MACHINE)


def test_nothing_is_noted_where_nothing_is_said() -> None:
    plan = resolve(recipe_from({}, where="test"), PICTURES)
    assert plan.execution is None
    assert (plan.memory_format, plan.num_threads) == ("channels_last", 0)


@pytest.mark.parametrize("form", ["contiguous", "channels_last"])
def test_a_memory_format_that_is_said_is_planned(form: str) -> None:
    plan = resolve(recipe_from({"memory_format": form}, where="test"), PICTURES)
    assert plan_from(plan.to_record()).memory_format == form
    assert {"memory_format": "as you asked"}.items() <= {each.key: each.reason for each in plan.decisions}.items()


def test_threads_that_are_said_leave_the_layout_as_is_usual() -> None:
    plan = resolve(recipe_from({"threads": 3}, where="test"), PICTURES)
    assert (plan.memory_format, plan.num_threads) == ("channels_last", 3)


def test_no_threads_are_refused() -> None:
    with pytest.raises(RecipeError, match="threads"):
        recipe_from({"threads": 0}, where="test")


@pytest.mark.parametrize("form", ["contiguous", "channels_last"])
def test_weights_lie_as_the_user_says(form: str) -> None:
    wishes = {"source": "sklearn:digits", "model": "cnn", "memory_format": form, "budget": {"steps": 1}}
    plan, gathered, _ = plan_training(Request(recipe_from(wishes, where="test"), machine=MACHINE))
    weights = [value for value in compose(plan, gathered.data).state.task.parameters() if value.dim() == 4]
    wanted = torch.channels_last if form == "channels_last" else torch.contiguous_format
    assert len(weights) > 1
    assert all(value.is_contiguous(memory_format=wanted) for value in weights)
