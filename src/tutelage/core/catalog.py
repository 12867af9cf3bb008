"""The file system is the registry: a component's kind is its file name, its description its first docstring line.

Listing reads the files as text and imports nothing, so `tutelage list` starts at once.
"""

import difflib
import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from tutelage.core.errors import RecipeError

__all__ = ["describe", "families", "load", "names"]

FOLDERS = {
    "source": "data/source",
    "shape": "core/shape",
    "target": "data/target",
    "check": "data/quality",
    "prepare": "data/prepare",
    "augment": "data/augment",
    "model": "model/arch",
    "init": "model/init",
    "loss": "loss",
    "game": "game",
    "distillation": "distillation",
    "floor": "floor",
    "metric": "metric",
    "calibrator": "calibrate",
    "optim": "optim",
    "schedule": "optim/schedule",
    "task": "task",
    "env": "env",
    "track": "track",
    "defaults": "defaults",
    "cause": "diagnosis",
    "section": "report/sections",
    "export": "export",
    "benchmark": "hardware/bench",
}
"""Each family of components and the folder, below the package, that holds one file per kind."""

KIND = "\n    kind: "
"""How a class sets what kind it is, as the house's formatter writes it: parsing the files takes a quarter second a command."""
EXPORTED = re.compile(r'^__all__ = \[\s*"(\w+)"', re.MULTILINE)
TOP = re.compile(r"\n(?=[^\s)#])")
"""Where a class ends: before a line that is not indented."""
QUOTES = '"""'
PACKAGE = Path(__file__).resolve().parent.parent


def families() -> tuple[str, ...]:
    """Return the names of all families."""
    return tuple(FOLDERS)


def names(family: str) -> tuple[str, ...]:
    """Return the kinds of a family, sorted.

    Raises:
        RecipeError: The family is unknown.
    """
    if family not in FOLDERS:
        raise RecipeError(f"unknown family {family!r}{suggest(family, families())} Families: {', '.join(families())}.")
    return tuple(kind for kind, _ in _components(family))


def describe(family: str, kind: str) -> str:
    """Return the first docstring line of a component's file."""
    return dict(_components(family))[kind]


def load(family: str, kind: str) -> type[Any]:
    """Import the one component class of a file.

    Raises:
        RecipeError: No such kind; the message names the nearest one.
    """
    if kind not in names(family):
        raise RecipeError(f"unknown {family} {kind!r}{suggest(kind, names(family))} Known: {', '.join(names(family))}.")
    module = importlib.import_module("tutelage." + FOLDERS[family].replace("/", ".") + "." + kind)
    component: type[Any] = getattr(module, module.__all__[0])
    return component


def suggest(word: str, known: tuple[str, ...] | list[str]) -> str:
    """Return how a sentence about an unknown word ends: `; did you mean 'x'?`, or `.` where no known word is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else "."


@cache
def _components(family: str) -> tuple[tuple[str, str], ...]:
    """Read (kind, description) of each component file of a family."""
    found = []
    for path in sorted((PACKAGE / FOLDERS[family]).glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if _is_component(text):
            found.append((path.stem, _description(text)))
    return tuple(found)


def _description(text: str) -> str:
    """Return the first line of a file's docstring."""
    first = text.partition("\n")[0]
    return first.split(QUOTES)[1] if first.startswith(QUOTES) else ""


def _is_component(text: str) -> bool:
    """Tell whether a file's `__all__` begins with a class that sets `kind`."""
    exported = EXPORTED.search(text)
    if exported is None or KIND not in text:
        return False
    found = re.split(rf"\nclass {exported[1]}\b", text, maxsplit=1)
    return len(found) == 2 and KIND in TOP.split(found[1], maxsplit=1)[0]
