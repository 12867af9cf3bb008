"""What `train` says before its first step, and what came of it: a forecast of the whole wall time, scored at the end.

What is known of an equal training on this machine is used as it is; where nothing is, a few steps are timed and put back, for
at most a small share of the run. No trace of it is left in weights, moments, random numbers or the place in the data.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from tutelage.core.cache_folder import cache_folder
from tutelage.core.emitter import Emitter
from tutelage.core.events import Forecast, ForecastScored
from tutelage.core.names import MAX_SHOWN
from tutelage.foresight.history import History
from tutelage.foresight.pace import Pace
from tutelage.foresight.run_time import Measured, Schedule, run_time, within
from tutelage.foresight.told import KEPT, Told, told_before
from tutelage.planning.plan import Plan
from tutelage.run.compose import Composed
from tutelage.run.probe import PER_ROW, reserve_seconds
from tutelage.run.run_schedule import schedule_of
from tutelage.run.second_forecast import score_second
from tutelage.run.timed import Timed, fill, time_ahead
from tutelage.run.work import count_if_possible
from tutelage.training.course import FORWARD_FRACTION
from tutelage.training.machine import bits_depend_on

__all__ = ["Foresight", "kind_of", "known_run", "plan_key", "remember"]

AMOUNTS = (
    "decisions", "seed", "source", "total_steps", "time_seconds", "useful_steps", "corrections", "patience", "min_delta",
    "until",
)  # fmt: skip
"""Keys of a plan on which the time of a step does not depend."""
BEFORE = ("starting", "reading", "preparing", "planning", "building", "floor", "probe", "guess")
"""Parts that have passed when the forecast is told."""
NOT_ONCE = ("steps", "evaluations", "checkpoints")
ROUGH = 0.4
"""Relative standard deviation of what is only guessed: an evaluation, the end of a run."""
OTHER_DAY = 0.15
"""Relative standard deviation of a pace that is only remembered: the machine was busier then, or less so."""
MOST_KNOWN = 1e9
"""What is remembered lies below, in seconds or steps: thirty years."""
MOST_FLOPS = 1e24
"""Operations of a step lie below."""
SAVING, ENDING = "saving", "ending"
WORTH_COUNTING_SECONDS = 60.0
"""Wall time of a run from which on its operations are counted at its end: that takes a second or two."""
SURE_EVALUATION = 0.15
"""Relative standard deviation of what evaluations take, where one was timed."""
EPISODES_GROW, UNSURE_EPISODES = 3.0, 0.6
"""How much longer evaluations get that play whole episodes, in the mean of a run, and how unsure that is."""


def plan_key(plan: Plan) -> str:
    """Return what trainings have in common whose steps take the same time: plan and machine."""
    if plan.execution is not None:
        # Figures of trying differ each time.
        plan = plan.but(execution=plan.execution.chosen)
    record = {key: value for key, value in plan.to_record().items() if key not in AMOUNTS}
    text = json.dumps([record, bits_depend_on(plan.device)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def kind_of(how: str, schedule: Schedule) -> str:
    """Return the kind of a forecast, within which outcomes say how wide intervals have to be."""
    return f"{how} may stop early" if schedule.stops.probability else how


def remember(plan: Plan, measured: Measured, history: History | None = None) -> None:
    """Keep what was measured of a training, for the next one that is equal."""
    kept = {
        "once": dict(measured.once),
        "pace": measured.pace.record(),
        "opening": None if measured.opening is None else measured.opening.record(),
        "first_evaluation": measured.first_evaluation,
        "evaluation": measured.evaluation,
        "evaluation_spread": measured.evaluation_spread,
        "checkpoint": measured.checkpoint,
        "step_flops": measured.step_flops,
    }
    (history or History(cache_folder())).add({"key": plan_key(plan), "measured": kept})


def known_run(record: Mapping[str, Any]) -> Measured | None:
    """Return what was remembered; None where it cannot be read."""
    try:
        opening = None if record["opening"] is None else _pace_of(record["opening"])
        pace = _pace_of(record["pace"])
        numbers = {key: float(record[key]) for key in ("first_evaluation", "evaluation", "evaluation_spread", "checkpoint")}
        once = {str(name): float(seconds) for name, seconds in record["once"].items()}
        flops = float(record.get("step_flops", 0.0))
        flops = flops if 0 <= flops < MOST_FLOPS else 0.0
        if not all(0 <= value < MOST_KNOWN for value in (*numbers.values(), *once.values())):
            return None
        if not all(name.isprintable() and len(name) <= MAX_SHOWN for name in once):
            # They are told, and written into the result.
            return None
        return Measured(
            once=once,
            pace=replace(pace, spread=max(pace.spread, OTHER_DAY)),
            opening=opening,
            how="known",
            step_flops=flops,
            **numbers,
        )
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        return None


def _pace_of(record: Mapping[str, Any]) -> Pace:
    """Return a remembered pace.

    Raises:
        TypeError, ValueError: It is none.
    """
    found = Pace(**record)
    values: tuple[Any, ...] = (found.seconds, found.warm_up_seconds, found.spread, abs(found.drift), found.num_steps)
    if not all(isinstance(value, int | float) and 0 <= value < MOST_KNOWN for value in values):
        raise ValueError(f"no pace: {values}")
    return found


@dataclass
class Foresight:
    """Tells the forecast of one training, and scores it.

    Attributes:
        plan: Everything decided.
        emitter: Told of it.
    """

    plan: Plan
    emitter: Emitter

    def tell(self, composed: Composed, timed: Timed | None = None) -> None:
        """Forecast the wall time of a training that is about to begin.

        Args:
            composed: The training.
            timed: What a time budget's probe has seen of its steps; None where nothing was timed yet.
        """
        history = History(cache_folder())
        steps = composed.state.control.total_steps
        found = history.known(plan_key(self.plan))
        measured = (known_run(found) if found else None) or self._probed(composed, steps, timed)
        if measured.how == "guessed":
            # Without the pace of a single step there is nothing that could be told.
            return
        schedule = schedule_of(self.plan, steps, num_opening=round(composed.state.task.opening[1] * steps))
        ahead = replace(measured, once=_ahead(measured.once))
        kind = kind_of(measured.how, schedule)
        expected = run_time(ahead, schedule, scale=history.factor(kind), passed=self.emitter.seconds)
        if self.plan.time_seconds:
            expected = within(expected, self.plan.time_seconds)
        told = Told(
            seconds=expected.seconds,
            interval_50=expected.interval_50,
            interval_80=expected.interval_80,
            how=kind,
            spread=expected.spread,
            parts=expected.parts,
            step_seconds=measured.pace.seconds,
            evaluation_seconds=measured.evaluation,
            step_flops=measured.step_flops,
        )
        composed.state.outside[KEPT] = told.record()
        low, high = told.interval_80
        self.emitter.emit(
            Forecast(
                expected_seconds=told.seconds,
                low_seconds=low,
                high_seconds=high,
                how=measured.how,
                parts={name: round(seconds, 3) for name, seconds in told.parts.items()},
            )
        )

    def score(self, composed: Composed, *, is_resumed: bool, ended: bool) -> dict[str, Any]:
        """Compare the forecast with the wall time, and return what result.json says; {} where there was none."""
        told = told_before(composed.state.outside)
        if told is None or not ended:
            return {}
        actual, (low, high) = self.emitter.seconds, told.interval_80
        self.emitter.emit(
            ForecastScored(expected_seconds=told.seconds, low_seconds=low, high_seconds=high, actual_seconds=actual)
        )
        told = told.model_copy(update={"step_flops": told.step_flops or self._step_flops(composed, actual)})
        is_usual = not is_resumed and composed.state.control.stop_reason != "diverged"
        second = score_second(told.second, self.emitter, actual=actual, ended=composed.state.clock.step, is_kept=is_usual)
        if is_usual:
            # A border: the result is not written yet, and no forecast of other runs is worth it.
            with suppress(Exception):
                self._remember(composed, told, actual)
        return {KEPT: told.record() | {"actual_seconds": round(actual, 3)} | second}

    def _step_flops(self, composed: Composed, actual: float) -> float:
        """Return the operations of a step, for the ideal that the report shows; 0 where counting takes too large a share."""
        state = composed.state
        if actual < WORTH_COUNTING_SECONDS or self.plan.task.plays or state.mesh.world > 1:
            return 0.0
        with suppress(Exception):  # the border: the result is not written yet, and no ideal is worth it
            work = count_if_possible(state, state.stream.next())
            return 0.0 if work is None else work.per_step(lambda each: each.flops)
        return 0.0

    def _remember(self, composed: Composed, told: Told, actual: float) -> None:
        """Keep the outcome, and what this training's parts took."""
        history, state = History(cache_folder()), composed.state
        if not self.plan.time_seconds:
            history.add({"kind": told.how, "forecast": told.seconds, "actual": actual, "spread": told.spread})
        seconds = self.emitter.stopwatch.seconds
        steps = state.clock.step
        if steps < 2:
            return
        schedule = schedule_of(self.plan, max(steps, state.control.initial_steps))
        count = max(round(schedule.evaluations * steps / max(schedule.steps, 1)), 1)
        evaluation = seconds.get("evaluations", 0.0) / count
        pace = Pace(seconds.get("steps", 0.0) / steps, spread=0.02, num_steps=steps)
        once = {name: value for name, value in seconds.items() if name not in (*NOT_ONCE, "probe")}
        # The first checkpoint and the last are always made; of those between, the clock decides.
        between = int(seconds.get("steps", 0.0) / self.plan.save_seconds) if self.plan.save_seconds else steps
        checkpoint = seconds.get("checkpoints", 0.0) / (2 + between)
        once |= {SAVING: 2 * checkpoint, ENDING: max(actual - sum(seconds.values()), 0.0)}
        known = Measured(
            once,
            pace,
            first_evaluation=evaluation,
            evaluation=evaluation,
            checkpoint=checkpoint,
            step_flops=told.step_flops,
        )
        remember(self.plan, known, history)

    def _probed(self, composed: Composed, steps: int, timed: Timed | None) -> Measured:
        """Return what a few steps say that were timed and put back; where that cannot be, guess."""
        if timed is None:
            self.emitter.stopwatch.lap("probe")
            if fill(composed.state.stream):
                self.emitter.stopwatch.lap("steps")
            timed = time_ahead(self.plan, composed, steps=steps, spent=self.emitter.seconds)
        pace = timed.pace() or Pace(_tried_before(self.plan), spread=ROUGH)
        rows = len(composed.problem.validation) if self.plan.num_validation else 0
        per_row = float(composed.state.outside.get(PER_ROW, 0.0)) or (pace.seconds * FORWARD_FRACTION / self.plan.batch_size)
        once = {ENDING: reserve_seconds(composed, per_row)}
        # Warm by now: what building kernels takes has passed.
        warm = replace(pace, warm_up_seconds=0.0)
        plays = bool(self.plan.task.plays)
        each = timed.evaluation * (EPISODES_GROW if plays else 1.0) or rows * per_row
        return Measured(
            once,
            warm,
            first_evaluation=timed.evaluation or each,
            evaluation=each,
            evaluation_spread=UNSURE_EPISODES if plays else SURE_EVALUATION if timed.evaluation else ROUGH,
            how="timed" if pace.seconds else "guessed",
        )


def _tried_before(plan: Plan) -> float:
    """Return the seconds of a step of an own module, as copies of it were tried; 0 where none was."""
    return 0.0 if plan.execution is None else plan.execution.step_seconds


def _ahead(once: Mapping[str, float]) -> dict[str, float]:
    """Return the parts that are still to come."""
    return {name: seconds for name, seconds in once.items() if name not in (*BEFORE, "report", "leaving")}
