"""Trainings with a planted cause, on real data, and healthy ones: is the cause named, and is nothing said of the healthy?

Usage: python -m tests.attack.learned_nothing [--only WORD] [--data FOLDER]
FOLDER holds public data sets (adult, titanic, ...); those that are not there are passed over and counted. Exit 1 on any miss.
"""

import argparse
import csv
import io
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sklearn import datasets

import tutelage
from tutelage.core.errors import TutelageError

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
        Case("text, 3 steps", shakespeare, ("too_few_steps",), {"model": GPT, "steps": 3}),
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
        Case("text", shakespeare, wishes={"model": GPT, "steps": 150}),
        Case("ring of Gaussians", "gaussians:8", wishes={"steps": 2_000}),
        Case("cart pole", "gym:CartPole-v1", wishes={"steps": 1_500}),
    ]


def judge(case: Case, folder: Path) -> tuple[str, str]:
    """Train and return `ok`, `MISS` or `passed over`, and what was said."""
    source = str(case.source if isinstance(case.source, str) else case.source(folder))
    wishes = dict(case.wishes)
    try:
        run = tutelage.train(source, out=folder / "run", quiet=True, **wishes)
    except TutelageError as error:
        return ("ok" if case.expected and type(error).__name__ == "DivergedError" else "MISS"), str(error).splitlines()[0]
    found = run.result["diagnosis"]
    reasons = [reason["cause"] for reason in found.get("reasons", ())]
    score = f"{run.result['headline']} {run.metrics[run.result['headline']]:.4g}"
    told = f"{found['verdict']}: {', '.join(reasons) or '-'} ({score})"
    is_right = reasons[:1] and reasons[0] in case.expected if case.expected else not run.result["warnings"]
    return ("ok" if is_right else "MISS"), told


def main(words: Sequence[str] | None = None) -> int:
    """Train all, print a line each and a summary."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--data", type=Path, default=Path("data"))
    arguments = parser.parse_args(words)
    counts: dict[str, int] = {}
    for kind, cases in (("planted", planted(arguments.data)), ("healthy", healthy(arguments.data))):
        for case in cases:
            if arguments.only not in f"{kind} {case.name}":
                continue
            path = case.source if isinstance(case.source, str) else ""
            is_there = (
                not path.removeprefix("chars:").startswith(str(arguments.data)) or Path(path.removeprefix("chars:")).exists()
            )
            with tempfile.TemporaryDirectory() as folder:
                verdict, told = judge(case, Path(folder)) if is_there else ("passed over", "the data are not there")
            counts[verdict] = counts.get(verdict, 0) + 1
            sys.stdout.write(f"{verdict:<12} {kind:<8} {case.name:<44} {told}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{counts}\n")
    return 1 if counts.get("MISS") else 0


if __name__ == "__main__":
    sys.exit(main())
