"""Series below each other, some of them too short: named before training, and the model continues those that it knows."""

from pathlib import Path

import numpy as np
import pytest

import tutelage
from tutelage.core.errors import DataError


def shops(folder: Path, **spans: tuple[int, int]) -> str:
    """Daily sales of shops, each from one day up to another."""
    random = np.random.default_rng(0)
    days = np.datetime64("2022-01-01") + np.arange(400)
    lines = [
        f"{name},{days[n]},{50 + 20 * np.sin(n * 2 * np.pi / 7) + random.normal():.2f}"
        for name, (first, last) in spans.items()
        for n in range(first, last)
    ]
    (folder / "shops.csv").write_text("\n".join(["shop,day,sold", *lines, ""]), encoding="utf-8")
    return str(folder / "shops.csv")


def test_a_shop_that_opened_too_late_is_left_out_in_training_and_after(tmp_path: Path) -> None:
    table = shops(tmp_path, A=(0, 400), B=(0, 250), late=(350, 400))
    run = tutelage.train(table, horizon=7, series_id="shop", steps=2, model="nlinear", out=tmp_path / "run", quiet=True)
    told = run.report.read_text(encoding="utf-8")
    assert "late (50 values, from 2022-12-17)" in told
    assert "B (250 values, up to 2022-09-07)" in told
    assert {record["series"] for record in run.predict(None)} == {"A", "B"}
    found = run.forecast(table)
    assert found.series == ("A", "B")
    assert any("did not learn from them: late" in note for note in found.notes)
    assert any("nothing was measured lately of B:" in warning for warning in found.warnings), "which --json gives to programs"
    young = run.forecast(shops(tmp_path, A=(0, 400), B=(350, 400))).warnings
    assert any("1 of 2 series have fewer values than the" in told and "B (50 values, from 2022-12-17)" in told for told in young)
    with pytest.raises(DataError, match="column shop: no rows of 1 of the 2 series that the model goes on with: B"):
        run.forecast(shops(tmp_path, A=(0, 400), Z=(0, 400)))
    table = shops(tmp_path, A=(0, 400), B=(0, 250), late=(350, 400))
    assert np.isfinite(run.scores(table)["metrics"]["test/mse"])
