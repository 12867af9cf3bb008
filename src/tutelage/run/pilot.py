"""A training that is only tried, to know how long the real one will take: its true code, in a folder that is removed again.

Everything comes in as it does when training: data are read, the plan is made, steps are made with all that is done between
them. After a few seconds of steps it evaluates a few times and ends as a training ends, so that deciding, scoring and writing
are measured too. Nothing is modelled that can be measured.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from tutelage.core.emitter import Emitter
from tutelage.core.process_memory import peak_bytes, resident_bytes
from tutelage.core.stopwatch import Stopwatch
from tutelage.foresight.pace import Pace, measure_pace
from tutelage.planning.plan import Plan
from tutelage.run.apart import Apart, time_apart
from tutelage.run.compose import Composed
from tutelage.run.fewer_rows import FewerRows, leave_rows_out
from tutelage.run.largest_batch import largest_batch, room_for_steps
from tutelage.run.work import TrainingWork, count_if_possible
from tutelage.task.base import Data, Problem
from tutelage.training.freed_memory import free_memory
from tutelage.training.jobs import EvaluateJob
from tutelage.training.state import TrainState

__all__ = ["Pilot"]

EVALUATIONS = 3
"""Evaluations that are timed: the first one is not like the others."""
LEAST_STEPS, LEAST_SECONDS = 12, 2.0
"""Steps, and seconds of steps, that are made at least, where the run has as many."""
LEAST_PERIODS = 4
"""Periods of acting and learning, or of a rhythm, that are made at least."""
MOST_SECONDS = 12.0
"""Seconds of steps after which the pilot ends, however unsure."""
SLOW_SHARE = 0.05
"""Share of those seconds from which on a single step is so long that its parts are not timed too."""
SHARE = 0.1
"""Share of the run's own steps that is enough in any case."""
LONG_SECONDS = 4.0
"""Evaluations that take so long together are enough: the first one differs from the others by less than a second."""
CURVE_LOOKS = 10
"""Evaluations in that share, where the learning curve is to say when the run will end."""
CURVE_TIMES = 1.25
"""By how much longer than for the pace alone steps and evaluations may take for that."""
COUNTING_SECONDS = 15.0
"""What counting the operators of a step may take: a loop over time written in Python calls tens of thousands."""
SURE = 0.006
"""Relative standard error of the pace that is sure enough."""
LOOK_SECONDS = 0.25
"""Between two looks at how sure the pace is."""
STEPS_PER_LOOK_ON_DEVICE = 8
"""Where a device computes beside the host, only so many steps together can be timed."""
ENDED = "budget"


@dataclass
class Pilot:
    """Watches a training that is only tried: one more job of its loop.

    Attributes:
        plan: Of the training; its device says how steps are timed.
        most_seconds: Seconds of steps after which it ends.
        times: Seconds of each step so far, all of one kind.
        opening_times: The same for the steps before the usual ones.
        evaluations: Seconds of each evaluation.
        curve: Steps and scores of the watched metric, in the first part of the run.
        total_steps: Steps that the training would make.
        num_opening: Steps of those in which a part of the network learns alone.
        eval_every: Steps between two evaluations.
        first_step: Steps that were done before.
        work: What a step computes and holds, counted without running it; None where it cannot be counted.
        apart: What loader and device take, each alone; None where that means nothing.
        room_bytes: Memory that steps may take, before the first one.
        largest_batch: Rows of the largest batch that fits; None where that cannot be told.
        num_micro: Parts that batches were cut into at the end.
        peak_bytes: The most memory that this process had taken before a step was counted; None where that is not told.
        counting_bytes: What counting has left in memory.
        uncounted: Why the work of a step is not known; "" where it is.
        rows: Which held-out rows it leaves out; None before the training is built.
        unseen: Seconds that parts of the run take longer with all rows.
    """

    plan: Plan | None = None
    most_seconds: float = MOST_SECONDS
    times: list[float] = field(default_factory=list)
    opening_times: list[float] = field(default_factory=list)
    evaluations: list[float] = field(default_factory=list)
    curve: list[tuple[int, float]] = field(default_factory=list)
    total_steps: int = 0
    num_opening: int = 0
    eval_every: int = 1
    first_step: int = 0
    work: TrainingWork | None = None
    apart: Apart | None = None
    room_bytes: int = 0
    largest_batch: int | None = None
    num_micro: int = 1
    peak_bytes: int | None = None
    counting_bytes: int = 0
    uncounted: str = ""
    rows: FewerRows | None = None
    unseen: Mapping[str, float] = field(default_factory=dict)
    next_step: int = 0
    _left: int = EVALUATIONS
    _period: int = 0
    _looked_step: int = 0
    _is_ending: bool = False

    def build(self, build: Callable[[Plan, Data], Composed], watch: Stopwatch, plan: Plan, data: Data) -> Composed:
        """Return the training with fewer held-out rows, where these take long; as it is otherwise."""
        composed = build(plan, data)
        watch.lap("building")
        self.rows = leave_rows_out(plan, data, composed)
        watch.lap("probe")
        if self.rows.data is data:
            return composed
        composed.problem.close()
        # Both together may not find room.
        del composed
        free_memory()
        composed = build(self.rows.plan, self.rows.data)
        watch.lap("probe")
        return composed

    def join(self, plan: Plan, evaluate: EvaluateJob, emitter: Emitter, every: int) -> "Pilot":
        """Become a job of a training's loop.

        Args:
            plan: The training's.
            evaluate: What evaluates.
            emitter: Holds the stopwatch.
            every: Steps between two evaluations.
        """
        self.plan, self._evaluate, self.emitter, self.eval_every = plan, evaluate, emitter, every
        self.room_bytes = room_for_steps(plan.device)
        self._began = self._last = self._looked = time.monotonic()
        self._other = self._spent()
        self._seen = evaluate.seconds_spent
        return self

    def run(self, state: TrainState) -> None:
        """Note how long the step took, and end the training once enough is known."""
        self._look_at(state)
        step = state.clock.step
        self.next_step = step + 1
        is_last = step >= state.control.total_steps
        # On a card a trial ends at a step that was looked at, so that each one is in the pace.
        is_enough = self._looked_step == step and self._is_enough(state)
        if is_last or self._is_ending or is_enough:
            if not self._is_ending:
                self._is_ending, self._left = True, self._evaluations_to_come()
            if self._left and not is_last and sum(self.evaluations) < LONG_SECONDS:
                self._left -= 1
                self._evaluate.next_step = step + 1
                return
            if self.work is None:
                self._count(state)
            if self.apart is None and min(self.times, default=0.0) < SLOW_SHARE * self.most_seconds:
                self.apart = time_apart(state)
            state.control = state.control.stopped(ENDED)
        elif self._wants_curve(step):
            last = self.curve[-1][0] if self.curve else 0
            self._evaluate.next_step = max(min(round(last + self._steps_between()), int(SHARE * self.total_steps)), step + 1)

    def _evaluations_to_come(self) -> int:
        """Return how many evaluations are made at the end: each takes a step too, and of long steps there are enough."""
        is_slow = len(self.times) < LEAST_STEPS and _without_longest(self.times) > self.most_seconds
        return max((1 if is_slow else EVALUATIONS) - len(self.evaluations), 0)

    def shorten_test(self, problem: Problem) -> None:
        """Leave test rows out where scoring them would take long."""
        if self.rows is not None:
            self.unseen = self.rows.shorten_test(problem)

    def _count(self, state: TrainState) -> None:
        """Count a step, and how large its batch could be; what counting itself takes is no memory of the training."""
        before, self.peak_bytes = resident_bytes() or 0, peak_bytes()
        batch = state.stream.next()
        self.work, self.uncounted = count_if_possible(state, batch, most_seconds=COUNTING_SECONDS)
        self.num_micro = state.step.num_micro
        if self.work is not None and self.plan is not None:
            self.largest_batch = largest_batch(state, batch, work=self.work, room_bytes=self.room_bytes, most=self.plan.num_train)
        self.counting_bytes = max((resident_bytes() or 0) - before, 0)

    def pace(self) -> Pace:
        """Return what the usual steps cost; where none was made, what those before them cost."""
        times = self.times or self.opening_times
        return measure_pace(times, period=self._period) if times else Pace(0.0)

    def opening_pace(self) -> Pace | None:
        """Return what the steps before the usual ones cost; None where there are none."""
        return measure_pace(self.opening_times) if self.opening_times else None

    def _look_at(self, state: TrainState) -> None:
        """Note the time since the last look, without what was evaluated and saved."""
        if not self.total_steps:
            self.total_steps, self.num_opening = state.control.total_steps, state.task.num_opening
            self.first_step = self._looked_step = state.clock.step - 1
            period = int(getattr(state.stream, "steps_per_period", 0)) or len(state.task.rhythm)
            self._period = period if period > 1 else 0
        self._note_evaluation(state)
        if self.plan is not None and torch.device(self.plan.device).type == "cuda":
            if not self._is_time_to_wait(state):
                return
            torch.cuda.synchronize()
        moment, other = time.monotonic(), self._spent()
        passed = moment - self._last - (other - self._other)
        count = state.clock.step - self._looked_step
        self._last, self._other, self._looked_step = moment, other, state.clock.step
        is_opening = state.clock.step <= state.task.num_opening
        times = self.opening_times if is_opening else self.times
        times.extend([passed / count] * count)

    def _note_evaluation(self, state: TrainState) -> None:
        """Note what an evaluation took that was made since the last step, and what it found."""
        seen, self._seen = self._seen, self._evaluate.seconds_spent
        if self._seen > seen:
            self.evaluations.append(self._seen - seen)
            # A short run is tried beyond its first part, to be timed; its end is told from the first part all the same.
            if self.plan is not None and state.control.last_evaluation <= SHARE * self.total_steps:
                self.curve.append((state.control.last_evaluation, self._evaluate.last_metrics[f"val/{self.plan.watched}"]))

    def _is_time_to_wait(self, state: TrainState) -> bool:
        """Tell whether to wait for a device that computes beside the host: else the host alone would be timed."""
        step = state.clock.step
        made = step - self.first_step
        is_last = self._is_ending or step >= state.control.total_steps
        # What is still to be computed when an evaluation begins would be taken for a part of it.
        is_evaluated_next = self._evaluate.next_step <= step + 1
        return made <= STEPS_PER_LOOK_ON_DEVICE or made % STEPS_PER_LOOK_ON_DEVICE == 0 or is_last or is_evaluated_next

    def _spent(self) -> float:
        """Return the seconds that were no steps' so far."""
        seconds = self.emitter.stopwatch.seconds
        return seconds.get("evaluations", 0.0) + seconds.get("checkpoints", 0.0)

    def _is_enough(self, state: TrainState) -> bool:
        """Tell whether the pace is known well enough; an opening is cut short, so that the usual steps come."""
        if state.clock.step < state.task.num_opening:
            is_long = sum(self.opening_times) >= self.most_seconds / 2 and len(self.opening_times) >= LEAST_STEPS
            if not is_long and _without_longest(self.opening_times) < self.most_seconds / 2:
                return False
            state.task.num_opening = state.clock.step
            return False
        if self._wants_curve(state.clock.step):
            return False
        spent, planned = sum(self.times), self.total_steps * min(self.times, default=0.0)
        if _without_longest(self.times) > self.most_seconds:
            return True
        if len(self.times) < LEAST_STEPS or spent < min(LEAST_SECONDS, SHARE * planned):
            return False
        if len(self.times) < LEAST_PERIODS * self._period and spent < self.most_seconds:
            return False
        if spent > self.most_seconds:
            return True
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return False
        self._looked = time.monotonic()
        return spent > LEAST_SECONDS and (self.pace().spread <= SURE or spent > SHARE * planned)

    def _wants_curve(self, step: int) -> bool:
        """Tell whether the learning curve is still to be followed: of runs that may end early, up to their first part."""
        if self.plan is None or self.first_step or self.num_opening or (self.plan.patience >= 1 and self.plan.until is None):
            return False
        spent = sum(self.times) + sum(self.opening_times) + sum(self.evaluations)
        return step < int(SHARE * self.total_steps) and spent < CURVE_TIMES * self.most_seconds

    def _steps_between(self) -> float:
        """Return the steps between two looks at the learning curve: a few, of the first part or of what the time allows."""
        half = CURVE_TIMES * self.most_seconds / 2
        looks = min(CURVE_LOOKS, half / max(sum(self.evaluations) / max(len(self.evaluations), 1), 1e-9))
        steps = min(SHARE * self.total_steps, half / max(min(self.times, default=0.0), 1e-9))
        return steps / max(looks, 1)

    def record(self) -> dict[str, Any]:
        """Return JSON values of what was measured beside the parts."""
        return {
            "steps_measured": len(self.times),
            "pace": self.pace().record(),
            "evaluations": [round(seconds, 5) for seconds in self.evaluations],
            "apart": None if self.apart is None else self.apart.record(),
        }


def _without_longest(times: Sequence[float]) -> float:
    """Return the seconds of steps without the longest one, in which kernels may have been built."""
    return sum(times) - max(times, default=0.0)
