"""What a new user gives a trained model by mistake is told: series of another length, arrays, files that are not there."""

import json
from pathlib import Path

import numpy as np
import pytest

import tutelage
from tests.contract.examples import series
from tutelage.cli.main import main
from tutelage.core.errors import DataError, UsageError
from tutelage.run.run import Run

SMALL = {"kind": "inception", "width": 4, "depth": 1, "kernels": [5]}
HEADER = "@univariate false\n@dimensions 2\n@classLabel true slow quick\n@data\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("trained")
    return tutelage.train(series(folder), model=SMALL, steps=3, quiet=True, out=str(folder / "run"))


def test_arrays_are_series_for_a_model_of_series(run: Run) -> None:
    values = np.random.default_rng(0).normal(size=(3, 14, 2))
    assert len(run.predict(values)) == 3
    assert run.predict(list(values)) == run.predict(values)
    assert len(run.predict([values[0], values[1][:13]])) == 2
    assert "test/accuracy" in run.evaluate((values, ["slow", "quick", "slow"]))
    with pytest.raises(DataError, match="1 values at a time, where the model has 2"):
        run.predict(values[:, :, 0])


def test_series_of_lengths_never_seen_are_told(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(UserWarning, match="input: all series of 50 times, .* the train series have 12 to 16 times"):
        run.predict(np.ones((2, 50, 2)) * np.arange(50)[:, None])
    short = tmp_path / "short.ts"
    short.write_text(HEADER + "1,2,3:4,5,6:slow\n1,2,4:4,5,7:quick\n", encoding="utf-8")
    for verb in ("predict", "evaluate"):
        assert main([verb, str(run.path), str(short)]) == 0
        assert "Warning: input: all series of 3 times, such as short.ts line 5, where" in capsys.readouterr().err
        assert main([verb, str(run.path), str(short), "--json"]) == 0
        assert "all series of 3 times" in json.loads(capsys.readouterr().out)["warnings"][0]


def test_a_file_that_is_not_there_is_told_with_what_the_run_takes(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "swings.ts").write_text(HEADER, encoding="utf-8")
    for verb in ("predict", "evaluate"):
        for name, told in (("swing.ts", "swings.ts"), ("nofile.txt", ""), ("nofile.csv", "")):
            assert main([verb, str(run.path), str(tmp_path / name)]) == 2
            said = capsys.readouterr().err
            assert f"{name}: no such file or folder." in said
            assert (f"Did you mean {tmp_path / told}?" in said) == bool(told)
            assert "series of at most 16 times, 2 values at a time" in said
            assert "gaussians" not in said
            assert "run.predict([text])" not in said
    with pytest.raises(UsageError, match="a great film: no such file or folder"):
        run.predict("a great film")


def test_a_text_in_place_of_a_file_is_told_how_texts_are_given(tmp_path: Path) -> None:
    texts = [f"{word} film number {row}" for row in range(12) for word in ("good", "bad")]
    run = tutelage.train((texts, ["up", "down"] * 12), steps=1, quiet=True, out=str(tmp_path / "run"))
    with pytest.raises(UsageError, match=r"run\.predict\(\[text\]\)") as told:
        run.predict("a good film")
    assert "gaussians" not in str(told.value)
    assert len(run.predict(["a good film"])) == 1


def test_three_rows_are_too_few_with_and_without_a_test_part(tmp_path: Path) -> None:
    lines = [f"{row},{row + 1}.5,{row}:{row}.5,2,1:{['slow', 'quick'][row % 2]}" for row in range(4)]
    for name in ("x_TRAIN.ts", "x_TEST.ts", "alone.ts"):
        (tmp_path / name).write_text(HEADER + "\n".join(lines[:3]) + "\n", encoding="utf-8")
    for name in ("x_TRAIN.ts", "alone.ts"):
        with pytest.raises(DataError, match="3 rows are too few to cut a validation part from"):
            tutelage.plan(str(tmp_path / name))
    (tmp_path / "x_TRAIN.ts").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    assert tutelage.plan(str(tmp_path / "x_TRAIN.ts")).split.test == 0
