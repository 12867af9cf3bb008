"""What is done between steps, in this order: log, evaluate and judge, keep the time budget, save."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from tutelage.core.emitter import Emitter
from tutelage.core.errors import RunError
from tutelage.core.events import Corrected, Evaluated, Logged, Saved, Warned
from tutelage.task.base import Evaluator, Task
from tutelage.training.control import Stopping, judge
from tutelage.training.divergence import diverged
from tutelage.training.state import TrainState
from tutelage.training.writer import Durable, Writer

__all__ = ["BudgetJob", "EvaluateJob", "LogJob", "SaveJob"]


LINE_SECONDS = 10.0
"""Longest time of training without a log line, about: a ten-hour run is then told in at least 3600 points."""
LOOKS_PER_LINE = 10
"""Looks at the clock in that time."""


class LogJob:
    """Tells the mean training loss at regular steps, and in between where these lie far apart in time.

    The sums of the loss are part of a training's state, so the number of steps alone decides when they begin anew: at the
    regular lines, which say the same in each repetition. The lines in between, which the clock decides on, tell the sums so
    far and change nothing.
    """

    def __init__(
        self,
        emitter: Emitter,
        *,
        every: int,
        step: int,
        line_seconds: float = LINE_SECONDS,
        evaluate: "EvaluateJob | None" = None,
    ) -> None:
        """Log every `every` steps, from `step` on, and at least about every `line_seconds` of training.

        The time of `evaluate`'s evaluations is no part of a step's: the time left counts both by themselves.
        """
        self._evaluate, self._last_evaluating = evaluate, 0.0
        self._every, self._line_seconds = every, line_seconds
        self._emitter = emitter
        self._last_step, self._last_seconds = step, emitter.seconds
        self._last_look = (step, emitter.seconds)
        # Nothing is known yet of how long a step takes.
        self.next_step = step + 1

    def run(self, state: TrainState) -> None:
        """Tell a line if it is time.

        Raises:
            DivergedError: A number is not finite, in whichever process; the best weights so far are still in the state.
        """
        step = state.clock.step
        # Each process has a clock of its own: the first one's counts.
        is_late, num_steps = state.mesh.agree(self._look(step))
        if step % self._every == 0:
            self._tell(state, state.ledger.flush(state.mesh))
        elif is_late:
            self._tell(state, state.ledger.means(state.mesh))
        self.next_step = min((step // self._every + 1) * self._every, step + num_steps)

    def _look(self, step: int) -> tuple[bool, int]:
        """Return whether a line is due by the clock, and the steps until it is worth looking again."""
        seconds = self._emitter.seconds
        (last_step, last_seconds), self._last_look = self._last_look, (step, seconds)
        speed = (step - last_step) / max(seconds - last_seconds, 1e-9)
        return seconds - self._last_seconds >= self._line_seconds, max(1, int(speed * self._line_seconds / LOOKS_PER_LINE))

    def _tell(self, state: TrainState, means: Mapping[str, float]) -> None:
        """Tell means of the training loss, and stop a training that diverged."""
        step, seconds = state.clock.step, self._emitter.seconds
        evaluating = self._evaluate.seconds_spent if self._evaluate is not None else 0.0
        spent = seconds - self._last_seconds - (evaluating - self._last_evaluating)
        speed = (step - self._last_step) / max(spent, 1e-9)
        rates = {
            "lr" if len(state.step.updates) == 1 else f"{name}/lr": float(update.optimizer.param_groups[0]["lr"])
            for name, update in state.step.updates.items()
        }
        told: Mapping[str, float] = getattr(state.stream, "metrics", dict)()
        own = {f"train/{name}": value for name, value in told.items()}
        metrics = {f"train/{name}": value for name, value in means.items()} | own | rates
        self._emitter.emit(
            Logged(
                step=step,
                total_steps=state.control.total_steps,
                epoch=state.clock.epoch,
                metrics=metrics,
                steps_per_second=speed,
                remaining_seconds=self._remaining(max(state.control.total_steps - step, 0), speed),
            )
        )
        bad = [name for name, value in means.items() if not math.isfinite(value)]
        if bad:
            raise diverged(f"{bad[0]} = {means[bad[0]]}", after=self._last_step, step=step)
        self._last_step, self._last_seconds, self._last_evaluating = step, seconds, evaluating

    def _remaining(self, num_steps: int, speed: float) -> float:
        """Return the seconds that steps and their evaluations will take."""
        per_step = self._evaluate.seconds_per_step if self._evaluate is not None else 0.0
        return num_steps * (1 / max(speed, 1e-9) + per_step)


class EvaluateJob:
    """Measures what is watched in training, judges the score, and keeps the best weights."""

    def __init__(
        self,
        emitter: Emitter,
        evaluators: Sequence[Evaluator],
        *,
        stopping: Stopping,
        every: int,
        step: int,
        versus_guess: Callable[[Mapping[str, float]], str] = lambda _: "unknown",
    ) -> None:
        """Evaluate every `every` steps, from `step` on; `versus_guess` compares the metrics with those of a trivial predictor."""
        self.next_step = (step // every + 1) * every
        self.seconds_spent = 0.0
        self.seconds_per_evaluation = 0.0
        self.last_metrics: dict[str, float] = {}
        self._every = every
        self._emitter, self._evaluators, self._stopping = emitter, tuple(evaluators), stopping
        self._versus_guess = versus_guess

    def run(self, state: TrainState) -> None:
        """Evaluate now."""
        began = time.monotonic()
        step = state.clock.step
        self.last_metrics = state.mesh.agree(self._measure(state.task))
        state.control, is_best = judge(state.control, self.last_metrics, step=step, stopping=self._stopping)
        if is_best or state.control.best_score is None:
            state.best = copy_weights(state.task.state_dict())
        self._emitter.emit(
            Evaluated(
                step=step,
                epoch=state.clock.epoch,
                metrics=self.last_metrics,
                is_best=is_best,
                watched=self._stopping.metric,
                versus_guess=self._versus_guess(self.last_metrics),
            )
        )
        for evaluator in self._evaluators:
            for event in evaluator.events(state.task, step=step):
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
    """Makes a checkpoint when enough wall time has passed; when it does so has no influence on training.

    Training waits for the copy of its state, not for the disk: see `writer.py`.
    """

    FRACTION = 0.02
    """Training waits for saving at most about this fraction of its time."""
    WRITING_FRACTION = 0.1
    """Checkpoints are being written at most about this fraction of the time: that takes memory, and a core for the hash."""

    def __init__(self, emitter: Emitter, run_dir: Path, *, every_seconds: float, step: int) -> None:
        """Save into `run_dir` every `every_seconds` (more rarely where a save takes long)."""
        self.next_step = step + 1
        self._every = every_seconds
        self._wait = every_seconds
        self._emitter, self._writer = emitter, Writer(run_dir)
        self._last = time.monotonic()

    def run(self, state: TrainState) -> None:
        """Save if it is time by the first process's clock.

        Raises:
            RunError: The checkpoint before this one could not be written, whichever process asks.
        """
        if state.mesh.lead(self._is_time):
            self.save(state)
        every = state.mesh.ask_every
        self.next_step = (state.clock.step // every + 1) * every

    def save(self, state: TrainState) -> None:
        """Copy the state now and begin to write it; of several processes all come here at the same step, and the first writes.

        Raises:
            RunError: The checkpoint before this one could not be written, whichever process asks.
        """
        began = time.monotonic()
        state.mesh.lead(self._settle)
        state.outside["seconds"] = self._emitter.seconds
        # A sink that has just failed has none; what it had at the last checkpoint is then where its files are cut.
        state.outside["offsets"] = {**state.outside.get("offsets", {}), **self._emitter.offsets()}
        snapshot = state.snapshot()
        if state.mesh.is_writer:
            self._writer.write(snapshot)
        self._last = time.monotonic()
        # Where each step is to be saved, none is left out.
        self._wait = max(self._every, (self._last - began) / self.FRACTION) if self._every else 0.0

    def secure(self, state: TrainState) -> None:
        """Save now, and return once it is durable: what follows may rely on it."""
        self.save(state)
        state.mesh.lead(self._settle)

    def close(self) -> None:
        """End the writer, once it is done, whatever has happened; the run folder may then be given to another process."""
        self._writer.close()
        try:
            self._settle()
        except RunError as error:
            # Another reason ends this training already.
            self._emitter.emit(Warned(message=str(error)))

    def _is_time(self) -> bool:
        """Tell what has become durable, and whether the next checkpoint is due; raises what the writer met."""
        self._tell(self._writer.poll())
        return time.monotonic() - self._last >= self._wait

    def _settle(self) -> None:
        """Wait until the checkpoint that is being written, if any, is durable; raises what the writer met."""
        self._tell(self._writer.wait())

    def _tell(self, durable: Durable | None) -> None:
        """Tell what has become durable, in the thread that trains: sinks know no other."""
        if durable is not None:
            self._emitter.emit(Saved(step=durable.step, digest=durable.digest))
            self._wait = max(self._wait, durable.seconds / self.WRITING_FRACTION) if self._every else 0.0


def copy_weights(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a copy that later steps do not change, laid out as files are, so that saving need not copy it again."""
    return {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()}
