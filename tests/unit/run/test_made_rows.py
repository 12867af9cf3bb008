"""`tutelage train TABLE --task generate`, then `generate`: a table of the same columns, measured, with its nearest rows."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tutelage.api import open_run
from tutelage.cli.main import main

COLUMNS = ["size", "price", "city", "income", "quality"]
SHORT = ["--steps", "3", "--quiet", "--set", 'model={kind="mlp",hidden=[16],dropout=0}']


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table whose names would make two columns a target."""
    random, path = np.random.default_rng(0), tmp_path_factory.mktemp("people") / "people.csv"
    lines = [
        f"{random.normal():.3f},{random.integers(100, 900)},{random.choice(['Bern', 'Oslo'])},"
        f"{'' if row % 4 == 0 else random.integers(10**6)},{random.integers(3)}"
        for row in range(200)
    ]
    path.write_text("\n".join([",".join(COLUMNS), *lines, ""]), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_table_is_made_of_a_table(people: Path, tmp_path: Path) -> None:
    place, out = tmp_path / "run", tmp_path / "new.csv"
    assert main(["train", str(people), "--task", "generate", "--out", str(place), *SHORT]) == 0
    assert main(["generate", str(place), "--num", "50", "--out", str(out)]) == 0
    with out.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == COLUMNS
    assert len(rows) == 50
    assert {row[2] for row in rows} <= {"Bern", "Oslo"}
    assert all(100 <= int(row[1]) < 900 and round(float(row[0]), 3) == float(row[0]) for row in rows)
    run = open_run(place)
    assert run.generate(num=2).schema.names == COLUMNS
    assert 0 <= run.result["metrics"]["test/coverage"] <= 1
    page = run.report.read_text(encoding="utf-8")
    assert "Samples, each beside the nearest train row" in page
    assert page.count(">nearest<") == len(run.result["generated"]["nearest"]) == 8


@pytest.mark.slow
def test_the_column_of_classes_is_asked_for_by_name(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, out = tmp_path / "run", tmp_path / "new.csv"
    words = ["--task", "generate", "--target", "city", "--set", "task.conditional=true", "--out", str(place)]
    assert main(["train", str(people), *words, *SHORT]) == 0
    assert main(["generate", str(place), "--num", "5", "--label", "Oslo", "--out", str(out)]) == 0
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(rows[0]) == sorted(COLUMNS)
    assert {row["city"] for row in rows} == {"Oslo"}
    capsys.readouterr()
    assert main(["generate", str(place), "--num", "2", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["labels"] == ["Bern", "Oslo"]
    assert sorted(said["samples"][0]) == sorted(set(COLUMNS) - {"city"})
