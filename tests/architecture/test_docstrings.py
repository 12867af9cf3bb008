"""Public names say what they are in one sentence, and every function is fully annotated."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_tree import PACKAGE, Function, Source, functions, nodes, read_sources, write_package

SECOND_SENTENCE = re.compile(r"(?<!e\.g)(?<!i\.e)[.!?]\s+[A-Z]")


def docstring_problems(package: Path) -> list[str]:
    """Return one line for each public name whose docstring is missing or does not begin with one sentence."""
    return [
        f"{source.shown}:{getattr(node, 'lineno', 1)}: {name}: {reason}"
        for source in read_sources(package)
        for name, node in public_names(source)
        if (reason := docstring_refusal(ast.get_docstring(node)))
    ]


def public_names(source: Source) -> Iterator[tuple[str, ast.Module | ast.ClassDef | Function]]:
    """Yield the module and its public classes, functions and methods; a file with a leading underscore has none."""
    if not is_public(source.path.stem) and not source.path.stem.startswith("__"):
        return
    yield "module", source.tree
    yield from _public_names(source.tree, prefix="")


def _public_names(parent: ast.Module | ast.ClassDef, *, prefix: str) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    for node in parent.body:
        if isinstance(node, ast.ClassDef | Function) and is_public(node.name) and not is_overload(node):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public_names(node, prefix=f"{prefix}{node.name}.")


def is_public(name: str) -> bool:
    """Tell whether a name is public; magic methods do what their names say and need no docstring."""
    return not name.startswith("_")


def is_overload(node: ast.ClassDef | Function) -> bool:
    """Tell whether this only declares types, or sets a property whose getter is documented."""
    marks = {ast.unparse(mark).split(".")[-1] for mark in node.decorator_list}
    return bool(marks & {"overload", "setter", "deleter"})


def docstring_refusal(text: str | None) -> str:
    """Say what is wrong with a docstring; nothing where it is fine."""
    first = (text or "").split("\n")[0]
    if not first:
        return "no docstring, or an empty first line"
    if not first.endswith("."):
        return f"the first line is not a whole sentence: {first!r}"
    if SECOND_SENTENCE.search(first):
        return f"the first line is more than one sentence: {first!r}"
    return "" if (text or "").isascii() else "the docstring is not ASCII"


def annotation_problems(package: Path) -> list[str]:
    """Return one line for each function, public or private, with a parameter or a result that has no type."""
    return [
        f"{source.shown}:{function.lineno}: {function.name}: no type for {', '.join(bare)}"
        for source in read_sources(package)
        for function, is_method in classified(source)
        if (bare := unannotated(function, is_method=is_method))
    ]


def classified(source: Source) -> Iterator[tuple[Function, bool]]:
    """Yield each function of a file and whether it stands in a class, where the first parameter needs no type."""
    methods = {item for node in nodes(source) if isinstance(node, ast.ClassDef) for item in node.body}
    return ((function, function in methods) for function in functions(source))


def unannotated(function: Function, *, is_method: bool) -> list[str]:
    """Return the names of a function's parameters without a type, and `return` where the result has none."""
    positional = [*function.args.posonlyargs, *function.args.args]
    is_static = any(ast.unparse(mark) == "staticmethod" for mark in function.decorator_list)
    if is_method and not is_static:
        positional = positional[1:]
    stars = [star for star in (function.args.vararg, function.args.kwarg) if star]
    bare = [item.arg for item in [*positional, *function.args.kwonlyargs, *stars] if item.annotation is None]
    return bare if function.returns else [*bare, "return"]


def test_public_names_have_docstrings() -> None:
    assert not (problems := docstring_problems(PACKAGE)), "\n".join(problems)


def test_functions_are_fully_annotated() -> None:
    assert not (problems := annotation_problems(PACKAGE)), "\n".join(problems)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1", "a.py:1: module: no docstring"),
        ('"""What."""\nclass A:\n    pass', "a.py:2: A: no docstring"),
        ('"""What."""\nclass A:\n    """An A."""\n    def f(self): ...', "a.py:4: A.f: no docstring"),
        ('"""What."""\nasync def f(): ...', "a.py:2: f: no docstring"),
        ('"""What it is"""', "not a whole sentence"),
        ('"""What it\nis."""', "not a whole sentence"),
        ('"""What it is. And more."""', "more than one sentence"),
        ('"""Na\u00efve."""', "not ASCII"),
    ],
)
def test_a_poor_docstring_is_found(tmp_path: Path, text: str, problem: str) -> None:
    problems = docstring_problems(write_package(tmp_path, {"core/a.py": text}))
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(
    "text",
    [
        '"""What, e.g. A thing.\n\nMore. And more.\n"""\ndef _f(): ...',
        '"""What."""\nclass A:\n    """An A."""\n    def __len__(self): ...',
    ],
)
def test_a_good_docstring_passes(tmp_path: Path, text: str) -> None:
    assert docstring_problems(write_package(tmp_path, {"core/a.py": text, "core/_b.py": ""})) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def f(x) -> None: ...", "f: no type for x"),
        ("def _f(): ...", "_f: no type for return"),
        ("class A:\n    def __init__(self, *xs, **ys) -> None: ...", "a.py:2: __init__: no type for xs, ys"),
        ("class A:\n    @staticmethod\n    def f(x) -> None: ...", "f: no type for x"),
        ("def f() -> None:\n    def g(*, x) -> None: ...", "a.py:2: g: no type for x"),
    ],
)
def test_a_missing_type_is_found(tmp_path: Path, text: str, problem: str) -> None:
    problems = annotation_problems(write_package(tmp_path, {"core/a.py": text}))
    assert len(problems) == 1
    assert problem in problems[0]


def test_full_types_pass(tmp_path: Path) -> None:
    text = "class A:\n    def f(self, x: int, *xs: int, y: int = 1, **ys: int) -> None: ..."
    assert annotation_problems(write_package(tmp_path, {"core/a.py": text})) == []
