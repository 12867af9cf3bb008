"""What early stopping watches and what is good enough, decided from wishes."""

import pytest

from tutelage.core.errors import RecipeError
from tutelage.core.shape.table import TableShape
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import recipe_from
from tutelage.training.course import course
from tutelage.training.resolve import resolve

MACHINE = Machine("cpu", "Test", 2, "", 0.0, 100.0)
SHAPE = TableShape(numbers=6, cardinalities=(15, 7))
BINARY = Facts("table", SHAPE, 29_000, 3_200, 16_000, "classify", (22_000, 7_000), MACHINE)
TABLE = Facts("table", SHAPE, 20_000, 2_000, 4_000, "regress", (), MACHINE)


def plan(facts: Facts, **wishes: object) -> Plan:
    return resolve(recipe_from(wishes, where="test"), facts)


def test_a_target_is_watched_planned_and_part_of_the_rule() -> None:
    made = plan(BINARY, until="accuracy=95%")
    assert (made.watched, made.until) == ("accuracy", 0.95)
    assert {each.key: each.value for each in made.decisions}["until"] == "val/accuracy >= 0.95"
    assert course(made, 1000, greater_is_better=True).stopping.until == 0.95
    assert {each.key: each.value for each in plan(TABLE, until="rmse=0.5").decisions}["until"] == "val/rmse <= 0.5"


def test_without_a_target_nothing_is_said_of_it() -> None:
    assert plan(BINARY).until is None
    assert "until" not in {each.key for each in plan(BINARY).decisions}


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"until": "rmse=0.5"}, r"until = 'rmse' is not for classify.*Known: .*accuracy"),
        ({"until": "accuracy=95"}, r"accuracy is a share, between 0 and 1. Expected such as accuracy=0.95"),
        ({"until": "auroc=95"}, r"is a share, between 0 and 1. Expected such as auroc=0.95"),
        ({"until": "auroc=1.01"}, r"is a share, between 0 and 1"),
        ({"until": "brier=-0.1"}, r"is a share, between 0 and 1"),
        ({"until": "loss=30%"}, r"loss=30%: .* is no share, so it has no percent. .* such as loss=0.3"),
        ({"until": "accuracy=0.9", "stopping": {"metric": "loss"}}, r"the metric of `until` is the one that is watched"),
    ],
)
def test_a_target_that_cannot_be_is_refused_with_what_can(wishes: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        plan(BINARY, **wishes)


def test_the_same_metric_may_be_named_twice() -> None:
    assert plan(BINARY, until="accuracy=0.9", stopping={"metric": "val/accuracy"}).watched == "accuracy"
