"""How long a training will take: it is tried for some seconds in a folder that is removed, and each part is multiplied."""

import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tutelage.core import layout
from tutelage.core.cache_folder import cache_folder
from tutelage.foresight.history import History
from tutelage.foresight.run_time import Measured, RunTime, Schedule, run_time
from tutelage.planning.plan import Plan
from tutelage.run.files import RunFiles, tell_nobody
from tutelage.run.foresee import kind_of, remember
from tutelage.run.pilot import Pilot
from tutelage.run.run_schedule import schedule_of, stops_of_curve
from tutelage.run.start import Request, resume_training, start_training

__all__ = ["Tried", "estimate_resume", "estimate_training"]

FOUND = ("better", "good anyway", "unknown")
"""Verdicts after which nobody looks for a cause, as in a training that has learned something."""
REPEATED = ("steps", "evaluations", "checkpoints", "probe")
"""Parts that are multiplied by their schedule, and the trial's own."""
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
    """

    plan: Plan
    measured: Measured
    schedule: Schedule
    pilot: Pilot
    seconds: float
    result: dict[str, Any]
    machine: dict[str, Any]
    peak_bytes: int | None = None

    def run_time(self) -> RunTime:
        """Return the wall time of the whole run; its interval as wide as forecasts like this one have needed."""
        factor = History(cache_folder()).factor(kind_of("known", self.schedule))
        return run_time(self.measured, self.schedule, scale=factor)


def estimate_training(request: Request, *, report: Report, most_seconds: float = 0.0) -> Tried:
    """Try a training from its beginning.

    Args:
        request: What is asked for; its folder and sinks are not used.
        report: Writes the report of a run folder, as a training does at its end.
        most_seconds: Of steps; 0 = the usual.

    Raises:
        TutelageError: Anything that would stop the training.
    """
    with tempfile.TemporaryDirectory(prefix="tutelage-estimate-") as place:
        pilot = Pilot(most_seconds=most_seconds) if most_seconds else Pilot()
        folder = start_training(replace(request, out=str(Path(place) / "run"), sinks=(), watching=pilot))
        return _tried(folder, pilot, request, report)


def estimate_resume(run: str | Path, request: Request, *, report: Report) -> Tried:
    """Try how a run goes on from its newest checkpoint, on a copy.

    Raises:
        TutelageError: Anything that would stop it.
    """
    with tempfile.TemporaryDirectory(prefix="tutelage-estimate-") as place:
        folder = Path(place) / "run"
        shutil.copytree(run, folder)
        pilot = Pilot()
        resume_training(folder, replace(request, sinks=(), watching=pilot))
        return _tried(folder, pilot, request, report)


def _tried(folder: Path, pilot: Pilot, request: Request, report: Report) -> Tried:
    """Return what a trial has shown."""
    watch = pilot.emitter.stopwatch
    watch.lap("ending")
    report(folder)
    watch.lap("report")
    assert pilot.plan is not None
    files = RunFiles(folder, tell=tell_nobody)
    result, machine = files.record(layout.RESULT), files.record(layout.ENV)
    schedule = schedule_of(pilot.plan, pilot.total_steps, num_opening=pilot.num_opening, done=pilot.first_step)
    if pilot.first_step:
        stops = stops_of_curve(pilot.plan, folder, schedule, done=pilot.first_step)
        schedule = replace(schedule, stops=stops)
    measured = _measured(pilot, result, plays=bool(pilot.plan.task.plays))
    # The training that follows by the same words tells its forecast at once.
    remember(pilot.plan, measured)
    return Tried(pilot.plan, measured, schedule, pilot, time.monotonic() - request.started, result, machine, _peak())


def _measured(pilot: Pilot, result: dict[str, Any], *, plays: bool) -> Measured:
    """Return what each part of the run takes."""
    seconds = pilot.emitter.stopwatch.seconds
    once = {name: value for name, value in seconds.items() if name not in REPEATED}
    if result.get("diagnosis", {}).get("verdict") not in FOUND:
        # A few steps have learned nothing, and a cause was looked for; the whole training is expected to learn.
        once.pop("diagnosing", None)
    once["saving"], once["leaving"] = seconds.get("checkpoints", 0.0), LEAVING_SECONDS
    evaluations = pilot.evaluations or [seconds.get("evaluations", 0.0)]
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
        checkpoint=seconds.get("checkpoints", 0.0) / 2,
    )


def _peak() -> int | None:
    """Return the most memory that this process has taken so far; None where the system does not say."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    return None
