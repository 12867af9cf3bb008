"""What a new user gives a trained model by mistake is told: series of another length, arrays, files that are not there."""

import json
from pathlib import Path

import numpy as np
import pytest

import tutelage
from tests.contract.examples import series
from tutelage.cli.main import main
from tutelage.core.errors import DataError
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
