"""An ensemble answers with the mean of its members, and takes only members whose answers have a mean."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tutelage
from tutelage.cli.main import main
from tutelage.core.errors import RecipeError, RunError, UsageError
from tutelage.core.manifest import Manifest
from tutelage.model.stored import load_tensors, save_tensors
from tutelage.predictor.ensemble import FORMAT, Ensemble, load_answerer
from tutelage.run import birth
from tutelage.run.ensemble import greedy_weights, make_ensemble
from tutelage.run.forecast import Forecasts, forecaster, mean_forecasts, read_series
from tutelage.run.forecast_scores import measured
from tutelage.run.run import Run
from tutelage.task.classify import Classify


def _table(path: Path, *, names: tuple[str, ...] = ("low", "high"), rows: int = 120, column: str = "kind") -> Path:
    """Write a table whose class is told by two columns; two of its rows lack a cell."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, rows))
    lines = [f"{a:.4f},{b:.4f},{names[int(a + b > 0)]}" for a, b in zip(x, y, strict=True)]
    lines[3] = lines[3].replace(lines[3].split(",")[0], "", 1)
    path.write_text("\n".join([f"a,b,{column}", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Train small runs of a few kinds."""
    folder = tmp_path_factory.mktemp("runs")
    table = _table(folder / "table.csv")
    other = _table(folder / "other.csv", names=("low", "top"))
    wishes = {"mlp": {"model": "mlp"}, "linear": {"model": "linear"}, "seed": {"seed": 5}, "plain": {"floor": "none"}}
    runs = {
        name: tutelage.train(table, target="kind", epochs=1, quiet=True, out=folder / name, **wish)
        for name, wish in wishes.items()
    }
    runs["other"] = tutelage.train(other, target="kind", epochs=1, quiet=True, out=folder / "other", seed=2)
    return runs


@pytest.fixture(scope="module")
def forecasters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Train forecasters that look back at different numbers of hours."""
    folder = tmp_path_factory.mktemp("forecasters")
    table = _hours(folder / "hours.csv")
    wishes = {"short": {"prepare": {"length": 30}}, "long": {"prepare": {"length": 48}, "floor": "none"}}
    return {
        name: tutelage.train(table, horizon=6, model="nlinear", steps=2, quiet=True, out=folder / name, **wish)
        for name, wish in wishes.items()
    }


def test_its_answers_are_the_mean_of_its_members(made: dict[str, Run], tmp_path: Path) -> None:
    table = made["mlp"].path.parent / "table.csv"
    runs = [made["mlp"], made["linear"], made["plain"]]
    both = make_ensemble([run.path for run in runs], tmp_path / "both")
    expected = np.mean([run.predict_proba(table) for run in runs], axis=0)
    np.testing.assert_allclose(both.predict_proba(table), expected, rtol=0, atol=1e-12)
    assert tutelage.open_run(both.path).classes == ("high", "low")
    assert both.evaluate(table)["test/accuracy"] == pytest.approx(
        (np.array(["high", "low"])[expected.argmax(1)] == [line.split(",")[2] for line in table.read_text().split()[1:]]).mean()
    )


def test_validation_rows_that_a_floor_has_learned_from_do_not_judge(tmp_path: Path) -> None:
    words = {"yes": "good fine great", "no": "bad dull poor"}
    lines = [f"{words[label].split()[n % 3]} film {n % 7},{label}" for n in range(60) for label in words]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *lines, ""]), encoding="utf-8")
    wishes: Any = {"target": "label", "text": "text", "quiet": True, "calibrate": "none"}
    runs = [tutelage.train(str(tmp_path / "rows.csv"), steps=n, out=tmp_path / str(n), **wishes) for n in (1, 2)]
    assert all(run.predictor.companion is not None for run in runs)
    both = make_ensemble([run.path for run in runs], tmp_path / "both")
    assert "test/loss" in both.metrics
    assert "val/loss" not in both.metrics
    assert "has learned from the validation rows" in both.result["ensemble"]["measured"]
    with pytest.raises(RunError, match="has learned from the validation rows"):
        make_ensemble([run.path for run in runs], tmp_path / "other", weigh="validation")


def test_it_is_measured_on_rows_that_no_member_has_learned_from(made: dict[str, Run], tmp_path: Path) -> None:
    both = make_ensemble([made["mlp"].path, made["linear"].path], tmp_path / "both")
    members = both.result["ensemble"]["members"]
    assert members[0]["metrics"]["test/loss"] == pytest.approx(made["mlp"].metrics["test/loss"], abs=1e-6)
    shown = {"test/accuracy", "test/loss", "test/auroc", "test/ece"}
    assert set(both.metrics) == {"val/accuracy", "val/loss", "val/auroc", *shown}
    apart = make_ensemble([made["mlp"].path, made["seed"].path], tmp_path / "apart")
    assert apart.metrics == {}
    # How long an answer takes needs no labels.
    assert apart.result["ensemble"]["latency_ms"]["1"]["p50"] > 0
    assert "other validation and test rows" in apart.result["ensemble"]["measured"]


def test_weights_by_validation_need_rows_that_all_kept_apart(made: dict[str, Run], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Leave --weights out"):
        make_ensemble([made["mlp"].path, made["seed"].path], tmp_path / "no", weigh="validation")
    assert not (tmp_path / "no").exists()
    both = make_ensemble([made["mlp"].path, made["linear"].path], tmp_path / "both", weigh="validation")
    assert sum(member["weight"] for member in both.result["ensemble"]["members"]) == pytest.approx(1)


def test_what_has_no_mean_is_refused(made: dict[str, Run], tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"classes are others than the first one's \(high, top only in one"):
        make_ensemble([made["mlp"].path, made["other"].path], tmp_path / "no")
    with pytest.raises(UsageError, match="needs at least two"):
        make_ensemble([made["mlp"].path], tmp_path / "no")
    with pytest.raises(UsageError, match="given twice"):
        make_ensemble([made["mlp"].path, f"{made['mlp'].path}/"], tmp_path / "no")
    both = make_ensemble([made["mlp"].path, made["linear"].path], tmp_path / "both")
    with pytest.raises(RunError, match="an ensemble of 2 models"):
        make_ensemble([both.path, made["mlp"].path], tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_a_file_that_says_other_weights_is_refused(made: dict[str, Run], tmp_path: Path) -> None:
    both = make_ensemble([made["mlp"].path, made["linear"].path], tmp_path / "both")
    stored = load_tensors(both.path / "best" / "predictor.safetensors", formats=(FORMAT,))
    others = [{"weights": weights} for weights in ([0.5], [0.5, 0.9], [1.5, -0.5])]
    first, *rest = stored.values["members"]
    bare = {"members": [{**first, "prepare": "", "fitted": None}, *rest]}
    for changed in [*others, bare, {"facts": {"runs": 5}}, {"facts": {"runs": [None]}}]:
        save_tensors(tmp_path / "bad", stored.tensors, format=FORMAT, values={**stored.values, **changed})
        with pytest.raises(RunError, match="Make it anew"):
            load_answerer(tmp_path / "bad")
    assert isinstance(load_answerer(both.path / "best" / "predictor.safetensors"), Ensemble)


@pytest.mark.parametrize("is_there", [False, True])
def test_it_is_there_with_its_scores_or_not_at_all(
    made: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    out, put = tmp_path / "both", Manifest.put_json
    if is_there:
        out.mkdir()

    def fail(self: Manifest, file: str, record: dict[str, object], *, state: str = "") -> None:
        if file == "result.json":
            raise RunError("no room")
        put(self, file, record, state=state)

    runs = [made["mlp"].path, made["linear"].path]
    monkeypatch.setattr(Manifest, "put_json", fail)
    with pytest.raises(RunError, match="no room"):
        make_ensemble(runs, out)
    assert [path.name for path in tmp_path.iterdir()] == ["both"] * is_there
    assert not is_there or [path.name for path in out.iterdir()] == [".lock"]
    monkeypatch.undo()
    assert make_ensemble(runs, out).metrics


def test_half_of_one_in_a_folder_that_was_there_is_in_nobodys_way(
    made: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(birth, "_remove_begun", lambda folder: None)
    monkeypatch.setattr("tutelage.run.ensemble.write_derived", _half_written)
    with pytest.raises(KeyboardInterrupt):
        make_ensemble([made["mlp"].path, made["linear"].path], tmp_path)
    assert (tmp_path / "best" / "predictor.safetensors").is_file()
    monkeypatch.undo()
    assert make_ensemble([made["mlp"].path, made["linear"].path], tmp_path).metrics


def _half_written(folder: Path, *_: object, **__: object) -> None:
    (folder / "best").mkdir()
    (folder / "best" / "predictor.safetensors").touch()
    (folder / "result.json").touch()
    raise KeyboardInterrupt


def test_without_its_scores_it_is_not_trained_in_its_place(
    made: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = make_ensemble([made["mlp"].path, made["linear"].path], tmp_path / "both").path
    (both / "result.json").unlink()
    before = (both / "best" / "predictor.safetensors").read_bytes()
    assert main(["resume", str(both)]) == 2
    assert "was made of other runs" in capsys.readouterr().err
    assert (both / "best" / "predictor.safetensors").read_bytes() == before


def test_the_greedy_choice_finds_the_better_model_and_keeps_equal_weights_else() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(2, size=400)
    good, bad = np.full((400, 2), 0.1), np.full((400, 2), 0.5)
    good[np.arange(400), truth] = 0.9
    weights, why = greedy_weights([good, bad], truth, Classify())
    assert weights == [1, 0]
    assert "chosen greedily" in why
    assert greedy_weights([good, good], truth, Classify())[0] == [0.5, 0.5]


def test_the_mean_of_numbers_is_in_their_unit(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    rows = random.normal(size=(100, 2))
    runs = [
        tutelage.train((rows, 1000 + 50 * rows[:, 0]), task="regress", epochs=1, quiet=True, seed=seed, out=tmp_path / str(seed))
        for seed in (0, 1)
    ]
    both = make_ensemble([run.path for run in runs], tmp_path / "both")
    expected = np.mean([run.predict(rows) for run in runs], axis=0)
    np.testing.assert_allclose(both.predict(rows), expected)
    assert "given its data from Python" in both.result["ensemble"]["measured"]


def test_the_command_tells_members_and_mean(made: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(made[name].path) for name in ("mlp", "linear")]
    assert main(["ensemble", *runs, "--out", str(tmp_path / "both"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [member["run"] for member in told["members"]] == runs
    assert 0 < told["metrics"]["test/accuracy"] <= 1
    assert told["size_bytes"] > sum(member["size_bytes"] for member in told["members"]) * 0.9
    for one in (told, *told["members"]):
        assert 0 < one["latency_ms"]["32"]["p50"] <= one["latency_ms"]["32"]["p95"]
    page = Path(told["report"]).read_text(encoding="utf-8")
    assert "Members" in page
    assert all(run in page for run in runs)
    assert main(["ensemble", *runs, "--out", str(tmp_path / "again")]) == 0
    assert "ensemble" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "both")]) == 0
    assert main(["explain", str(tmp_path / "both")]) == 2


def _hours(path: Path, *, count: int = 400) -> Path:
    """Write an hourly series that swings daily."""
    times = np.datetime64("2024-01-01T00:00") + np.timedelta64(1, "h") * np.arange(count)
    values = 100 + 10 * np.sin(np.arange(count) * 2 * np.pi / 24) + np.random.default_rng(0).normal(size=count)
    lines = [f"{str(time).replace('T', ' ')},{value:.3f}" for time, value in zip(times, values, strict=True)]
    path.write_text("\n".join(["time,load", *lines, ""]))
    return path


def test_the_mean_of_forecasts_is_measured_as_one_models_are(
    forecasters: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = _hours(tmp_path / "other.csv", count=200)
    each = {name: run.predictor for name, run in forecasters.items()}
    plan, fitted = forecasters["short"].decided, forecaster(tmp_path, each["short"])
    given = read_series(table, fitted, training=lambda: pytest.fail("no file"))
    lookback = forecaster(tmp_path, each["long"]).lookback
    alone = {name: measured([one], [1.0], plan, given, lookback=lookback)["metrics"] for name, one in each.items()}
    whole = measured(list(each.values()), [1.0, 0.0], plan, given)["metrics"]
    assert whole["test/mse"] == pytest.approx(alone["short"]["test/mse"], rel=1e-9)
    whole = measured(list(each.values()), [0.0, 1.0], plan, given)["metrics"]
    assert whole["test/mae_units"] == pytest.approx(alone["long"]["test/mae_units"], rel=1e-9)
    both = make_ensemble([run.path for run in forecasters.values()], tmp_path / "both")
    # The square is convex: a mean's error is at most the mean of the errors.
    told = both.result["ensemble"]["members"]
    assert both.metrics["test/mse"] <= np.mean([member["metrics"]["test/mse"] for member in told])
    assert main(["evaluate", str(both.path), str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["metrics"]["test/mse"]
    assert found <= (alone["short"]["test/mse"] + alone["long"]["test/mse"]) / 2


def test_forecasts_are_averaged_with_their_quantiles() -> None:
    ones = Forecasts(("t1", "t2"), ("a",), np.ones((2, 1)), {"0.1": np.zeros((2, 1)), "0.9": np.full((2, 1), 2.0)})
    threes = Forecasts(("t1", "t2"), ("a",), np.full((2, 1), 3.0), {"0.1": np.ones((2, 1))})
    mean = mean_forecasts([ones, threes], [0.25, 0.75])
    np.testing.assert_allclose(mean.values, 2.5)
    # A level that one of them does not have has no mean.
    assert list(mean.quantiles) == ["0.1"]
    np.testing.assert_allclose(mean.quantiles["0.1"], 0.75)


def test_an_ensemble_that_is_to_teach_names_its_members(made: dict[str, Run], tmp_path: Path) -> None:
    folder = make_ensemble([str(made["mlp"].path), str(made["seed"].path)], out=str(tmp_path / "both")).path
    with pytest.raises(
        RecipeError, match=r"is an ensemble of 2 models\. Name these, they teach together: tutelage distill .*mlp"
    ):
        tutelage.distill([folder], student="small", steps=2, out=tmp_path / "student", quiet=True)
    assert not (tmp_path / "student").exists()
