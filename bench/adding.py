"""The adding problem: does a recurrent network remember over hundreds of steps?

A row is a series of two channels: numbers from 0 to 1, and a mark that is 1 at two of the steps, one in each half. What is
asked for is the sum of the two marked numbers. Guessing 1 has a mean squared error of 0.167; below 0.001 the problem is solved.
Gates solve it at length 200 within some thousand steps; a plain recurrent network does not.

Source: S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", 1997, Neural Computation 9, section 5.4. Differs from the
paper: numbers from 0 to 1, marks of 0 and 1, rows of one length.

`python -m bench.adding --help` names the options: other lengths, kinds, seeds.
"""

import argparse
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tutelage.core import catalog
from tutelage.core.shape.series import SeriesShape
from tutelage.data.rows.dense import DenseRows
from tutelage.data.stream import FiniteStream
from tutelage.loss.mse import SquaredError
from tutelage.optim.adam import Adam
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.task.base import Phase
from tutelage.task.lags import measure_lags
from tutelage.task.supervised import SupervisedTask
from tutelage.training.control import Control
from tutelage.training.loop import run_loop
from tutelage.training.state import TrainState
from tutelage.training.step import Step, StepOptions

__all__ = ["SETTINGS", "SOLVED", "Solved", "prepare", "rows", "run", "train"]

SOLVED = 1e-3
GUESS = 1 / 6
"""Mean squared error of always answering 1."""
ROWS, LOOKS, BATCH, LR = 20_000, 40, 64, 3e-3
SETTINGS: dict[str, dict[str, Any]] = {
    "rnn": {},
    "lstm": {"forget_bias": "chrono"},
    "gru": {"update_bias": "chrono"},
    "min_gru": {"update_bias": "chrono", "depth": 2},
}
"""Beside one layer of 64 that reads onward and answers from its last step, for each kind."""


@dataclass(frozen=True)
class Solved:
    """How far a training came.

    Attributes:
        error: Mean squared error on rows that it never saw.
        steps: Steps that it took.
        reach: Norm of the loss's gradient at the first step of a row, over that at the last: what vanishes is near 0.
    """

    error: float
    steps: int
    seconds: float
    reach: float


def rows(count: int, length: int, *, seed: int) -> dict[str, Tensor]:
    """Return `series` [N, T, 2], `mask` [N, T] and `target` [N]."""
    generator = torch.Generator().manual_seed(seed)
    number_NT = torch.rand(count, length, generator=generator)
    first_N = torch.randint(length // 2, (count,), generator=generator)
    second_N = torch.randint(length // 2, length, (count,), generator=generator)
    mark_NT = torch.zeros(count, length)
    mark_NT.scatter_(1, torch.stack([first_N, second_N], dim=1), 1.0)
    series_NTC = torch.stack([number_NT, mark_NT], dim=-1)
    return {"series": series_NTC, "mask": torch.ones(count, length, dtype=torch.bool), "target": (number_NT * mark_NT).sum(dim=1)}


def prepare(model: nn.Module, learned: dict[str, Tensor], *, steps: int, seed: int, device: str = "cpu") -> TrainState:
    """Return a training of a model on rows, with the settings that are measured here."""
    phase = Phase(owns=("model.",), optim=Adam(lr=LR), schedule=LinearToZero(warmup=0.02), clip=1.0)
    task = SupervisedTask(model, loss=SquaredError().build(), input_names=("series", "mask"), phase=phase).to(device)
    stream = FiniteStream(DenseRows(learned), batch_size=min(BATCH, len(learned["target"])), seed=seed, device=device)
    return TrainState(task, Step(task, StepOptions(device=device)), stream, Control(steps))


def train(kind: str, *, length: int, seed: int, steps: int, device: str = "cpu", **settings: Any) -> Solved:
    """Train until it is solved, or for so many steps."""
    began = time.monotonic()
    one_way = {"depth": 1, "bidirectional": False, "pool": ("last",), "width": 64, "embedding_size": 64}
    spec = catalog.load("model", kind)(**(one_way | SETTINGS.get(kind, {}) | settings))
    torch.manual_seed(seed)
    model = spec.build(SeriesShape(channels=2, length=length), 1)
    state = prepare(model, rows(ROWS, length, seed=seed + 1_000), steps=steps, seed=seed, device=device)
    held_out = {name: value.to(device) for name, value in rows(1_000, length, seed=seed + 2_000).items()}
    error = float("nan")
    for look in range(1, LOOKS + 1):
        run_loop(state, jobs=(), seed=seed, until_step=look * steps // LOOKS)
        state.task.eval()
        with torch.no_grad():
            error = float(state.task.objective("fit", held_out).total) / 1_000
        if error < SOLVED:
            break
    lags = measure_lags(state.task, lambda: {name: value[:16] for name, value in held_out.items()})
    reach = lags[max(lags)] / lags[min(lags)]
    return Solved(error, state.clock.step, time.monotonic() - began, reach)


def run(*, kinds: tuple[str, ...], seeds: range, length: int, steps: int, device: str) -> dict[str, Any]:
    """Train each kind with each seed, print a line for each, and return how many solved it."""
    print(f"{'kind':8} {'seed':>4} {'steps':>6} {'error':>10} {'seconds':>8} {'reach':>9}   solved: below {SOLVED}")
    record: dict[str, Any] = {}
    for kind in kinds:
        found = []
        for seed in seeds:
            one = train(kind, length=length, seed=seed, steps=steps, device=device)
            found.append(one)
            said = "solved" if one.error < SOLVED else "NOT solved"
            print(f"{kind:8} {seed:4} {one.steps:6} {one.error:10.6f} {one.seconds:8.1f} {one.reach:9.1e}   {said}", flush=True)
        record[kind] = {
            "solved": sum(one.error < SOLVED for one in found),
            "of": len(found),
            "errors": [one.error for one in found],
        }
    return record


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else "")
    parser.add_argument("--kinds", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--length", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--steps", type=int, default=4_000, help="at most")
    parser.add_argument("--device", default="cpu")
    own = parser.parse_args()
    record = run(kinds=tuple(own.kinds), seeds=range(own.seeds), length=own.length, steps=own.steps, device=own.device)
    print(", ".join(f"{kind}: {found['solved']} of {found['of']}" for kind, found in record.items()))


if __name__ == "__main__":
    main()
