"""A few real steps and an evaluation, timed before a training begins; then everything is put back as it was.

No trace of it is left in weights, moments, random numbers or the place in the data. An agent's steps come in periods, a rollout
and the updates on it, say; only whole periods say what a step costs, and where one would be too long, nothing is timed.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from tutelage.core.errors import OutOfMemoryError
from tutelage.foresight.pace import Pace, measure_pace
from tutelage.planning.plan import Plan
from tutelage.run.compose import Composed
from tutelage.run.run_schedule import schedule_of

__all__ = ["Timed", "fill", "period_of", "step_seconds", "time_ahead"]

SHARE = 0.015
"""Share of the run that timing steps may take."""
MOST_STEPS, MOST_SECONDS = 40, 5.0
"""Steps, and seconds, that are timed at most."""
ENOUGH_EVALUATIONS = 20
"""Evaluations of a run from which on one of them may be made beforehand: it is a twentieth of what they take at most."""
PERIODS = 2
"""Periods that are timed where they may be; the first one builds kernels too."""
LEAST_PERIODS = 64
"""Periods of a run from which on one may be timed: about the share above."""
ROUGH = 0.4
"""Relative standard deviation of a pace that is known from a single step."""


@dataclass(frozen=True, slots=True)
class Timed:
    """What was seen.

    Attributes:
        times: Seconds of each step; none where they could not be taken back.
        evaluation: Seconds of an evaluation; 0 where none was made.
        period: Steps after which acting and learning repeat; 0 where steps are alike.
    """

    times: tuple[float, ...] = ()
    evaluation: float = 0.0
    period: int = 0

    def pace(self) -> Pace | None:
        """Return what steps cost; None where none was timed."""
        if not self.times:
            return None
        if self.period:
            return self._pace_of_periods()
        return measure_pace(self.times) if len(self.times) > 1 else Pace(self.times[0], spread=ROUGH)

    def _pace_of_periods(self) -> Pace:
        """Return the mean over whole periods, without the first where there are two."""
        whole = len(self.times) // self.period
        first = self.period if whole > 1 else 0
        steps = self.times[first : whole * self.period]
        return Pace(sum(steps) / len(steps), spread=ROUGH / 2 / len(steps) ** 0.5 if first else ROUGH / 2, num_steps=len(steps))


NOTHING = Timed()


def time_ahead(plan: Plan, composed: Composed, *, steps: int, spent: float) -> Timed:
    """Time steps and an evaluation, and put everything back.

    Args:
        plan: Everything decided.
        composed: The training, not yet begun.
        steps: How many it will make.
        spent: Seconds that have passed already.
    """
    state, period = composed.state, period_of(composed)
    # An own module may keep what no state_dict holds, so it could not be put back.
    if composed.problem.inexact or state.mesh.world > 1 or plan.own_model or period * LEAST_PERIODS > steps:
        return NOTHING
    try:
        snapshot = state.snapshot()
    except OutOfMemoryError:
        return NOTHING
    try:
        times = _steps(composed, steps=steps, spent=spent, period=period)
        return Timed(tuple(times), _evaluation(plan, composed, steps), period)
    except OutOfMemoryError:
        # The copy that everything is put back from takes memory that the training itself does not need.
        return NOTHING
    finally:
        state.task.train()
        state.restore(snapshot)


def fill(stream: object) -> bool:
    """Let an agent play now what it plays before its first update; put back with the rest, it would be played twice.

    Returns:
        Whether there was anything to play.
    """
    play = getattr(stream, "fill", None)
    if play is not None:
        play()
    return play is not None


def period_of(composed: Composed) -> int:
    """Return the steps after which acting and learning, or the phases of a rhythm, repeat; 0 where all steps are alike."""
    period = max(int(getattr(composed.state.stream, "steps_per_period", 0)), len(composed.state.task.rhythm))
    return period if period > 1 else 0


def _evaluation(plan: Plan, composed: Composed, steps: int) -> float:
    """Return the seconds of an evaluation where the run makes many; else 0."""
    if schedule_of(plan, steps).evaluations < ENOUGH_EVALUATIONS:
        return 0.0
    validation = composed.problem.validation
    # What is done once would be done anyway.
    validation.ready()
    began = time.monotonic()
    validation(composed.state.task)
    return time.monotonic() - began


def step_seconds(composed: Composed, *, waits: Callable[[int], bool]) -> Iterator[float]:
    """Make one step after the other as a training does, and yield how long each took; who is not asked to go on makes no more.

    Args:
        composed: The training.
        waits: Tells, by how many steps are made, whether to wait for a card that computes beside the host.
    """
    state = composed.state
    state.task.train()
    is_on_card = torch.device(state.step.options.device).type == "cuda"
    for count in itertools.count():
        start = time.perf_counter()
        batch = state.stream.next()
        if state.task.draws:
            batch = state.task.draw(batch, torch.Generator())
        state.stream.observe(state.step(state.task.usual_beat(count), batch, 0.0))
        if is_on_card and waits(count + 1):
            torch.cuda.synchronize()
        yield time.perf_counter() - start


def _steps(composed: Composed, *, steps: int, spent: float, period: int) -> list[float]:
    """Make steps, and return how long each took, until their share is used up."""
    times, began = list[float](), time.monotonic()
    most = PERIODS * period or min(MOST_STEPS, steps)
    for seconds in step_seconds(composed, waits=lambda _: True):
        times.append(seconds)
        if len(times) >= most:
            break
        if len(times) % max(period, 1):
            continue
        # The first one builds kernels, which then are there.
        mean = sum(times) / len(times) if period else min(times)
        used = sum(times) + mean * max(period, 1) if period else sum(times[1:]) + mean
        is_late = time.monotonic() - began > MOST_SECONDS
        if is_late or (len(times) > 1 and used > SHARE * (spent + steps * mean)):
            break
    return times
