"""No module needs, while it is being imported, a module that needs it."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from source_tree import PACKAGE, imports, read_sources, write_package


def find_cycle(package: Path, *, when: tuple[str, ...] = ("at once",)) -> list[str]:
    """Return the modules of one import cycle in order, the first again at the end; nothing where there is none."""
    try:
        TopologicalSorter(import_graph(package, when=when)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def import_graph(package: Path, *, when: tuple[str, ...]) -> dict[str, set[str]]:
    """Return which modules of the package each module imports at these moments; for types does not count."""
    sources = read_sources(package)
    modules = {source.module for source in sources}
    graph: dict[str, set[str]] = {}
    for source in sources:
        targets = {nearest(item.target, modules) for item in imports(source) if item.when in when}
        # Foreign modules give ""; a file that names one of its own objects gives itself: neither is a cycle.
        graph[source.module] = targets - {"", source.module}
    return graph


def nearest(target: str, modules: set[str]) -> str:
    """Return the module that a dotted name lies in: the longest known beginning, or nothing."""
    parts = target.split(".")
    beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in beginnings if name in modules), "")


def test_no_import_cycles() -> None:
    assert not (cycle := find_cycle(PACKAGE)), " -> ".join(cycle)


def test_no_cycles_at_run_time_either() -> None:
    """Late imports count too: a cycle that hides inside a function is still one."""
    assert not (cycle := find_cycle(PACKAGE, when=("at once", "inside"))), " -> ".join(cycle)


def test_a_cycle_inside_a_function_is_found(tmp_path: Path) -> None:
    files = {"core/a.py": "def f():\n    from tutelage.core.b import x", "core/b.py": "import tutelage.core.a"}
    assert len(find_cycle(write_package(tmp_path, files), when=("at once", "inside"))) >= 3


@pytest.mark.parametrize(
    "files",
    [
        {"core/a.py": "from tutelage.core.b import x", "core/b.py": "import tutelage.core.a"},
        {
            "core/a.py": "from . import b",
            "core/b.py": "from . import c",
            "core/c.py": "try:\n    from . import a\nfinally:\n    pass",
        },
        {"core/__init__.py": "from tutelage.core.a import x", "core/a.py": "from tutelage.core import x"},
    ],
    ids=["two", "three", "own package"],
)
def test_a_cycle_is_found(tmp_path: Path, files: dict[str, str]) -> None:
    assert len(find_cycle(write_package(tmp_path, files))) >= 3


@pytest.mark.parametrize(
    "text",
    ["def f():\n    from tutelage.core import b", "if TYPE_CHECKING:\n    from tutelage.core import b", "import json"],
    ids=["inside a function", "for types", "foreign"],
)
def test_a_late_import_is_no_cycle(tmp_path: Path, text: str) -> None:
    package = write_package(tmp_path, {"core/__init__.py": "", "core/a.py": text, "core/b.py": "from tutelage.core import a"})
    assert find_cycle(package) == []
