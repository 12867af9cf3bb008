"""How an own module's steps are computed is tried on copies: the module, its start and the random streams stay as they are."""

import copy
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tutelage
from tutelage.planning.execution import Execution, TriedWay
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Plan, plan_from
from tutelage.planning.recipe import Recipe, recipe_from
from tutelage.run import ways
from tutelage.run.collect import Gathered
from tutelage.run.start import Request, plan_training
from tutelage.run.ways import Way, choose_way

MACHINE = Machine("cpu", "Test", 1, "amx", 6.0, 300.0)
CHOSEN = {"precision": "bfloat16", "memory_format": "channels_last", "compile": "none"}


def network(*, dropout: float = 0.1) -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(dropout), nn.Flatten(), nn.Linear(144, 3))


def arrays() -> tuple[np.ndarray, np.ndarray]:
    drawn = np.random.default_rng(0)
    labels = drawn.integers(0, 3, 120)
    inputs = drawn.normal(size=(120, 1, 8, 8)) + labels[:, None, None, None]
    return inputs.astype(np.float32), labels


def planned(**wishes: Any) -> tuple[Plan, Gathered, Recipe, nn.Module]:
    """Return the plan of a module before anything was tried: twenty steps are too few for that."""
    recipe, module = recipe_from({"budget": {"steps": 3}, **wishes}, where="test"), network()
    plan, gathered, _ = plan_training(Request(recipe, data=arrays(), module=module, machine=MACHINE))
    return plan, gathered, recipe, module


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))


def test_a_training_of_few_steps_tries_nothing() -> None:
    assert planned()[0].execution is None


def test_every_way_is_told_with_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, gathered, recipe, module = planned()
    chosen = choose_way(plan.but(total_steps=10_000), gathered.data, module, recipe=recipe, machine=MACHINE)
    assert chosen.execution is not None
    kinds = {(each.precision, each.memory_format) for each in chosen.execution.tried}
    assert {("float32", "contiguous"), ("bfloat16", "channels_last"), ("float32", "channels_last")} <= kinds
    assert all(each.step_seconds > 0 for each in chosen.execution.tried)
    assert plan_from(chosen.to_record()) == chosen
    assert {"precision", "memory_format"} <= {each.key for each in chosen.decisions if "measured on this module" in each.reason}


def test_trying_changes_neither_the_module_nor_random_numbers() -> None:
    plan, gathered, recipe, module = planned()
    before = copy.deepcopy(module.state_dict()), torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    choose_way(plan.but(total_steps=10_000), gathered.data, module, recipe=recipe, machine=MACHINE)
    assert all(torch.equal(value, before[0][name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), before[1])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == (before[2], before[3].tolist())


def test_what_was_wished_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, gathered, recipe, module = planned(precision="float32", compile="none")
    long = plan.but(total_steps=10_000)
    assert choose_way(long, gathered.data, module, recipe=recipe, machine=MACHINE) is long


def test_a_lower_precision_that_spoils_the_gradient_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "LEAST_COSINE", 1.5)
    monkeypatch.setattr(ways, "LEAST_GAIN", 100.0)
    plan, gathered, recipe, module = planned()
    chosen = choose_way(plan.but(total_steps=10_000), gathered.data, module, recipe=recipe, machine=MACHINE)
    assert chosen.precision == "float32"


def test_the_gradient_of_rounded_products_is_compared_on_real_batches() -> None:
    plan, gathered, _, module = planned()
    trial = ways._Trial(plan, gathered.data, module)
    plain, rounded = (trial._candidate(Way(precision, "contiguous")) for precision in ("float32", "bfloat16"))
    assert plain is not None
    assert rounded is not None
    quality = ways._quality(plain, rounded)
    assert 0.98 < quality["cosine"] < 1.0
    assert 0 < quality["loss_difference"] < 0.05


def test_a_module_that_cannot_be_copied_stays_as_it_is() -> None:
    class Stubborn(nn.Linear):
        def __deepcopy__(self, memo: object) -> "Stubborn":
            raise RuntimeError("no copies")

    plan, gathered, recipe, _ = planned()
    long = plan.but(total_steps=10_000)
    assert choose_way(long, gathered.data, Stubborn(8, 3), recipe=recipe, machine=MACHINE) is long


class Picky(nn.Module):
    """Works as it comes, and fails in another layout or another type."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault, self.convolution, self.linear = fault, nn.Conv2d(1, 4, 3), nn.Linear(144, 3)
        self.volume = nn.Conv3d(1, 1, 2) if fault == "volume" else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 3]."""
        found = self.convolution(x)
        if self.fault == "layout":
            return self.linear(found.view(len(x), -1))
        if self.fault == "type":
            room = torch.zeros(len(x), 4, 6, 6)
            room[torch.arange(len(x))] = found
            found = room
        return self.linear(found.flatten(1))


@pytest.mark.parametrize("fault", ["layout", "type", "volume"])
def test_a_module_that_takes_no_other_way_trains_as_it_came(fault: str) -> None:
    plan, gathered, recipe, _ = planned()
    torch.manual_seed(3)
    chosen = choose_way(plan.but(total_steps=10_000), gathered.data, Picky(fault), recipe=recipe, machine=MACHINE)
    composed = ways.compose(chosen, gathered.data, module=Picky(fault))
    report = composed.state.step(("fit",), composed.state.stream.next(), 0.0)
    assert np.isfinite(float(report.totals["fit"]))


def test_where_values_lie_changes_no_result(tmp_path: Path) -> None:
    def trained(plan: Plan, gathered: Gathered) -> list[float]:
        # What dropout leaves out follows the order in memory.
        composed = ways.compose(plan, gathered.data, module=network(dropout=0.0))
        losses = []
        for _ in range(5):
            report = composed.state.step(("fit",), composed.state.stream.next(), 0.0)
            losses.append(float(report.totals["fit"]))
        return losses

    plan, gathered, _, _ = planned()
    lying = [trained(Way("float32", form).plan(plan), gathered) for form in ("contiguous", "channels_last")]
    # Sums in another order: the last bits of float32 differ.
    assert lying[0] == pytest.approx(lying[1], rel=1e-4)


def test_a_resumed_run_computes_as_its_plan_says(tmp_path: Path) -> None:
    run = tutelage.train(arrays(), model=network(), steps=4, quiet=True, out=tmp_path / "run")
    tried = TriedWay(**CHOSEN, step_seconds=0.1)
    plan = run.decided.but(execution=Execution(memory_format="channels_last", tried=(tried,)))
    kept = plan_from(plan.to_record())
    gathered = plan_training(Request(recipe_from({"budget": {"steps": 3}}, where="test"), data=arrays(), module=network()))[1]
    task = ways.compose(kept, gathered.data, module=network()).state.task
    weights = next(value for value in task.parameters() if value.dim() == 4 and value.shape[1] > 0)
    assert weights.is_contiguous(memory_format=torch.channels_last)


def test_a_plan_of_older_runs_has_no_such_choice() -> None:
    record = planned()[0].to_record()
    del record["execution"]
    assert plan_from(record).execution is None
