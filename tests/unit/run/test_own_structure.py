"""Own modules of one class name are told apart by what they hold, and the figures of trying tell nothing apart."""

from torch import nn

from tutelage.core.shape.array import ArrayShape
from tutelage.planning.execution import Execution, TriedWay
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import recipe_from
from tutelage.run.known_runs import plan_key
from tutelage.run.own_structure import own_structure
from tutelage.training.resolve import resolve

MACHINE = Machine("cpu", "Test", 1, "amx", 6.0, 300.0)
FACTS = Facts("array", ArrayShape(sizes=(16,)), 900, 100, 200, "classify", (300, 300, 300), MACHINE, is_own_model=True)


def planned(module: nn.Module) -> Plan:
    plan = resolve(recipe_from({}, where="test"), FACTS, own_model=type(module).__name__)
    return plan.but(own_structure=own_structure(module))


def test_modules_of_other_shapes_are_others() -> None:
    narrow, wide = (nn.Sequential(nn.Linear(16, width), nn.Linear(width, 3)) for width in (8, 32))
    assert own_structure(narrow) != own_structure(wide)
    assert plan_key(planned(narrow)) != plan_key(planned(wide))


def test_values_do_not_count() -> None:
    assert own_structure(nn.Linear(16, 3)) == own_structure(nn.Linear(16, 3))
    assert plan_key(planned(nn.Linear(16, 3))) == plan_key(planned(nn.Linear(16, 3)))


def test_layers_without_weights_count() -> None:
    assert own_structure(nn.Sequential(nn.ReLU())) != own_structure(nn.Sequential(nn.GELU()))


def test_a_module_that_waits_for_its_sizes_has_a_structure() -> None:
    assert own_structure(nn.LazyLinear(3)) == own_structure(nn.LazyLinear(3))


def test_the_figures_of_trying_are_no_part_of_what_makes_trainings_equal() -> None:
    plan = planned(nn.Linear(16, 3))
    keys = []
    for seconds in (0.1, 0.2):
        tried = TriedWay(precision="float32", memory_format="contiguous", step_seconds=seconds)
        keys.append(plan_key(plan.but(execution=Execution(step_seconds=seconds, tried=(tried,)))))
    assert keys[0] == keys[1]
    assert plan_key(plan.but(execution=Execution(num_threads=1))) != keys[0]
