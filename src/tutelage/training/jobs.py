"""What is done between steps, in this order: log, evaluate and judge, keep the time budget, save."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from tutelage.core.emitter import Emitter
from tutelage.core.errors import DivergedError
from tutelage.core.events import Corrected, Evaluated, Event, Logged, Saved
from tutelage.task.base import Task
from tutelage.training.checkpoint import save_checkpoint
from tutelage.training.control import Stopping, judge
from tutelage.training.state import Snapshot, TrainState

__all__ = ["BudgetJob", "EvaluateJob", "Evaluator", "LogJob", "SaveJob", "Shows"]


class Evaluator(Protocol):
    """Measures a task on one part of the data, or by letting it act."""

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/accuracy`; the task's mode is afterwards what it was."""

    def __len__(self) -> int:
        """Return the rows, or episodes, that it takes: its time grows with them."""


@runtime_checkable
class Shows(Protocol):
    """An evaluator that also has something to show, such as generated samples."""

    def events(self, task: Task, step: int) -> Sequence[Event]:
        """Return what the sinks are to take, after the metrics of the same step."""


class LogJob:
    """Tells the mean training loss since the last time, and stops a training that diverged."""

    def __init__(self, emitter: Emitter, *, every: int, step: int) -> None:
        """Log every `every` steps, from `step` on."""
        self.next_step = (step // every + 1) * every
        self._every = every
        self._emitter = emitter
        self._last_step, self._last_seconds = step, emitter.seconds

    def run(self, state: TrainState) -> None:
        """Flush the ledger and tell it.

        Raises:
            DivergedError: A loss is not finite, in whichever process; the best weights so far are still in the state.
        """
        step = state.clock.step
        means = state.ledger.flush(state.mesh)
        seconds = self._emitter.seconds
        speed = (step - self._last_step) / max(seconds - self._last_seconds, 1e-9)
        rates = {
            "lr" if len(state.step.updates) == 1 else f"{name}/lr": float(update.optimizer.param_groups[0]["lr"])
            for name, update in state.step.updates.items()
        }
        metrics = {f"train/{name}": value for name, value in means.items()} | rates
        self._emitter.emit(
            Logged(
                step=step,
                total_steps=state.control.total_steps,
                epoch=state.clock.epoch,
                metrics=metrics,
                steps_per_second=speed,
                remaining_seconds=max(state.control.total_steps - step, 0) / max(speed, 1e-9),
            )
        )
        bad = [name for name, value in means.items() if not math.isfinite(value)]
        if bad:
            raise DivergedError(
                f"training diverged: {bad[0]} = {means[bad[0]]} between steps {self._last_step} and {step}. Usual causes: a "
                "learning rate that is too high (try --set optim.lr= a tenth of it) or values in your own data or module "
                "that overflow (try --set precision=float32).",
                step=step,
            )
        self._last_step, self._last_seconds = step, seconds
        self.next_step = (step // self._every + 1) * self._every


class EvaluateJob:
    """Measures what is watched in training, judges the score, and keeps the best weights."""

    def __init__(self, emitter: Emitter, evaluators: Sequence[Evaluator], *, stopping: Stopping, every: int, step: int) -> None:
        """Evaluate every `every` steps, from `step` on."""
        self.next_step = (step // every + 1) * every
        self.seconds_spent = 0.0
        self.seconds_per_evaluation = 0.0
        self.last_metrics: dict[str, float] = {}
        self._every = every
        self._emitter, self._evaluators, self._stopping = emitter, tuple(evaluators), stopping

    def run(self, state: TrainState) -> None:
        """Evaluate now."""
        began = time.monotonic()
        step = state.clock.step
        self.last_metrics = state.mesh.agree(self._measure(state.task))
        state.control, is_best = judge(state.control, self.last_metrics, step=step, stopping=self._stopping)
        if is_best or state.control.best_score is None:
            state.best = copy_weights(state.task.state_dict())
        self._emitter.emit(Evaluated(step=step, epoch=state.clock.epoch, metrics=self.last_metrics, is_best=is_best))
        for evaluator in self._evaluators:
            if isinstance(evaluator, Shows):
                for event in evaluator.events(state.task, step):
                    self._emitter.emit(event)
        self.next_step = (step // self._every + 1) * self._every
        self.seconds_per_evaluation = time.monotonic() - began
        self.seconds_spent += self.seconds_per_evaluation

    def __len__(self) -> int:
        return sum(len(evaluator) for evaluator in self._evaluators)

    def _measure(self, task: Task) -> dict[str, float]:
        """Return the metrics of all evaluators."""
        metrics: dict[str, float] = {}
        for evaluator in self._evaluators:
            found = evaluator(task)
            assert not metrics.keys() & found.keys(), f"two evaluators measure {sorted(metrics.keys() & found.keys())}"
            metrics |= found
        return metrics

    @property
    def seconds_per_step(self) -> float:
        """Time of evaluations, spread over the steps between two of them."""
        return self.seconds_per_evaluation / self._every


class BudgetJob:
    """Keeps a time budget: measures the speed, and corrects the planned number of steps when it would be missed."""

    EARLY = 0.92
    """A projected end after this fraction of the budget, and before its end, is left alone: a correction bends the schedule."""

    def __init__(
        self,
        emitter: Emitter,
        evaluate: EvaluateJob,
        *,
        budget_seconds: float,
        reserve_seconds: float,
        every: int,
        step: int,
        save: Callable[[TrainState], None],
        most_steps: int,
    ) -> None:
        """Watch the clock.

        Args:
            emitter: Tells the time spent.
            evaluate: Tells the time that evaluations take.
            budget_seconds: Wall time for the whole command.
            reserve_seconds: What has to be left for the last evaluations and the report.
            every: Steps between two looks at the clock.
            step: The step at which this process starts.
            save: Makes a correction durable, so that a resumed run repeats it.
            most_steps: Never more than these.
        """
        self.next_step = step + every
        self._most_steps = most_steps
        self._every = every
        self._budget = budget_seconds - reserve_seconds
        self._emitter, self._evaluate, self._save = emitter, evaluate, save
        self._marks = [(step, self._step_seconds())]

    def run(self, state: TrainState) -> None:
        """Project the end, and correct the plan if it lies outside the budget or far inside."""
        step, total = state.clock.step, state.control.total_steps
        # Each process has a clock of its own: the first one's counts.
        corrected, reason = state.mesh.agree(self._projected(step, total))
        if corrected != total:
            state.control = state.control.corrected(step, corrected)
            self._save(state)
            self._emitter.emit(Corrected(step=step, total_steps=corrected, reason=reason))
        self.next_step = step + max(1, min(self._every, (state.control.total_steps - step) // 4))

    def _projected(self, step: int, total: int) -> tuple[int, str]:
        """Return the number of steps to plan for from now on, and why; the old number where it still fits."""
        self._marks = [*self._marks[-8:], (step, self._step_seconds())]
        (old_step, old_seconds), (_, new_seconds) = self._marks[0], self._marks[-1]
        per_step = (new_seconds - old_seconds) / (step - old_step) + self._evaluate.seconds_per_step
        free = self._budget - self._emitter.seconds
        needed = (total - step) * per_step
        if free >= needed and self._emitter.seconds + needed >= self._budget * self.EARLY:
            return total, ""
        corrected = min(max(step + int(free * 0.98 / per_step), step), self._most_steps)
        if abs(corrected - total) <= 0.01 * (total - step):
            return total, ""
        return (
            corrected,
            f"{1 / per_step:.1f} steps/s measured: {total - step} more would take {needed:.0f} s of {free:.0f} s left",
        )

    def _step_seconds(self) -> float:
        """Return the time spent without evaluations."""
        return self._emitter.seconds - self._evaluate.seconds_spent


class SaveJob:
    """Writes a checkpoint when enough wall time has passed; when it does so has no influence on training."""

    FRACTION = 0.02
    """Saving takes at most about this fraction of the time."""

    def __init__(self, emitter: Emitter, run_dir: Path, *, every_seconds: float, step: int) -> None:
        """Save into `run_dir` every `every_seconds` (more rarely where a save takes long)."""
        self.next_step = step + 1
        self._every = every_seconds
        self._wait = every_seconds
        self._emitter, self._run_dir = emitter, run_dir
        self._last = time.monotonic()

    def run(self, state: TrainState) -> None:
        """Save if it is time by the first process's clock."""
        if state.mesh.agree(time.monotonic() - self._last >= self._wait):
            self.save(state)
        every = state.mesh.ask_every
        self.next_step = (state.clock.step // every + 1) * every

    def save(self, state: TrainState) -> None:
        """Save now; of several processes all come here at the same step, and the first one writes."""
        began = time.monotonic()
        state.outside["seconds"] = self._emitter.seconds
        for sink in self._emitter.sinks:
            offsets = getattr(sink, "offsets", None)
            if offsets is not None:
                state.outside["offsets"] = offsets()
        snapshot = state.snapshot()
        if state.mesh.is_writer:
            self._write(snapshot)
        self._last = time.monotonic()
        self._wait = max(self._every, (self._last - began) / self.FRACTION) if self._every else 0.0

    def _write(self, snapshot: Snapshot) -> None:
        """Make a snapshot durable, and tell it once it is."""
        sha = save_checkpoint(self._run_dir, snapshot)
        self._emitter.emit(Saved(step=snapshot.values["clock"][0], digest=sha))


def copy_weights(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a copy that later steps do not change, laid out as files are, so that saving need not copy it again."""
    return {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()}
