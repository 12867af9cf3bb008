"""`tutelage generate` of a generator: sheets, arrays and tables, the same for the same seed, of a class where one is known."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tutelage
from tutelage.cli.generate_verb import run
from tutelage.cli.main import build_parser, main
from tutelage.core.errors import UsageError
from tutelage.run.run import Run

SHORT: dict[str, Any] = {"steps": 2, "quiet": True}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A class-conditional generator of pictures, hardly trained."""
    out = tmp_path_factory.mktemp("digits") / "run"
    task = {"kind": "generate", "conditional": True}
    model = {"kind": "dcgan", "widths": [4, 8]}
    return tutelage.train("sklearn:digits", task=task, model=model, out=out, **SHORT)


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A generator of points, hardly trained."""
    split = {"validation": 0.02, "test": 0.02}
    return tutelage.train("gaussians:2x2", split=split, out=tmp_path_factory.mktemp("points") / "run", **SHORT)


@pytest.mark.slow
def test_pictures_go_to_a_sheet_and_to_an_array(digits: Run, tmp_path: Path) -> None:
    for name in ("grid.png", "grid.npy"):
        assert main(["generate", str(digits.path), "--num", "5", "--out", str(tmp_path / name), "--label", "7"]) == 0
    made = np.load(tmp_path / "grid.npy")
    assert (made.shape, made.dtype) == ((5, 8, 8, 1), np.uint8)
    with Image.open(tmp_path / "grid.png") as sheet:
        assert sheet.size == (3 * 34 + 2, 2 * 34 + 2)
    np.testing.assert_array_equal(digits.generate(num=5, label=7), made)
    np.testing.assert_array_equal(digits.generate(num=2, label=7), made[:2])
    assert not np.array_equal(digits.generate(num=5, label=7, seed=1), made)


@pytest.mark.slow
def test_what_does_not_fit_is_refused_in_words(digits: Run, points: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="knows no such class"):
        digits.generate(label="seven")
    with pytest.raises(UsageError, match="makes no class on demand"):
        points.generate(label="7")
    with pytest.raises(UsageError, match="num = 0: expected a whole number from 1"):
        points.generate(num=0)
    for wishes, said in (
        (["--out", str(tmp_path / "grid.png")], "no pictures"),
        (["--out", str(tmp_path / "grid.txt")], "expected a name that ends in .png, .npy, .csv"),
        (["--prompt", "once"], "--prompt is for texts"),
    ):
        with pytest.raises(UsageError, match=said):
            run(build_parser().parse_args(["generate", str(points.path), *wishes]))


@pytest.mark.slow
def test_points_go_to_a_table_in_the_unit_of_the_data(points: Run, tmp_path: Path) -> None:
    assert main(["generate", str(points.path), "--num", "3", "--out", str(tmp_path / "points.csv")]) == 0
    with (tmp_path / "points.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["x1", "x2"]
    np.testing.assert_allclose(np.array(rows, dtype=np.float64), points.generate(num=3), rtol=1e-6)


@pytest.mark.slow
def test_the_result_has_all_measures_and_what_the_report_shows(digits: Run) -> None:
    metrics = digits.result["metrics"]
    for name in ("coverage", "density", "precision", "recall", "frechet", "frechet_floor"):
        assert metrics[f"test/{name}"] >= 0
    assert metrics["test/frechet"] > metrics["test/frechet_floor"]
    for name in ("coverage", "precision", "recall"):
        low, high = digits.result["intervals"][f"test/{name}"]
        assert 0 <= low <= metrics[f"test/{name}"] <= high <= 1, "a share"
    assert len(digits.result["generated"]["nearest"]) == 8
    page = digits.report.read_text(encoding="utf-8")
    assert "What the generator has learned" in page
    assert "Samples, each beside the nearest train row" in page
