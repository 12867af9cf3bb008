"""Predicting with awkward input: each table by itself, bad cells, images for a table."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutelage.cli.main import main


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    with (folder / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["size", "shape", "kind"], *([[str(i * 37 % 101), "ox"[i % 2], "ab"[i % 2]] for i in range(200)])]
        )
    words = ["train", str(folder / "train.csv"), "--target", "kind", "--steps", "20", "--quiet", "--out", str(folder / "run")]
    assert main(words) == 0
    return folder / "run"


def table(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_several_tables_are_answered_each_by_itself(run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = table(tmp_path / "one.csv", "size,shape\n1,o\n2,x\n")
    two = table(tmp_path / "two.csv", "size,shape\n3,x\n")
    assert main(["predict", str(run_dir), one, two, "--json"]) == 0
    rows = [row["row"] for row in json.loads(capsys.readouterr().out)["predictions"]]
    assert [row.split("/")[-1] for row in rows] == ["one.csv row 2", "one.csv row 3", "two.csv row 2"]


def test_a_column_missing_in_one_of_several_tables_is_refused(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = table(tmp_path / "one.csv", "size,shape\n1,o\n")
    two = table(tmp_path / "two.csv", "size,extra\n3,1\n")
    assert main(["predict", str(run_dir), one, two]) == 3
    assert "shape" in capsys.readouterr().err


def test_bad_cells_are_left_out_when_asked(run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path / "new.csv", "size,shape\n1,o\nmany,x\n3,x\n4,o\n5,o\n")
    assert main(["predict", str(run_dir), path]) == 3
    capsys.readouterr()
    assert main(["predict", str(run_dir), path, "--on-bad-data", "skip", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["num_rows"], len(record["left_out"])) == (4, 1)


def test_images_for_a_table_are_refused(run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.zeros((8, 8, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    assert main(["predict", str(run_dir), str(tmp_path / "a.png")]) == 3
    assert "not a table" in capsys.readouterr().err


def test_a_wrong_target_column_is_named_when_evaluating(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "new.csv", "size,shape,kind\n1,o,a\n2,x,b\n")
    assert main(["evaluate", str(run_dir), path, "--target", "knd"]) == 2
    assert "did you mean 'kind'?" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_told(run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file.txt").write_text("", encoding="utf-8")
    assert main(["train", "sklearn:iris", "--steps", "1", "--out", str(tmp_path / "file.txt" / "run")]) == 2
    assert "file.txt" in capsys.readouterr().err
