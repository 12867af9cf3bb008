"""A training from first to last: compose, probe, loop, restore the best weights, open the test part once, write it all."""

from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from tutelage.core import catalog, layout
from tutelage.core.emitter import Emitter
from tutelage.core.errors import DivergedError, OutOfMemoryError
from tutelage.core.events import Finished, Noted, Restored, Resumed, Warned
from tutelage.core.json_values import json_values
from tutelage.core.manifest import Manifest
from tutelage.core.memory import memory_told
from tutelage.diagnosis.facts import Layer
from tutelage.planning.plan import Plan
from tutelage.run.announce import announcement
from tutelage.run.collect import Gathered
from tutelage.run.compose import Composed, compose
from tutelage.run.diagnose import Ended, versus_guess
from tutelage.run.ending import PAUSES, state_of
from tutelage.run.files import RunFiles, tell_nobody
from tutelage.run.foresee import Foresight
from tutelage.run.interrupt import Interrupt
from tutelage.run.keeping import Keeping
from tutelage.run.leaving import decide_what_leaves
from tutelage.run.mend import set_aside, sound_offsets
from tutelage.run.pilot import Pilot
from tutelage.run.probe import PER_ROW, begin, reserve_seconds
from tutelage.run.repeat import RepeatCorrections, repeat_command
from tutelage.run.room import largest_file_bytes, needed_bytes, require_disk_room, require_file_size
from tutelage.run.scores import merged, score
from tutelage.run.second_forecast import SecondForecast
from tutelage.run.timed import Timed
from tutelage.run.told import expected_of
from tutelage.training.checkpoint import newest_checkpoint
from tutelage.training.course import Course, course
from tutelage.training.divergence import DivergenceJob
from tutelage.training.freed_memory import keep_freed_memory
from tutelage.training.health import HealthJob
from tutelage.training.jobs import BudgetJob, EvaluateJob, LogJob
from tutelage.training.loop import run_loop
from tutelage.training.machine import bits_depend_on, exactness
from tutelage.training.mesh import LONE, PATIENCE, Mesh
from tutelage.training.rollback import is_sound
from tutelage.training.saving import SaveJob
from tutelage.training.state import Snapshot
from tutelage.training.vitals import Vitals
from tutelage.training.watchdog import Progress, Watchdog

__all__ = ["Training"]

DIVERGED = "diverged"
LOOKS = 60
"""Looks at the clock that a time budget takes, at most."""
MOST_TEXT = 2**18
"""Largest file of a run's birth that each checkpoint holds too, in bytes."""


@dataclass
class Training:
    """One process's work on a run.

    Attributes:
        folder: The run folder.
        plan: Everything decided.
        gathered: Prepared data.
        emitter: Takes events.
        command: What the user typed, or an equal of it.
        module: An own module, or None.
        mesh: The processes that train together.
        notes: What was found damaged in the folder, and gone around.
        watching: What watches a training that is only tried; None for one that is meant.
        is_resumed: Whether it goes on from a checkpoint.
    """

    folder: Path
    plan: Plan
    gathered: Gathered
    emitter: Emitter
    command: str
    module: nn.Module | None = None
    mesh: Mesh = LONE
    notes: tuple[str, ...] = ()
    watching: Pilot | None = None
    is_resumed: bool = False
    result: dict[str, Any] = field(default_factory=dict)
    _foresight: Foresight = field(init=False)

    def run(self, *, is_resumed: bool = False) -> dict[str, Any]:
        """Train to the end, and return the record of result.json."""
        keep_freed_memory()
        self.is_resumed = is_resumed
        # Signals are taken from here to the end: one that comes after the loop does not cut off what is written then.
        with Interrupt() as interrupt:
            return self._run(interrupt, is_resumed=is_resumed)

    def _run(self, interrupt: Interrupt, *, is_resumed: bool) -> dict[str, Any]:
        """Do what `run` says."""
        build = partial(compose, module=self.module, mesh=self.mesh, is_resumed=is_resumed)
        build = build if self.watching is None else partial(self.watching.build, build, self.emitter.stopwatch)
        composed = build(self.plan, self.gathered.data)
        self.emitter.stopwatch.lap("building")
        with closing(composed.problem):
            try:
                return self._train(composed, interrupt, is_resumed=is_resumed)
            except OutOfMemoryError as error:
                kept = f"What was trained up to the last checkpoint is kept: with more memory, tutelage resume {self.folder}"
                raise OutOfMemoryError(f"{error} {kept}") from None

    def _train(self, composed: Composed, interrupt: Interrupt, *, is_resumed: bool) -> dict[str, Any]:
        """Train what was composed."""
        self.emitter.emit(announcement(self.folder, self.plan, self.gathered, num_parameters=composed.problem.num_parameters))
        # Of the weights as they begin: a resumed training puts its own in their place. A trial's few steps have learned nothing.
        vitals = Vitals(composed.state) if self.watching is None else None
        if composed.problem.beside is not None:
            # Before the steps of a time budget are planned: what it takes is known then.
            composed.problem.beside.fit()
            self.emitter.stopwatch.lap("floor")
        timed = self._set_out(composed, is_resumed=is_resumed)
        per_row = float(composed.state.outside.get(PER_ROW, 0.0))
        # Only now: a resumed training has just cut its logs back.
        for note in self.notes:
            self.emitter.emit(Warned(message=note))
        self._foresight = Foresight(self.plan, self.emitter)
        self.emitter.stopwatch.lap("probe")
        rhythm = course(self.plan, composed.state.control.initial_steps, greater_is_better=self._greater_is_better())
        self.mesh.lead(lambda: self._require_room(composed))
        save = SaveJob(
            self.emitter,
            self.folder,
            every_seconds=self.plan.save_seconds,
            step=composed.state.clock.step,
            patience_seconds=self._patience_seconds,
        )
        evaluate = self._evaluating(composed, rhythm)
        self.emitter.stopwatch.lap("guess")
        if self.watching is None and composed.state.clock.step == 0 and self.mesh.world == 1:
            self._foresight.begin(composed, timed)
            self.emitter.stopwatch.lap("probe")
        clock, control = composed.state.clock, composed.state.control
        health = HealthJob(self.emitter, composed.problem.lags, step=clock.step, total_steps=control.initial_steps)
        # Whatever happens, nothing is written any more when this process gives the folder back.
        with closing(save):
            jobs = [self._foresight.first, *self._jobs(composed, rhythm, evaluate, save, per_row), health, save]
            self._foresight.tell(composed)
            if self.watching is not None:
                jobs.append(self.watching.join(self.plan, evaluate, self.emitter, rhythm.eval_every))
            try:
                with memory_told("making the next batch, or logging"), self._watchdog(composed, evaluate):
                    self._foresight.first.start()
                    run_loop(composed.state, jobs=jobs, seed=self.plan.seed, is_interrupted=interrupt)
            except DivergedError as error:
                raise self._keep_best(composed, rhythm, error) from error
            self._settle(composed, evaluate, health, save)
        return self._finish(composed, rhythm, vitals)

    def _evaluating(self, composed: Composed, rhythm: Course) -> EvaluateJob:
        """Return what evaluates."""
        return EvaluateJob(
            self.emitter,
            [composed.problem.validation],
            # A training that is only tried is watched to the end of its trial.
            stopping=rhythm.stopping if self.watching is None else rhythm.stopping.fixed(),
            every=rhythm.eval_every,
            step=composed.state.clock.step,
            versus_guess=versus_guess(composed.problem.validation, self.plan),
        )

    def _watchdog(self, composed: Composed, evaluate: EvaluateJob) -> Watchdog:
        """Return what notices that a step or an evaluation does not come."""
        clock = composed.state.clock

        def look() -> Progress:
            if evaluate.is_running:
                return Progress(clock.step, "the evaluation", evaluate.seconds_per_evaluation)
            return Progress(clock.step)

        return Watchdog(self.emitter, look, limit_seconds=self.plan.stall_seconds)

    def _keep_best(self, composed: Composed, rhythm: Course, error: DivergedError) -> DivergedError:
        """Write the best weights of a training that diverged, where there are any, and return what to tell."""
        state = composed.state
        state.control = state.control.stopped(DIVERGED)
        if not state.best or state.control.best_score is None:
            return DivergedError(str(error), step=error.step, folder=str(self.folder))
        verdict = self._finish(composed, rhythm).get("diagnosis", {}).get("verdict")
        kept = f"The best weights before that, of step {state.control.best_step}, are kept in {self.folder}"
        kept += ", but they are no better than a guess: train anew." if verdict == "no better" else "."
        return DivergedError(f"{error} {kept}", step=error.step, folder=str(self.folder))

    def _set_out(self, composed: Composed, *, is_resumed: bool) -> Timed | None:
        """Go on from the newest checkpoint, or set the number of steps; returns what was timed for that."""
        if is_resumed:
            self._resume(composed)
            return None
        return begin(self.plan, composed, self.emitter, greater_is_better=self._greater_is_better())

    def _resume(self, composed: Composed) -> None:
        """Put back the newest intact checkpoint."""
        snapshot, damaged = newest_checkpoint(self.folder)
        self.mesh.barrier()  # all have read before the first one moves anything
        composed.state.restore(snapshot)
        outside = composed.state.outside
        self.emitter.resume_from(outside.get("seconds", 0.0))
        self.mesh.lead(lambda: self._rewind(outside))
        self.mesh.lead(lambda: set_aside(self.folder, damaged, tell=lambda found: self.emitter.emit(Warned(message=found))))
        exact, reason = self._is_exact(snapshot, composed.problem.inexact)
        self.emitter.emit(Resumed(step=composed.state.clock.step, exact=exact, reason=reason))

    def _rewind(self, outside: dict[str, Any]) -> None:
        """Cut the logs back to the checkpoint, as far as they are what the run wrote; tell of a plan changed by hand since."""
        files = RunFiles(self.folder, tell=tell_nobody)
        self.emitter.rewind(sound_offsets(files, outside.get("logs", {})))
        before = outside.get("texts", {}).get(layout.PLAN)
        if before is not None and before != self._texts().get(layout.PLAN):
            files.say(f"{self.folder / layout.PLAN} was changed since the checkpoint: this is no longer the same training.")
        for note in files.notes:
            self.emitter.emit(Warned(message=note))

    def _texts(self) -> dict[str, str]:
        """Return the files of the run's birth, which each checkpoint holds too: what is held twice can be put back."""
        paths = [self.folder / name for name in layout.BORN]
        return {path.name: path.read_text(encoding="utf-8") for path in paths if path.stat().st_size <= MOST_TEXT}

    def _is_exact(self, snapshot: Snapshot, inexact: str) -> tuple[bool, str]:
        """Tell whether this machine gives the same bits as the one that saved, and why not."""
        before = snapshot.values["outside"].get("machine", {})
        now = bits_depend_on(self.plan.device, num_processes=self.mesh.world)
        changed = [f"{key} was {before[key]!r}, is {now[key]!r}" for key in now if key in before and before[key] != now[key]]
        reasons = [*changed, *filter(None, [exactness(self.plan.device), inexact])]
        return not reasons, "; ".join(reasons)

    def _jobs(self, composed: Composed, rhythm: Course, evaluate: EvaluateJob, save: SaveJob, per_row: float) -> list[Any]:
        """Return what is done between steps, in order, saving left out; the start is saved at once."""
        state, step = composed.state, composed.state.clock.step
        state.outside["machine"] = bits_depend_on(self.plan.device, num_processes=self.mesh.world)
        if self.mesh.is_writer:
            state.outside["texts"] = self._texts()
        if step == 0:
            # Where each step is saved, the next one would wait for the disk, and a forecast is to know what that takes.
            (save.save if self.plan.save_seconds else save.save_now)(state)
        divergence = DivergenceJob(self.emitter, step=step, num_micro=state.step.num_micro, say_row=self.gathered.data.say_row)
        second = SecondForecast(self.plan, self.emitter, self.folder, self._foresight.first).begin(state)
        beside: dict[str, Any] = {"evaluate": evaluate, "watch": divergence.look_at_line, "end": second.expected_end}
        beside["expected"] = lambda: expected_of(state.outside, self.plan)
        log = LogJob(self.emitter, every=rhythm.log_every, step=step, **beside)
        jobs: list[Any] = [divergence, log, evaluate, second]
        evaluate.seconds_per_evaluation = per_row * len(composed.problem.validation)
        if self.plan.time_seconds:
            jobs.append(
                BudgetJob(
                    self.emitter,
                    evaluate,
                    budget_seconds=self.plan.time_seconds,
                    reserve_seconds=reserve_seconds(composed, per_row),
                    every=max(1, state.control.initial_steps // LOOKS),
                    step=step,
                    save=save.save_now,
                    most_steps=self.plan.useful_steps or 2**62,
                )
            )
        elif self.plan.corrections:
            jobs.append(RepeatCorrections(self.plan.corrections, step=step))
        return jobs

    def _settle(self, composed: Composed, evaluate: EvaluateJob, health: HealthJob, save: SaveJob) -> None:
        """Make the end of the loop durable: a pause as if it had never been, an end with its last evaluation."""
        state = composed.state
        stop_reason = state.control.stop_reason
        self.emitter.stopwatch.lap("steps")
        if stop_reason in PAUSES:
            # The reason is this process's end, not the run's: a resumed run goes on as if it had never been.
            state.control = state.control.stopped("")
            save.secure(state)
            state.control = state.control.stopped(stop_reason)
            return
        # A trial knows by now how long an evaluation takes.
        if state.control.last_evaluation != state.clock.step and not (self.watching and self.watching.evaluations):
            evaluate.run(state)
        health.finish(state)
        save.secure(state)
        self.emitter.stopwatch.lap("checkpoints")

    @memory_told("scoring and writing the model")
    def _finish(self, composed: Composed, rhythm: Course, vitals: Vitals | None = None) -> dict[str, Any]:
        """Restore the best weights, score the test part, and write predictors and result."""
        state, plan = composed.state, self.plan
        stopped, last_step = state.control.stop_reason, state.clock.step
        if not is_sound(state):
            state.task.load_state_dict(state.good)
            last_step = state.control.good_step
            if stopped != DIVERGED:
                self.emitter.emit(Warned(message=_not_the_last(state.clock.step, good_step=last_step)))
        best_step = state.control.best_step if state.best else last_step
        # As the last step has left them.
        layers = vitals.layers() if vitals is not None else ()
        if stopped != DIVERGED and best_step != last_step:
            self._keeping.predictor(composed, layout.LAST, step=last_step)
        self._restore_best(composed, metric=rhythm.stopping.metric, step=best_step)
        self.emitter.stopwatch.lap("deciding")
        weights = self._keeping.predictor(composed, layout.BEST, step=best_step)
        if stopped != DIVERGED and best_step == last_step:
            # The same twice, calibration and all: one can be put back by the other.
            self._keeping.predictor(composed, layout.LAST, step=last_step)
        is_tested = composed.problem.test is not None and stopped not in PAUSES
        if is_tested:
            self._keeping.test_opened(weights, step=best_step)
        self.emitter.stopwatch.lap("writing")
        scores = self._scores(composed, layers, is_tested=is_tested)
        self.result = {
            "run": str(self.folder),
            "task": getattr(plan.task, "kind", ""),
            "noun": plan.task.noun,
            "answers_rows": plan.task.answers_rows,
            **scores,
            "best_step": best_step,
            "last_step": state.clock.step,
            "stopped": stopped,
            "refused_steps": state.refusals.total,
            "rollbacks": list(state.control.rollbacks),
            "seconds": round(self.emitter.seconds, 2),
            "seconds_by_part": {part: round(seconds, 3) for part, seconds in self.emitter.stopwatch.seconds.items()},
            "num_parameters": composed.problem.num_leaving,
            "command": repeat_command(self.command, self.plan, state.control),
        }
        return self._end(composed, stopped)

    def _scores(self, composed: Composed, layers: tuple[Layer, ...], *, is_tested: bool) -> dict[str, Any]:
        """Score what leaves, and look for the cause where it has learned nothing."""
        state, plan, stopped = composed.state, self.plan, composed.state.control.stop_reason
        if self.watching is not None:
            self.watching.shorten_test(composed.problem)
        scores = score(composed.problem, state.task, plan, is_tested=is_tested, seconds=self.emitter.seconds)
        self.emitter.stopwatch.lap("scoring")
        ended = Ended(self.folder, plan, composed, layers, scores)
        if stopped == DIVERGED:
            scores = merged(scores, ended.after_divergence().record())
        elif layers and stopped not in PAUSES:
            scores = merged(scores, ended.diagnose().record())
        self.emitter.stopwatch.lap("diagnosing")
        return scores

    def _end(self, composed: Composed, stopped: str) -> dict[str, Any]:
        """Tell what the run came to, and write its result."""
        state = composed.state
        # The result is last: where it stands, everything else does.
        for warning in self.result.get("warnings", ()):
            self.emitter.emit(Warned(message=warning))
        self.result |= self._foresight.score(composed, is_resumed=self.is_resumed, ended=stopped not in PAUSES)
        self.emitter.emit(Finished(step=state.clock.step, stopped=stopped, metrics=self.result["metrics"]))
        self._keeping.logs()
        record, manifest = json_values(self.result), Manifest(self.folder)
        self._keeping.insist(lambda: manifest.put_json(layout.RESULT, record, state=state_of(stopped)), what=layout.RESULT)
        return self.result

    def _restore_best(self, composed: Composed, *, metric: str, step: int) -> None:
        """Put the best weights back, where there are any, and decide whether they, the floor beside them or both leave."""
        state = composed.state
        if state.best:
            state.task.load_state_dict(state.best)
            best = state.control.best_score if state.control.best_score is not None else float("nan")
            self.emitter.emit(Restored(step=step, metric=metric, score=best))
        for told in decide_what_leaves(composed, is_paused=composed.state.control.stop_reason in PAUSES):
            self.emitter.emit(Noted(message=told))

    @property
    def _keeping(self) -> Keeping:
        """What writes the end of the run."""
        return Keeping(self.folder, self.plan, self.gathered, self.emitter, self.mesh, self._patience_seconds)

    @property
    def _patience_seconds(self) -> float:
        """How long a full disk is waited for; the other processes wait for the first one only so long."""
        wished = self.plan.save_patience_seconds
        return wished if self.mesh.world == 1 else min(wished, PATIENCE.total_seconds() / 2)

    def _require_room(self, composed: Composed) -> None:
        """Refuse to train where the files of this run find no room, and warn where they hardly do."""
        floor = None if composed.problem.beside is None else composed.problem.beside.fitted
        require_file_size(self.folder, largest_file_bytes(composed.state, self.folder))
        warning = require_disk_room(self.folder, needed_bytes(composed.state, floor=floor))
        if warning:
            self.emitter.emit(Warned(message=warning))

    def _greater_is_better(self) -> bool:
        """Tell the direction of the watched metric."""
        return bool(catalog.load("metric", self.plan.watched).greater_is_better)


def _not_the_last(step: int, *, good_step: int) -> str:
    """Say that training stops with weights that cannot be kept."""
    found = f"step {step:,}: training stops with weights, or moments of the optimizer, that are not finite"
    return f"{found}. {layout.LAST}/ holds the last good weights instead, those of step {good_step:,}."
