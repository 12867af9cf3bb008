"""How a training is told when to end, and what is kept of that, damaged and forged: targets, the rule in a plan, curves in a log.

A run that may stop early is made of any of these: a wrong one is refused in words, or announced, or does no harm.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from tests.attack.case import Case
from tests.attack.child import command
from tests.attack.forged_values import ODD, changed, header_of, paths_of
from tests.attack.recipes import EVERY_STEP, RECIPES, Recipe
from tests.attack.runs import Reference, equal_training, prepare
from tests.attack.verdict import BAD, Ending, Verdict, judge

__all__ = ["cases"]

SAMPLE_STRIDE = 14
DRAWN = 24
PLACES = ("until", "recipe", "plan.json", "metrics.jsonl", "safetensors", "stopping", "run")
STOPPING = Recipe(
    RECIPES["table"].make,
    ("--target", "answer", "--steps", "40", "--set", "precision=float32", "--until", "loss=0.0001", *EVERY_STEP),
    ask="rows.csv",
)
"""A training that may end at a target, which it does not reach: its end is told again after a tenth of its steps."""
TRAIN = ("train", "rows.csv", "--target", "answer", "--steps", "6", "--out", "other", "--quiet")


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Give all cases, or each 14th."""
    yield from islice(_every(scratch), 0, None, SAMPLE_STRIDE if is_sample else 1)


def _every(scratch: Path) -> Iterator[Case]:
    """Say odd targets, and forge each place that keeps what decides about the end."""
    reference = prepare("stopping", scratch, recipe=STOPPING)
    for words in (*REFUSED, *TAKEN):
        yield Case(f"words {' '.join(words)[:60]!r}", partial(_said, reference, words, is_refused=words in REFUSED))
    for kind, text in RECIPE_LINES.items():
        yield Case(f"recipe {kind}", partial(_recipe, reference, text))
    for kind, change in RULES.items():
        yield Case(f"plan {kind}", partial(_planned, reference, change))
    for kind, line in LINES.items():
        yield Case(f"log {kind}", partial(_logged, reference, line))
    told = {"foresight": _newest_values(reference.folder / "paused")["outside"]["foresight"]}
    pairs = [(path, kind) for path in paths_of(told) if "second" in path for kind in ODD]
    for path, kind in random.Random("second").sample(pairs, min(DRAWN, len(pairs))):
        yield Case(f"told {'.'.join(map(str, path))} {kind}", partial(_told, reference, path, ODD[kind]))
    control = {"control": _newest_values(reference.folder / "paused")["control"]}
    pairs = [(path, kind) for path in paths_of(control) if len(path) > 1 for kind in ODD]
    for path, kind in random.Random("control").sample(pairs, min(DRAWN, len(pairs))):
        yield Case(f"control {'.'.join(map(str, path))} {kind}", partial(_controlled, reference, path, ODD[kind]))


def _newest_values(run: Path) -> dict[str, Any]:
    """Return the values of the newest checkpoint."""
    return dict(header_of(max((run / "steps").glob("*.safetensors")))["values"])


def _said(reference: Reference, words: tuple[str, ...], folder: Path, *, is_refused: bool) -> Verdict:
    """Train with odd words."""
    reference.copy(folder)
    done = command([*TRAIN, *words], folder=folder)
    if is_refused != bool(done.code):
        return Verdict(Ending.SILENT if is_refused else Ending.UNCLEAR, done.tail)
    return judge(done, is_right=True, places=PLACES)


def _recipe(reference: Reference, text: str, folder: Path) -> Verdict:
    """Train by a recipe whose target is none."""
    reference.copy(folder)
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    done = command([*TRAIN, "--recipe", "mine.toml"], folder=folder)
    return judge(done, is_right=False, places=PLACES)


def _planned(reference: Reference, change: dict[str, Any], folder: Path) -> Verdict:
    """Let the plan of a paused run say something else of its end, and go on."""
    reference.copy(folder, state="paused")
    plan = folder / "run" / "plan.json"
    plan.write_text(json.dumps({**json.loads(plan.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    return _went_on(reference, folder)


def _logged(reference: Reference, line: dict[str, Any] | str, folder: Path) -> Verdict:
    """Put a line at the beginning of the curve of a paused run, and ask how long it will take."""
    reference.copy(folder, state="paused")
    log = folder / "run" / "metrics.jsonl"
    text = line if isinstance(line, str) else json.dumps(line)
    log.write_text(text + "\n" + log.read_text(encoding="utf-8"), encoding="utf-8")
    accepted = judge(command(["verify", "run", "--accept"], folder=folder), is_right=True, places=PLACES)
    if accepted.ending in BAD:
        return accepted
    done = command(["estimate", "run", "--json"], folder=folder)
    if any(word in done.out for word in ("NaN", "Infinity")):
        return Verdict(Ending.SILENT, done.tail)
    # What makes graphs asks whether there is a place for temporary files.
    done = replace(done, outside=tuple(told for told in done.outside if told != "os.mkdir /tmp"))
    return judge(done, is_right=True, places=PLACES)


def _told(reference: Reference, path: tuple[Any, ...], value: Any, folder: Path) -> Verdict:
    """Put an odd value into what all checkpoints keep of the second forecast, and go on."""
    return _forged(reference, folder, ("outside", *path), value)


def _controlled(reference: Reference, path: tuple[Any, ...], value: Any, folder: Path) -> Verdict:
    """Put an odd value into what all checkpoints keep of the best score and of patience, and go on."""
    return _forged(reference, folder, path, value)


def _forged(reference: Reference, folder: Path, path: tuple[Any, ...], value: Any) -> Verdict:
    """Change a value in every checkpoint, sealed as if it had always been there, and go on."""
    from safetensors.torch import load_file

    from tutelage.model.stored import save_tensors

    reference.copy(folder, state="paused")
    for file in (folder / "run" / "steps").glob("*.safetensors"):
        header = header_of(file)
        try:
            values = changed(header["values"], path, value)
            save_tensors(file, load_file(file), format=header["format"], values=values)
        except Exception:
            # It cannot even be written so.
            return Verdict(Ending.RIGHT)
    return _went_on(reference, folder, is_forged=True)


def _went_on(reference: Reference, folder: Path, *, is_forged: bool = False) -> Verdict:
    """Take all files as they are, go on with the run, and let it be reported; what was forged may be as right as another."""
    accepted = judge(command(["verify", "run", "--accept"], folder=folder), is_right=True, places=PLACES)
    if accepted.ending in BAD:
        return accepted
    done = command(["resume", "run", "--quiet"], folder=folder)
    verdict = judge(done, is_right=equal_training(folder / "run", reference), places=PLACES, is_harmless=is_forged)
    if verdict.ending in BAD or done.code:
        return verdict
    for words in (("report", "run"), ("runs", ".", "--json"), ("evaluate", "run", "--json")):
        later = judge(command(words, folder=folder), is_right=True, places=PLACES)
        if later.ending in BAD or later.ending is Ending.REFUSED:
            # What a run has written itself is read again.
            return Verdict(Ending.SILENT if later.ending is Ending.REFUSED else later.ending, f"{words[0]}: {later.seen}")
    return verdict


def _until(*targets: str) -> tuple[tuple[str, ...], ...]:
    """Return the words for targets."""
    return tuple(("--until", target) for target in targets)


REFUSED = (
    *_until("accuracy", "=0.9", "accuracy=", "accuracy=nan", "accuracy=inf", "accuracy=-inf", "accuracy=1e400", "accuracy=0x1"),
    *_until("accuracy=0", "accuracy=-0.1", "accuracy=1.0001", "accuracy=95", "accuracy=101%", "auroc=1.5", "brier=-1"),
    *_until("loss=30%", "loss=0.3=0.3", "rmse=0.5", "ACCURACY=0.9", "val/val/accuracy=0.9", "train/accuracy=0.9"),
    *_until("\x1b[2J=1", "a" * 10_000 + "=1", "accuracy=\uff19\uff15%", "accuracy=9_5%", "accuracy=" + "9" * 5_000, "\u202e=1"),
    *_until("../../etc/passwd=1", "accuracy=0.9\naccuracy=0.1", "accuracy=0.9\0"),
    (*_until("accuracy=0.9")[0], "--set", "stopping.metric=loss"),
    ("--set", "until=0.95"),
    ("--set", 'until=["accuracy=0.95"]'),
)
TAKEN = (
    *_until("accuracy=1e-300", "loss=5e-324", "accuracy=100%", "loss=-5", "loss=1e300", " val/accuracy = 95 % ", "matthews=-0.5"),
    (*_until("loss=1e-9")[0], "--set", "stopping.patience=5e-324"),
    (*_until("loss=1e-9")[0], "--set", "stopping.min_delta=1e100"),
)
RECIPE_LINES = {
    "a number": "until = 0.95",
    "a list": 'until = ["accuracy=0.95"]',
    "a table": "until = {accuracy = 0.95}",
    "a date": "until = 2026-01-01",
    "twice": 'until = "accuracy=0.9"\nuntil = "accuracy=0.8"',
    "of no metric": 'until = "size=0.95"',
    "long": f'until = "{"x" * 100_000}"',
    "of escapes": 'until = "\\u001b[2J=1"',
}
"""Targets as recipes have them."""
RULES: dict[str, dict[str, Any]] = {
    "a target of text": {"until": "0.5"},
    "a target that is true": {"until": True},
    "a target that is reached": {"until": 1e300},
    "a target of a list": {"until": [0.5]},
    "a cooldown of more than all": {"cooldown": 1e308},
    "a cooldown of less than nothing": {"cooldown": -1},
    "a cooldown of next to nothing": {"cooldown": 5e-324},
    "patience of everything": {"patience": 1e308},
    "patience of nothing": {"patience": 0},
    "patience of next to nothing": {"patience": 5e-324, "cooldown": 1.0},
    "an unknown gain": {"min_gain": "all"},
    "a gain that cannot be": {"min_delta": 1e308},
    "noise of a metric that has none": {"min_gain": "noise", "watched": "loss"},
    "a metric that is not measured": {"watched": "rmse"},
    "no metric": {"watched": ""},
    "calibration of more rows than there are": {"min_gain": "noise", "calibration_rows": 2**53},
    "as many parts as a number has": {"num_micro": 2**53},
    "another precision": {"precision": "float16"},
    "rounded products": {"precision": "bfloat16"},
    "threads of no machine": {"execution": {"num_threads": 2**17}},
}
"""What a plan may say of the end of a training, and of how its steps are computed."""
LINES: dict[str, dict[str, Any] | str] = {
    "no number": {"step": 1, "val/loss": None},
    "a text": {"step": 1, "val/loss": "0.5"},
    "a list": {"step": 1, "val/loss": [0.5]},
    "a huge score": {"step": 1, "val/loss": 1.7e308},
    "a score next to nothing": {"step": 1, "val/loss": 5e-324},
    "a whole number": {"step": 1, "val/loss": 10**60},
    "a step of text": {"step": "1", "val/loss": 0.5},
    "no step": {"val/loss": 0.5},
    "a step of a list": {"step": [], "val/loss": 0.5},
    "a step below nothing": {"step": -5, "val/loss": 0.5},
    "a step far ahead": {"step": 10**60, "val/loss": 0.5},
    "a step within": {"step": 1.5, "val/loss": 0.5},
    "a list in place of a line": "[]",
    "half a line": '{"step": 1',
}
"""Lines of a learning curve."""
