"""Files and functions stay short enough to be read in one go, and no file is named after nothing in particular."""

from pathlib import Path

import pytest

from source_tree import PACKAGE, functions, read_sources, write_package

FILE_LINES = 400
FUNCTION_LINES = 50
LOOP = "tutelage.training.loop"
LOOP_LINES = 120
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}


def size_problems(package: Path) -> list[str]:
    """Return one line for each file or function that is too long; the loop is one flat function, bound by its file."""
    problems = []
    for source in read_sources(package):
        is_loop = source.module == LOOP
        limit = LOOP_LINES if is_loop else FILE_LINES
        if (lines := len(source.text.splitlines())) > limit:
            problems.append(f"{source.shown}:{limit + 1}: {lines} lines, at most {limit}")
        for function in functions(source):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > FUNCTION_LINES and not is_loop:
                problems.append(f"{source.shown}:{function.lineno}: {function.name}: {lines} lines, at most {FUNCTION_LINES}")
    return problems


def name_problems(package: Path) -> list[str]:
    """Return one line for each file or folder whose name says nothing about what is in it."""
    return [
        f"{source.shown}:1: a name that says nothing; name the idea"
        for source in read_sources(package)
        if VAGUE & set(source.module.split("."))
    ]


def test_files_and_functions_are_short() -> None:
    assert not (problems := size_problems(PACKAGE)), "\n".join(problems)


def test_names_say_what_is_inside() -> None:
    assert not (problems := name_problems(PACKAGE)), "\n".join(problems)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("core/a.py", "x = 1\n" * 401, "a.py:401: 401 lines, at most 400"),
        ("training/loop.py", "x = 1\n" * 121, "loop.py:121: 121 lines, at most 120"),
        ("core/a.py", "\ndef f():\n" + "    x = 1\n" * 50, "a.py:2: f: 51 lines, at most 50"),
        ("core/a.py", "class A:\n    def f(self):\n" + "        x = 1\n" * 50, "a.py:2: f: 51 lines"),
    ],
)
def test_a_long_file_or_function_is_found(tmp_path: Path, name: str, text: str, problem: str) -> None:
    problems = size_problems(write_package(tmp_path, {name: text}))
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("core/a.py", "x = 1\n" * 400),
        ("core/a.py", "def f():\n" + "    x = 1\n" * 49),
        ("training/loop.py", "def run():\n" + "    x = 1\n" * 119),
    ],
)
def test_the_limit_itself_passes(tmp_path: Path, name: str, text: str) -> None:
    assert size_problems(write_package(tmp_path, {name: text})) == []


@pytest.mark.parametrize("name", ["data/utils.py", "core/helpers.py", "common/__init__.py", "model/misc/a.py"])
def test_a_vague_name_is_found(tmp_path: Path, name: str) -> None:
    assert len(name_problems(write_package(tmp_path, {name: ""}))) == 1
