"""The worked examples of docs/adding.md: their files alone, put into a copy of the package, work as the page says."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tutelage
from test_knowledge import knowledge_problems
from test_layers import catalog_problems, layer_problems

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding.md"
PACKAGE = Path(tutelage.__file__).parent
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
FILE = re.compile(r"^`src/(tutelage/[a-z_/]+\.py)`\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = {
    "A kind of data": {
        "tutelage/data/part/points.py",
        "tutelage/data/source/points.py",
        "tutelage/data/prepare/points.py",
        "tutelage/defaults/points.py",
    },
    "A task": {"tutelage/task/denoise.py"},
    "A report section": {"tutelage/report/sections/speed.py"},
}

Run = Callable[..., subprocess.CompletedProcess[str]]


def examples() -> dict[str, dict[str, str]]:
    """The files of each chapter of the page: their text by path."""
    pieces = HEADING.split(PAGE.read_text(encoding="utf-8"))
    found = {title: dict(FILE.findall(text)) for title, text in zip(pieces[1::2], pieces[2::2], strict=True)}
    return {title: files for title, files in found.items() if files}


def content(package: Path) -> dict[str, str]:
    """The hash of each file of a package."""
    files = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(package.parent)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def problems(package: Path) -> set[str]:
    """What the architecture tests find, without the folder that the package is in."""
    found = [*layer_problems(package), *catalog_problems(package), *knowledge_problems(package)]
    return {problem.partition("tutelage/")[2] for problem in found}


@pytest.fixture
def extend(tmp_path: Path) -> Callable[..., Run]:
    """Puts the files of examples into a copy of the package, and returns what runs `tutelage` from it."""

    def make(*titles: str) -> Run:
        shutil.copytree(PACKAGE, tmp_path / "tutelage", ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in [item for title in titles for item in examples()[title].items()]:
            path = tmp_path / name
            assert not path.exists(), f"{name} is there already: the example would change a file"
            path.write_text(text, encoding="utf-8")

        def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
            environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "error"}
            command = [sys.executable, "-m", "tutelage", *words]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
            assert done.returncode == code, done.stderr
            return done

        return run

    return make


def train(run: Run, *words: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(run("train", *words, "--out", "run", "--json").stdout)
    return record


def write_rings(path: Path, *, num: int) -> None:
    """Points on two rings, as the page has them."""
    random = np.random.default_rng(0)
    inner, angle = np.arange(num) % 2 == 0, random.uniform(0, 2 * np.pi, num)
    radius = np.where(inner, 1.0, 2.0) + 0.3 * random.standard_normal(num)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    lines = [f"{x[i]:.3f} {y[i]:.3f} {'inner' if inner[i] else 'outer'}" for i in range(num)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_the_page_has_these_files() -> None:
    assert {title: set(files) for title, files in examples().items()} == EXAMPLES
    fences = re.findall(r"^```python$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == sum(map(len, EXAMPLES.values())), "each block of Python stands under the path of its file"


def test_architecture_leads_to_the_page() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert "](adding.md" in text
    assert all(f"](adding.md#{title.lower().replace(' ', '-')})" in text for title in EXAMPLES)


@pytest.mark.slow
def test_the_examples_add_files_and_keep_the_rules_of_the_house(tmp_path: Path, extend: Callable[..., Run]) -> None:
    extend(*EXAMPLES)
    package, new = tmp_path / "tutelage", set().union(*EXAMPLES.values())
    before, after = content(PACKAGE), content(package)
    assert set(after) - set(before) == new
    assert {name: after[name] for name in before} == before
    assert problems(package) - problems(PACKAGE) == set()
    words = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), *sorted(new)]
    for command in (words, [*words[:3], "format", "--check", *words[4:]]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_kind_of_data_is_checked_trained_on_predicted_and_reported(tmp_path: Path, extend: Callable[..., Run]) -> None:
    run = extend("A kind of data")
    assert "points" in run("list", "source").stdout
    write_rings(tmp_path / "rings.txt", num=300)
    with (tmp_path / "rings.txt").open("a", encoding="utf-8") as file:
        file.write("1 two inner\n\n0.5 0.5\n")
    told = run("plan", "points:rings.txt", code=3).stderr
    assert "rings.txt line 301" in told
    assert "rings.txt line 303" in told
    record = train(run, "points:rings.txt", "--epochs", "20", "--on-bad-data", "skip")
    assert record["task"] == "classify"
    assert sum(record["plan"][f"num_{part}"] for part in ("train", "validation", "test")) == 300
    assert record["metrics"]["test/accuracy"] > 0.8
    (tmp_path / "new.txt").write_text("0.91 0.33\n-1.72, 1.02\n", encoding="utf-8")
    answers = json.loads(run("predict", "run", "points:new.txt", "--json").stdout)["predictions"]
    assert [(answer["row"], answer["prediction"]) for answer in answers] == [
        ("new.txt line 1", "inner"),
        ("new.txt line 2", "outer"),
    ]
    assert "rings.txt line" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8"), "it names the worst mistakes"


@pytest.mark.slow
def test_a_task_learns_and_scores(tmp_path: Path, extend: Callable[..., Run]) -> None:
    run = extend("A task")
    assert "denoise" in run("list", "task").stdout
    record = train(run, "gaussians:8", "--task", "denoise", "--steps", "150")
    assert record["task"] == "denoise"
    assert set(record["metrics"]) == {"val/rmse", "val/r2", "test/rmse", "test/r2"}
    baseline = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))["baseline"]
    assert record["metrics"]["test/rmse"] < baseline["test/rmse"]
    assert "the noise left in" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_section_stands_in_the_report(tmp_path: Path, extend: Callable[..., Run]) -> None:
    run = extend("A report section")
    assert "speed" in run("list", "section").stdout
    train(run, "sklearn:iris", "--steps", "40", "--set", "model.members=1")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert '<section id="speed">' in page
    assert "Speed of training" in page
