"""What forecasts of endings know of other trainings, from whole learning curves (`bench.curves`).

`python -m bench.pasts FILE ...` prints how such runs end, by their patience; `--check` also leaves each source of data out in
turn, and prints how well its endings are told by the others; `--write` makes foresight/endings.toml anew.
`TUTELAGE_DATA=FOLDER python -m bench.pasts FILE --learn` does all of it: it makes the trainings that FILE lacks, and writes.
"""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import curves
from bench.scores import Told, scored
from tutelage.core import catalog
from tutelage.core.stopping import BUDGET, Stopping
from tutelage.foresight.convergence import LEAST_POINTS
from tutelage.foresight.curve import Curve, scale_of
from tutelage.foresight.endings import Endings, foresee_endings, last_step
from tutelage.foresight.past import LEVELS, SHARES, Past, levels
from tutelage.training.stopping import COOLDOWN, PATIENCE

__all__ = ["main"]

EARLY, NEAR, POINTS = 0.1, 0.03, 50
PATIENCES = (0.1, 0.15, 0.2, PATIENCE, 0.3, 0.5)
RULES = ((0.1, 0.0), (PATIENCE, COOLDOWN), (0.5, 0.0))
"""Patience and cooldown under which endings are told and compared: the usual ones, and others that a recipe may say."""
TARGETS = (0.15, 0.3, 0.5, 0.7, 0.9)
"""At which share of what is left after the first tenth a target is reached that an early part cannot see."""
OUT = Path(__file__).parents[1] / "src/tutelage/foresight/endings.toml"
HEAD = """\
# What the whole learning curves of other trainings have shown: see past.py. Made by `python -m bench.pasts FILE --write`.
"""


class Whole:
    """One whole learning curve of one metric.

    Attributes:
        source: The data, without the file.
        greater: Whether greater scores are better.
        curve: The first tenth.
    """

    def __init__(self, line: dict[str, Any], name: str) -> None:
        """Take it from a line of `bench.curves`."""
        metric = catalog.load("metric", name)
        self.name, self.metric, self.total = f"{line['name']} {line['seed']}", name, int(line["total"])
        self.source, self.greater = str(line["source"]).split("/")[0], bool(metric.greater_is_better)
        self.perfect = None if metric.form == "number" and self.greater else float(self.greater)
        self.steps, self.values = np.array(line["steps"], dtype=float), np.array(line["metrics"][name], dtype=float)
        self.every = max(-(-self.total // POINTS), 1)
        self.judged = np.append(np.arange(self.every, self.total, self.every), self.total).astype(float)

    def first(self, *, looks_often: bool = True) -> Curve:
        """Return the first tenth: all evaluations, or only those that a training itself makes."""
        seen = self.steps <= EARLY * self.total + 1e-9
        if not looks_often:
            seen &= np.abs(self.steps / self.every - np.round(self.steps / self.every)) < 1e-6
        return Curve(tuple(self.steps[seen]), tuple(self.values[seen]), self.perfect)

    def scores(self) -> np.ndarray:
        """Return what a training itself would have evaluated."""
        return np.interp(self.judged, self.steps, self.values)

    def past(self) -> Past | None:
        """Return what it has shown; None where its beginning is too short."""
        curve = self.first()
        scale = scale_of(curve, greater_is_better=self.greater)
        scaled, last = scale.onto(self.values), curve.steps[-1]
        later, left = self.steps > last, self.total - last
        at = last + left * np.array(SHARES)
        drawn = scale.extrapolated(curve, ahead=at)
        if drawn is None or not later.sum() > POINTS // 3:
            return None
        near = [later & (np.abs(self.steps - step) <= NEAR * self.total) for step in at]
        exact = np.interp(at, self.steps, scaled)
        smooth = np.array([scaled[those].mean() if those.any() else value for those, value in zip(near, exact, strict=True)])
        level = scale.level(curve)
        noise = scaled[later] - np.interp(self.steps[later], [last, *at], [level, *smooth])
        usual = np.interp(np.linspace(0, self.total, POINTS + 1)[1:], self.steps, scaled)
        lines = (usual - usual[0], smooth - level, smooth - np.median(drawn, axis=0))
        rounded = (tuple(round(float(value), 3) for value in line) for line in lines)
        first, second = (round(value, 3) for value in scale.drop(curve))
        named = f"{self.source}/{self.metric}"
        return Past(named, scale.is_log, (first, second), round(float(noise.std()), 4), *rounded)


def read(path: Path) -> list[Whole]:
    """Return all curves of a file that are finite."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    wholes = [Whole(line, name) for line in lines for name in line["metrics"]]
    return [each for each in wholes if np.isfinite(each.values).all() and len(each.first().steps) >= LEAST_POINTS]


def usual_ends(wholes: Sequence[Whole]) -> Iterator[str]:
    """Yield, for each patience, how such runs end."""
    yield f"{len(wholes)} curves; share of the most steps at which they end, in quantiles of 10, 25, 50, 75 and 90 %"
    for patience, cooldown in [*((patience, 0.0) for patience in PATIENCES), (PATIENCE, COOLDOWN)]:
        ends = [_ended(each, _rule(each, patience=patience, cooldown=cooldown)) for each in wholes]
        shares = np.array([step / each.total for (step, _), each in zip(ends, wholes, strict=True)])
        early = np.mean([reason != BUDGET for _, reason in ends])
        drawn = f", then a cooldown of {cooldown:.2f}" if cooldown else ""
        told = " ".join(f"{value:.2f}" for value in np.quantile(shares, [0.1, 0.25, 0.5, 0.75, 0.9]))
        yield f"patience {patience:.2f}{drawn}: {early:.0%} end early; {told}"


def outcomes(wholes: Sequence[Whole]) -> dict[str, list[tuple[Endings, float, str]]]:
    """Tell the endings of each source by the others, and return them beside what came of it."""
    known = [past for each in wholes if (past := each.past()) is not None]
    told: dict[str, list[tuple[Endings, float, str]]] = {"early": [], "target": []}
    for each in wholes:
        others = [past for past in known if not past.source.startswith(f"{each.source}/")]
        curve = each.first()
        for kind, rule in _rules(each, curve):
            endings = foresee_endings(curve, rule, total=each.total, every=each.every, known=others)
            told[kind].append((endings, *_ended(each, rule)))
    return told


def places(told: Sequence[tuple[Endings, float, str]], before: Sequence[float]) -> list[float]:
    """Return at which shares of what was drawn the outcomes lay, in quantiles of `LEVELS`.

    Args:
        told: Forecasts beside the last step and the reason.
        before: What these shares were when the forecasts were made.
    """
    random, found = np.random.default_rng(0), []
    for endings, actual, _ in told:
        below, upto = float((endings.steps < actual).mean()), float((endings.steps <= actual).mean())
        found.append(np.interp(random.uniform(below, upto), (0.0, *LEVELS, 1.0), (0.0, *before, 1.0)))
    return [round(float(value), 3) for value in np.quantile(found, LEVELS)]


def _rules(each: Whole, curve: Curve) -> Iterator[tuple[str, Stopping]]:
    """Yield rules under which a training ends early or at a target; one of the targets is out of reach."""
    for patience, cooldown in RULES:
        yield "early", _rule(each, patience=patience, cooldown=cooldown)
    better = np.maximum if each.greater else np.minimum
    so_far = better.accumulate(each.scores())
    ahead = so_far[each.judged > curve.steps[-1]]
    best = float(max(curve.values) if each.greater else min(curve.values))
    beyond = float(ahead[-1]) + 0.1 * (float(ahead[-1]) - best)
    for target in [*(float(ahead[int(share * len(ahead))]) for share in TARGETS), beyond]:
        rule = _rule(each, patience=1.0).but(until=target)
        if rule.gain(target, best) > 0 and math.isfinite(target):
            yield "target", rule


def _rule(each: Whole, *, patience: float, cooldown: float = 0.0) -> Stopping:
    """Return the rule of a training with this patience and cooldown, both as shares of its steps."""
    waits = 0 if patience >= 1 else max(3 * each.every, round(patience * each.total))
    drawn = round(cooldown * each.total)
    return Stopping(metric=f"val/{each.metric}", greater_is_better=each.greater, patience=waits, cooldown=drawn)


def _ended(each: Whole, rule: Stopping) -> tuple[float, str]:
    """Return how the training would have ended."""
    return last_step(each.scores(), each.judged, rule)


def written(pasts: Sequence[Past], levels: dict[str, list[float]]) -> str:
    """Return the file."""
    tables = ["\n".join(["[levels]", *(f"{kind} = {shares}" for kind, shares in levels.items()), ""])]
    for past in pasts:
        curves = "\n".join(f"{name} = {list(getattr(past, name))}" for name in ("usual", "onward", "beyond"))
        head = f'source = "{past.source}"\nis_log = {str(past.is_log).lower()}\ndrop = {list(past.drop)}\nnoise = {past.noise}'
        tables.append(f"[[past]]\n{head}\n{curves}\n")
    return "\n".join([HEAD, *tables])


def main(words: list[str]) -> None:
    """Make what is lacking, print, check, write, as far as it was asked for."""
    files = [Path(word) for word in words if not word.startswith("--")]
    if "--learn" in words:
        curves.main(files[0])
    wholes = [whole for file in files for whole in read(file)]
    for line in usual_ends(wholes):
        print(line)
    if not {"--check", "--write", "--learn"} & set(words):
        return
    told = outcomes(wholes)
    for kind, those in told.items():
        print(kind, json.dumps(scored([Told.of(endings, actual, reason, name="") for endings, actual, reason in those])))
    found = {kind: places(those, levels(kind)) for kind, those in told.items()}
    print(f"shares of the drawn endings at which {LEVELS} of the outcomes lay: {found}")
    if {"--write", "--learn"} & set(words):
        OUT.write_text(written([past for each in wholes if (past := each.past()) is not None], found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
