"""Own modules of one class name are told apart by what they hold and compute; the figures of trying tell nothing apart."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import Tensor, nn

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


def activated(activation: Callable[[Tensor], Tensor], **settings: object) -> nn.Module:
    """Return a module whose code names a function from around it; settings become attributes."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)
            for name, value in settings.items():
                setattr(self, name, value)

        def forward(self, x: Tensor) -> Tensor:
            return activation(self.layer(x))

    return Net()


def written(body: str) -> nn.Module:
    """Return a module of class `Net` with a line of code as its forward, which may call a helper of its file."""
    lines = ["class Net(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    lines += ["        self.layer = nn.Linear(4, 2)", "    def forward(self, x):", f"        return {body}"]
    place: dict[str, object] = {"torch": torch, "nn": nn, "__name__": "own"}
    exec("\n".join(["def helper(x):", "    return x * HALF", "HALF = 0.5", *lines]), place)
    made = place["Net"]
    assert isinstance(made, type)
    module = made()
    assert isinstance(module, nn.Module)
    return module


def thrice(x: Tensor) -> Tensor:
    return torch.sin(3 * x)


def often(x: Tensor) -> Tensor:
    return torch.sin(300 * x)


@dataclass
class Settings:
    """Of a module, as many keep them."""

    scale: float


def test_what_is_computed_counts() -> None:
    bodies = [
        "torch.relu(self.layer(x))",
        "torch.sin(self.layer(x))",
        "torch.sin(3 * self.layer(x))",
        "torch.sin(300 * self.layer(x))",
    ]
    assert len({own_structure(written(body)) for body in bodies}) == len(bodies)
    assert own_structure(written(bodies[0])) == own_structure(written(bodies[0]))


def test_functions_that_are_called_count() -> None:
    assert own_structure(activated(thrice)) != own_structure(activated(often))
    assert own_structure(activated(thrice)) == own_structure(activated(thrice))
    assert own_structure(activated(partial(torch.clamp, min=0))) != own_structure(activated(partial(torch.clamp, min=1)))
    one, other = (written("helper(self.layer(x))") for _ in range(2))
    assert own_structure(one) == own_structure(other)
    type(other).forward.__globals__["HALF"] = 0.25  # type: ignore[attr-defined]
    assert own_structure(one) != own_structure(other)


def test_settings_count() -> None:
    assert own_structure(nn.Conv1d(4, 4, 3, stride=1)) != own_structure(nn.Conv1d(4, 4, 3, stride=2))
    assert own_structure(nn.Sequential(nn.Dropout(0.1))) != own_structure(nn.Sequential(nn.Dropout(0.5)))
    settings: list[dict[str, object]] = [{}, {"scale": 1.0}, {"scale": 2.0}, {"scale": (1, 2)}, {"scale": {"a": {1, 2}}}]
    settings += [{"scale": Settings(1.0)}, {"scale": Settings(2.0)}, {"scale": True}, {"scale": torch.relu}]
    assert len({own_structure(activated(thrice, **each)) for each in settings}) == len(settings)
    assert own_structure(activated(thrice, scale=Settings(1.0))) == own_structure(activated(thrice, scale=Settings(1.0)))


def test_an_attribute_that_holds_itself_is_told_all_the_same() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert own_structure(activated(thrice, scale=endless)) == own_structure(activated(thrice, scale=endless))


def test_a_hook_and_a_forward_of_one_module_count() -> None:
    hooked, patched = activated(thrice), activated(thrice)
    hooked.register_forward_hook(lambda _module, _inputs, output: output * 2)
    patched.forward = lambda x: x  # type: ignore[method-assign]
    assert len({own_structure(each) for each in (activated(thrice), hooked, patched)}) == 3


def test_code_that_torch_has_written_counts() -> None:
    first, second = (torch.fx.symbolic_trace(written(body)) for body in ("self.layer(x)", "self.layer(x) + 1"))
    assert own_structure(first) != own_structure(second)


def test_whether_it_is_training_does_not_count() -> None:
    assert own_structure(activated(thrice).train()) == own_structure(activated(thrice).eval())


@pytest.mark.slow
def test_every_process_finds_the_same() -> None:
    code = "from tests.unit.run.test_own_structure import Settings, activated, own_structure, thrice, written;"
    code += "print(own_structure(activated(thrice, names={'a', 'b', 'c', 'd'}, settings=Settings(1.0))));"
    code += 'print(own_structure(written(\'x if x in {"a", "b", "c", "d"} else helper(x)\')))'
    found = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1]
    assert len(found[0].split()) == 2
