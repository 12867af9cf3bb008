"""Series from files to answers: trained with the floor beside, resumed by name, drawn in the report, the same from the file."""

from pathlib import Path

import numpy as np
import pytest

import tutelage
from tests.contract.examples import series

SMALL = {"kind": "inception", "width": 4, "depth": 2, "kernels": [9, 5]}


@pytest.mark.slow
def test_series_train_predict_and_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "swings").mkdir()
    source = series(tmp_path / "swings")
    run = tutelage.train(source, model=SMALL, epochs=2, quiet=True, out="run", augment="time_warp")
    assert run.metrics["test/accuracy"] > 0.7
    assert "data:image/png" in Path(run.report).read_text(encoding="utf-8")
    assert "random kernels with a linear layer" in Path(run.report).read_text(encoding="utf-8")
    again = tutelage.open_run("run")
    test = str(tmp_path / "swings" / "Swings_TEST.ts")
    assert np.array_equal(again.predict_proba(test), run.predict_proba(test))
    assert len(again.predict(test)) == 12
