"""How an own module's steps are computed is tried on copies: the module, its start and the random streams stay as they are."""

import copy
import gc
import json
import random
import time
import weakref
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

import tutelage
from tutelage.planning.execution import Execution, TriedWay, Way
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Plan, plan_from
from tutelage.planning.recipe import Recipe, recipe_from
from tutelage.run import way_quality, way_trial
from tutelage.run.candidate import by_way
from tutelage.run.collect import Gathered
from tutelage.run.compose import compose
from tutelage.run.start import Request, plan_training
from tutelage.run.ways import choose_way, told_of_trying

MACHINE = Machine("cpu", "Test", 1, "amx", 6.0, 300.0)
TWO_THREADS = Machine("cpu", "Test", 2, "amx", 6.0, 300.0)
LONG = 10**8
"""Steps that leave time for every way, however busy the machine is."""
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
    plan = planned()[0]
    assert plan.execution is None
    (told,) = (each for each in plan.decisions if each.key == "execution")
    assert told.reason.startswith("other ways to compute your module are tried from ")


def test_every_way_is_told_with_its_figures() -> None:
    plan, gathered, recipe, module = planned()
    chosen = choose_way(plan.but(total_steps=LONG), gathered.data, module, recipe=recipe, machine=MACHINE)
    assert chosen.execution is not None
    kinds = {(each.precision, each.memory_format) for each in chosen.execution.tried}
    assert {("float32", "contiguous"), ("bfloat16", "channels_last"), ("float32", "channels_last")} <= kinds
    assert all(each.step_seconds > 0 for each in chosen.execution.tried)
    assert plan_from(chosen.to_record()) == chosen
    assert {"precision", "memory_format"} <= {each.key for each in chosen.decisions if "measured on this module" in each.reason}


def test_trying_changes_neither_the_module_nor_random_numbers() -> None:
    plan, gathered, recipe, module = planned()
    before = copy.deepcopy(module.state_dict()), torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    choose_way(plan.but(total_steps=LONG), gathered.data, module, recipe=recipe, machine=MACHINE)
    assert all(torch.equal(value, before[0][name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), before[1])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == (before[2], before[3].tolist())


def test_what_was_wished_for_stays() -> None:
    plan, gathered, recipe, module = planned(precision="float32", compile="none")
    long = plan.but(total_steps=LONG)
    assert choose_way(long, gathered.data, module, recipe=recipe, machine=MACHINE) is long


def test_a_wished_layout_and_wished_threads_stay_while_the_rest_is_tried() -> None:
    plan, gathered, recipe, module = planned(memory_format="channels_last", threads=1)
    chosen = choose_way(plan.but(total_steps=LONG), gathered.data, module, recipe=recipe, machine=TWO_THREADS)
    assert chosen.execution is not None
    assert {(each.memory_format, each.num_threads) for each in chosen.execution.tried} == {("channels_last", 1)}
    assert {each.precision for each in chosen.execution.tried} == {"float32", "bfloat16"}
    reasons = {each.key: each.reason for each in chosen.decisions}
    assert reasons["memory_format"] == reasons["threads"] == "as you asked"


def test_fewer_threads_are_tried_and_given_back() -> None:
    plan, gathered, recipe, module = planned()
    before = torch.get_num_threads()
    chosen = choose_way(plan.but(total_steps=LONG), gathered.data, module, recipe=recipe, machine=TWO_THREADS)
    assert torch.get_num_threads() == before
    assert chosen.execution is not None
    assert 1 in {each.num_threads for each in chosen.execution.tried}


def test_smaller_parts_are_tried_where_their_gradients_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way_trial, "LEAST_ROWS", 2)
    plan, gathered, recipe, module = planned()
    chosen = choose_way(plan.but(total_steps=LONG), gathered.data, module, recipe=recipe, machine=MACHINE)
    assert chosen.execution is not None
    assert 2 in {each.num_micro for each in chosen.execution.tried}


class Sleepy(nn.Module):
    """Is faster where products are rounded."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 3]."""
        found = self.linear(x.flatten(1))
        if found.dtype == torch.float32:
            time.sleep(0.03)
        return found


class Rows(nn.Module):
    """Counts the rows that copies of it have computed for a gradient; long steps, so that parts of batches are tried."""

    num_rows: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 3]."""
        if torch.is_grad_enabled():
            Rows.num_rows += len(x)
            time.sleep(0.025 if self.linear(x.flatten(1)).dtype == torch.float32 else 0.015)
        return self.linear(x.flatten(1))


@pytest.mark.parametrize(("steps", "batch_size"), [(60, 64), (110, 64), (300, 64), (300, 16), (500, 16)])
def test_of_the_planned_steps_no_more_than_a_small_share_is_tried(steps: int, batch_size: int) -> None:
    plan, gathered, recipe, _ = planned(batch_size=batch_size)
    Rows.num_rows = 0
    choose_way(plan.but(total_steps=steps), gathered.data, Rows(), recipe=recipe, machine=MACHINE)
    assert Rows.num_rows <= way_trial.SHARE * steps * batch_size
    # Of so few steps the share would hold no trial, so none is begun.
    assert (Rows.num_rows > 0) == ((steps, batch_size) not in [(60, 64), (300, 16)])


@pytest.mark.parametrize(("least", "taken"), [(0.9, "bfloat16"), (1.5, "float32")])
def test_a_lower_precision_is_taken_only_where_the_gradient_holds(
    monkeypatch: pytest.MonkeyPatch, least: float, taken: str
) -> None:
    monkeypatch.setattr(way_quality, "LEAST_COSINE", least)
    plan, gathered, recipe, _ = planned()
    chosen = choose_way(plan.but(total_steps=LONG), gathered.data, Sleepy(), recipe=recipe, machine=MACHINE)
    assert chosen.precision == taken
    assert any("loss or gradient do not hold" in told for told in told_of_trying(chosen)) == (taken == "float32")


def test_a_module_that_cannot_be_copied_stays_as_it_is() -> None:
    class Stubborn(nn.Linear):
        def __deepcopy__(self, memo: object) -> "Stubborn":
            raise RuntimeError("no copies")

    plan, gathered, recipe, _ = planned()
    long = plan.but(total_steps=LONG)
    assert choose_way(long, gathered.data, Stubborn(8, 3), recipe=recipe, machine=MACHINE) is long


class Counted(nn.Sequential):
    """Knows how many of it there are."""

    alive: ClassVar["weakref.WeakSet[Counted]"] = weakref.WeakSet()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        Counted.alive.add(self)


def test_copies_are_given_back() -> None:
    plan, gathered, recipe, module = planned()
    copies = Counted(*module)
    assert len(copy.deepcopy(copies)) == 5
    choose_way(plan.but(total_steps=LONG), gathered.data, copies, recipe=recipe, machine=MACHINE)
    gc.collect()
    assert not list(Counted.alive)


class Greedy(nn.Module):
    """Needs more memory than there is as soon as something is rounded."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 3]."""
        found = self.linear(x.flatten(1))
        if found.dtype == torch.bfloat16:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99999999999 bytes.")
        return found


def test_a_way_that_does_not_fit_into_the_memory_is_out_and_told() -> None:
    plan, gathered, recipe, _ = planned()
    chosen = choose_way(plan.but(total_steps=LONG), gathered.data, Greedy(), recipe=recipe, machine=MACHINE)
    assert chosen.precision == "float32"
    assert told_of_trying(chosen) == ["steps are not computed in bfloat16, contiguous: it does not fit into the memory"]


class Slow(nn.Linear):
    """Takes long to copy."""

    def __deepcopy__(self, memo: object) -> "Slow":
        time.sleep(60)
        return self


def test_a_way_that_has_to_be_compiled_is_left_when_its_time_is_up() -> None:
    plan, gathered, recipe, _ = planned()
    trial = way_trial.Trial(plan, gathered.data, Slow(8, 3), recipe, MACHINE, allowed=0.2)
    began = time.monotonic()
    assert trial._measured(plan.way.but(compile="inductor")) is None
    assert time.monotonic() - began < 5
    assert "compiling it took longer than" in trial.ruled_out[0].reason
    trial.close()


def test_an_equal_training_computes_the_same_way_without_trying() -> None:
    plan, gathered, recipe, module = planned()
    found = [
        choose_way(plan.but(total_steps=steps, seed=seed), gathered.data, module, recipe=recipe, machine=MACHINE)
        for steps, seed in ((LONG, 0), (LONG // 2, 1))
    ]
    figures = [[each.step_seconds for each in plan.execution.tried] for plan in found if plan.execution is not None]
    assert figures[0] == figures[1]
    assert any("before" in each.reason for each in found[1].decisions)
    said = recipe_from({"budget": {"steps": 3}, "precision": "float32"}, where="test")
    again = choose_way(plan.but(total_steps=LONG), gathered.data, module, recipe=said, machine=MACHINE)
    assert not any("before" in each.reason for each in again.decisions)


class Wave(nn.Module):
    """Is steep or not by a value that nothing tells but itself; faster where products are rounded."""

    def __init__(self, steepness: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 3)
        self.register_buffer("steepness", torch.tensor(steepness))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 3]."""
        found = self.first(x.flatten(1))
        if found.dtype == torch.float32:
            time.sleep(0.03)
        return self.last(torch.sin(self.steepness * found))


def test_a_remembered_way_is_taken_only_where_its_gradient_holds_for_this_module_too() -> None:
    plan, gathered, recipe, _ = planned()
    long = plan.but(total_steps=LONG)
    first, steep, again = (
        choose_way(long, gathered.data, Wave(steepness), recipe=recipe, machine=MACHINE) for steepness in (1.0, 300.0, 300.0)
    )
    assert first.precision == "bfloat16"
    # Nothing that the key holds tells it from the first one, and yet rounding spoils its gradient.
    assert steep.precision == again.precision == "float32"
    assert not any("before" in each.reason for each in steep.decisions)


def test_a_remembered_quality_is_told_as_it_is_now() -> None:
    plan, gathered, recipe, _ = planned()
    long = plan.but(total_steps=LONG)
    found = [choose_way(long, gathered.data, Wave(each), recipe=recipe, machine=MACHINE) for each in (1.0, 2.0)]
    cosines = [plan.execution.tried[1].cosine for plan in found if plan.execution is not None]
    assert found[1].precision == "bfloat16"
    assert cosines[0] != cosines[1]
    (reason,) = (each.reason for each in found[1].decisions if each.key == "precision")
    assert reason.startswith("measured on an equal module and these data before, loss and gradient looked at again now: ")
    assert reason.endswith(f"the gradient holds (cosine {cosines[1]:.4f})")


def test_of_several_processes_only_the_first_one_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_from({"budget": {"steps": LONG}}, where="test")
    found = []
    for rank in ("0", "1"):
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.setenv("RANK", rank)
        plan, _, _ = plan_training(Request(recipe, data=arrays(), module=network(), machine=MACHINE))
        found.append(plan.execution is not None)
    assert found == [True, False]


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
    chosen = choose_way(plan.but(total_steps=LONG), gathered.data, Picky(fault), recipe=recipe, machine=MACHINE)
    composed = compose(chosen, gathered.data, module=Picky(fault))
    report = composed.state.step(("fit",), composed.state.stream.next(), 0.0)
    assert np.isfinite(float(report.totals["fit"]))


def test_where_values_lie_changes_no_result(tmp_path: Path) -> None:
    def trained(plan: Plan, gathered: Gathered) -> list[float]:
        # What dropout leaves out follows the order in memory.
        composed = compose(plan, gathered.data, module=network(dropout=0.0))
        losses = []
        for _ in range(5):
            report = composed.state.step(("fit",), composed.state.stream.next(), 0.0)
            losses.append(float(report.totals["fit"]))
        return losses

    plan, gathered, _, _ = planned()
    lying = [
        trained(by_way(Way(precision="float32", memory_format=form), plan), gathered) for form in ("contiguous", "channels_last")
    ]
    # Sums in another order: the last bits of float32 differ.
    assert lying[0] == pytest.approx(lying[1], rel=1e-4)


def test_filters_over_one_channel_ask_for_the_layout_of_the_others() -> None:
    plan, gathered, _, _ = planned()
    way = Way(precision="float32", memory_format="channels_last")
    task = compose(by_way(way, plan), gathered.data, module=network()).state.task
    # Either layout fits filters [4, 1, 3, 3]; their strides say which one a convolution gives its output.
    (filters,) = [value for value in task.parameters() if value.dim() == 4]
    assert filters.stride() == (9, 1, 3, 1)


def test_a_resumed_run_computes_as_its_plan_says(tmp_path: Path) -> None:
    run = tutelage.train(arrays(), model=network(), steps=4, quiet=True, out=tmp_path / "run")
    tried = TriedWay(**CHOSEN, step_seconds=0.1)
    plan = run.decided.but(execution=Execution(memory_format="channels_last", tried=(tried,)))
    kept = plan_from(plan.to_record())
    gathered = plan_training(Request(recipe_from({"budget": {"steps": 3}}, where="test"), data=arrays(), module=network()))[1]
    task = compose(kept, gathered.data, module=network()).state.task
    weights = next(value for value in task.parameters() if value.dim() == 4 and value.shape[1] > 0)
    assert weights.is_contiguous(memory_format=torch.channels_last)


def test_a_run_computes_with_the_threads_that_its_plan_says_and_gives_them_back(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run = tutelage.train(arrays(), model=network(), steps=4, threads=1, quiet=True, out=tmp_path / "run")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert run.decided.num_threads == 1
    assert json.loads((tmp_path / "run" / "env.json").read_text(encoding="utf-8"))["num_threads"] == 1


def test_a_plan_of_older_runs_has_no_such_choice() -> None:
    record = planned()[0].to_record()
    del record["execution"]
    assert plan_from(record).execution is None
