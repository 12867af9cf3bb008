"""Four years of months: windows shorter than the season, in training, evaluation and prediction; bands that do not hold."""

import json
from pathlib import Path

import numpy as np
import pytest

import tutelage
from tutelage.cli.main import main
from tutelage.core.errors import DataError
from tutelage.run.run import Run


def months(folder: Path, *, count: int = 48, first: int = 0, grown: float = 1.0, name: str = "sales.csv") -> str:
    """Monthly sales with a strong season and little noise; from the test part on, `grown` times as large."""
    place = first + np.arange(count)
    values = 100 + 80 * np.sin(place * np.pi / 6) + np.random.default_rng(first).normal(size=count)
    values = np.where(place >= 36, grown * values, values)
    times = np.datetime64("2018-01") + place
    (folder / name).write_text("\n".join(["month,sold", *(f"{t}-01,{v:.3f}" for t, v in zip(times, values, strict=True)), ""]))
    return str(folder / name)


def trained(folder: Path, *, grown: float = 1.0) -> Run:
    return tutelage.train(months(folder, grown=grown), task="forecast", horizon=12, steps=3, out=folder / "run", quiet=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("months"))


def test_seasonal_naive_is_the_season_though_the_window_is_four_months(run: Run) -> None:
    said = {decision["key"]: decision["value"] for decision in run.plan["decisions"]}
    assert said["window"].startswith("4 times")
    assert said["season"] == "12 months"
    for part in ("val", "test"):
        assert run.metrics[f"{part}/naive_mae_units"] < 2
        assert run.result["floor"]["metrics"]["floor"][f"{part}/mae_units"] < 2


def test_it_continues_and_measures_where_a_season_is_there(run: Run, tmp_path: Path) -> None:
    told = np.array([record["forecast"] for record in run.predict(None)])
    truth = 100 + 80 * np.sin(np.arange(48, 60) * np.pi / 6)
    assert run.result["floor"]["share"] == 1
    assert np.abs(told - truth).mean() < 4
    later = run.predict(months(tmp_path, count=12, first=48))
    assert np.abs(np.array([record["forecast"] for record in later]) - truth).mean() < 4
    with pytest.raises(DataError, match="the model looks at 12 to continue"):
        run.predict(months(tmp_path, count=8, first=48))
    scores = run.scores(months(tmp_path, count=30, first=48))
    assert scores["num_rows"] == 30 - 12 - 12 + 1
    assert scores["metrics"]["test/naive_mae_units"] < 2
    assert any("the first 8 moments are not measured" in note for note in scores["notes"])
    with pytest.raises(DataError, match="a window with its truth has 24"):
        run.scores(months(tmp_path, count=20, first=48))


def test_bands_that_do_not_hold_are_warned_of_at_the_end_and_when_measured(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shifted = trained(tmp_path, grown=2.0)
    assert shifted.metrics["test/coverage_80"] < 0.6
    assert any("too narrow" in warning for warning in shifted.result["warnings"])
    assert any("too narrow" in warning for warning in run.scores(months(tmp_path, count=60, first=48, grown=4.0))["warnings"])
    capsys.readouterr()
    assert main(["evaluate", str(shifted.path), "--json"]) == 0
    assert any("too narrow" in warning for warning in json.loads(capsys.readouterr().out)["warnings"])
