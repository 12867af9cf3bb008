"""All text for people leaves through `core/outlet.py`: nothing else prints, or writes to a standard stream."""

import ast
from pathlib import Path

import pytest

from source_tree import PACKAGE, Source, nodes, read_sources, spelled, write_package

OUTLET = "tutelage.core.outlet"
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
PRINTERS = ("print", "pprint", "pp")
ASKERS = {
    "tutelage.cli.list_verb": "asks how wide the terminal is",
    "tutelage.cli.plan_verb": "draws on it, through an outlet",
    "tutelage.track.console": "draws on it, through an outlet",
    "tutelage.track.screen": "puts what others say above the bar",
}
"""Files that may name a standard stream, and why; even these write nothing to it."""


def outlet_problems(package: Path) -> list[str]:
    """Return one line for each place where text leaves by another way."""
    return [problem for source in read_sources(package) if source.module != OUTLET for problem in _problems(source)]


def _problems(source: Source) -> list[str]:
    found = []
    for node in nodes(source):
        reason = _refusal(node, may_name=source.module in ASKERS)
        if reason:
            found.append(f"{source.shown}:{getattr(node, 'lineno', 1)}: {reason}; use say, tell or say_json of core/outlet.py")
    return found


def _refusal(node: ast.AST, *, may_name: bool) -> str:
    """Say why a piece of code may not stand outside the outlet; nothing where it may."""
    if isinstance(node, ast.Call):
        called = spelled(node.func)
        if called in PRINTERS or called.startswith(("pprint.", "builtins.print", "traceback.print_")):
            return f"{called}(...) prints"
        # A terminal of rich takes texts that went through `plain`, and tables of them.
        if called.endswith("terminal.print") and any(isinstance(word, ast.Constant | ast.JoinedStr) for word in node.args):
            return f"{called}(...) takes text that was not made plain"
        if called.startswith(tuple(f"sys.{stream}.write" for stream in STREAMS)):
            return f"{called}(...) writes to a standard stream"
        if called == "os.write" and node.args and isinstance(node.args[0], ast.Constant):
            return "os.write(...) writes to a standard stream"
    if isinstance(node, ast.Attribute) and not may_name and node.attr in STREAMS and ast.unparse(node.value) == "sys":
        return f"names sys.{node.attr}"
    if isinstance(node, ast.ImportFrom) and node.module == "sys" and STREAMS & {alias.name for alias in node.names}:
        return "imports a standard stream"
    return ""


def test_all_text_leaves_through_the_outlet() -> None:
    assert not (problems := outlet_problems(PACKAGE)), "\n".join(problems)


@pytest.mark.parametrize(
    "text",
    [
        "print('x')",
        "import pprint\npprint.pprint(x)",
        "import sys\nsys.stderr.writelines([])",
        "import sys\nout = sys.stdout",
        "from sys import stderr",
        "import os\nos.write(2, b'x')",
        "import traceback\ntraceback.print_exc()",
        "terminal.print(f'{name}')",
    ],
)
def test_another_way_out_is_found(tmp_path: Path, text: str) -> None:
    assert len(outlet_problems(write_package(tmp_path, {"cli/a.py": text})))


def test_those_that_may_name_a_stream_may_not_write_to_it(tmp_path: Path) -> None:
    files = {"cli/list_verb.py": "import sys\nsys.stdout.isatty()", "track/screen.py": "import sys\nsys.stderr.write('x')"}
    problems = outlet_problems(write_package(tmp_path, files))
    assert [problem.split(":")[0] for problem in problems] == ["src/tutelage/track/screen.py"]


def test_the_outlet_itself_may_write(tmp_path: Path) -> None:
    assert outlet_problems(write_package(tmp_path, {"core/outlet.py": "import sys\nsys.stdout.write('x')"})) == []
