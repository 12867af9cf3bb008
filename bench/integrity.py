"""What it costs that nothing is lost and nothing wrong in silence: the time spent in manifest, checks and watches of a run.

Trainings of a minute, on a graphics card or the processor, with a clock around every function that seals, verifies or watches.
Goal: at most 0.5 % of a run. A clock is right here where two runs beside each other are not: they differ by more than that.
The first run has the smallest steps that images come to, 64 rows of 8 x 8; then what is asked of every step weighs most.
"""

import functools
import importlib
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

SHARED = Path(__file__).parents[2] / "shared" / "data"
SOURCES = ("sklearn:digits", str(SHARED / "fashion-mnist"), str(SHARED / "adult"))
SECONDS = 60.0
GOAL = 0.005
WATCHED = {
    "manifest": ("tutelage.core.manifest:Manifest._add", "tutelage.track.lines:Lines.hash"),
    "reading within limits": ("tutelage.run.files:RunFiles.content", "tutelage.core.journal:read_journal"),
    "birth, ownership": ("tutelage.run.birth:check_place", "tutelage.run.start:check_plain"),
    "room on the disk": ("tutelage.run.training:Training._require_room",),
    "refusing gradients": ("tutelage.training.update:Update.check",),
    "one step, several tries": ("tutelage.training.before:Before.keep", "tutelage.training.mesh:Mesh.total"),
    "divergence": (
        "tutelage.training.divergence:DivergenceJob.run",
        "tutelage.training.refusals:Refusals.add",
    ),
    "finite weights": (
        "tutelage.training.saving:is_sound",
        "tutelage.training.jobs:is_sound",
        "tutelage.training.jobs:note_good",
    ),
    "learned nothing": (
        "tutelage.run.training:Vitals",
        "tutelage.run.training:versus_guess",
        "tutelage.run.diagnose:Ended.diagnose",
    ),
}
"""Functions, by what they are for; one that is called within another is counted once."""
QUALITY = "tutelage.run.collect:look_all"
"""The checks of the data have a purpose of their own: told beside, not counted."""
ANYWAY = "tutelage.optim.muon:MuonAdamW.begin"
"""What is called within the others and has to be done anyway: the beginning of the optimizer's step."""


class Clock:
    """Adds up the time in functions, by what they are for; of threads beside training what they compute, not their waiting."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._own = threading.local()

    def around(self, call: Callable[..., Any], purpose: str) -> Callable[..., Any]:
        """Return the function with the clock around it."""

        @functools.wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            own = self._own
            if getattr(own, "is_running", False):
                return call(*args, **kwargs)
            now = _clock()
            own.is_running, own.left_out, began = True, 0.0, now()
            try:
                return call(*args, **kwargs)
            finally:
                self.seconds[purpose] += now() - began - own.left_out
                own.is_running = False

        return timed

    def out(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, whose time is not counted where it is called within others."""

        @functools.wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            now = _clock()
            began = now()
            try:
                return call(*args, **kwargs)
            finally:
                self._own.left_out = getattr(self._own, "left_out", 0.0) + now() - began

        return timed


def _clock() -> Callable[[], float]:
    """Return the clock of this thread: training does not wait for the disk of the thread that writes its checkpoints."""
    return time.perf_counter if threading.current_thread() is threading.main_thread() else time.thread_time


def run() -> dict[str, Any]:
    """Return for each source that is there the seconds of each purpose, and their share of the run."""
    found = [measure(source) for source in SOURCES if source.startswith("sklearn:") or Path(source).exists()]
    return {"runs": found, "goal": GOAL}


def measure(source: str) -> dict[str, Any]:
    """Return the seconds of each purpose in one run, and their share of it."""
    import tutelage

    clock, quality = Clock(), Clock()
    with ExitStack() as patches, tempfile.TemporaryDirectory() as folder:
        for purpose, places in WATCHED.items():
            for place in places:
                patches.enter_context(replaced(place, functools.partial(clock.around, purpose=purpose)))
        patches.enter_context(replaced(ANYWAY, clock.out))
        patches.enter_context(replaced(QUALITY, functools.partial(quality.around, purpose="")))
        began = time.perf_counter()
        done = tutelage.train(source, time=SECONDS, out=Path(folder) / "run", quiet=True)
        whole = time.perf_counter() - began
        steps = done.result["last_step"]
    return {
        "source": Path(source).name,
        "run_s": round(whole, 2),
        "steps": steps,
        "spent_s": {purpose: round(clock.seconds[purpose], 4) for purpose in WATCHED},
        "checks_of_the_data_s": round(quality.seconds[""], 4),
        "share": round(sum(clock.seconds.values()) / whole, 5),
    }


def replaced(place: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Any:
    """Return the context in which a function, `module:name`, is wrapped."""
    module, _, name = place.partition(":")
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    return mock.patch.object(owner, last, wrap(getattr(owner, last)))
