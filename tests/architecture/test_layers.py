"""A room imports only lower ranks or itself, and `core` imports neither torch nor numpy."""

import ast
from pathlib import Path

import pytest

from source_tree import PACKAGE, Import, Source, imports, nodes, read_sources, spelled, write_package
from tutelage.core.catalog import FOLDERS

RANKS = {
    "core": 0,
    **dict.fromkeys(
        [
            "planning",
            "data",
            "env",
            "model",
            "loss",
            "game",
            "distillation",
            "metric",
            "calibrate",
            "optim",
            "track",
            "diagnosis",
            "hardware",
            "work",
        ],
        1,
    ),
    **dict.fromkeys(["defaults", "floor", "foresight"], 2),
    "task": 3,
    **dict.fromkeys(["training", "predictor"], 4),
    "run": 5,
    **dict.fromkeys(["study", "report", "export", "serve"], 6),
    **dict.fromkeys(["api", "sklearn"], 7),
    "cli": 8,
}
MAX_DEPTH = 9
"""Rooms on the longest chain of imports, from the command line down to `core`."""
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


def longest_chain(package: Path) -> list[str]:
    """Return the rooms of the longest chain of imports, wherever the imports stand."""
    below: dict[str, set[str]] = {}
    for source in read_sources(package):
        room = room_of(source.module)
        targets = {room_of(item.target) for item in imports(source) if item.target.startswith("tutelage.")}
        below.setdefault(room, set()).update(targets & set(RANKS) - {room})
    chains: dict[str, list[str]] = {}
    for room in sorted(below, key=lambda name: RANKS.get(name, -1)):
        chains[room] = [room, *max((chains.get(target, [target]) for target in below[room]), key=len, default=[])]
    return max((chain for room, chain in chains.items() if room), key=len)


def catalog_problems(package: Path) -> list[str]:
    """Return one line for each component that is loaded by name from a room that may not know it."""
    return [
        f"{source.shown}:{line}: {room_of(source.module)} may not load {family} components ({FOLDERS[family]})"
        for source in read_sources(package)
        for line, family in loaded_families(source)
        if room_of(source.module) not in ("core", FOLDERS[family].split("/")[0])
        and RANKS[FOLDERS[family].split("/")[0]] >= RANKS.get(room_of(source.module), -1)
    ]


def loaded_families(source: Source) -> list[tuple[int, str]]:
    """Return line and family of each `catalog.load("family", ...)`."""
    calls = [node for node in nodes(source) if isinstance(node, ast.Call) and spelled(node.func) == "catalog.load"]
    firsts = [(node.lineno, node.args[0]) for node in calls if node.args]
    return [(line, str(word.value)) for line, word in firsts if isinstance(word, ast.Constant) and word.value in FOLDERS]


def test_no_chain_of_rooms_is_too_deep() -> None:
    chain = longest_chain(PACKAGE)
    assert len(chain) <= MAX_DEPTH, " -> ".join(chain)


def test_a_chain_is_measured(tmp_path: Path) -> None:
    files = {"cli/a.py": "def f():\n    from tutelage.run import b", "run/b.py": "import tutelage.core.c", "core/c.py": ""}
    assert longest_chain(write_package(tmp_path, files)) == ["cli", "run", "core"]


def test_components_are_loaded_from_above_only() -> None:
    assert not (problems := catalog_problems(PACKAGE)), "\n".join(problems)


def test_a_component_loaded_from_below_is_found(tmp_path: Path) -> None:
    package = write_package(tmp_path, {"data/a.py": "catalog.load('task', kind)", "task/b.py": "catalog.load('metric', kind)"})
    assert len(catalog_problems(package)) == 1


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
        ("predictor/__init__.py", "from ..training import loop", "predictor (rank 4) may not import tutelage.training.loop"),
        ("task/a.py", "if TYPE_CHECKING:\n    from tutelage.run import run", "a.py:2: task (rank 3)"),
        ("task/a.py", "import_module('tutelage.cli.main')", "task (rank 3) may not import tutelage.cli.main"),
        ("report/a.py", "from tutelage.study import axis", "report (rank 6) may not import tutelage.study.axis"),
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
