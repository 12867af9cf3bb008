"""Ways of computing that an own module was tried with and that are remembered: forged, of other versions, or from another hand.

A training of an own module computes as was found before, or tries anew; what the user says stays, and no training fails for it.
"""

import json
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from tests.attack.case import Case
from tests.attack.child import Outcome, forked
from tests.attack.forged_values import ODD, changed, paths_of
from tests.attack.verdict import BAD, Ending, Verdict, judge
from tutelage.core.sealed_record import sealed, unsealed

__all__ = ["cases"]

SAMPLE_STRIDE = 12
DRAWN = 36
CACHE, HISTORY = "cache", "cache/forecasts.jsonl"
STEPS = 700
"""Enough that something is tried, and over in a moment."""
SAID = {"memory_format": "contiguous", "threads": 1}
"""What the user says, which stays."""


@dataclass(frozen=True)
class Ground:
    """What cases start from: the lines that a training of an own module has left, and which of them holds its way."""

    lines: tuple[bytes, ...]
    number: int

    @property
    def record(self) -> dict[str, Any]:
        """The line with the way."""
        return unsealed(self.lines[self.number])


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Give all cases, or each twelfth."""
    yield from islice(_every(scratch), 0, None, SAMPLE_STRIDE if is_sample else 1)


def _every(scratch: Path) -> Iterator[Case]:
    """Forge values of a way that is remembered, and put others in its place."""
    ground = _prepared(scratch / "ground")
    measured = {"measured": ground.record["measured"]}
    pairs = [(path, kind) for path in paths_of(measured) if path for kind in ODD]
    for path, kind in random.Random("way").sample(pairs, min(DRAWN, len(pairs))):
        yield Case(f"way {'.'.join(map(str, path))} {kind}", partial(_forged, ground, changed(ground.record, path, ODD[kind])))
    for kind, change in OTHERS.items():
        record = {**ground.record, "measured": _with(ground.record["measured"], change)}
        yield Case(f"way {kind}", partial(_forged, ground, record))


def _with(measured: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return what is remembered with a way changed, in itself and as it was tried."""
    way = {**measured["way"], **change}
    tried = [{**each, **change} for each in measured["execution"]["tried"]]
    kept = {key: value for key, value in change.items() if key in ("memory_format", "num_threads")}
    return {**measured, "way": way, "execution": {**measured["execution"], **kept, "tried": tried}}


def _prepared(folder: Path) -> Ground:
    """Train once."""
    folder.mkdir()
    done = _trained(folder)
    assert done.code == 0, done.tail
    lines = (folder / HISTORY).read_bytes().splitlines()
    numbers = [number for number, line in enumerate(lines) if str(unsealed(line).get("key", "")).startswith("way ")]
    assert numbers, "nothing was tried"
    return Ground(tuple(lines), numbers[-1])


def _trained(folder: Path) -> Outcome:
    """Train an own module in a process of its own."""
    return forked(_train, folder=folder, before=lambda: os.environ.update(TUTELAGE_CACHE=str(folder / CACHE)))


def _train() -> int:
    """Do so; returns an exit code as a command does."""
    import sys

    import numpy as np
    import torch
    from torch import nn

    import tutelage
    from tutelage.core.errors import TutelageError

    torch.manual_seed(0)
    drawn = np.random.default_rng(0)
    labels = drawn.integers(0, 2, 200)
    data = (drawn.normal(size=(200, 6)) + labels[:, None]).astype(np.float32), labels
    module = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    try:
        tutelage.train(data, model=module, steps=STEPS, quiet=True, out=Path("run"), stopping={"patience": 1}, **SAID)
    except TutelageError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _forged(ground: Ground, record: dict[str, Any], folder: Path) -> Verdict:
    """Train where this is remembered."""
    (folder / CACHE).mkdir()
    lines = [*ground.lines]
    try:
        lines[ground.number] = sealed(record)
    except ValueError:
        # It cannot even be written so.
        return Verdict(Ending.RIGHT)
    (folder / HISTORY).write_bytes(b"\n".join(lines) + b"\n")
    done = _trained(folder)
    verdict = judge(done, is_right=True, places=["nothing"])
    if verdict.ending in BAD or done.code:
        return verdict if verdict.ending in BAD else Verdict(Ending.UNCLEAR, f"refused: {done.tail}")
    plan = json.loads((folder / "run" / "plan.json").read_text(encoding="utf-8"))
    result = json.loads((folder / "run" / "result.json").read_text(encoding="utf-8"))
    shutil.rmtree(folder / "run")
    execution = plan["execution"] or {}
    obeyed = (execution.get("memory_format", "contiguous"), execution.get("num_threads", 1))
    if obeyed != (SAID["memory_format"], SAID["threads"]) or plan["compile"] != "none" or plan["num_micro"] > plan["batch_size"]:
        return Verdict(Ending.SILENT, f"a way that nothing could have found was taken: {str(plan['execution'])[:300]}")
    is_learned = result["last_step"] == STEPS and all(value is not None for value in result["metrics"].values())
    return verdict if is_learned else Verdict(Ending.SILENT, f"trained otherwise: {result['metrics']}")


OTHERS: dict[str, dict[str, Any]] = {
    "as it was": {},
    "of another layout": {"memory_format": "channels_last"},
    "of many threads": {"num_threads": 60_000},
    "of two threads": {"num_threads": 2},
    "of more parts than rows": {"num_micro": 10**9},
    "compiled": {"compile": "inductor"},
    "compiled by something else": {"compile": "os.system"},
    "of another precision": {"precision": "float16"},
    "with a key more": {"odd": 1},
}
"""Ways that a trial of this training could not have found, or that are no ways."""
