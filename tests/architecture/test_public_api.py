"""The package offers few names, and each of them is there."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import tutelage
from source_tree import write_package

MAX_NAMES = 20


def public_problems(module: ModuleType) -> list[str]:
    """Return one line for each thing that is wrong with a module's `__all__`."""
    names = list(module.__all__)
    problems = [f"`__all__` names {name}, which does not resolve" for name in names if not hasattr(module, name)]
    problems += [f"`__all__` names {name} twice" for name in sorted(set(names)) if names.count(name) > 1]
    problems += [f"{name} is private" for name in names if name.startswith("_") and name != "__version__"]
    if not 0 < len(names) <= MAX_NAMES:
        problems.append(f"{len(names)} public names; 1 to {MAX_NAMES} are allowed")
    return problems


def load(text: str, *, folder: Path) -> ModuleType:
    """Import a made-up package, given as the text of its `__init__.py`, without registering it."""
    path = write_package(folder, {"__init__.py": text}) / "__init__.py"
    spec = importlib.util.spec_from_file_location("made_up", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_public_names_are_few_and_resolve() -> None:
    assert not (problems := public_problems(tutelage)), "\n".join(problems)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("__all__ = ['fit']", "names fit, which does not resolve"),
        ("fit = 1\n__all__ = ['fit', 'fit']", "names fit twice"),
        ("_fit = 1\n__all__ = ['_fit']", "_fit is private"),
        ("__all__ = []", "0 public names"),
        ("__all__ = [f'n{i}' for i in range(21)]\nglobals().update(dict.fromkeys(__all__))", "21 public names"),
    ],
)
def test_a_wrong_list_of_names_is_found(tmp_path: Path, text: str, problem: str) -> None:
    problems = public_problems(load(text, folder=tmp_path))
    assert len(problems) == 1
    assert problem in problems[0]


def test_lazy_names_pass(tmp_path: Path) -> None:
    text = "__all__ = ['fit', '__version__']\n__version__ = '0'\ndef __getattr__(name):\n    return {'fit': 1}[name]"
    assert public_problems(load(text, folder=tmp_path)) == []
