"""What `train` says of its wall time when it begins, and what came of it: a forecast of the whole run, scored at the end.

Of an equal training on this machine what it took is remembered, and compared with the first steps of this one as they go by.
Where nothing is remembered, a few steps are timed before the first and put back, for at most a small share of the run: no trace
of them is left in weights, moments, random numbers or the place in the data.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from tutelage.core.cache_folder import cache_folder
from tutelage.core.emitter import Emitter
from tutelage.core.events import Forecast, ForecastScored
from tutelage.foresight.history import History
from tutelage.foresight.pace import Pace
from tutelage.foresight.remembered import EQUAL_RUNS_SPREAD, LEAST_STEPS, Believed, believed
from tutelage.foresight.run_time import Measured, Schedule, run_time, within
from tutelage.foresight.told import KEPT, Told, told_before
from tutelage.hardware.virtual import is_virtual
from tutelage.planning.plan import Plan
from tutelage.run.compose import Composed
from tutelage.run.first_steps import FirstSteps
from tutelage.run.known_runs import foretold, known_runs, remember
from tutelage.run.probe import PER_ROW, ending_seconds
from tutelage.run.run_schedule import rhythm_of, schedule_of
from tutelage.run.second_forecast import score_second
from tutelage.run.timed import Timed, fill, time_ahead
from tutelage.run.work import count_if_possible
from tutelage.task.episodes import EpisodeEvaluator
from tutelage.training.course import FORWARD_FRACTION

__all__ = ["Foresight", "kind_of"]

BEFORE = ("starting", "reading", "preparing", "planning", "building", "floor", "probe", "guess")
"""Parts that have passed when the forecast is told."""
NOT_ONCE = ("steps", "evaluations", "checkpoints")
ROUGH = 0.4
"""Relative standard deviation of what is only guessed: an evaluation, the end of a run."""
SAVING, ENDING = "saving", "ending"
WORTH_COUNTING_SECONDS = 60.0
"""Wall time of a run from which on its operations are counted at its end: that takes a second or two."""
COUNTING_SHARE = 0.02
"""Of a run's wall time, what counting may take at most."""
SURE_EVALUATION = 0.15
"""Relative standard deviation of what evaluations take, where one was timed."""
EPISODES_GROW, UNSURE_EPISODES = 3.0, 0.6
"""How much longer evaluations get that play whole episodes, in the mean of a run, and how unsure that is."""
TIMED, KNOWN, CONTRADICTED = "timed", "known", "contradicted"


def kind_of(how: str, schedule: Schedule) -> str:
    """Return the kind of a forecast, within which outcomes say how wide intervals have to be."""
    return f"{how} may stop early" if schedule.stops.probability else how


@dataclass
class Foresight:
    """Tells the forecast of one training, and scores it.

    Attributes:
        plan: Everything decided.
        emitter: Told of it.
        first: Times the first steps.
    """

    plan: Plan
    emitter: Emitter
    first: FirstSteps = field(init=False)
    _found: Measured | None = None

    def __post_init__(self) -> None:
        self.first = FirstSteps(self.emitter, is_on_card=torch.device(self.plan.device).type == "cuda")

    def begin(self, composed: Composed, timed: Timed | None = None) -> None:
        """Find out what is known of the wall time of a training that is about to begin; its first steps may have to say more.

        Args:
            composed: The training.
            timed: What a time budget's probe has seen of its steps; None where nothing was timed yet.
        """
        history = History(cache_folder())
        known = known_runs(self.plan, history)
        is_watched = self.first.watch(composed.state)
        if not known:
            seen = timed or self._timed(composed)
            before = seen.pace() or Pace(_tried_before(self.plan), spread=ROUGH)
            if before.seconds or not is_watched:
                # Warm by now: what building kernels takes has passed.
                self._found = self._probed(composed, replace(before, warm_up_seconds=0.0), seen)
            else:
                # Of what cannot be put back no step is made beforehand.
                self.first.then = lambda pace: self._tell(composed, self._probed(composed, pace, seen), history)
        elif timed is not None or not is_watched:
            pace = None if timed is None else timed.pace()
            # Its first steps were made, and put back: they are warm, and what they took has passed.
            pace = None if pace is None else replace(pace, warm_up_seconds=0.0)
            self._found = self._remembered(known, history, pace)
        else:
            self.first.then = lambda pace: self._tell(composed, self._remembered(known, history, pace), history)
            self.first.doubts = lambda pace: self._remembered(known, history, pace).how == CONTRADICTED

    def tell(self, composed: Composed) -> None:
        """Forecast by what `begin` has found, now that the first checkpoint is made and timed; else the first steps tell it."""
        if self._found is not None:
            self._tell(composed, self._found, History(cache_folder()))
            self.emitter.stopwatch.lap("probe")

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
        # What ends with a time budget says nothing of what steps take.
        is_kept = is_usual and not self.plan.time_seconds
        second = score_second(told.second, self.emitter, actual=actual, ended=composed.state.clock.step, is_kept=is_kept)
        if is_usual:
            # A border: the result is not written yet, and no forecast of other runs is worth it.
            with suppress(Exception):
                self._remember(composed, told, actual)
        return {KEPT: told.record() | {"actual_seconds": round(actual, 3)} | second}

    def _tell(self, composed: Composed, measured: Measured, history: History) -> None:
        """Forecast by what is known, and keep and tell it."""
        if not measured.pace.seconds:
            # Without the pace of a single step there is nothing that could be told.
            return
        if measured.how == TIMED:
            each = self.emitter.stopwatch.each("checkpoints")
            measured = replace(measured, once={**measured.once, SAVING: 2 * each}, checkpoint=each)
        steps = composed.state.control.total_steps
        rhythm = rhythm_of(self.plan, composed.state.control)
        schedule = schedule_of(self.plan, steps, rhythm=rhythm, num_opening=round(composed.state.task.opening[1] * steps))
        kind = kind_of(measured.how, schedule)
        factor = history.factor(kind)
        expected = run_time(
            replace(measured, once=_ahead(measured.once)),
            schedule,
            scale=factor,
            is_shared=is_virtual(),
            # The first steps are part of all steps, and so are evaluations and checkpoints of all of those.
            passed=self.emitter.seconds - self.first.seconds - self.first.others,
        )
        if self.plan.time_seconds:
            expected = within(expected, self.plan.time_seconds, is_filled=steps != self.plan.useful_steps)
        told = Told(
            seconds=expected.seconds,
            interval_50=expected.interval_50,
            interval_80=expected.interval_80,
            how=kind,
            spread=expected.spread,
            scale=factor,
            unscaled=expected.unscaled,
            parts=expected.parts,
            step_seconds=measured.pace.seconds,
            evaluation_seconds=measured.evaluation,
            step_flops=measured.step_flops,
        )
        # Another one, since a checkpoint that is being written may hold the old one.
        composed.state.outside[KEPT] = told.record()
        low, high = told.interval_80
        self.emitter.emit(
            Forecast(
                expected_seconds=told.seconds,
                low_seconds=low,
                high_seconds=high,
                how=measured.how,
                parts={name: round(seconds, 3) for name, seconds in told.parts.items()},
                step=composed.state.clock.step,
            )
        )

    def _remembered(self, known: Sequence[Measured], history: History, now: Pace | None) -> Measured:
        """Return what equal trainings and the first steps of this one say together."""
        spread = history.machine_spread(EQUAL_RUNS_SPREAD)
        found = believed([each.pace for each in known], now=now, machine_spread=spread)
        return _at_pace(known[found.nearest], found, now)

    def _step_flops(self, composed: Composed, actual: float) -> float:
        """Return the operations of a step, for the ideal that the report shows; 0 where counting takes too large a share."""
        state = composed.state
        if actual < WORTH_COUNTING_SECONDS or self.plan.task.plays or state.mesh.world > 1:
            return 0.0
        with suppress(Exception):  # the border: the result is not written yet, and no ideal is worth it
            work, _ = count_if_possible(state, state.stream.next(), most_seconds=COUNTING_SHARE * actual)
            return 0.0 if work is None else work.per_step(lambda each: each.flops)
        return 0.0

    def _remember(self, composed: Composed, told: Told, actual: float) -> None:
        """Keep the outcome, and what this training's parts took."""
        history, state = History(cache_folder()), composed.state
        if not self.plan.time_seconds:
            # With the factor in it intervals that hold their outcomes would become narrow again.
            history.add({"kind": told.how, "forecast": told.seconds, "actual": actual, "spread": told.unscaled})
            # Who has tried the training before by the same words was told more, and that is scored too.
            tried = foretold(self.plan, history)
            if tried is not None:
                history.add({"kind": tried.kind, "forecast": tried.seconds, "actual": actual, "spread": tried.spread})
        seconds = self.emitter.stopwatch.seconds
        steps = state.clock.step
        if steps < 2:
            return
        # The last one is made where the run ends.
        evaluation = seconds.get("evaluations", 0.0) / -(-steps // rhythm_of(self.plan, state.control).eval_every)
        # What the first steps took beyond the others is no pace of steps: few of them would be remembered as slow ones.
        warm_up = min(self.first.pace.warm_up_seconds if self.first.pace else 0.0, seconds.get("steps", 0.0))
        pace = Pace((seconds.get("steps", 0.0) - warm_up) / steps, warm_up, spread=0.02, num_steps=steps)
        once = {name: value for name, value in seconds.items() if name not in (*NOT_ONCE, "probe")}
        # The first checkpoint and the last are always made; of those between, the clock decides.
        checkpoint = self.emitter.stopwatch.each("checkpoints")
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

    def _timed(self, composed: Composed) -> Timed:
        """Time a few steps, and put them back."""
        self.emitter.stopwatch.lap("probe")
        if fill(composed.state.stream):
            self.emitter.stopwatch.lap("steps")
        return time_ahead(self.plan, composed, steps=composed.state.control.total_steps, spent=self.emitter.seconds)

    def _probed(self, composed: Composed, pace: Pace, timed: Timed) -> Measured:
        """Return what a few steps and an evaluation say; checkpoints are not made yet."""
        rows = len(composed.problem.validation) if self.plan.num_validation else 0
        per_row = float(composed.state.outside.get(PER_ROW, 0.0)) or (pace.seconds * FORWARD_FRACTION / self.plan.batch_size)
        plays = bool(self.plan.task.plays)
        # Whoever guesses plays the episodes of an evaluation too.
        guessing = self.emitter.stopwatch.seconds.get("guess", 0.0) if plays else 0.0
        growth = _growth(composed) if plays else 1.0
        each = (timed.evaluation or guessing) * growth or rows * per_row
        return Measured(
            {ENDING: ending_seconds(composed, each / len(composed.problem.validation) if plays else per_row)},
            pace,
            first_evaluation=timed.evaluation or each,
            evaluation=each,
            evaluation_spread=UNSURE_EPISODES if growth > 1.0 else SURE_EVALUATION if timed.evaluation or plays else ROUGH,
            how=TIMED,
            once_spread=ROUGH,
        )


def _growth(composed: Composed) -> float:
    """Return how much longer evaluations get that play whole episodes: no longer than the environment lets them be."""
    validation = composed.problem.validation
    return min(EPISODES_GROW, validation.most_growth()) if isinstance(validation, EpisodeEvaluator) else EPISODES_GROW


def _at_pace(known: Measured, found: Believed, now: Pace | None) -> Measured:
    """Return an equal training as it would be now: all of it faster or slower, as its steps are."""
    factor = found.seconds / known.pace.seconds if known.pace.num_steps >= LEAST_STEPS else 1.0
    warm_up = known.pace.warm_up_seconds * factor if now is None else now.warm_up_seconds
    return replace(
        known,
        how=CONTRADICTED if found.verdict == CONTRADICTED else KNOWN,
        once={name: seconds * factor for name, seconds in known.once.items()},
        pace=Pace(found.seconds, warm_up, found.spread, num_steps=known.pace.num_steps),
        opening=None if known.opening is None else replace(known.opening, seconds=known.opening.seconds * factor),
        first_evaluation=known.first_evaluation * factor,
        evaluation=known.evaluation * factor,
        checkpoint=known.checkpoint * factor,
    )


def _tried_before(plan: Plan) -> float:
    """Return the seconds of a step of an own module, as copies of it were tried; 0 where none was."""
    return 0.0 if plan.execution is None else plan.execution.step_seconds


def _ahead(once: Mapping[str, float]) -> dict[str, float]:
    """Return the parts that are still to come."""
    return {name: seconds for name, seconds in once.items() if name not in (*BEFORE, "report", "leaving")}
