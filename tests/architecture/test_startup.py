"""Help and listings start at once, because they load nothing heavy."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from source_tree import PACKAGE, write_package

HEAVY = {"torch", "numpy", "pydantic", "pandas", "pyarrow", "PIL", "sklearn", "scipy", "safetensors"}
MAX_STARTUP_S = 0.3
COMMANDS = {
    "catalog": ["-c", "import tutelage.core.catalog"],
    "help": ["-m", "tutelage", "--help"],
    "list": ["-m", "tutelage", "list"],
}


def run_python(arguments: list[str], *, path: Path) -> str:
    """Run a new interpreter that finds its packages in `path` first, and return what it wrote to standard error."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False)
    messages = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    assert done.returncode == 0, "\n".join(messages)
    return done.stderr


def heavy_imports(arguments: list[str], *, path: Path) -> set[str]:
    """Return the heavy packages that a command loads, from the interpreter's own list of imports."""
    lines = run_python(["-X", "importtime", *arguments], path=path).splitlines()
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in lines if line.startswith("import time:")}
    # Without this, a change in the interpreter's format would let everything pass.
    assert "tutelage" in loaded
    return loaded & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_start_up_loads_nothing_heavy(name: str) -> None:
    assert heavy_imports(COMMANDS[name], path=PACKAGE.parent) == set()


@pytest.mark.skipif(not os.environ.get("TUTELAGE_TIMED"), reason="timing needs a quiet machine: set TUTELAGE_TIMED=1")
@pytest.mark.parametrize("name", COMMANDS)
def test_start_up_is_fast(name: str) -> None:
    times_s = []
    for _ in range(5):
        start_s = time.perf_counter()
        run_python(COMMANDS[name], path=PACKAGE.parent)
        times_s.append(time.perf_counter() - start_s)
    assert statistics.median(times_s) < MAX_STARTUP_S


def test_a_heavy_import_is_found(tmp_path: Path) -> None:
    files = {
        "__init__.py": "",
        "core/__init__.py": "",
        "core/catalog.py": "from tutelage.core import spec",
        "core/spec.py": "import pydantic.main",
        # Stand-ins beside the package keep this quick and independent of what is installed.
        "../pydantic/__init__.py": "",
        "../pydantic/main.py": "",
    }
    package = write_package(tmp_path, files)
    assert heavy_imports(COMMANDS["catalog"], path=package.parent) == {"pydantic"}


def test_a_command_that_fails_is_found(tmp_path: Path) -> None:
    package = write_package(tmp_path, {"__init__.py": "raise SystemExit(3)"})
    with pytest.raises(AssertionError):
        heavy_imports(COMMANDS["help"], path=package.parent)


@pytest.mark.parametrize("source", ["sklearn:iris", "sklearn:digits"])
def test_a_training_that_compiles_nothing_loads_no_compiler(source: str, tmp_path: Path) -> None:
    told = "sys.stderr.write(f\"compiler {'torch._dynamo' in sys.modules}\")"
    script = f"import sys, tutelage; tutelage.train({source!r}, steps=2, quiet=True, out={str(tmp_path / 'run')!r}); {told}"
    assert "compiler False" in run_python(["-c", script], path=PACKAGE.parent)
