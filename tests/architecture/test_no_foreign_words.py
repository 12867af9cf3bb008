"""Nothing in the package can run code that came in a file, and nothing is left half done."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_tree import PACKAGE, Source, imports, nodes, read_sources, write_package

MODULES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
CALLS = {
    "eval", "exec", "builtins.eval", "builtins.exec", "torch.load", "torch.hub.load", "pandas.read_pickle",
    "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load",
}  # fmt: skip
UNFINISHED = re.compile(r"\b(?:TODO(?!\(issue-\d+\))|FIXME|XXX)\b")


def code_problems(package: Path) -> list[str]:
    """Return one line for each use of something that runs or unpickles what it reads."""
    return [
        f"{source.shown}:{line}: {word} can run code from a file; use safetensors or JSON"
        for source in read_sources(package)
        for line, word in [*forbidden_imports(source), *forbidden_uses(source)]
    ]


def forbidden_imports(source: Source) -> Iterator[tuple[int, str]]:
    """Yield line and name of each import of a forbidden module or function."""
    for item in imports(source):
        if item.target.split(".")[0] in MODULES or item.target in CALLS:
            yield item.line, item.target


def forbidden_uses(source: Source) -> Iterator[tuple[int, str]]:
    """Yield line and name of each mention of a forbidden function, and of each `allow_pickle` that is not False."""
    names = aliases(source)
    for node in nodes(source):
        if isinstance(node, ast.Name | ast.Attribute) and (word := dotted(node, names=names)) in CALLS:
            yield node.lineno, word
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            yield node.value.lineno, "allow_pickle"


def aliases(source: Source) -> dict[str, str]:
    """Return what each name stands for after `import a.b as name`."""
    imported = (node for node in nodes(source) if isinstance(node, ast.Import))
    return {alias.asname: alias.name for node in imported for alias in node.names if alias.asname}


def dotted(node: ast.expr, *, names: dict[str, str]) -> str:
    """Return the dotted name an expression spells, or nothing where it is not a plain chain of names."""
    if isinstance(node, ast.Attribute):
        base = dotted(node.value, names=names)
        return f"{base}.{node.attr}" if base else ""
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def unfinished_problems(package: Path) -> list[str]:
    """Return one line for each mark of unfinished work that names no issue."""
    return [
        f"{source.shown}:{number}: {found.group()} without an issue; write TODO(issue-12)"
        for source in read_sources(package)
        for number, line in enumerate(source.text.splitlines(), start=1)
        for found in UNFINISHED.finditer(line)
    ]


def test_nothing_runs_code_from_a_file() -> None:
    assert not (problems := code_problems(PACKAGE)), "\n".join(problems)


def test_nothing_is_left_half_done() -> None:
    assert not (problems := unfinished_problems(PACKAGE)), "\n".join(problems)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("import pickle", "pickle"),
        ("def f():\n    from joblib import load", "joblib.load"),
        ("import_module('dill')", "dill"),
        ("eval('1')", "eval"),
        ("run = exec", "exec"),
        ("import builtins\nbuiltins.eval('1')", "builtins.eval"),
        ("import torch\ntorch.load('x')", "torch.load"),
        ("import torch as t\nt.load('x')", "torch.load"),
        ("from torch import load", "torch.load"),
        ("import yaml\nyaml.load('x')", "yaml.load"),
        ("import numpy\nnumpy.load('x', allow_pickle=True)", "allow_pickle"),
        ("numpy.load('x', allow_pickle=flag)", "allow_pickle"),
    ],
)
def test_a_way_to_run_foreign_code_is_found(tmp_path: Path, text: str, word: str) -> None:
    problems = code_problems(write_package(tmp_path, {"core/a.py": text}))
    assert len(problems) == 1
    assert f"a.py:{text.count(chr(10)) + 1}: {word} can run code" in problems[0]


@pytest.mark.parametrize("text", ["model.eval()", "numpy.load('x', allow_pickle=False)", "evaluate('eval(')", "json.load(f)"])
def test_harmless_code_passes(tmp_path: Path, text: str) -> None:
    assert code_problems(write_package(tmp_path, {"core/a.py": text})) == []


@pytest.mark.parametrize("text", ["# TODO: later", "# TODO(me): later", "'''FIXME'''", "x = 1  # XXX"])
def test_unfinished_work_is_found(tmp_path: Path, text: str) -> None:
    assert len(unfinished_problems(write_package(tmp_path, {"core/a.py": text}))) == 1


def test_work_with_an_issue_passes(tmp_path: Path) -> None:
    assert unfinished_problems(write_package(tmp_path, {"core/a.py": "# TODO(issue-12): when torch 3 is out"})) == []
