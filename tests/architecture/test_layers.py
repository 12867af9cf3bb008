"""A room imports only lower ranks or itself, and `core` imports neither torch nor numpy."""

from pathlib import Path

import pytest

from source_tree import PACKAGE, Import, Source, imports, read_sources, write_package

RANKS = {
    "core": 0,
    **dict.fromkeys(["data", "env", "model", "loss", "metric", "calibrate", "optim", "track"], 1),
    "task": 2,
    **dict.fromkeys(["training", "predictor"], 3),
    "run": 4,
    **dict.fromkeys(["estimate", "study", "report", "export", "serve"], 5),
    "api": 6,
    "cli": 7,
}
FACADE = ""
"""The package's own `__init__.py`: what users import, so nothing below the command line may lean on it."""


def layer_problems(package: Path) -> list[str]:
    """Return one line for each import, or file, that stands in the wrong layer."""
    return [problem for source in read_sources(package) for problem in source_problems(source)]


def source_problems(source: Source) -> list[str]:
    """Return what is wrong with one file's place and imports."""
    room = room_of(source.module)
    if room not in RANKS and room != FACADE:
        return [f"{source.shown}:1: {room!r} is not a room; the rooms are {', '.join(RANKS)}"]
    refused = ((item.line, refusal(item, room=room)) for item in imports(source))
    return [f"{source.shown}:{line}: {reason}" for line, reason in refused if reason]


def room_of(dotted: str) -> str:
    """Return the room a dotted name lies in; `__main__` is the command line."""
    parts = dotted.split(".")
    room = parts[1] if len(parts) > 1 else FACADE
    return "cli" if room == "__main__" else room


def refusal(item: Import, *, room: str) -> str:
    """Say why a room may not have an import; nothing where it may."""
    parts = item.target.split(".")
    if parts[0] in {"torch", "numpy"}:
        return f"core may not import {parts[0]}" if room == "core" else ""
    if parts[0] != "tutelage" or parts[1:] == ["__version__"]:
        return ""
    target = room_of(item.target) if room_of(item.target) in RANKS else FACADE
    if room == FACADE:
        return f"the facade may import {item.target} only lazily" if item.when == "at once" and target != "core" else ""
    if room in (target, "cli"):
        return ""
    if target == FACADE:
        return f"{room} may not import the facade ({item.target}); import the room itself"
    if RANKS[target] >= RANKS[room]:
        return f"{room} (rank {RANKS[room]}) may not import {item.target} (rank {RANKS[target]})"
    return ""


def test_a_room_imports_only_lower_ranks() -> None:
    assert not (problems := layer_problems(PACKAGE)), "\n".join(problems)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("core/a.py", "import torch", "a.py:1: core may not import torch"),
        ("core/a.py", "def f():\n    from numpy import array", "a.py:2: core may not import numpy"),
        ("core/a.py", "from tutelage.data import split", "core (rank 0) may not import tutelage.data.split"),
        ("data/a.py", "import tutelage.model.arch.mlp", "data (rank 1) may not import tutelage.model.arch.mlp"),
        ("data/a.py", "from tutelage import env", "data (rank 1) may not import tutelage.env"),
        ("data/source/a.py", "from ...model import init", "data (rank 1) may not import tutelage.model.init"),
        ("predictor/__init__.py", "from ..training import loop", "predictor (rank 3) may not import tutelage.training.loop"),
        ("task/a.py", "if TYPE_CHECKING:\n    from tutelage.run import run", "a.py:2: task (rank 2)"),
        ("task/a.py", "import_module('tutelage.cli.main')", "task (rank 2) may not import tutelage.cli.main"),
        ("report/a.py", "from tutelage.study import axis", "report (rank 5) may not import tutelage.study.axis"),
        ("run/a.py", "from tutelage import fit", "run may not import the facade (tutelage.fit)"),
        ("run/a.py", "import tutelage", "run may not import the facade"),
        ("__init__.py", "from tutelage.train import loop", "only lazily"),
        ("attic/a.py", "", "'attic' is not a room"),
        ("stray.py", "", "'stray' is not a room"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, name: str, text: str, problem: str) -> None:
    problems = layer_problems(write_package(tmp_path, {name: text}))
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("core/a.py", "from tutelage.core.b import c\nimport json"),
        ("data/a.py", "import torch\nfrom tutelage.core import spec\nfrom .source import idx"),
        ("training/a.py", "from tutelage.task.base import Task"),
        ("cli/a.py", "from tutelage import fit"),
        ("__main__.py", "from tutelage.cli.main import main"),
        ("__init__.py", "def __getattr__(name):\n    from tutelage.run import run"),
        ("export/a.py", "from tutelage import __version__"),
    ],
)
def test_an_allowed_import_passes(tmp_path: Path, name: str, text: str) -> None:
    assert layer_problems(write_package(tmp_path, {name: text})) == []
