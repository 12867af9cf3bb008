"""All formulas by the name of the operator: each file of `formula/` is one class of operators, and lists what it knows."""

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tutelage.work.call import Call, Cost

__all__ = ["Formula", "classes", "formula_of", "kept_of", "scratch_of"]

FOLDER = Path(__file__).resolve().parent / "formula"
VIEW, POINTWISE = "view", "elementwise"
"""The classes of operators that torch itself marks as such."""


class Formula(NamedTuple):
    """How much one operator does.

    Attributes:
        kind: The operator's class: the name of the file that knows it.
        cost: Returns what one call does.
    """

    kind: str
    cost: Callable[[Call], Cost]


def formula_of(call: Call) -> Formula | None:
    """Return the formula for a call; None where nobody knows one, and then it is told as uncovered."""
    known = _formulas()
    if call.is_view:
        return Formula(VIEW, _nothing)
    if call.name in known:
        return known[call.name]
    # Whatever torch marks so is one operation for each number of the result.
    return Formula(POINTWISE, lambda seen: Cost(others=seen.count)) if call.is_pointwise else None


def kept_of(name: str) -> Callable[[Call], int] | None:
    """Return what tells how large an operator's last result is, where sizes alone do not tell torch."""
    return _sizes("KEPT").get(name)


def scratch_of(name: str) -> Callable[[Call], int] | None:
    """Return what tells how much memory an operator takes while it runs, where that is much and no tensor tells."""
    return _sizes("SCRATCH").get(name)


def classes() -> tuple[str, ...]:
    """Return the classes of operators, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"))


@cache
def _formulas() -> Mapping[str, Formula]:
    """Read the formulas of all files."""
    found: dict[str, Formula] = {}
    for kind in classes():
        operators: Mapping[str, Callable[[Call], Cost]] = importlib.import_module(f"tutelage.work.formula.{kind}").OPERATORS
        twice = found.keys() & operators.keys()
        assert not twice, f"{kind}: {sorted(twice)} have a formula already, in {[found[name].kind for name in twice]}"
        found |= {name: Formula(kind, cost) for name, cost in operators.items()}
    return found


@cache
def _sizes(what: str) -> Mapping[str, Callable[[Call], int]]:
    """Read the sizes of memory that kernels take by themselves, of all files that know some."""
    found: dict[str, Callable[[Call], int]] = {}
    for kind in classes():
        found |= getattr(importlib.import_module(f"tutelage.work.formula.{kind}"), what, {})
    return found


def _nothing(call: Call) -> Cost:
    """Return that looking at memory in another way costs nothing."""
    return Cost(read=0, written=0)
