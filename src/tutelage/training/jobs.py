"""What is done between steps, in this order: log, evaluate and judge, keep the time budget; then `saving.py` saves."""

import time
from collections.abc import Callable, Mapping, Sequence

from tutelage.core.emitter import Emitter
from tutelage.core.events import Corrected, Evaluated, Logged
from tutelage.core.memory import memory_told
from tutelage.core.stopping import Stopping
from tutelage.task.base import Evaluator, Task
from tutelage.task.measured import Remembering
from tutelage.training.control import judge
from tutelage.training.rollback import is_sound, note_good, roll_back
from tutelage.training.state import TrainState, copy_weights
from tutelage.training.time_left import Expected, TimeLeft

__all__ = ["BudgetJob", "EvaluateJob", "LogJob"]


Watch = Callable[[TrainState, Mapping[str, float]], None]
"""Who is shown the means of a regular log line."""
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
        watch: Watch | None = None,
        expected: Callable[[], Expected] = Expected,
        end: Callable[[int, int], float] = lambda _, total: total,
    ) -> None:
        """Log every `every` steps, from `step` on, and at least about every `line_seconds` of training.

        The time of `evaluate`'s evaluations is no part of a step's: the time left counts both by themselves, and what is
        `expected`, asked each time, of the parts that nothing has shown yet. `watch` is shown the means of each regular line;
        `end` says at which step the training will end, given those done and those planned.
        """
        self._watch, self._expected, self._end = watch, expected, end
        self._left = TimeLeft(expected())
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
            DivergedError: Who watches the lines has given up.
        """
        step = state.clock.step
        # Each process has a clock of its own: the first one's counts.
        is_late, num_steps = state.mesh.agree(self._look(step))
        if step % self._every == 0:
            means = state.ledger.flush(state.mesh)
            self._tell(state, means)
            if self._watch is not None:
                self._watch(state, means)
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
        """Tell means of the training loss."""
        step, seconds = state.clock.step, self._emitter.seconds
        evaluating = self._evaluate.seconds_spent if self._evaluate is not None else 0.0
        spent = seconds - self._last_seconds - (evaluating - self._last_evaluating)
        speed = (step - self._last_step) / max(spent, 1e-9)
        self._left.look(step - self._last_step, spent)
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
                remaining_seconds=self._remaining(step, round(self._end(step, state.control.total_steps))),
            )
        )
        self._last_step, self._last_seconds, self._last_evaluating = step, seconds, evaluating

    def _remaining(self, step: int, total_steps: int) -> float:
        """Return the seconds to the end of the run."""
        # Some forecasts are told only once steps were made.
        self._left.expect(self._expected())
        return self._left.seconds(
            max(total_steps - step, 0),
            evaluations=0 if self._evaluate is None else self._evaluate.num_due(step, total_steps),
            evaluation_seconds=0.0 if self._evaluate is None else self._evaluate.seconds_per_evaluation,
            spent=self._emitter.seconds,
        )


COOLING = "the validation score stands still, so the learning rate falls to zero within the steps that are left"
REMEMBERED = "evaluators"
"""Where a state keeps what evaluators remember: it changes no training, only what is told of it."""


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
        self.is_running = False
        self._every = every
        self._emitter, self._evaluators, self._stopping = emitter, tuple(evaluators), stopping
        self._versus_guess = versus_guess
        self._remembering = [evaluator for evaluator in evaluators if isinstance(evaluator, Remembering)]

    @memory_told("evaluating")
    def run(self, state: TrainState) -> None:
        """Evaluate now; weights that are not finite are put back first.

        Raises:
            DivergedError: They were put back often enough; the best weights so far are still in the state.
        """
        self.is_running = True
        self._emitter.stopwatch.lap("steps")
        try:
            self._run(state)
        finally:
            self.is_running = False
            self._emitter.stopwatch.lap("evaluations")

    def _run(self, state: TrainState) -> None:
        """Do what `run` says."""
        began = time.monotonic()
        step = state.clock.step
        if not is_sound(state):
            found = "weights or moments of the optimizer are not finite"
            roll_back(state, found, emitter=self._emitter, after=max(state.control.last_evaluation, 0))
        self._recall(state)
        self.last_metrics = state.mesh.agree(self._measure(state.task))
        was_cooling = state.control.is_cooling
        state.control, is_best = judge(state.control, self.last_metrics, step=step, stopping=self._stopping)
        if is_best or state.control.best_score is None:
            state.best = copy_weights(state.task.state_dict())
        note_good(state, is_best=state.control.best_step == step)
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
        if state.control.is_cooling and not was_cooling:
            self._emitter.emit(Corrected(step=step, total_steps=state.control.total_steps, reason=COOLING))
        for evaluator in self._evaluators:
            for event in evaluator.events(state.task, step=step):
                self._emitter.emit(event)
        state.outside[REMEMBERED] = {evaluator.name: evaluator.memory() for evaluator in self._remembering}
        self.next_step = (step // self._every + 1) * self._every
        self.seconds_per_evaluation = time.monotonic() - began
        self.seconds_spent += self.seconds_per_evaluation

    def __len__(self) -> int:
        return sum(len(evaluator) for evaluator in self._evaluators)

    def _recall(self, state: TrainState) -> None:
        """Let the evaluators go on from what they had seen when the state was saved, by another process perhaps."""
        remembered = state.outside.get(REMEMBERED, {})
        for evaluator in self._remembering:
            if evaluator.name in remembered:
                evaluator.recall(remembered[evaluator.name])

    def _measure(self, task: Task) -> dict[str, float]:
        """Return the metrics of all evaluators."""
        metrics: dict[str, float] = {}
        for evaluator in self._evaluators:
            found = evaluator(task)
            assert not metrics.keys() & found.keys(), f"two evaluators measure {sorted(metrics.keys() & found.keys())}"
            metrics |= found
        return metrics

    def num_due(self, step: int, total_steps: int) -> int:
        """Return how many evaluations follow after a step, the one at the end included."""
        return max(-(-total_steps // self._every) - step // self._every, 0)

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
        corrected, reason = state.mesh.agree(self._projected(step, total, is_cooling=state.control.is_cooling))
        if corrected != total:
            state.control = state.control.corrected(step, corrected)
            self._save(state)
            self._emitter.emit(Corrected(step=step, total_steps=corrected, reason=reason))
        self.next_step = step + max(1, min(self._every, (state.control.total_steps - step) // 4))

    def _projected(self, step: int, total: int, *, is_cooling: bool) -> tuple[int, str]:
        """Return the number of steps to plan for from now on, and why; the old number where it still fits.

        An end that was drawn near is not moved away again.
        """
        self._marks = [*self._marks[-8:], (step, self._step_seconds())]
        (old_step, old_seconds), (_, new_seconds) = self._marks[0], self._marks[-1]
        per_step = (new_seconds - old_seconds) / (step - old_step) + self._evaluate.seconds_per_step
        free = self._budget - self._emitter.seconds
        needed = (total - step) * per_step
        if free >= needed and self._emitter.seconds + needed >= self._budget * self.EARLY:
            return total, ""
        corrected = min(max(step + int(free * 0.98 / per_step), step), total if is_cooling else self._most_steps)
        if abs(corrected - total) <= 0.01 * (total - step):
            return total, ""
        return (
            corrected,
            f"{1 / per_step:.1f} steps/s measured: {total - step} more would take {needed:.0f} s of {free:.0f} s left",
        )

    def _step_seconds(self) -> float:
        """Return the time spent without evaluations."""
        return self._emitter.seconds - self._evaluate.seconds_spent
