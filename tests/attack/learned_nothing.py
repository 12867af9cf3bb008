"""Trainings with a planted cause, on real data, and healthy ones: is the cause named, and is nothing said of the healthy?

The folder named by TUTELAGE_DATA (else `data`) holds public data sets (adult, titanic, ...); a case whose set is not there is
left out and told of.
"""

import csv
import io
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sklearn import datasets

import tutelage
from tests.attack import case as attack
from tests.attack.verdict import Ending, Verdict
from tutelage.core import layout
from tutelage.core.errors import TutelageError

__all__ = ["cases"]

Rows = list[list[str]]


@dataclass(frozen=True)
class Case:
    """A training, and what is to be said of it.

    Attributes:
        name: What it is.
        source: Where its data are: a name, or makes a file in a folder.
        expected: Causes of which one has to be named; () = no warning at all.
        wishes: Keys of a recipe.
    """

    name: str
    source: str | Callable[[Path], Path]
    expected: tuple[str, ...] = ()
    wishes: dict[str, Any] = field(default_factory=dict)


def bundled(name: str) -> Rows:
    """A set of scikit-learn as rows of text, with a header; its target is called `target`."""
    found = getattr(datasets, f"load_{name}")()
    names = [f"x{place}" for place in range(found.data.shape[1])]
    labels = [str(found.target_names[y]) if hasattr(found, "target_names") and name != "digits" else str(y) for y in found.target]
    return [[*names, "target"], *([*map(str, x), y] for x, y in zip(found.data, labels, strict=True))]


def write(rows: Rows, path: Path) -> Path:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    path.write_text(buffer.getvalue(), encoding="utf-8")
    return path


def read(path: Path) -> Rows:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def shuffled(rows: Rows, target: int, *, seed: int = 0) -> Rows:
    """The same rows with their labels dealt out anew."""
    labels = [row[target] for row in rows[1:]]
    random.Random(seed).shuffle(labels)
    return [rows[0], *([*row[:target], label, *row[target:][1:]] for row, label in zip(rows[1:], labels, strict=True))]


def rare(rows: Rows, target: int, kept: str, *, count: int) -> Rows:
    """Rows of which few are not `kept`, with labels dealt out anew, so that nothing but the frequency can be learned."""
    others = [row for row in rows[1:] if row[target] != kept][:count]
    return shuffled([rows[0], *(row for row in rows[1:] if row[target] == kept), *others], target)


def shuffled_set(name: str, target: int = -1, *, seed: int = 0) -> Callable[[Path], Path]:
    """Write a bundled set with shuffled labels."""

    def make(folder: Path) -> Path:
        rows = bundled(name)
        return write(shuffled(rows, len(rows[0]) + target, seed=seed), folder / f"{name}.csv")

    return make


PLAIN = {"kind": "mlp", "members": 1, "hidden": [64, 64], "dropout": 0.0, "numbers": "plain"}
GPT = {"kind": "gpt", "width": 32, "depth": 1, "heads": 2}
NOISE = ("no_signal", "learned_by_heart")
SAMPLE = ("planted iris, all weights 0", "planted wine, 2 steps", "healthy iris")
NEEDED = {
    "titanic, shuffled labels": "titanic/titanic.csv",
    "red wine, shuffled quality": "wine-quality/winequality-red.csv",
}
"""Files that a case makes its own from."""


def planted(data: Path) -> list[Case]:
    """Return the trainings that learn nothing."""
    zero, small, large = {"init": "zero"}, {"optim": {"kind": "adamw", "lr": 1e-8}}, {"optim": {"kind": "sgd", "lr": 30.0}}
    shakespeare = f"chars:{data / 'tinyshakespeare' / 'input.txt'}"
    titanic, wine = data / "titanic" / "titanic.csv", data / "wine-quality" / "winequality-red.csv"
    return [
        *(Case(f"{name}, all weights 0", f"sklearn:{name}", ("equal_units",), zero) for name in ("iris", "wine", "digits")),
        Case("diabetes, all weights 0", "sklearn:diabetes", ("equal_units",), zero),
        Case("iris, all weights 0, one net", "sklearn:iris", ("equal_units",), {**zero, "model": PLAIN, "steps": 300}),
        Case("titanic, all weights 0", str(titanic), ("equal_units",), {**zero, "target": "Survived", "steps": 200}),
        *(
            Case(f"{name}, rate 1e-8", f"sklearn:{name}", ("rate_too_small",), {**small, "steps": 200, "ema": 0.0})
            for name in ("iris", "wine", "breast_cancer", "digits", "diabetes")
        ),
        Case("text, rate 1e-9", shakespeare, ("rate_too_small",), {"model": GPT, **small, "steps": 60}),
        *(
            Case(f"{name}, rate 30", f"sklearn:{name}", ("rate_too_large", "dead_units"), {**large, "model": PLAIN, "steps": 200})
            for name in ("iris", "wine", "breast_cancer", "digits")
        ),
        Case("digits, Adam's rate 10", "sklearn:digits", ("rate_too_large", "dead_units"),
             {"optim": {"kind": "adam", "lr": 10.0}, "model": PLAIN, "steps": 200}),
        *(
            Case(f"{name}, 2 steps", f"sklearn:{name}", ("too_few_steps",), {"steps": 2})
            for name in ("wine", "digits", "diabetes")
        ),
        Case("titanic, 2 steps", str(titanic), ("too_few_steps",), {"target": "Survived", "steps": 2}),
        Case("text, 3 steps", shakespeare, ("too_few_steps",), {"model": GPT, "steps": 3, "floor": "none"}),
        *(Case(f"{name}, shuffled labels", shuffled_set(name), NOISE) for name in ("iris", "wine", "breast_cancer")),
        Case("digits, shuffled labels", shuffled_set("digits"), NOISE, {"target": "target", "steps": 600}),
        Case("diabetes, shuffled target", shuffled_set("diabetes"), NOISE, {"target": "target", "task": "regress"}),
        Case("iris, shuffled, a large net", shuffled_set("iris", seed=1), ("learned_by_heart",),
             {"model": {**PLAIN, "hidden": [256, 256]}, "steps": 1500, "optim": {"kind": "adamw", "lr": 3e-3},
              "stopping": {"patience": 1}}),
        Case("titanic, shuffled labels", lambda folder: write(shuffled(read(titanic), 1), folder / "t.csv"), NOISE,
             {"target": "Survived", "steps": 400}),
        Case("red wine, shuffled quality", lambda folder: write(shuffled(read(wine), 11), folder / "w.csv"), NOISE,
              {"target": "quality", "task": "regress", "steps": 500}),
        Case("breast cancer, 3 % of one class, at random",
             lambda folder: write(rare(bundled("breast_cancer"), 30, "benign", count=12), folder / "b.csv"),
             ("one_answer",), {"target": "target", "steps": 300}),
    ]  # fmt: skip


def healthy(data: Path) -> list[Case]:
    """Return the trainings that learn."""
    shakespeare = f"chars:{data / 'tinyshakespeare' / 'input.txt'}"
    wine = data / "wine-quality" / "winequality-red.csv"
    return [
        *(Case(f"{name}", f"sklearn:{name}") for name in ("iris", "wine", "breast_cancer", "digits", "diabetes")),
        Case("iris, seed 1", "sklearn:iris", wishes={"seed": 1}),
        Case("wine, seed 2", "sklearn:wine", wishes={"seed": 2}),
        Case("diabetes, seed 3", "sklearn:diabetes", wishes={"seed": 3}),
        Case("iris, linear from 0", "sklearn:iris", wishes={"model": "linear", "init": "zero", "steps": 300}),
        Case("digits, one net", "sklearn:digits", wishes={"model": PLAIN, "steps": 300}),
        Case("digits, GELU", "sklearn:digits", wishes={"model": {**PLAIN, "activation": "gelu"}, "steps": 300}),
        Case("digits, 60 steps", "sklearn:digits", wishes={"steps": 60}),
        Case("breast cancer, SGD", "sklearn:breast_cancer", wishes={"optim": {"kind": "sgd", "lr": 0.1}, "steps": 300}),
        Case("titanic", str(data / "titanic" / "titanic.csv"), wishes={"target": "Survived", "steps": 400}),
        Case("adult", str(data / "adult"), wishes={"target": "income", "steps": 200}),
        Case(
            "california", str(data / "california-housing" / "housing.csv"), wishes={"target": "median_house_value", "steps": 200}
        ),
        Case("red wine", str(wine), wishes={"target": "quality", "task": "regress", "steps": 400}),
        Case("fashion", str(data / "fashion-mnist"), wishes={"steps": 60, "model": "linear"}),
        Case("text", shakespeare, wishes={"model": GPT, "steps": 150, "floor": "none"}),
        Case("ring of Gaussians", "gaussians:8", wishes={"steps": 2_000}),
        Case("cart pole", "gym:CartPole-v1", wishes={"steps": 1_500}),
    ]


def cases(scratch: Path, *, is_sample: bool) -> Iterator[attack.Case]:
    """Give every training whose data are there."""
    data = Path(os.environ.get("TUTELAGE_DATA", "data")).absolute()
    chosen = [(f"{kind} {case.name}", case) for kind, make in (("planted", planted), ("healthy", healthy)) for case in make(data)]
    if is_sample:
        chosen = [(name, case) for name, case in chosen if name in SAMPLE]
    there = [(name, case) for name, case in chosen if _is_there(case, data)]
    if len(there) < len(chosen):
        sys.stdout.write(f"learned_nothing: {len(chosen) - len(there)} cases left out: their data are not in {data}\n")
    for name, case in there:
        yield attack.Case(name, partial(_tried, case))


def _is_there(case: Case, data: Path) -> bool:
    """Tell whether a case's data are there, or are made."""
    needed = NEEDED.get(case.name, case.source if isinstance(case.source, str) else "").removeprefix("chars:")
    path = data / needed
    return path.exists() if case.name in NEEDED or needed.startswith(str(data)) else True


def _tried(case: Case, folder: Path) -> Verdict:
    """Train, and see what is said."""
    source = str(case.source if isinstance(case.source, str) else case.source(folder))
    try:
        run = tutelage.train(source, out=folder / "run", quiet=True, **case.wishes)
    except TutelageError as error:
        is_told = case.expected and type(error).__name__ == "DivergedError"
        return Verdict(Ending.REFUSED) if is_told else Verdict(Ending.UNCLEAR, str(error))
    found = run.result["diagnosis"]
    reasons = [reason["cause"] for reason in found.get("reasons", ())]
    told = f"{found['verdict']}: {', '.join(reasons) or '-'} ({run.result['headline']} {run.metrics[run.result['headline']]:.4g})"
    if case.expected and found["verdict"] == "better" and _was_put_back(folder / "run"):
        # The cause was met with on the way, which was told, and a good model leaves.
        return Verdict(Ending.TOLD)
    if case.expected:
        is_named = reasons[:1] and reasons[0] in case.expected
        return Verdict(Ending.TOLD) if is_named else Verdict(Ending.UNCLEAR if reasons else Ending.SILENT, told)
    return Verdict(Ending.UNCLEAR, f"said of a healthy training: {told}") if run.result["warnings"] else Verdict(Ending.RIGHT)


def _was_put_back(run: Path) -> bool:
    """Tell whether a training diverged, and went on from earlier weights."""
    return any(json.loads(line)["event"] == "RolledBack" for line in (run / layout.EVENTS).read_text("utf-8").splitlines())
