"""The first steps of a training are timed as they go by: what they say of its pace costs nothing, and nothing is put back."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from tutelage.core.emitter import Emitter
from tutelage.foresight.pace import Pace, measure_pace
from tutelage.training.state import TrainState

__all__ = ["FirstSteps"]

SHARE = 0.1
"""Share of a training's steps that are its first at most: what is told later is of no use."""
ENOUGH_STEPS, ENOUGH_SECONDS = 5, 0.25
"""Steps after the first one, and their seconds, after which the pace is clear enough."""
LONG_SECONDS = 2.0
"""Seconds of steps, the first one left out, after which it is told whatever their number."""
MOST_STEPS, PERIODS = 40, 2
"""Steps that are timed at most; or periods of acting and learning, of which the first one builds kernels."""
NEVER = 2**62
SCHEDULED = ("evaluations", "checkpoints")
OTHER_PARTS = (*SCHEDULED, "probe")


@dataclass
class FirstSteps:
    """A job of the training's loop that is done after each of the first steps, and never again.

    Attributes:
        emitter: Its stopwatch tells what was no step's time.
        is_on_card: Whether a device computes beside the host; it is waited for twice.
        then: Told the pace once it is known.
        doubts: Whether a pace of so few steps is odd, so that more of them are timed: a machine that is busy for a moment looks
            as one that has become slow.
        pace: What the first steps cost; None before that is known.
        next_step: The step at which the job is due.
    """

    emitter: Emitter
    is_on_card: bool = False
    then: Callable[[Pace], None] = lambda _: None
    doubts: Callable[[Pace], bool] = lambda _: False
    pace: Pace | None = None
    next_step: int = NEVER
    _times: list[float] = field(default_factory=list)
    _is_doubted: bool = False

    def watch(self, state: TrainState) -> bool:
        """Become due where the first steps are few of all, and like those that follow; tell whether it is so."""
        self._period = max(int(getattr(state.stream, "steps_per_period", 0)), len(state.task.rhythm), 1)
        self._most = min(int(SHARE * state.control.total_steps), max(MOST_STEPS, PERIODS * self._period))
        is_due = state.clock.step == 0 and not state.task.opening[1] and self._most >= PERIODS * self._period
        self.next_step = 1 if is_due else NEVER
        return is_due

    def start(self) -> None:
        """Look at the clock: the first step begins."""
        self._last, self._other = time.monotonic(), self._spent()

    def run(self, state: TrainState) -> None:
        """Note how long the step took; once that is enough, tell it and be done."""
        self.next_step = state.clock.step + 1
        is_enough = self._is_enough(len(self._times) + 1)
        if self.is_on_card and (not self._times or is_enough):
            torch.cuda.synchronize()
        moment, other = time.monotonic(), self._spent()
        self._times.append(max(moment - self._last - (other - self._other), 0.0))
        self._last, self._other = moment, other
        if is_enough:
            self.pace = measure_pace(self._measured(), period=self._period if self._period > 1 else 0)
            if self.pace.seconds > 0 and self._may_go_on() and self.doubts(self.pace):
                self._is_doubted = True
                return
            self.next_step = NEVER
            if self.pace.seconds > 0:
                self.emitter.stopwatch.lap("steps")
                self.then(self.pace)
                self.emitter.stopwatch.lap("probe")

    @property
    def seconds(self) -> float:
        """What the steps took that were timed."""
        return sum(self._times)

    @property
    def others(self) -> float:
        """What evaluations and checkpoints have taken between them."""
        return sum(self.emitter.stopwatch.seconds.get(part, 0.0) for part in SCHEDULED)

    def _is_enough(self, count: int) -> bool:
        """Tell whether so many steps say enough of the pace."""
        if count >= self._most:
            return True
        if count < PERIODS * self._period or count % self._period:
            return False
        warm = sum(self._times[self._period :])
        return warm >= LONG_SECONDS or (warm >= ENOUGH_SECONDS and count > ENOUGH_STEPS and not self._is_doubted)

    def _may_go_on(self) -> bool:
        """Tell whether more steps may be timed, where what these say is doubted for the first time."""
        is_long = sum(self._times[self._period :]) >= LONG_SECONDS
        return not (self._is_doubted or is_long or len(self._times) >= self._most)

    def _measured(self) -> list[float]:
        """Return the seconds of each step; of a device's only their mean is true."""
        if not self.is_on_card or len(self._times) < 2:
            return self._times
        mean = sum(self._times[1:]) / (len(self._times) - 1)
        return [self._times[0], *[mean] * (len(self._times) - 1)]

    def _spent(self) -> float:
        """Return the seconds that were no steps' so far."""
        return sum(self.emitter.stopwatch.seconds.get(part, 0.0) for part in OTHER_PARTS)
