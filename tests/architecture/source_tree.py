"""Reads a package as text, so that the architecture tests judge code without running it."""

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tutelage"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Source:
    """One file of a package; read and parsed once, and equal only to itself.

    Attributes:
        path: Where it lies.
        shown: Its name in messages, such as `src/tutelage/core/spec.py`.
        module: Its dotted name, such as `tutelage.core.spec`; a package's `__init__.py` has the package's name.
    """

    path: Path
    shown: str
    module: str
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Whether this is a package's `__init__.py`."""
        return self.path.name == "__init__.py"


@dataclass(frozen=True)
class Import:
    """One imported name.

    Attributes:
        target: Dotted, with the name: `from a.b import c` is `a.b.c`.
        line: Where it stands.
        when: At once, inside a function, or for the type checker only.
    """

    target: str
    line: int
    when: str


def read_sources(package: Path = PACKAGE) -> list[Source]:
    """Parse every Python file of a package; an empty package is an error, since it would pass every test."""
    paths = sorted(package.rglob("*.py"))
    assert paths, f"no Python files under {package}"
    return [_read_source(path, package=package, changed=path.stat().st_mtime_ns) for path in paths]


spelled = functools.cache(ast.unparse)
"""The text of a part of a file; many tests ask for that of every call."""


@functools.cache
def nodes(source: Source) -> tuple[ast.AST, ...]:
    """Return everything that a file's text is made of."""
    return tuple(ast.walk(source.tree))


@functools.cache
def imports(source: Source) -> tuple[Import, ...]:
    """Return every import of a file, wherever it stands."""
    return tuple(_imports(source.tree, source=source, when="at once"))


def functions(source: Source) -> Iterator[Function]:
    """Yield every function and method of a file, nested ones too."""
    return (node for node in nodes(source) if isinstance(node, Function))


def write_package(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a made-up package for a test's own test and return its folder.

    Args:
        folder: Where to write, such as `tmp_path`.
        files: Text by path inside the package, such as `core/spec.py`.
    """
    package = folder / "src" / "tutelage"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


@functools.cache
def _read_source(path: Path, *, package: Path, changed: int) -> Source:
    """Parse a file once, for all tests that ask for it as it was when it was last changed."""
    parts = path.relative_to(package.parent).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    shown = path.relative_to(package.parents[1]).as_posix()
    return Source(path=path, shown=shown, module=module, text=text, tree=ast.parse(text, filename=str(path)))


def _imports(node: ast.AST, *, source: Source, when: str) -> Iterator[Import]:
    """Walk down from a node, remembering whether what is found there runs when the file is imported."""
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, node.lineno, when) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _base(node, source=source)
        yield from (Import(f"{base}.{alias.name}", node.lineno, when) for alias in node.names)
    elif isinstance(node, ast.Call) and (target := _named_import(node)):
        yield Import(target, node.lineno, when)
    elif isinstance(node, ast.If) and ast.unparse(node.test).removeprefix("typing.") == "TYPE_CHECKING":
        for part in node.body:
            yield from _imports(part, source=source, when="typing")
        for part in node.orelse:
            yield from _imports(part, source=source, when=when)
        return
    elif isinstance(node, Function | ast.Lambda):
        when = "inside" if when == "at once" else when
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, source=source, when=when)


def _base(node: ast.ImportFrom, *, source: Source) -> str:
    """Return the absolute dotted name that a `from` import starts at."""
    if not node.level:
        return node.module or ""
    parts = source.module.split(".")
    keep = len(parts) - node.level + source.is_package
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def _named_import(node: ast.Call) -> str:
    """Return the module that `import_module("a.b")` or `__import__("a.b")` loads; nothing where it is computed."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    named = node.args[0] if called in {"import_module", "__import__"} and node.args else None
    return named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else ""
