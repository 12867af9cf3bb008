"""From a table with dates to forecasts, through the command line and Python: trained, continued, measured, resumed, refused."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tutelage
from tutelage.calibrate.bands import Bands
from tutelage.cli.main import main
from tutelage.core.errors import DataError, RunError, UsageError
from tutelage.data.prepare.timeline import TimelineFitted
from tutelage.floor.log_scale import LogScale
from tutelage.floor.ridge_forecast import RidgeForecast, RidgeForecastFitted
from tutelage.floor.seasonal_naive import SeasonalNaiveFitted
from tutelage.planning.facts import Machine
from tutelage.predictor.companion import FloorShare
from tutelage.predictor.predictor import Predictor, load_predictor
from tutelage.run.compose import compose
from tutelage.run.forecast import forecaster, read_series
from tutelage.run.forecast_scores import measured
from tutelage.run.run import Run
from tutelage.task import forecast_data

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SMALL = {"model": "nlinear", "prepare": {"length": 48}, "quiet": True}


def hours(count: int, *, begin: int = 0) -> list[str]:
    first = np.datetime64("2024-01-01T00:00", "m") + 60 * begin
    return [str(first + 60 * n).replace("T", " ") for n in range(count)]


def load(folder: Path, *, count: int = 600, begin: int = 0, name: str = "load.csv") -> str:
    """An hourly load that swings daily, and is lower on holidays, which are known beforehand."""
    random = np.random.default_rng(begin)
    place = (begin + np.arange(count)) * 2 * np.pi / 24
    holiday = ((begin + np.arange(count)) // 24 % 5 == 0).astype(float)
    values = 100 + 10 * np.sin(place) - 6 * holiday + random.normal(size=count)
    lines = [f"{time},{value:.3f},{off:.0f}" for time, value, off in zip(hours(count, begin=begin), values, holiday, strict=True)]
    (folder / name).write_text("\n".join(["time,load,holiday", *lines, ""]), encoding="utf-8")
    return str(folder / name)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("forecast")
    return tutelage.train(load(folder), horizon=24, target="load", steps=20, out=folder / "run", **SMALL)


def test_the_keys_that_other_programs_read_are_there(run: Run) -> None:
    for part in ("val", "test"):
        for name in ("mse", "mae", "mae_units", "naive_mae_units"):
            assert np.isfinite(run.metrics[f"{part}/{name}"])
    assert np.isfinite(run.metrics["test/coverage_80"])
    assert "val/coverage_80" not in run.metrics, "the bands were made of the validation part"
    assert run.metrics["test/mae_units"] < run.metrics["test/naive_mae_units"]
    assert run.result["headline"] == "test/mse"
    shown = run.result["forecast"]
    assert (shown["horizon"], shown["unit"], shown["series"]) == (24, "hour", ["load"])
    assert all(len(shown["by_step"][name]) == 24 for name in ("mse", "mae", "naive_mae"))
    assert shown["by_series"][0]["mae_units"] == pytest.approx(run.metrics["test/mae_units"], rel=1e-4)
    example = shown["examples"][0]
    assert len(example["truth"]) == len(example["forecast"]) == len(example["quantiles"]["0.9"]) == 24
    assert np.datetime64(example["start"]) > np.datetime64("2024-01-01")
    assert set(shown["coverage"]) == {"0.8", "0.5"}
    assert "Forecasts" in run.report.read_text(encoding="utf-8")


def test_the_plan_says_series_step_season_window_and_dates(run: Run) -> None:
    said = {decision["key"]: decision["value"] for decision in run.plan["decisions"]}
    assert said["series"] == "1: load"
    assert said["times"] == "600, 1 hour apart"
    assert said["season"] == "24 hours"
    assert said["horizon"] == "24 hours"
    assert "test from 2024-01-21" in said["split"]


def test_it_continues_after_the_last_time(run: Run, tmp_path: Path) -> None:
    records = run.predict(None)
    assert [record["time"] for record in records] == [str(time) for time in hours(24, begin=600)]
    assert {record["series"] for record in records} == {"load"}
    assert all(record["q0.1"] <= record["q0.5"] <= record["q0.9"] for record in records)
    place = np.arange(600, 624) * 2 * np.pi / 24
    told = np.array([record["forecast"] for record in records])
    assert np.corrcoef(told, np.sin(place))[0, 1] > 0.9
    later = run.predict(load(tmp_path, begin=700, count=100))
    assert later[0]["time"] == hours(1, begin=800)[0]


def test_a_table_from_python_is_continued_alike(run: Run, tmp_path: Path) -> None:
    path = load(tmp_path, begin=700, count=100)
    with Path(path).open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    table = {
        "time": np.array([row["time"] for row in found], dtype="datetime64[s]"),
        "load": [float(row["load"]) for row in found],
    }
    assert run.predict(table) == run.predict(path)


def test_the_command_line_does_the_same(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "next.csv"
    assert main(["predict", str(run.path), "--out", str(out)]) == 0
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["time", "series", "forecast", "q0.1", "q0.25", "q0.5", "q0.75", "q0.9"]
    assert float(rows[0]["forecast"]) == pytest.approx(run.predict(None)[0]["forecast"])
    capsys.readouterr()
    assert main(["evaluate", str(run.path), load(tmp_path, begin=600, count=200), "--json"]) == 0
    scores: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert scores["num_rows"] == 200 - 48 - 24 + 1
    assert scores["metrics"]["test/mae_units"] < scores["metrics"]["test/naive_mae_units"]
    assert main(["verify", str(run.path)]) == 0


def test_too_few_times_and_other_series_are_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the model looks at 48"):
        run.predict(load(tmp_path, count=30))
    with pytest.raises(DataError, match="a window with its truth has 72"):
        run.evaluate(load(tmp_path, count=60))
    (tmp_path / "other.csv").write_text("\n".join(["time,wind", *(f"{time},{n}" for n, time in enumerate(hours(90)))]))
    with pytest.raises(DataError, match="there is no column 'load'"):
        run.predict(str(tmp_path / "other.csv"))
    with pytest.raises(UsageError, match="continues one table"):
        main_error(["predict", str(run.path), "a.csv", "b.csv"])


def test_only_a_forecast_may_be_asked_for_without_an_input(tmp_path: Path) -> None:
    run = tutelage.train("sklearn:iris", steps=1, out=tmp_path / "run", quiet=True)
    with pytest.raises(UsageError, match="no INPUT given"):
        main_error(["predict", str(run.path)])
    with pytest.raises(RunError, match="continues no series"):
        run.forecast(None)
    with pytest.raises(RunError, match="continues no series"):
        run.predict("sklearn:iris", horizon=3)
    with pytest.raises(UsageError, match=r"continues no series\. Leave it out"):
        main_error(["predict", str(run.path), "sklearn:iris", "--horizon", "3"])


def test_a_run_of_a_table_from_python_is_resumed(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    times = np.datetime64("2024-01-01T00", "s") + 3_600 * np.arange(300)
    table = {"time": times, "load": np.sin(np.arange(300) * 2 * np.pi / 24) + 0.1 * random.normal(size=300)}
    run = tutelage.train(table, horizon=12, steps=4, out=tmp_path / "run", time_column="time", **SMALL)
    (run.path / "result.json").unlink()
    assert tutelage.resume(run.path, table, quiet=True).metrics == run.metrics
    with pytest.raises(UsageError, match="given a table from Python"):
        run.forecast(None)
    assert len(run.forecast(table).times) == 12


def test_bands_and_maps_that_do_not_fit_the_network_are_refused(run: Run, tmp_path: Path) -> None:
    whole = run.predictor
    assert isinstance(whole.fitted, TimelineFitted)
    naive, scale = SeasonalNaiveFitted(1, np.zeros(1)), LogScale(np.zeros(1, dtype=bool), *np.ones((3, 1)))

    def floor(weights: np.ndarray, drift: float = 0.0) -> Predictor:
        fitted = RidgeForecastFitted(weights, "last", replace(naive, drift=np.array([drift])), scale, 1.0)
        return replace(whole, companion=FloorShare(RidgeForecast(), fitted, 0.5))

    forged = {
        "preprocessing makes 30 times": replace(whole, fitted=replace(whole.fitted, length=30)),
        "bands of 1 steps ahead and 1 series": replace(
            whole, calibrator=Bands(levels=(0.1, 0.9), sizes=(1, 1), offsets=(0.0, 1.0))
        ),
        "a map from 10 times to 24": floor(np.zeros((1, 11, 24))),
        "weights are not finite": floor(np.full((1, 49, 24), np.nan)),
        "expected as many finite numbers": floor(np.zeros((1, 49, 24)), drift=np.inf),
    }
    for number, (said, predictor) in enumerate(forged.items()):
        predictor.save(path := tmp_path / f"{number}.safetensors")
        with pytest.raises(RunError, match=said):
            load_predictor(path)
    floor(np.zeros((1, 49, 24))).save(tmp_path / "right.safetensors")
    assert load_predictor(tmp_path / "right.safetensors").companion is not None


def test_batches_smaller_than_the_horizon_change_no_interval(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = load(tmp_path, begin=600, count=400)
    whole = run.scores(table)["intervals"]
    monkeypatch.setattr("tutelage.task.forecast_evaluation.MOST_VALUES", 10 * 24)
    for name, ends in run.scores(table)["intervals"].items():
        assert ends == pytest.approx(whole[name], rel=1e-4), name


def test_fewer_times_ahead_are_a_cut_and_more_are_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.predict(None, horizon=5) == run.predict(None)[:5]
    found = run.forecast(None, horizon=1)
    assert found.values.shape == found.quantiles["0.9"].shape == (1, 1)
    assert main(["predict", str(run.path), "--horizon", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_rows"] == 2
    with pytest.raises(UsageError, match=r"forecasts 24 hours ahead, and 25 were asked for.* --task forecast --horizon 25\."):
        run.predict(None, horizon=25)
    for said in ("0", "-3", "many"):
        assert main(["predict", str(run.path), f"--horizon={said}"]) == 2
        assert "expected a whole number > 0" in capsys.readouterr().err


def test_time_to_make_bands_is_kept_at_the_end(run: Run) -> None:
    reserve = compose(run.decided, run.data()).problem.reserve
    assert 97 * 0.5 < reserve(0.5) < 97 * 0.5 + 5.0
    assert reserve(0.0) > 0


def test_of_very_many_validation_windows_some_are_looked_at(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_data, "MOST_WATCHED", 10_000)
    data = run.data()
    problem = compose(run.decided, data).problem
    assert len(problem.validation) == len(data.watched) < len(data.windows["validation"]) == 97
    assert data.facts(Machine("cpu", "", 1, "", 0.0, 1.0), task="forecast", is_own_model=False).num_validation == len(
        data.watched
    )
    assert len(problem.test) == 97


def test_a_window_is_explained_from_its_values_to_its_update(run: Run, tmp_path: Path) -> None:
    found = tutelage.explain(run.path, row=3, part="test")
    told = found.record()
    moment = hours(1, begin=480 + 2)[0]
    assert f"load.csv, forecast from {moment}, window 3 of the test part" in found.text()
    assert told["preprocessing"]["inputs"]["past"]["shape"] == [48, 1]
    forecast, truth = (np.array(told["loss"][key]) for key in ("forecast", "truth"))
    assert told["loss"]["loss"] == pytest.approx(((forecast - truth) ** 2).mean(), rel=1e-4)
    with Path(str(run.plan["source"])).open(encoding="utf-8") as file:
        values = [float(row["load"]) for row in csv.DictReader(file)]
    fitted = run.predictor.fitted
    assert isinstance(fitted, TimelineFitted)
    np.testing.assert_allclose(truth[:, 0] * fitted.std[0] + fitted.mean[0], values[482 : 482 + 24], atol=1e-3)
    assert told["optimizer"]["loss_after"] < told["optimizer"]["loss_before"]
    with pytest.raises(UsageError, match="the test part has the windows 1 to 97"):
        tutelage.explain(run.path, row=98, part="test")
    other = tutelage.explain(run.path, row=1, file=load(tmp_path, begin=601, count=100))
    assert f"forecast from {hours(1, begin=649)[0]}, window 1 of the file" in other.text()


def test_coming_times_that_only_things_are_known_of_are_not_tested_on(tmp_path: Path) -> None:
    lines = Path(load(tmp_path, count=400)).read_text(encoding="utf-8").splitlines()
    lines[5] = lines[5].rpartition(",")[0] + ","
    coming = [f"{time},,0" for time in hours(24, begin=400)]
    (tmp_path / "all.csv").write_text("\n".join([*lines, *coming, ""]), encoding="utf-8")
    settings = {"horizon": 24, "target": "load", "known": "holiday", "floor": "none"}
    run = tutelage.train(str(tmp_path / "all.csv"), steps=2, out=tmp_path / "run", **settings, **SMALL)
    assert "holiday is known beforehand, and empty at 1 of 400 times" in run.report.read_text(encoding="utf-8")
    said = {decision["key"]: decision["value"] for decision in run.plan["decisions"]}
    assert said["split"].startswith("240 train, 80 validation, 80 test")
    assert [record["time"] for record in run.predict(None)] == hours(24, begin=400)


def main_error(words: list[str]) -> None:
    from tutelage.cli.main import build_parser
    from tutelage.cli.predict_verb import run as predict

    predict(build_parser().parse_args(words))


def test_what_is_known_beforehand_helps_and_must_be_there(tmp_path: Path) -> None:
    source = load(tmp_path, count=1_500)
    plain = tutelage.train(source, horizon=24, target="load", steps=150, out=tmp_path / "plain", floor="none", **SMALL)
    run = tutelage.train(
        source, horizon=24, target="load", known="holiday", steps=150, out=tmp_path / "run", floor="none", **SMALL
    )
    assert run.metrics["test/mse"] < plain.metrics["test/mse"]
    with pytest.raises(DataError, match="holiday must be known of the 24 times after"):
        run.predict(None)
    lines = Path(source).read_text(encoding="utf-8").splitlines()
    coming = [f"{time},,{(1_500 + n) // 24 % 5 == 0:d}" for n, time in enumerate(hours(24, begin=1_500))]
    (tmp_path / "next.csv").write_text("\n".join([*lines, *coming, ""]), encoding="utf-8")
    records = run.predict(str(tmp_path / "next.csv"))
    assert [record["time"] for record in records] == hours(24, begin=1_500)


def test_of_a_shorter_horizon_no_more_has_to_be_known_than_is_asked_for(tmp_path: Path) -> None:
    source = load(tmp_path, count=400)
    settings = {"horizon": 24, "target": "load", "known": "holiday", "floor": "none"}
    run = tutelage.train(source, steps=2, out=tmp_path / "run", **settings, **SMALL)
    lines = Path(source).read_text(encoding="utf-8").splitlines()
    coming = [f"{time},,0" for time in hours(6, begin=400)]
    (tmp_path / "next.csv").write_text("\n".join([*lines, *coming, ""]), encoding="utf-8")
    records = run.predict(str(tmp_path / "next.csv"), horizon=6)
    assert [record["time"] for record in records] == hours(6, begin=400)
    longer = [f"{time},,0" for time in hours(24, begin=400)]
    (tmp_path / "longer.csv").write_text("\n".join([*lines, *longer, ""]), encoding="utf-8")
    assert run.predict(str(tmp_path / "longer.csv"), horizon=6) == records, "what is known of later times changes nothing"
    with pytest.raises(DataError, match=r"known of the 7 times after .*; found 6.*--horizon 6\."):
        run.predict(str(tmp_path / "next.csv"), horizon=7)


def test_a_model_from_another_device_is_measured_on_the_one_that_it_was_loaded_to(run: Run, tmp_path: Path) -> None:
    given = read_series(load(tmp_path, begin=601), forecaster(run.path, run.predictor), training=lambda: pytest.fail("no file"))
    away = run.decided.but(device="cuda")
    assert np.isfinite(measured([run.predictor], [1.0], away, given)["metrics"]["test/mse"])


def test_the_offset_of_the_times_is_written_back_and_other_offsets_are_brought_to_it(tmp_path: Path) -> None:
    lines = Path(load(tmp_path)).read_text(encoding="utf-8").splitlines()

    def zoned(name: str, offset: str) -> str:
        text = [lines[0], *(line.replace(",", f"{offset},", 1) for line in lines[1:]), ""]
        (tmp_path / name).write_text("\n".join(text), encoding="utf-8")
        return str(tmp_path / name)

    run = tutelage.train(zoned("x.csv", "+01:00"), horizon=24, target="load", steps=2, out=tmp_path / "run", **SMALL)
    assert [record["time"] for record in run.predict(None)] == [f"{time}+01:00" for time in hours(24, begin=600)]
    assert run.predict(zoned("utc.csv", "Z"))[0]["time"] == f"{hours(1, begin=601)[0]}+01:00"


def test_a_horizon_alone_says_the_task_and_none_is_one_season(tmp_path: Path) -> None:
    assert tutelage.plan(load(tmp_path), task="forecast", target="load").task.horizon == 24
    assert tutelage.plan(load(tmp_path), horizon=7, target="load").task.kind == "forecast"
    with pytest.raises(DataError, match="are too few to forecast 300 ahead"):
        tutelage.plan(load(tmp_path), horizon=300)
    with pytest.raises(DataError, match="the test part begins at"):
        tutelage.plan(load(tmp_path), horizon=7, test=load(tmp_path, begin=100, name="test.csv"))


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not here")
def test_passengers_are_forecast_better_than_by_the_last_season(tmp_path: Path) -> None:
    source = str(DATA / "airline-passengers" / "airline-passengers.csv")
    run = tutelage.train(source, horizon=24, steps=50, model="nlinear", out=tmp_path / "run", quiet=True)
    assert run.metrics["test/mae_units"] < 0.5 * run.metrics["test/naive_mae_units"]


def test_what_is_missing_in_a_table_to_continue_is_told(run: Run, tmp_path: Path) -> None:
    lines = Path(load(tmp_path, count=120, begin=480)).read_text(encoding="utf-8").splitlines()
    lines[100] = ",".join([lines[100].split(",")[0], "", lines[100].split(",")[2]])
    # One gap near the end, and one long before what the model looks at.
    del lines[108:111], lines[10:12]
    (tmp_path / "holes.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    asked = [f"{time},,0" for time in hours(24, begin=600)]
    (tmp_path / "coming.csv").write_text("\n".join([*lines, *asked, ""]), encoding="utf-8")
    told = run.forecast(tmp_path / "coming.csv").warnings
    assert any("1 gap, of 3 hours" in warning for warning in told), told
    assert any("load 1 of" in warning for warning in told), told
    fitted = forecaster(run.path, run.predictor)
    given = read_series(tmp_path / "holes.csv", fitted, training=lambda: pytest.fail("no file"))
    measured_on = measured([run.predictor], [1.0], run.decided, given)["warnings"]
    assert any("2 gaps" in warning for warning in measured_on), measured_on
