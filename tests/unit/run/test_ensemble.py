"""An ensemble answers with the mean of its members, and takes only members whose answers have a mean."""

import json
from pathlib import Path

import numpy as np
import pytest

import tutelage
from tutelage.cli.main import main
from tutelage.core.errors import RunError, UsageError
from tutelage.model.stored import load_tensors, save_tensors
from tutelage.predictor.ensemble import FORMAT, Ensemble, load_answerer
from tutelage.run.ensemble import greedy_weights, make_ensemble
from tutelage.run.forecast import Forecasts, mean_forecasts
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


def test_it_is_measured_on_rows_that_no_member_has_learned_from(made: dict[str, Run], tmp_path: Path) -> None:
    both = make_ensemble([made["mlp"].path, made["linear"].path], tmp_path / "both")
    members = both.result["ensemble"]["members"]
    assert members[0]["metrics"]["test/loss"] == pytest.approx(made["mlp"].metrics["test/loss"], abs=1e-6)
    shown = {"test/accuracy", "test/loss", "test/auroc", "test/ece"}
    assert set(both.metrics) == {"val/accuracy", "val/loss", "val/auroc", *shown}
    apart = make_ensemble([made["mlp"].path, made["seed"].path], tmp_path / "apart")
    assert apart.metrics == {}
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
    for weights in ([0.5], [0.5, 0.9], [1.5, -0.5]):
        save_tensors(tmp_path / "bad", stored.tensors, format=FORMAT, values={**stored.values, "weights": weights})
        with pytest.raises(RunError, match="Make it anew"):
            load_answerer(tmp_path / "bad")
    assert isinstance(load_answerer(both.path / "best" / "predictor.safetensors"), Ensemble)


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
    assert main(["ensemble", *runs, "--out", str(tmp_path / "again")]) == 0
    assert "ensemble" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "both")]) == 0
    assert main(["explain", str(tmp_path / "both")]) == 2


def test_forecasts_are_averaged_with_their_quantiles() -> None:
    ones = Forecasts(("t1", "t2"), ("a",), np.ones((2, 1)), {"0.1": np.zeros((2, 1)), "0.9": np.full((2, 1), 2.0)})
    threes = Forecasts(("t1", "t2"), ("a",), np.full((2, 1), 3.0), {"0.1": np.ones((2, 1))})
    mean = mean_forecasts([ones, threes], [0.25, 0.75])
    np.testing.assert_allclose(mean.values, 2.5)
    # A level that one of them does not have has no mean.
    assert list(mean.quantiles) == ["0.1"]
    np.testing.assert_allclose(mean.quantiles["0.1"], 0.75)
