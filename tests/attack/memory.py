"""Too little memory, at every place: each training ends well in smaller pieces, or says what was being done.

`python -m tests.attack memory` runs all cases, each in a process of its own, and test_memory.py a few. Limits are set from
outside (RLIMIT_AS) at many levels above what the process holds once everything is imported, or, as `ulimit -v` does, before
anything is; and single allocations are made to fail.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from tests.attack import case as attack
from tests.attack.verdict import Verdict, said_wrong

__all__ = ["CASES", "Case", "cases", "run"]

MEBIBYTE = 2**20
SECONDS, WAITED_SECONDS = 180, 3600
"""Of its processor, after which a case hangs; and of the clock, since it may wait beside others."""
CPU = "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes."
RECIPES = {
    "wide": "wide",
    "images": "sklearn:digits --model cnn --steps 20 --set batch_size=256",
    "points": "gaussians:8 --task generate --steps 20",
    "text": "chars:text.txt --steps 10 --set batch_size=64",
}


@dataclass(frozen=True)
class Case:
    """One lack of memory.

    Attributes:
        name: What fails where.
        words: The words of the command after `train`, or the name of a data set made here.
        limit_mb: Memory above what the process holds when all is imported; 0 sets no limit.
        whole_mb: Memory of the whole process, from its start; 0 sets no limit.
        fail: What is made to fail: a place, then how many times it works before, and how many times it fails.
    """

    name: str
    words: str
    limit_mb: int = 0
    whole_mb: int = 0
    fail: tuple[Any, ...] = field(default=())


def _cases() -> Iterator[Case]:
    for name, words in RECIPES.items():
        for level in (8, 32, 64, 128, 200, 300, 450, 700, 1200):
            yield Case(f"{name}, {level} MiB more than at the start", words, limit_mb=level)
    for level in (150, 400, 800, 1600, 3000):
        yield Case(f"images, {level} MiB in all", RECIPES["images"], whole_mb=level)
    for place in ("forward", "backward", "update", "evaluation", "snapshot", "build", "read", "prepare", "predictor", "report"):
        for after, times in ((0, 1), (3, 2), (0, 10**9)):
            yield Case(f"images, {place} fails {times} times after {after}", RECIPES["images"], fail=(place, after, times))


CASES = tuple(_cases())


def cases(scratch: Path, *, is_sample: bool) -> Iterator[attack.Case]:
    """Give every lack of memory."""
    for case in CASES[::25] if is_sample else CASES:
        yield attack.Case(case.name, partial(_tried, case))


def _tried(case: Case, folder: Path) -> Verdict:
    """Run a case."""
    return said_wrong(run(case, folder))


def run(case: Case, folder: Path) -> str:
    """Run a case and return "" where it passes, else what is wrong."""
    (folder / "text.txt").write_text("the quick brown fox jumps over the lazy dog. " * 400, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "tests.attack.memory", json.dumps(vars(case))]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=WAITED_SECONDS,
            check=False,
            env=environment | {"TUTELAGE_ATTACK_FOLDER": str(folder)},
            preexec_fn=_limited(case.whole_mb),
        )
    except subprocess.TimeoutExpired:
        return "it hangs"
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"it hangs: {done.stderr[-300:]}"
    said = done.stderr[-600:]
    if "Traceback" in done.stderr:
        return f"a traceback: {said}"
    if done.returncode == 0:
        return _judged(folder / "run")
    if done.returncode in (1, 2, 3) and "out of memory while" in done.stderr:
        return ""
    return f"exit {done.returncode}: {said}"


def _judged(out: Path) -> str:
    """Say what is wrong with a run that has ended well."""
    result = json.loads((out / "result.json").read_text())
    is_whole = (out / "best" / "predictor.safetensors").is_file() and (out / "report.html").is_file()
    return "" if result["metrics"] and is_whole else f"an end without model, score or report: {result['metrics']}"


def _limited(mebibytes: int) -> Callable[[], None]:
    """Return what limits a process that begins: its time, and its memory where that is not 0."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        if mebibytes:
            resource.setrlimit(resource.RLIMIT_AS, (mebibytes * MEBIBYTE, mebibytes * MEBIBYTE))

    return limit


# What follows runs in the child.


def _child(case: dict[str, Any]) -> int:
    from tutelage.cli.main import main

    os.chdir(os.environ["TUTELAGE_ATTACK_FOLDER"])
    words = ["train", *case["words"].split(), "--out", "run", "--quiet"]
    if case["words"] == "wide":
        words = ["train", str(_wide_table()), "--steps", "20", "--set", "batch_size=4096", "--out", "run", "--quiet"]
    if case["whole_mb"]:
        return main(words)
    import tutelage.run.start  # noqa: F401 - imports are not what this is about

    if case["limit_mb"]:
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + case["limit_mb"] * MEBIBYTE,) * 2)
    with _failing(*case["fail"]) if case["fail"] else mock.patch.dict({}):
        return main(words)


def _wide_table() -> Path:
    import numpy as np

    values = np.random.default_rng(0).normal(size=(6000, 40))
    path = Path("wide.csv")
    header = ",".join([*(f"x{i}" for i in range(40)), "target"])
    np.savetxt(path, np.column_stack([values, values[:, 0] > 0]), delimiter=",", header=header, comments="", fmt="%.4g")
    return path


@contextmanager
def _failing(place: str, after: int, times: int) -> Iterator[None]:
    """Let a place fail for lack of memory, a number of times, after it has worked a number of times."""
    from tutelage.model.arch.cnn import Cnn
    from tutelage.predictor.predictor import Predictor
    from tutelage.report import page
    from tutelage.run import collect
    from tutelage.task import answering
    from tutelage.task.classify import Classify
    from tutelage.task.supervised import SupervisedTask
    from tutelage.training.state import TrainState
    from tutelage.training.step import Step
    from tutelage.training.update import Update

    owner, name = {
        "forward": (SupervisedTask, "objective"),
        "backward": (Step, "_backward"),
        "update": (Update, "apply"),
        "evaluation": (answering, "_answers"),
        "snapshot": (TrainState, "snapshot"),
        "build": (Cnn, "build"),
        "read": (collect, "_source"),
        "prepare": (Classify, "prepare"),
        "predictor": (Predictor, "save"),
        "report": (page, "_page"),
    }[place]
    whole, count = getattr(owner, name), iter(range(10**12))

    def failing(*args: Any, **options: Any) -> Any:
        if after <= next(count) < after + times:
            raise MemoryError if place == "report" else RuntimeError(CPU)
        return whole(*args, **options)

    with mock.patch.object(owner, name, failing):
        yield


if __name__ == "__main__":
    sys.exit(_child(json.loads(sys.argv[1])))
