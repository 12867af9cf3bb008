"""What several processes do together, as a program that each of them runs; prints one JSON line with each problem's result.

Usage: RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=PORT python -m tests.e2e.mesh_problems PROBLEM,... FOLDER [NUM_MICRO]
Without WORLD_SIZE it is one process.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from tests.stand_ins import Tight, Told
from tutelage.core.emitter import Emitter
from tutelage.core.errors import DivergedError, OutOfMemoryError, RecipeError, TutelageError
from tutelage.core.events import Event, Refused, RolledBack
from tutelage.core.seeds import derive
from tutelage.core.stopping import Stopping
from tutelage.data.augment.photo import Photo
from tutelage.data.prepare.image import Normalize
from tutelage.data.prepare.padding import Pad
from tutelage.data.rows.base import Rows
from tutelage.data.rows.labelled import LabelledRows
from tutelage.data.rows.mapped import MappedRows
from tutelage.data.rows.ragged import RaggedRows, join
from tutelage.data.stream import FiniteStream
from tutelage.game.non_saturating import NonSaturating
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.optim.sgd import SGD
from tutelage.task.base import Batch, Phase
from tutelage.task.generate import Generate, GenerateTask
from tutelage.task.supervised import SupervisedTask
from tutelage.training import state as state_module
from tutelage.training.checkpoint import checkpoints, newest_checkpoint
from tutelage.training.control import Control
from tutelage.training.divergence import DivergenceJob
from tutelage.training.jobs import BudgetJob, EvaluateJob, LogJob
from tutelage.training.loop import run_loop
from tutelage.training.mesh import DistributedMesh, Mesh, mesh_from_environment
from tutelage.training.saving import SaveJob
from tutelage.training.state import TrainState, digest, seed_everything
from tutelage.training.step import Step, StepOptions

SEED, STEPS, BATCH = 3, 50, 32


class CutStream:
    """Each process's part of every batch: the same cut as that of micro-batches."""

    epoch_size, batch_size = 320, BATCH

    def __init__(self, mesh: Mesh, *, poison_at: int = -1) -> None:
        generator = torch.Generator().manual_seed(1)
        self.x = torch.randn(self.epoch_size, 8, generator=generator)
        self.target = (self.x[:, :3] * 2).argmax(dim=1)
        self.mesh, self.position, self.poison_at = mesh, 0, poison_at

    def next(self) -> Batch:
        rows = (torch.arange(BATCH) * 7 + self.position * 11) % self.epoch_size
        rows = rows.tensor_split(self.mesh.world)[self.mesh.rank]
        self.position += 1
        x = self.x[rows]
        return {"x": x * torch.nan if self.position == self.poison_at else x, "target": self.target[rows]}

    def row_numbers(self) -> None:
        """Return None: the numbers are drawn."""

    def renew(self) -> None:
        """Drop nothing."""

    def observe(self, report: object) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {"position": self.position}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.position = int(state["position"])


class Accuracy:
    """An evaluator whose answer differs between the processes, as a clock's would."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh

    def __len__(self) -> int:
        return 1

    def __call__(self, task: nn.Module) -> dict[str, float]:
        return {"val/loss": 1.0 / 3.0 + self.mesh.rank, "val/seen": float("nan")}

    def events(self, task: nn.Module, *, step: int) -> tuple[Event, ...]:
        return ()


def make(mesh: Mesh, *, num_micro: int = 1, dropout: float = 0.0, poison_at: int = -1, steps: int = STEPS) -> TrainState:
    """A classifier with momentum, whose weights start differently in each process, and are made equal by the step."""
    seed_everything(derive(SEED, "model", mesh.rank))
    layers: list[nn.Module] = [nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3)]
    if dropout:
        layers[1:1] = [nn.BatchNorm1d(32), nn.Dropout(dropout)]
    phase = Phase(owns=("model.",), optim=SGD(lr=0.1, momentum=0.9), schedule=LinearToZero(), clip=1.0)
    task = SupervisedTask(nn.Sequential(*layers), input_names=("x",), phase=phase, loss=CrossEntropy().build(), ema=0.9)
    step = Step(task, StepOptions(num_micro=num_micro), mesh=mesh)
    return TrainState(task, step, CutStream(mesh, poison_at=poison_at), Control(steps).begun())


class SmallNet(nn.Module):
    """Pictures, or texts as padded tokens with a mask, to three classes."""

    def __init__(self, *, is_text: bool) -> None:
        super().__init__()
        self.first = nn.Embedding(50, 16) if is_text else nn.Conv2d(3, 16, 3)
        self.last = nn.Linear(16, 3)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            pooled: Tensor = self.first(x).relu().mean(dim=(2, 3))
        else:
            pooled = (self.first(x) * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        scores: Tensor = self.last(pooled)
        return scores


def through_stream(mesh: Mesh, *, is_text: bool, num_micro: int) -> dict[str, Any]:
    """Train a classifier on its part of the batches of the real stream."""
    seed_everything(derive(SEED, "model", mesh.rank))
    random = np.random.default_rng(1)
    target = torch.arange(320) % 3
    rows: Rows
    finish: nn.Module
    if is_text:
        texts = [random.integers(0, 50, size=size) for size in random.integers(1, 40, size=320)]
        rows, finish, names = RaggedRows({"token": join(texts)}), Pad("token", multiple=4), ("token", "mask")
    else:
        pixels = random.integers(0, 256, (320, 8, 8, 3)).astype(np.uint8)
        rows, finish, names = MappedRows({"image": pixels}), Normalize((127.0,) * 3, (70.0,) * 3), ("image",)
        rows.is_on_disk = True
    stream = FiniteStream(
        LabelledRows(rows, {"target": target}),
        batch_size=33,
        seed=SEED,
        finish=finish,
        augment=None if is_text else Photo(),
        rank=mesh.rank,
        world=mesh.world,
    )
    phase = Phase(owns=("model.",), optim=SGD(lr=0.1, momentum=0.9), schedule=LinearToZero())
    task = SupervisedTask(SmallNet(is_text=is_text), input_names=names, phase=phase, loss=CrossEntropy().build())
    state = TrainState(task, Step(task, StepOptions(num_micro=num_micro), mesh=mesh), stream, Control(STEPS).begun())
    run_loop(state, jobs=(), seed=SEED)
    return {
        "sha": sha(dict(state.task.named_parameters())),
        "weights": weights_of(state),
        "position": stream.state()["position"],
        "epoch": state.clock.epoch,
    }


def stream(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """A classifier of augmented pictures, prepared ahead, and one of texts in batches of like lengths."""
    return {name: through_stream(mesh, is_text=name == "texts", num_micro=num_micro) for name in ("pictures", "texts")}


def weights_of(state: TrainState) -> list[float]:
    return [float(value) for parameter in state.task.parameters() for value in parameter.detach().flatten().double()]


def sha(values: Mapping[str, Tensor]) -> str:
    return hashlib.sha256(b"".join(value.detach().numpy().tobytes() for value in values.values())).hexdigest()


def train(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """Fifty steps."""
    state = make(mesh, num_micro=num_micro)
    run_loop(state, jobs=(), seed=SEED)
    loss = state.ledger.flush(mesh)["loss"]
    return {
        "sha": sha(dict(state.task.named_parameters())),
        "weights": weights_of(state),
        "loss": loss,
        "epoch": state.clock.epoch,
    }


def decide(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """A time budget that the clocks of the processes judge differently; log lines, evaluations, checkpoints."""
    state = make(mesh)
    memory = Told()
    # The second process believes that it started two minutes ago.
    emitter = Emitter([memory], started=time.monotonic() - 120 * mesh.rank)
    save = SaveJob(emitter, run_dir, every_seconds=0, step=0)
    evaluate = EvaluateJob(emitter, [Accuracy(mesh)], stopping=Stopping(), every=10, step=0)
    budget = BudgetJob(
        emitter, evaluate, budget_seconds=60, reserve_seconds=1, every=5, step=0, save=save.secure, most_steps=STEPS + 7
    )
    run_loop(state, jobs=[LogJob(emitter, every=10, step=0), evaluate, budget, save], seed=SEED)
    save.close()
    told = [[type(event).__name__, getattr(event, "step", -1)] for event in memory.events]
    logged = [dict(event.metrics) for event in memory.events if type(event).__name__ in ("Logged", "Evaluated")]  # type: ignore[attr-defined]
    return {"control": state.control.state(), "told": [each for each in told if each[0] != "Saved"], "metrics": logged}


def interrupt(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """A signal that reaches the last process alone, at step 5."""
    state = make(mesh)
    is_last = mesh.rank == mesh.world - 1
    run_loop(state, jobs=(), seed=SEED, is_interrupted=lambda: "terminated" if is_last and state.clock.step >= 5 else "")
    return {"step": state.clock.step, "stop_reason": state.control.stop_reason}


def diverge(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """Values that are no numbers, in the last process alone; then weights that are none, in all."""
    state, memory = make(mesh, dropout=0.3, poison_at=12 if mesh.rank == mesh.world - 1 else -1), Told()
    emitter = Emitter([memory], started=time.monotonic())
    divergence = DivergenceJob(emitter, step=0, num_micro=state.step.num_micro)
    jobs = [divergence, LogJob(emitter, every=10, step=0, watch=divergence.look_at_line)]
    run_loop(state, jobs=jobs, seed=SEED, until_step=20)
    refused, before = state.refusals.total, sha(dict(state.task.named_parameters()))
    with torch.no_grad():
        next(state.task.parameters()).fill_(torch.nan)
    told = ""
    try:
        run_loop(state, jobs=jobs, seed=SEED)
    except DivergedError as error:
        told = str(error)
    events = [[type(event).__name__, event.step] for event in memory.events if isinstance(event, Refused | RolledBack)]
    after = sha(dict(state.task.named_parameters()))
    return {"refused": refused, "before": before, "after": after, "events": events, "error": told, "step": state.clock.step}


def shortage(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """Too little memory in the last process alone: for its rows, then for any."""
    is_last = mesh.rank == mesh.world - 1
    state = make(mesh, dropout=0.3)
    tight = Tight(most_rows=4 if is_last else 10**9, after=10)
    state.task.model.append(tight)  # type: ignore[operator, union-attr]
    run_loop(state, jobs=(), seed=SEED, until_step=20)
    parts, weights = state.step.num_micro, sha(dict(state.task.named_parameters()))
    tight.most_rows = 0 if is_last else 10**9
    try:
        run_loop(state, jobs=(), seed=SEED, until_step=30)
    except OutOfMemoryError as error:
        return {"parts": parts, "weights": weights, "step": state.clock.step, "error": str(error)}
    return {}


def lacks(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """Too little memory in the last process alone: for what is exchanged, for the optimizer's moments, for a checkpoint."""

    def lacking(*_: object, **__: object) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes.")

    def untold(work: Callable[[], object]) -> str:
        try:
            work()
        except OutOfMemoryError as error:
            return str(error)
        return ""

    is_last, told = mesh.rank == mesh.world - 1, {}
    state = make(mesh)
    if is_last:
        state.step.updates["fit"]._step = lacking
    told["moments"] = untold(lambda: run_loop(state, jobs=(), seed=SEED, until_step=5))
    state = make(mesh)
    whole = mesh.copies
    if is_last:
        mesh.copies = lambda tensors: whole(tensors) if state.step.num_micro > 1 else lacking()  # type: ignore[method-assign]
    told["exchange"] = untold(lambda: run_loop(state, jobs=(), seed=SEED, until_step=5))
    mesh.copies = whole  # type: ignore[method-assign]
    told["parts"] = str(state.step.num_micro)
    if is_last:
        vars(state_module)["_copied"], copied = lacking, state_module._copied
    told["snapshot"] = untold(state.snapshot)
    if is_last:
        vars(state_module)["_copied"] = copied
    return told


def resume(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """Twenty steps at once, and twelve, a checkpoint, and eight: with dropout and batch norm, which differ between processes."""

    def straight(until: int) -> TrainState:
        state = make(mesh, dropout=0.3)
        run_loop(state, jobs=(), seed=SEED, until_step=until)
        return state

    SaveJob(Emitter([], started=time.monotonic()), run_dir, every_seconds=0, step=0).secure(straight(12))
    mesh.barrier()
    state = make(mesh, dropout=0.3)
    state.restore(newest_checkpoint(run_dir)[0])
    run_loop(state, jobs=(), seed=SEED, until_step=20)
    again, whole = state.snapshot(), straight(20).snapshot()
    own = {key: torch.equal(value, whole.tensors[key]) for key, value in again.tensors.items()}
    rng = sha({"rng": torch.get_rng_state()})
    return {"equal": digest(again) == digest(whole), "different": [key for key, same in own.items() if not same], "rng": rng}


def talk(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """Every word of the mesh."""
    arrays = {"rows": np.arange(mesh.rank + 1, dtype=np.int64), "score": np.full((1, 2), 0.1 * mesh.rank, dtype=np.float32)}
    mixed = [torch.full((2,), mesh.rank + 1.0), torch.tensor(mesh.rank + 1), torch.ones(2, 2)]
    mesh.sum_(mixed)
    first = [torch.full((3,), float(mesh.rank)), torch.tensor([mesh.rank])]
    mesh.spread_(first)
    mesh.barrier()
    return {
        "sum": [tensor.tolist() for tensor in mixed],
        "spread": [tensor.tolist() for tensor in first],
        "total": mesh.total(mesh.rank + 1),
        "agree": mesh.agree(
            {"time": 0.1 + 0.2 + mesh.rank, "word": "first" if mesh.is_writer else "other", "late": mesh.rank > 0}
        ),
        "first_word": [mesh.first_word("second" if mesh.rank == 1 else ""), mesh.first_word("")],
        "gather": [{key: value.tolist() for key, value in each.items()} for each in mesh.gather(arrays)],
        "nothing": mesh.gather({}),
    }


def fail(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """What the first process alone does for all: it works, it fails; a checkpoint that it cannot write."""
    told: dict[str, Any] = {"value": mesh.lead(lambda: [mesh.rank, "done"])}

    def full() -> None:
        raise PermissionError(13, "Permission denied", "run/plan.json")

    def untold(work: Callable[[], object]) -> list[Any]:
        try:
            work()
        except (TutelageError, OSError) as error:
            return [type(error).__name__, str(error).replace(str(run_dir), "run")]
        return []

    told["io"] = untold(lambda: mesh.lead(full))
    if mesh.is_writer:
        run_dir.mkdir(parents=True)
        (run_dir / "steps").write_text("no folder", encoding="utf-8")
    mesh.barrier()
    state = make(mesh)
    save = SaveJob(Emitter([], started=time.monotonic()), run_dir, every_seconds=0, step=0, patience_seconds=0)
    told["save"] = untold(lambda: run_loop(state, jobs=[save], seed=SEED))
    told["step"] = state.clock.step
    told["secure"] = untold(lambda: save.secure(state))
    save.close()
    # With patience all of them train on, and save once there is room.
    patient = SaveJob(Emitter([], started=time.monotonic()), run_dir, every_seconds=0, step=state.clock.step)
    told["patient"] = untold(lambda: run_loop(state, jobs=[patient], seed=SEED))
    told["end"] = state.clock.step
    mesh.barrier()
    if mesh.is_writer:
        (run_dir / "steps").unlink()
    told["room"] = untold(lambda: patient.secure(state))
    patient.close()
    told["saved"] = mesh.agree([path.name for path in checkpoints(run_dir)])
    return told


class SplitMesh(DistributedMesh):
    """A mesh for parameters that `fully_shard` has split: their gradients are already means over the processes."""

    def __init__(self, whole: Mesh) -> None:
        self.rank, self.world = whole.rank, whole.world

    def copies(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        return super().copies([tensor for tensor in tensors if not isinstance(tensor, DTensor)])

    def sum_(self, tensors: Sequence[Tensor], copies: Sequence[Tensor] | None = None) -> None:
        super().sum_([tensor for tensor in tensors if not isinstance(tensor, DTensor)], copies)
        for tensor in tensors:
            if isinstance(tensor, DTensor):
                tensor.mul_(self.world)

    def spread_(self, tensors: Sequence[Tensor]) -> None:
        """Every process holds its own part, and nothing else."""


def make_gan(mesh: Mesh, *, is_split: bool, backward: Literal["owned", "whole"]) -> tuple[GenerateTask, Step]:
    """A GAN, whose two phases own different parameters."""
    seed_everything(SEED)

    def network(num_inputs: int, num_outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(num_inputs, 16), nn.ReLU(), nn.Linear(16, num_outputs))

    networks = {"generator": network(4, 2), "critic": network(2, 1)}
    if is_split:
        networks = {name: fully_shard(module) for name, module in networks.items()}
    phases = {name: Phase(owns=(f"{name}.",), optim=SGD(lr=0.05), schedule=LinearToZero()) for name in networks}
    # Without gradient penalties: torch 2.13 frees split parameters before a second backward pass could use them.
    task = GenerateTask(Generate(latent_size=4, critic_steps=1, game=NonSaturating(gamma=0.0)), **networks, phases=phases)
    return task, Step(task, StepOptions(backward=backward), mesh=SplitMesh(mesh) if is_split else mesh)


def split(mesh: Mesh, run_dir: Path, num_micro: int) -> dict[str, Any]:
    """Ten steps of a GAN whose parameters are split over the processes, beside one whose parameters are not."""

    def after(*, is_split: bool, backward: Literal["owned", "whole"]) -> dict[str, Tensor]:
        task, step = make_gan(mesh, is_split=is_split, backward=backward)
        for number in range(10):
            generator = torch.Generator().manual_seed(number)
            batch = task.draw({"sample": torch.randn(8, 2, generator=generator)}, generator)
            own = {name: value.tensor_split(mesh.world)[mesh.rank] for name, value in batch.items()}
            step(task.beat(number), own, number / 10)
        weights = {name: parameter.detach() for name, parameter in task.named_parameters()}
        return {name: each.full_tensor() if isinstance(each, DTensor) else each for name, each in weights.items()}

    plain, split_up = after(is_split=False, backward="owned"), after(is_split=True, backward="whole")
    try:
        refused = str(after(is_split=True, backward="owned").keys())
    except RecipeError as error:
        refused = str(error)
    apart = max(float((plain[name] - value).abs().max()) for name, value in split_up.items())
    return {"apart": apart, "refused": refused}


PROBLEMS: dict[str, Callable[[Mesh, Path, int], dict[str, Any]]] = {
    "train": train,
    "stream": stream,
    "decide": decide,
    "interrupt": interrupt,
    "diverge": diverge,
    "shortage": shortage,
    "lacks": lacks,
    "resume": resume,
    "talk": talk,
    "fail": fail,
    "split": split,
}


def main(problems: str, folder: str, num_micro: str = "1") -> None:
    """Do one process's part of each problem."""
    torch.set_num_threads(1)
    mesh = mesh_from_environment(os.environ)
    result = {problem: PROBLEMS[problem](mesh, Path(folder) / problem, int(num_micro)) for problem in problems.split(",")}
    mesh.close()
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
