"""How long a training will take: it is tried for some seconds in a folder that is removed, and each part is multiplied."""

import copy
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tutelage.core import layout
from tutelage.core.cache_folder import cache_folder
from tutelage.core.errors import RunError, UsageError
from tutelage.core.process_memory import peak_bytes
from tutelage.foresight.endings import Endings, usual_endings
from tutelage.foresight.history import History
from tutelage.foresight.many import Many
from tutelage.foresight.run_time import Measured, RunTime, Schedule, run_time
from tutelage.hardware.virtual import is_virtual
from tutelage.planning.plan import Plan
from tutelage.run.files import RunFiles, tell_nobody
from tutelage.run.folder import run_folder
from tutelage.run.foresee import kind_of
from tutelage.run.interrupt import TERMINATED
from tutelage.run.known_runs import Foretold, remember
from tutelage.run.pilot import Pilot
from tutelage.run.run_schedule import endings_of, points_of, rhythm_of, schedule_of, stops_of
from tutelage.run.start import Request, resume_training, start_training
from tutelage.training.control import Control, control_from
from tutelage.training.course import Course
from tutelage.training.crowd import computing_beside

__all__ = ["Tried", "estimate_resume", "estimate_training"]

REPEATED = ("steps", "evaluations", "checkpoints", "probe")
"""Parts that are multiplied by their schedule, and the trial's own."""
TRIES = 3
"""Times that a run is copied which changes meanwhile."""
TRIED = "tried"
"""How the forecast is known: a kind of its own, since it is surer than what trainings tell of themselves."""
AFTERWARDS = ("report", "leaving")
"""Parts that come after a training has looked at what came of its forecast."""
LEAVING_SECONDS = 0.25
"""What the interpreter takes to begin and to end around the command."""
UNSURE_EPISODES = 0.6
"""Relative standard deviation of what evaluations take that play whole episodes: these get longer as an agent learns."""

Report = Callable[[Path], object]


@dataclass(frozen=True)
class Tried:
    """What trying a training has shown.

    Attributes:
        plan: Everything decided.
        measured: What each part takes.
        schedule: How often the run does it.
        pilot: What watched.
        seconds: What trying took in all.
        result: What the trial's result.json says.
        machine: What env.json says.
        peak_bytes: The most memory that this process has taken; None where that is not told.
        endings: How the run may end; None where only its budget ends it.
        many: A step on several devices; None on one.
        crowd: What is told of other programs that computed beside it; "" where none did.
    """

    plan: Plan
    measured: Measured
    schedule: Schedule
    pilot: Pilot
    seconds: float
    result: dict[str, Any]
    machine: dict[str, Any]
    peak_bytes: int | None = None
    endings: Endings | None = None
    many: Many | None = None
    crowd: str = ""

    def run_time(self) -> RunTime:
        """Return the wall time of the whole run; its interval as wide as forecasts like this one have needed."""
        factor = History(cache_folder()).factor(kind_of(TRIED, self.schedule))
        return run_time(self.measured, self.schedule, scale=factor, is_shared=is_virtual())

    def foretold(self) -> Foretold | None:
        """Return what the training that follows is compared with; None of what a time budget ends, or of the rest of a run."""
        if self.plan.time_seconds or self.pilot.first_step:
            return None
        once = {name: seconds for name, seconds in self.measured.once.items() if name not in AFTERWARDS}
        time = run_time(replace(self.measured, once=once), self.schedule, is_shared=is_virtual())
        return Foretold(kind_of(TRIED, self.schedule), time.seconds, time.unscaled)


def estimate_training(request: Request, *, report: Report, most_seconds: float = 0.0) -> Tried:
    """Try a training from its beginning.

    Args:
        request: What is asked for; its folder and sinks are not used.
        report: Writes the report of a run folder, as a training does at its end.
        most_seconds: Of steps; 0 = the usual.

    Raises:
        TutelageError: Anything that would stop the training.
    """
    crowd = _crowd(request)
    with tempfile.TemporaryDirectory(prefix="tutelage-estimate-") as place:
        pilot = Pilot(most_seconds=most_seconds) if most_seconds else Pilot()
        folder = start_training(
            replace(request, module=_copy_of(request.module), out=str(Path(place) / "run"), sinks=(), watching=pilot)
        )
        return _tried(folder, pilot, request, report, crowd=crowd)


def estimate_resume(run: str | Path, request: Request, *, report: Report) -> Tried:
    """Try how a run goes on from its newest checkpoint, on a copy.

    Raises:
        RunError: It has ended, or cannot be copied.
        TutelageError: Anything that would stop it.
    """
    crowd = _crowd(request)
    with tempfile.TemporaryDirectory(prefix="tutelage-estimate-") as place:
        folder = _copied(run_folder(run), Path(place) / "run")
        pilot = Pilot()
        try:
            resume_training(folder, replace(request, module=_copy_of(request.module), sinks=(), watching=pilot))
        except RunError as error:
            # What is wrong with the copy is wrong with the run, and there it is mended.
            raise RunError(str(error).replace(str(folder), str(run))) from error
        if pilot.plan is None:
            raise RunError(
                f"{run}: has ended, so there is nothing left to forecast. What it took is in {layout.RESULT}. To forecast "
                "another training like it: tutelage estimate SOURCE."
            )
        return _tried(folder, pilot, request, report, crowd=crowd)


def _copy_of(module: nn.Module | None) -> nn.Module | None:
    """Copy an own module: a training trains it in place, and a trial leaves nothing behind.

    Raises:
        UsageError: It cannot be copied.
    """
    try:
        return copy.deepcopy(module)
    except Exception as error:  # a border: whatever a user's module does when it is copied
        found = f"the module {type(module).__name__} cannot be copied ({type(error).__name__}: {str(error)[:200]})"
        raise UsageError(f"{found}. An estimate trains a copy for some seconds. Keep nothing in it that cannot be.") from error


def _copied(run: Path, folder: Path) -> Path:
    """Copy a run, which may be training just now, and return where to; links stay links, and nothing that would be waited for.

    Raises:
        RunError: It cannot be copied.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            shutil.copytree(run, folder, symlinks=True, ignore=_special, dirs_exist_ok=True)
            break
        except OSError as error:
            # A checkpoint that is dropped meanwhile is gone the next time.
            if not tries_left:
                # Of a folder's files shutil tells all that it could not copy: the first says enough.
                found = error.args[0][0][2] if isinstance(error, shutil.Error) else error
                reason = f"{run}: cannot be copied to {folder.parent} for the trial: {str(found)[:200]}"
                raise RunError(
                    f"{reason}. Make room there, or name another place: TMPDIR=FOLDER tutelage estimate ..."
                ) from error
    return folder


def _special(folder: str, names: list[str]) -> list[str]:
    """Return what is no file, folder or link: a pipe would be waited for, and what is gone meanwhile cannot be copied."""
    kept = set[str]()
    for name in names:
        with suppress(FileNotFoundError):
            mode = os.lstat(os.path.join(folder, name)).st_mode  # noqa: PTH118 - as copytree gives it
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
                kept.add(name)
    return [name for name in names if name not in kept]


def _crowd(request: Request) -> str:
    """Return what is told of other programs: looked at before this process computes itself."""
    wished = request.recipe.threads
    return computing_beside(num_threads=wished if isinstance(wished, int) else 0)


def _tried(folder: Path, pilot: Pilot, request: Request, report: Report, *, crowd: str) -> Tried:
    """Return what a trial has shown."""
    watch = pilot.emitter.stopwatch
    watch.lap("ending")
    _require_whole(folder)
    report(folder)
    watch.lap("report")
    assert pilot.plan is not None
    files = RunFiles(folder, tell=tell_nobody)
    result, machine = files.record(layout.RESULT), files.record(layout.ENV)
    peak = _peak(pilot)
    rhythm = _rhythm(files, pilot)
    opening, done = pilot.num_opening, pilot.first_step
    schedule = schedule_of(pilot.plan, pilot.total_steps, rhythm=rhythm, num_opening=opening, done=done)
    endings = _endings(folder, pilot, rhythm)
    if endings is not None:
        schedule = replace(schedule, stops=stops_of(endings, done=done))
    measured = _measured(pilot, plays=bool(pilot.plan.task.plays))
    seconds = time.monotonic() - request.started
    crowd = crowd if torch.device(pilot.plan.device).type == "cpu" else ""
    tried = Tried(pilot.plan, measured, schedule, pilot, seconds, result, machine, peak, endings, crowd=crowd)
    # The training that follows by the same words tells its forecast at once, and scores this one at its end.
    remember(pilot.plan, measured, told=tried.foretold())
    return tried


def _require_whole(folder: Path) -> None:
    """End as a command does that is interrupted, where the trial was: half of it says nothing of a whole training.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        SystemExit: SIGTERM.
    """
    stopped = RunFiles(folder, tell=tell_nobody).record(layout.RESULT).get("stopped")
    if stopped == "interrupted":
        raise KeyboardInterrupt
    if stopped == "terminated":
        raise SystemExit(TERMINATED)


def _rhythm(files: RunFiles, pilot: Pilot) -> Course:
    """Return the frequencies of the run; of one that goes on they follow from what was planned at first."""
    assert pilot.plan is not None
    saved = files.checkpoint.get("control") if pilot.first_step else None
    return rhythm_of(pilot.plan, Control(pilot.total_steps) if saved is None else control_from(saved))


def _endings(folder: Path, pilot: Pilot, rhythm: Course) -> Endings | None:
    """Return how the run may end: by the trial's curve, or that of what was trained before; None where only its budget does."""
    plan, done = pilot.plan, pilot.first_step
    assert plan is not None
    points = points_of(plan, folder, done=done) if done else pilot.curve
    usual = usual_endings(rhythm.stopping, total=pilot.total_steps, every=rhythm.eval_every)
    return endings_of(plan, points, total=pilot.total_steps, rhythm=rhythm) or usual


def _measured(pilot: Pilot, *, plays: bool) -> Measured:
    """Return what each part of the run takes."""
    seconds = pilot.emitter.stopwatch.seconds
    once = {name: value for name, value in seconds.items() if name not in REPEATED}
    # A trial that lasts saves in between too; a run has one at its end, and at its beginning where it does not go on.
    checkpoint = pilot.emitter.stopwatch.each("checkpoints")
    once["saving"], once["leaving"] = checkpoint * (1 if pilot.first_step else 2), LEAVING_SECONDS
    for part, more in pilot.unseen.items():
        once[part] = once.get(part, 0.0) + more
    unseen = 0.0 if pilot.rows is None else pilot.rows.evaluation_seconds
    evaluations = [each + unseen for each in pilot.evaluations or [seconds.get("evaluations", 0.0)]]
    later = evaluations[1:] or evaluations
    if plays:
        # Episodes get longer while an agent learns: the latest are most like those to come.
        later = later[len(later) // 2 :]
    mean = sum(later) / len(later)
    spread = max(max(later) - min(later), 0.05 * mean) / mean / 2 if mean else 0.0
    return Measured(
        once=once,
        pace=pilot.pace(),
        opening=pilot.opening_pace(),
        first_evaluation=evaluations[0],
        evaluation=mean,
        evaluation_spread=UNSURE_EPISODES if plays else spread,
        checkpoint=checkpoint,
        step_flops=0.0 if pilot.work is None else pilot.work.per_step(lambda each: each.flops),
    )


def _peak(pilot: Pilot) -> int | None:
    """Return the most memory that a training takes as this process has tried it; None where the system does not say."""
    peak, before = peak_bytes(), pilot.peak_bytes
    # What was taken after counting stands on what counting has left; a training counts nothing.
    return None if peak is None or before is None else max(before, peak - pilot.counting_bytes)
