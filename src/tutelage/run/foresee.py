"""What `train` says before its first step, and what came of it: a forecast of the whole wall time, scored at the end.

What is known of an equal training on this machine is used as it is; where nothing is, a few steps are timed and put back, for
at most a small share of the run. No trace of it is left in weights, moments, random numbers or the place in the data.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch

from tutelage.core.cache_folder import cache_folder
from tutelage.core.emitter import Emitter
from tutelage.core.errors import OutOfMemoryError
from tutelage.core.events import Forecast, ForecastScored
from tutelage.foresight.history import History
from tutelage.foresight.pace import Pace, measure_pace
from tutelage.foresight.run_time import Measured, Schedule, run_time
from tutelage.planning.plan import Plan
from tutelage.run.compose import Composed
from tutelage.run.probe import reserve_seconds
from tutelage.run.run_schedule import schedule_of
from tutelage.run.second_forecast import KEPT, score_second
from tutelage.training.course import FORWARD_FRACTION
from tutelage.training.machine import bits_depend_on

__all__ = ["Foresight", "kind_of", "known_run", "plan_key", "remember"]

SHARE = 0.015
"""Share of the run that timing steps may take."""
MOST_STEPS, MOST_SECONDS = 40, 5.0
"""Steps, and seconds, that are timed at most."""
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
ENDING = "ending"
ENOUGH_EVALUATIONS = 20
"""Evaluations of a run from which on one of them may be made beforehand: it is a twentieth of what they take at most."""
SURE_EVALUATION = 0.15
"""Relative standard deviation of what evaluations take, where one was timed."""
EPISODES_GROW, UNSURE_EPISODES = 3.0, 0.6
"""How much longer evaluations get that play whole episodes, in the mean of a run, and how unsure that is."""


def plan_key(plan: Plan) -> str:
    """Return what trainings have in common whose steps take the same time: plan and machine."""
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
    }
    (history or History(cache_folder())).add({"key": plan_key(plan), "measured": kept})


def known_run(record: Mapping[str, Any]) -> Measured | None:
    """Return what was remembered; None where it cannot be read."""
    try:
        opening = None if record["opening"] is None else _pace_of(record["opening"])
        pace = _pace_of(record["pace"])
        numbers = {key: float(record[key]) for key in ("first_evaluation", "evaluation", "evaluation_spread", "checkpoint")}
        once = {str(name): float(seconds) for name, seconds in record["once"].items()}
        if not all(0 <= value < MOST_KNOWN for value in (*numbers.values(), *once.values())):
            return None
        return Measured(
            once=once,
            pace=replace(pace, spread=max(pace.spread, OTHER_DAY)),
            opening=opening,
            how="known",
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

    def tell(self, composed: Composed) -> None:
        """Forecast the wall time of a training that is about to begin."""
        history = History(cache_folder())
        steps = composed.state.control.total_steps
        found = history.known(plan_key(self.plan))
        measured = (known_run(found) if found else None) or self._probed(composed, steps)
        if measured.how == "guessed":
            # Without the pace of a single step there is nothing that could be told.
            return
        schedule = schedule_of(self.plan, steps, num_opening=round(composed.state.task.opening[1] * steps))
        ahead = replace(measured, once=_ahead(measured.once))
        kind = kind_of(measured.how, schedule)
        expected = run_time(ahead, schedule, scale=history.factor(kind), passed=self.emitter.seconds)
        low, high = expected.interval_80
        if self.plan.time_seconds:
            low, high = min(low, self.plan.time_seconds), self.plan.time_seconds
        told = Forecast(
            expected_seconds=min(max(expected.seconds, low), high),
            low_seconds=low,
            high_seconds=high,
            how=measured.how,
            parts={name: round(seconds, 3) for name, seconds in expected.parts.items()},
        )
        composed.state.outside[KEPT] = {
            "seconds": round(told.expected_seconds, 3),
            "interval_80": [round(low, 3), round(high, 3)],
            "how": kind,
            "spread": expected.spread,
            "parts": dict(told.parts),
        }
        self.emitter.emit(told)

    def score(self, composed: Composed, *, is_resumed: bool, ended: bool) -> dict[str, Any]:
        """Compare the forecast with the wall time, and return what result.json says; {} where there was none."""
        kept = composed.state.outside.get(KEPT)
        if not isinstance(kept, dict) or not ended:
            return {}
        actual = self.emitter.seconds
        self.emitter.emit(
            ForecastScored(
                expected_seconds=float(kept["seconds"]),
                low_seconds=float(kept["interval_80"][0]),
                high_seconds=float(kept["interval_80"][1]),
                actual_seconds=actual,
            )
        )
        is_usual = not is_resumed and composed.state.control.stop_reason != "diverged"
        second = score_second(kept, self.emitter, actual=actual, ended=composed.state.clock.step, is_kept=is_usual)
        if is_usual:
            # A border: the result is not written yet, and no forecast of other runs is worth it.
            with suppress(Exception):
                self._remember(composed, kept, actual)
        return {KEPT: {**kept, "actual_seconds": round(actual, 3), **second}}

    def _remember(self, composed: Composed, kept: Mapping[str, Any], actual: float) -> None:
        """Keep the outcome, and what this training's parts took."""
        history, state = History(cache_folder()), composed.state
        if not self.plan.time_seconds:
            history.add({"kind": kept["how"], "forecast": kept["seconds"], "actual": actual, "spread": kept["spread"]})
        seconds = self.emitter.stopwatch.seconds
        steps = state.clock.step
        if steps < 2:
            return
        schedule = schedule_of(self.plan, max(steps, state.control.initial_steps))
        count = max(round(schedule.evaluations * steps / max(schedule.steps, 1)), 1)
        evaluation = seconds.get("evaluations", 0.0) / count
        pace = Pace(seconds.get("steps", 0.0) / steps, spread=0.02, num_steps=steps)
        once = {name: value for name, value in seconds.items() if name not in (*NOT_ONCE, "probe")}
        once |= {ENDING: max(actual - sum(seconds.values()), 0.0)}
        known = Measured(once, pace, first_evaluation=evaluation, evaluation=evaluation, checkpoint=0.0)
        remember(self.plan, known, history)

    def _probed(self, composed: Composed, steps: int) -> Measured:
        """Time a few steps and put everything back; where that cannot be, guess."""
        times, evaluation = self._timed(composed, steps)
        times = times or _tried_before(self.plan)
        pace = measure_pace(times) if len(times) > 1 else Pace(times[0] if times else 0.0, spread=ROUGH)
        rows = len(composed.problem.validation) if self.plan.num_validation else 0
        per_row = float(composed.state.outside.get("evaluation_seconds_per_row", 0.0)) or (
            pace.seconds * FORWARD_FRACTION / self.plan.batch_size
        )
        once = {ENDING: reserve_seconds(composed, per_row)}
        # Warm by now: what building kernels takes has passed.
        warm = Pace(pace.seconds, 0.0, pace.spread, pace.drift, pace.num_steps)
        plays = bool(self.plan.task.plays)
        each = evaluation * (EPISODES_GROW if plays else 1.0) or rows * per_row
        return Measured(
            once,
            warm,
            first_evaluation=evaluation or each,
            evaluation=each,
            evaluation_spread=UNSURE_EPISODES if plays else SURE_EVALUATION if evaluation else ROUGH,
            how="timed" if times else "guessed",
        )

    def _timed(self, composed: Composed, steps: int) -> tuple[list[float], float]:
        """Return the seconds of some steps and of an evaluation; nothing where they cannot be taken back."""
        # An own module may keep what no state_dict holds, so it could not be put back.
        if composed.problem.inexact or composed.state.mesh.world > 1 or self.plan.own_model:
            return [], 0.0
        try:
            snapshot = composed.state.snapshot()
        except OutOfMemoryError:
            return [], 0.0
        try:
            return self._steps(composed, steps), self._evaluation(composed, steps)
        finally:
            composed.state.task.train()
            composed.state.restore(snapshot)

    def _evaluation(self, composed: Composed, steps: int) -> float:
        """Return the seconds of an evaluation where the run makes many; else 0."""
        if schedule_of(self.plan, steps).evaluations < ENOUGH_EVALUATIONS:
            return 0.0
        validation = composed.problem.validation
        # What is done once would be done anyway.
        validation.ready()
        began = time.monotonic()
        validation(composed.state.task)
        return time.monotonic() - began

    def _steps(self, composed: Composed, steps: int) -> list[float]:
        """Make steps, and return how long each took, until their share is used up."""
        state, times = composed.state, list[float]()
        state.task.train()
        device, began = torch.device(self.plan.device), time.monotonic()
        while len(times) < min(MOST_STEPS, steps) and time.monotonic() - began < MOST_SECONDS:
            start = time.perf_counter()
            batch = state.stream.next()
            if state.task.draws:
                batch = state.task.draw(batch, torch.Generator())
            state.step(state.task.usual_beat(len(times)), batch, 0.0)
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
            # The first one builds kernels, which then are there.
            allowed = SHARE * (self.emitter.seconds + steps * min(times))
            if len(times) > 1 and sum(times[1:]) + min(times) > allowed:
                break
        return times


def _tried_before(plan: Plan) -> list[float]:
    """Return the seconds of a step of an own module, as copies of it were tried; nothing where none was."""
    tried = () if plan.execution is None else plan.execution.tried
    form = "" if plan.execution is None else plan.execution.memory_format
    chosen = (plan.precision, form, plan.compile)
    return [way.step_seconds for way in tried if (way.precision, way.memory_format, way.compile) == chosen]


def _ahead(once: Mapping[str, float]) -> dict[str, float]:
    """Return the parts that are still to come."""
    return {name: seconds for name, seconds in once.items() if name not in (*BEFORE, "report", "leaving")}
