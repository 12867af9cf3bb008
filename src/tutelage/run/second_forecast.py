"""The forecast of a run that may end before its budget, told again once a tenth of its steps is made: by the curve so far.

It reads what the run has measured anyway, and changes nothing of it. What it told is kept with the first forecast, and scored
with it at the end; until then the time left is told by it.
"""

import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tutelage.core.cache_folder import cache_folder
from tutelage.core.emitter import Emitter
from tutelage.core.errors import RunError
from tutelage.core.events import Forecast, ForecastScored, Warned
from tutelage.core.stopping import PATIENCE
from tutelage.foresight.endings import Endings
from tutelage.foresight.history import History
from tutelage.foresight.pace import Pace
from tutelage.foresight.run_time import Measured, RunTime, run_time, within
from tutelage.foresight.told import KEPT, Second, Told, told_before
from tutelage.hardware.virtual import is_virtual
from tutelage.planning.plan import Plan
from tutelage.run.first_steps import FirstSteps
from tutelage.run.run_schedule import endings_of, points_of, rhythm_of, schedule_of, stops_of
from tutelage.training.control import Control
from tutelage.training.state import TrainState

__all__ = ["SecondForecast", "score_second"]

SHARE = 0.1
"""Share of the most steps after which it is told."""
HOW = "curve"
NEVER = 2**62
SAVING = "saving"
PASSING = ("before", "warm-up", "steps", "evaluations", "checkpoints")
"""Parts of the first forecast that are known better by now; the others are still to come."""
PACE_SPREAD, EVALUATION_SPREAD = 0.03, 0.1
"""Relative standard deviations of what steps and evaluations to come take, beside the mean of those made."""
NUM_ENDS = 101


@dataclass
class SecondForecast:
    """A job of the training's loop that is done once.

    Attributes:
        plan: Everything decided.
        emitter: Told of it.
        folder: The run folder, whose curve is read.
        first: Has timed the first steps, which build kernels; None where nobody has.
        next_step: The step at which it is due.
    """

    plan: Plan
    emitter: Emitter
    folder: Path
    first: FirstSteps | None = None
    next_step: int = NEVER
    _made: int = 0
    _ends: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def begin(self, state: TrainState) -> "SecondForecast":
        """Become due, where the run may end early; of one that is resumed, read again what was told."""
        self._made, total = state.clock.step, state.control.total_steps
        told, rhythm = told_before(state.outside), rhythm_of(self.plan, state.control)
        may_end_early = not rhythm.stopping.is_fixed or state.control.is_cooling
        second = None if told is None else told.second
        if second is not None:
            self._ends = np.array(second.ends, dtype=float)
        elif (told is not None or not self._made) and may_end_early and state.mesh.world == 1:
            first = math.ceil(SHARE * total - 1e-9)
            # The evaluation of that step is part of the curve: before the first score there is none.
            due = -(-first // rhythm.eval_every) * rhythm.eval_every
            self.next_step = due if self._made < due < total else NEVER
        return self

    def run(self, state: TrainState) -> None:
        """Tell it."""
        self.next_step = NEVER
        first, step, control = told_before(state.outside), state.clock.step, state.control
        if first is None:
            return
        self.emitter.stopwatch.lap("steps")
        endings = self._endings(step, control)
        if endings is None:
            return
        self._ends = np.round(endings.quantiles(NUM_ENDS))
        time = self._time(first, endings, step=step, control=control)
        if self.plan.time_seconds:
            time = within(time, self.plan.time_seconds, is_filled=False)
        low, high = time.interval_80
        told = Forecast(
            expected_seconds=time.seconds,
            low_seconds=low,
            high_seconds=high,
            how=HOW,
            parts={name: round(seconds, 3) for name, seconds in time.parts.items()},
            step=step,
            early=endings.share_of(PATIENCE),
            never=endings.never,
        )
        second = Second(
            step=step,
            seconds=round(told.expected_seconds, 3),
            interval_80=(round(low, 3), round(high, 3)),
            spread=time.spread,
            unscaled=time.unscaled,
            endings=endings.record(),
            ends=tuple(round(end) for end in self._ends.tolist()),
        )
        # Another one, since a checkpoint that is being written may hold the old one.
        state.outside[KEPT] = first.model_copy(update={"second": second}).record()
        self.emitter.emit(told)
        self.emitter.stopwatch.lap("probe")

    def expected_end(self, step: int, total: int) -> float:
        """Return the step at which the run is expected to end, given that it has come so far."""
        later = self._ends[self._ends > step]
        return min(float(np.median(later)), float(total)) if len(later) else float(total)

    def _endings(self, step: int, control: Control) -> Endings | None:
        """Return how the run may end by its curve; None where it says nothing, or cannot be read, which is told."""
        rhythm, total = rhythm_of(self.plan, control), control.total_steps
        if rhythm.stopping.is_fixed:
            # Its patience ran out already, and its end is near.
            return Endings(np.array([float(total)]), (PATIENCE,), total)
        try:
            points = points_of(self.plan, self.folder, done=step)
        except (OSError, RunError) as error:
            # A border: a disk that refuses, or another hand; the training needs none of it.
            self.emitter.emit(Warned(message=f"the forecast is not told again, since its curve cannot be read: {error}"))
            return None
        return endings_of(self.plan, points, total=total, rhythm=rhythm)

    def _time(self, first: Told, endings: Endings, *, step: int, control: Control) -> RunTime:
        """Return the wall time of the whole run."""
        rhythm = rhythm_of(self.plan, control)
        schedule = schedule_of(self.plan, control.total_steps, rhythm=rhythm, done=step)
        seconds, made, every = self.emitter.stopwatch.seconds, max(step - self._made, 1), rhythm.eval_every
        each = seconds.get("evaluations", 0.0) / max(step // every - self._made // every, 1)
        warm_up = 0.0 if self.first is None or self.first.pace is None else self.first.pace.warm_up_seconds
        steps = max(seconds.get("steps", 0.0) - warm_up, 0.0)
        # Of a run that went on none may have been made since.
        checkpoint = self.emitter.stopwatch.each("checkpoints") or first.parts.get(SAVING, 0.0) / 2
        # The first checkpoint has passed, the last one has not.
        ahead = {name: float(value) for name, value in first.parts.items() if name not in PASSING} | {SAVING: checkpoint}
        measured = Measured(
            ahead,
            Pace(steps / made, spread=PACE_SPREAD, num_steps=made),
            first_evaluation=each,
            evaluation=each,
            evaluation_spread=EVALUATION_SPREAD,
            checkpoint=checkpoint,
            how=HOW,
        )
        stops = stops_of(endings, done=step)
        left = replace(schedule, opening_steps=0, stops=stops)
        history = History(cache_folder())
        return run_time(measured, left, scale=history.factor(HOW), passed=self.emitter.seconds, is_shared=is_virtual())


def score_second(second: Second | None, emitter: Emitter, *, actual: float, ended: int, is_kept: bool) -> dict[str, Any]:
    """Compare the second forecast with the wall time, and return what result.json says of it; {} where there was none.

    Args:
        second: What was told; None where nothing was.
        emitter: Told of the outcome.
        actual: Wall time in seconds.
        ended: The last step.
        is_kept: Whether later forecasts are to know of it.
    """
    if second is None:
        return {}
    low, high = second.interval_80
    scored = ForecastScored(
        expected_seconds=second.seconds, low_seconds=low, high_seconds=high, actual_seconds=actual, step=second.step
    )
    emitter.emit(scored)
    if is_kept:
        with suppress(Exception):  # the border: no forecast of other runs is worth this one's result
            History(cache_folder()).add({"kind": HOW, "forecast": second.seconds, "actual": actual, "spread": second.unscaled})
    told = second.model_dump(mode="json", exclude={"ends"})
    return {"second": {**told, "actual_seconds": round(actual, 3), "actual_steps": ended}}
