"""The parts of data made of rows: what the source lacks of validation and test is cut, at random, by time or by groups."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tutelage.core.errors import DataError, DataProblem, RecipeError
from tutelage.core.setting import write_setting
from tutelage.data.part.base import RowsPart
from tutelage.data.source.base import Collected
from tutelage.data.split import cut, cut_groups, cut_times
from tutelage.data.split_keys import SplitKeys
from tutelage.planning.plan import SplitPlan
from tutelage.planning.recipe import Recipe

__all__ = ["SplitParts", "choose_fraction", "split_rows"]

SMALL_SET = 500
"""Rows below which a larger fraction is needed for a validation score to mean something."""
FEWEST_ROWS = 4
"""So many give three parts at random, two of them to learn from; of fewer no score means anything, whatever part is cut."""
TEST_FRACTION, VALIDATION_FRACTION, SMALL_VALIDATION_FRACTION = 0.2, 0.1, 0.15
MAX_FRACTION = 0.5
LEAST_NUMBER = 2
"""From here on a whole number is one of rows: 1 may be meant as all of them."""
FAR_FROM = 2.0
"""How many times larger or smaller than asked for a part must be for that to be told."""


COPIES, MOST_COPIES = 8, 64
"""Of a validation row whose weight is the mean, and of the heaviest."""


@dataclass(frozen=True)
class SplitParts:
    """The three parts, before preprocessing.

    Attributes:
        test: None where the user wanted none.
        plan: How they were cut.
        reason: The same in words.
        warnings: What the user should know.
        weights: How much each train row counts in the loss, float64 [N]; None where all count alike.
    """

    train: RowsPart
    validation: RowsPart
    test: RowsPart | None
    plan: SplitPlan
    reason: str = ""
    warnings: tuple[str, ...] = ()
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class _Cutter:
    """Cuts rows in two, by one rule for test and validation."""

    split: SplitKeys
    classes: np.ndarray | None
    gap: int
    seed: int

    def cut(self, rows: np.ndarray, *, fraction: float, purpose: str) -> tuple[np.ndarray, np.ndarray]:
        """Return which of some rows stay and which go."""
        classes = None if self.classes is None else self.classes[rows]
        if self.split.by == "time":
            stay, gone = cut_times(self.split.keys[rows], fraction=fraction, gap=self.gap)
        elif self.split.by == "group":
            stay, gone = cut_groups(self.split.keys[rows], classes, fraction=fraction, seed=self.seed, purpose=purpose)
        else:
            stay, gone = cut(classes, num_rows=len(rows), fraction=fraction, seed=self.seed, purpose=purpose)
        return rows[stay], rows[gone]


def split_rows(collected: Collected, recipe: Recipe, *, classes: np.ndarray | None) -> SplitParts:
    """Cut the test and the validation part, if the source has none; its validation part gives way to a cut that is asked for.

    Args:
        collected: Parts made of rows.
        recipe: Its `split` and `seed` count.
        classes: Class numbers int64 [N] of the train part, kept in proportion; None where there are none.

    Raises:
        DataError: Too few rows, whether the source has a test part or not; too few groups or times.
        RecipeError: A fraction out of range.
    """
    train, test, split = collected.train, collected.test, collected.split
    assert isinstance(train, RowsPart)
    assert test is None or isinstance(test, RowsPart)
    own = _own_validation(collected, recipe)
    cutter = _Cutter(split, classes, recipe.split.gap, recipe.seed)
    rows, gone = np.arange(len(train)), np.zeros(0, dtype=np.int64)
    test_fraction = choose_fraction(recipe, "test", TEST_FRACTION, count=len(rows)) * (test is None)
    _require_enough(split, parts=3 if test_fraction else 2, where=train.name)
    if test_fraction:
        rows, gone = cutter.cut(rows, fraction=test_fraction, purpose="test")
    usual = SMALL_VALIDATION_FRACTION if len(rows) < SMALL_SET else VALIDATION_FRACTION
    fraction = choose_fraction(recipe, "validation", usual, count=len(rows)) if own is None else 0.0
    stay, held = (rows, rows[:0]) if own is not None else cutter.cut(rows, fraction=fraction, purpose="validation")
    is_cut = bool(len(held) or len(gone))
    if (is_cut and len(train) < FEWEST_ROWS) or not len(stay) or not (len(held) or own) or (test_fraction and not len(gone)):
        left = f"{len(train)} rows are too few to cut a validation part from"
        also = " With split.gap, give more, or a smaller gap." if recipe.split.gap else ""
        raise DataError([DataProblem(train.name, left, f"Give at least 10 rows, and several of each class.{also}")])
    cut_off = {"test": (test_fraction, len(gone) / len(train)), "validation": (fraction, len(held) / len(rows))}
    return SplitParts(
        train.select(stay).renamed("train"),
        train.select(_by_weight(held, collected.weights)).renamed("validation") if own is None else own,
        train.select(gone).renamed("test") if test_fraction else test,
        _plan(split, recipe, validation=fraction, test=test_fraction),
        reason=_say(collected, recipe, {"train": stay, "validation": held, "test": gone}, has_own=own is not None),
        warnings=(*_far_off(split, cut_off), *_overlap(split), *_left_out(collected, own)),
        weights=None if collected.weights is None else collected.weights[stay],
    )


def _by_weight(rows: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return rows to measure on, each as often as it counts, in eighths of the mean weight; as they are without weights."""
    if weights is None or not weights[rows].any():
        return rows
    return np.repeat(rows, np.minimum(np.round(COPIES * weights[rows] / weights[rows].mean()), MOST_COPIES).astype(np.int64))


def choose_fraction(
    recipe: Recipe, part: Literal["validation", "test"], usual: float, *, count: int, unit: str = "rows"
) -> float:
    """Return which fraction of the data is kept apart for a part, as wished or as usual; only the test part may be empty.

    Args:
        recipe: Its `split` counts: a fraction, or a whole number of rows.
        part: The part.
        usual: Its fraction where nothing is wished.
        count: Rows that it is cut from.
        unit: What they are, in the plural.

    Raises:
        RecipeError: It is out of range.
    """
    wish = recipe.split.validation if part == "validation" else recipe.split.test
    if wish == "auto":
        return usual
    is_number = wish >= LEAST_NUMBER and wish == int(wish)
    fraction = wish / max(count, 1) if is_number else float(wish)
    if not 0 <= fraction <= MAX_FRACTION or (part == "validation" and fraction == 0):
        said = f"{int(wish)}" if is_number else f"{wish:g}"
        expected = f"a fraction of the data, at most {MAX_FRACTION}, or a whole number of {unit}, at most half of all {count:,}"
        raise RecipeError(f"recipe: split.{part} = {said} must be {expected}. Typical: 0.1 to 0.2.")
    return fraction


def _own_validation(collected: Collected, recipe: Recipe) -> RowsPart | None:
    """Return the source's validation part; None where it has none, or where the user asks for another one."""
    own, is_asked = collected.validation, recipe.split.validation != "auto" or collected.split.by in ("time", "group")
    assert own is None or isinstance(own, RowsPart)
    return None if is_asked else own


def _left_out(collected: Collected, own: RowsPart | None) -> list[str]:
    """Tell that the source's validation part is not used."""
    if collected.validation is None or own is not None:
        return []
    asked = "split.by" if collected.split.by in ("time", "group") else "split.validation"
    return [f"the validation part of the source is left out: by {asked}, one is cut from train. Without that, it is used"]


def _plan(split: SplitKeys, recipe: Recipe, *, validation: float, test: float) -> SplitPlan:
    """Return what the plan keeps of the split."""
    by: Literal["random", "time", "group"] = "random" if split.by == "auto" else split.by
    wish = recipe.split
    return SplitPlan(
        validation=validation, test=test, seed=recipe.seed, by=by, column=split.column, pattern=wish.pattern, gap=wish.gap
    )


def _require_enough(split: SplitKeys, *, parts: int, where: str) -> None:
    """Refuse fewer groups, or different times, than there are parts.

    Raises:
        DataError: There are too few.
    """
    if split.by not in ("time", "group"):
        return
    count = len(np.unique(split.keys))
    if count < parts:
        unit = "group" if split.by == "group" else "different time"
        found = f"{count} {unit}{'s' * (count != 1)}, and each of {parts} parts needs one of its own"
        remedy = "Give rows of more of them, or split by another column." + (" With split.test = 0, 2 do." if parts == 3 else "")
        raise DataError([DataProblem(f"{where}, {split.origin}", found, remedy)])


def _say(collected: Collected, recipe: Recipe, rows: dict[str, np.ndarray], *, has_own: bool) -> str:
    """Say how the parts were cut, and why so."""
    split, has_test = collected.split, collected.test is not None
    if split.by not in ("time", "group"):
        why = ", as you asked" if split.by == "random" else ": nothing says that rows hang together"
        if split.by == "auto" and collected.has_related_rows:
            why = ", though rows seem to hang together: see the warnings"
        start = "as the source has them" if has_test else f"the test part is cut at random, by the seed{why}"
        if has_own:
            return start if has_test else f"{start}; validation is as the source has it"
        return f"{start}; validation is cut from train"
    keys = {name: split.keys[some] for name, some in rows.items() if len(some)}
    if split.by == "group":
        counts = ", ".join(f"{len(np.unique(some)):,} {name}" for name, some in keys.items())
        said = f"by {split.origin}, whole groups only: {counts}"
    else:
        spans = ", ".join(f"{name} until {split.say(some.max())}" for name, some in keys.items())
        left = len(split.keys) - sum(len(some) for some in keys.values())
        said = f"by time, {split.origin}: {spans}{f'; {left:,} rows of the gaps are in no part' if left else ''}"
        if split.column and split.column not in recipe.columns:
            leaves_out = write_setting("columns", split.column, value="dropped")
            said += f". As a feature it will take values that were never seen: {leaves_out} leaves it out"
    return f"{said}; the test part is as the source has it" if has_test else said


def _far_off(split: SplitKeys, parts: dict[str, tuple[float, float]]) -> list[str]:
    """Tell of parts that whole groups, or equal times, make much larger or smaller than asked for."""
    if split.by not in ("time", "group"):
        return []
    return [
        f"the {name} part has {got:.0%} of its rows instead of {asked:.0%}: {split.by}s stay whole, and these are large"
        for name, (asked, got) in parts.items()
        if asked and not asked / FAR_FROM <= got <= asked * FAR_FROM
    ]


def _overlap(split: SplitKeys) -> list[str]:
    """Tell where the source's own test part holds groups of the train part, or times that are not after it."""
    if not len(split.tested):
        return []
    if split.by == "group":
        shared = int(np.isin(split.tested, split.keys).sum())
        told = f"test: {shared:,} of its rows are of groups of the train part ({split.origin}), so the test score is too good"
        return [f"{told}. Keep each group on one side"] if shared else []
    early = int((split.tested < split.keys.max()).sum())
    told = f"test: {early:,} of its rows are before the last of the train part ({split.say(split.keys.max())}, {split.origin})"
    return [f"{told}. Give a test part that comes after"] if early else []
