"""Knowledge sits on the object it is about: no file but its own names a concrete part, shape, task, loss or metric.

What makes a thing may name it: a source its part, a preprocessing its part and its shape, a floor its part, a task the parts,
shapes, losses and metrics it brings. Everybody else asks.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_tree import PACKAGE, Source, imports, nodes, read_sources, spelled, write_package

FOLDERS = {"part": "data.part", "shape": "core.shape", "task": "task", "loss": "loss", "metric": "metric"}
"""Each family and where its files are."""
MAKERS = {
    "part": ("data.source", "data.prepare", "floor"),
    "shape": ("data.prepare",),
    "task": (),
    "loss": (),
    "metric": (),
}
"""Rooms whose files make, or prepare, concrete things of a family; a task's own file may name all but another task."""
AMBIGUOUS = {"loss"}
"""Kinds whose name is also a word of the code: the metric called loss."""


def kinds_of(sources: list[Source]) -> dict[str, dict[str, str]]:
    """Return for each family its concrete kinds: module by kind, read from the class attribute `kind`."""
    found: dict[str, dict[str, str]] = {family: {} for family in FOLDERS}
    for source in sources:
        for family, folder in FOLDERS.items():
            if source.module.rpartition(".")[0] == f"tutelage.{folder}" and (kind := declared_kind(source)):
                found[family][kind] = source.module
    return found


def declared_kind(source: Source) -> str:
    """Return the kind that a file's class declares, or nothing."""
    for node in nodes(source):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "kind" and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    return ""


def knowledge_problems(package: Path) -> list[str]:
    """Return one line for each place that names a concrete kind outside its own files."""
    sources = read_sources(package)
    kinds = kinds_of(sources)
    return [problem for source in sources for problem in (*named_modules(source, kinds), *named_words(source, kinds))]


def named_modules(source: Source, kinds: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield imports of concrete kinds by files that do not make them."""
    for item in imports(source):
        for family, modules in kinds.items():
            for kind, module in modules.items():
                is_named = item.target == module or item.target.startswith(f"{module}.")
                if is_named and source.module != module and not may_name(source, family, kinds):
                    yield f"{source.shown}:{item.line}: names the {family} {kind!r}; ask the object instead"


def may_name(source: Source, family: str, kinds: dict[str, dict[str, str]]) -> bool:
    """Tell whether a file makes things of a family."""
    if any(source.module.startswith(f"tutelage.{room}.") for room in MAKERS[family]):
        return True
    return family != "task" and source.module in kinds["task"].values()


def named_words(source: Source, kinds: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield comparisons with the name of a kind, and collections that list kinds of data or tasks."""
    words = {kind: (family, module) for family, modules in kinds.items() for kind, module in modules.items()}
    for node in nodes(source):
        if isinstance(node, ast.Compare | ast.MatchValue | ast.Call):
            for word in compared_words(node):
                family, module = words.get(word, ("", ""))
                if family and word not in AMBIGUOUS and source.module != module and not may_name(source, family, kinds):
                    yield f"{source.shown}:{node.lineno}: compares with the {family} {word!r}; ask the object instead"
        listed = listed_words(node)
        for family in ("part", "task", "shape"):
            if len(listed & set(kinds[family])) >= 2:
                yield f"{source.shown}:{getattr(node, 'lineno', 1)}: lists kinds of {family}s; look them up in the catalog"


def compared_words(node: ast.AST) -> list[str]:
    """Return the texts that a comparison, a case, or a load by name mentions."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        flat = [item for side in sides for item in (side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else [side])]
        return [item.value for item in flat if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    if isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Constant):
        return [str(node.value.value)]
    if isinstance(node, ast.Call) and spelled(node.func) == "catalog.load":
        return [str(word.value) for word in node.args[1:2] if isinstance(word, ast.Constant)]
    return []


def listed_words(node: ast.AST) -> set[str]:
    """Return the texts that a literal collection lists, `Literal[...]` and the keys of a dict among them."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        items: list[ast.expr | None] = list(node.elts)
    elif isinstance(node, ast.Dict):
        items = list(node.keys)
    else:
        return set()
    return {item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)}


def test_knowledge_sits_on_the_object_it_is_about() -> None:
    assert not (problems := knowledge_problems(PACKAGE)), "\n".join(problems)


def test_the_kinds_are_found() -> None:
    kinds = kinds_of(read_sources(PACKAGE))
    assert {"image", "table", "array"} <= set(kinds["part"]) & set(kinds["shape"])
    assert {"classify", "regress"} <= set(kinds["task"])
    assert len(kinds["loss"]) >= 9
    assert len(kinds["metric"]) >= 18


OWN = {
    "data/part/image.py": 'class ImagePart:\n    kind: ClassVar[str] = "image"',
    "data/part/table.py": 'class TablePart:\n    kind: ClassVar[str] = "table"',
    "task/classify.py": 'class Classify:\n    kind: Literal["classify"] = "classify"',
    "task/regress.py": 'class Regress:\n    kind: Literal["regress"] = "regress"',
    "loss/mse.py": 'class Mse:\n    kind: Literal["mse"] = "mse"',
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run/a.py", "from tutelage.data.part.image import ImagePart"),
        ("run/a.py", "def f():\n    import tutelage.task.classify"),
        ("training/a.py", "from tutelage.loss.mse import Mse"),
        ("data/quality/a.py", "from tutelage.data.part import table"),
        ("defaults/a.py", "from tutelage.task.regress import Regress"),
        ("task/rows.py", "from tutelage.data.part.table import TablePart"),
        ("run/a.py", "x = part.kind == 'image'"),
        ("run/a.py", "match part.kind:\n    case 'image':\n        pass"),
        ("run/a.py", "x = plan.task.kind in ('classify', 'other')"),
        ("run/a.py", "x = catalog.load('loss', 'mse')"),
        ("planning/a.py", "x: Literal['image', 'table', 'array']"),
        ("report/a.py", "TASKS = {'classify': 'classification', 'regress': 'regression'}"),
    ],
)
def test_a_file_that_names_a_kind_is_found(tmp_path: Path, name: str, text: str) -> None:
    problems = knowledge_problems(write_package(tmp_path, {**OWN, name: text}))
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data/source/a.py", "from tutelage.data.part.image import ImagePart"),
        ("data/prepare/a.py", "from tutelage.data.part.table import TablePart"),
        ("task/regress.py", OWN["task/regress.py"] + "\nfrom tutelage.loss.mse import Mse"),
        ("run/a.py", "from tutelage.data.part.base import Part\nx = batch['image']"),
    ],
)
def test_who_makes_a_thing_may_name_it(tmp_path: Path, name: str, text: str) -> None:
    assert knowledge_problems(write_package(tmp_path, {**OWN, name: text})) == []
