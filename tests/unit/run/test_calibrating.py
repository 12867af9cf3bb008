"""A run is calibrated at its end, and anew on request; what leaves is what was measured."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import tutelage
from tutelage.cli.main import main
from tutelage.core.errors import RecipeError, RunError, UsageError
from tutelage.metric.base import Outcome
from tutelage.metric.ece import DebiasedError
from tutelage.metric.loss import LogLoss
from tutelage.predictor.predictor import Predictor
from tutelage.run.files import RunFiles
from tutelage.run.run import Run
from tutelage.run.survey import survey


def write_table(folder: Path) -> str:
    """Write scikit-learn's diabetes data as a file."""
    data = load_diabetes(as_frame=True).frame
    data.to_csv(folder / "diabetes.csv", index=False)
    return str(folder / "diabetes.csv")


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    """Three classes that overlap, told by four numbers."""
    random = np.random.default_rng(0)
    labels = random.integers(3, size=1_500)
    return random.normal(size=(1_500, 4)) + 1.2 * np.eye(3, 4)[labels], np.array(["a", "b", "c"], dtype=object)[labels]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, rows: tuple[np.ndarray, np.ndarray]) -> Run:
    """Asked for vector scaling, so that something is changed for sure."""
    out = tmp_path_factory.mktemp("calibrating") / "run"
    return tutelage.train(rows, steps=60, out=out, quiet=True, calibrate="vector", floor="none")


def test_the_scores_are_those_of_the_answers_that_leave(run: Run, rows: tuple[np.ndarray, np.ndarray]) -> None:
    test = run.data(rows).test  # type: ignore[attr-defined]
    outcome = Outcome(run.predictor.answers(test.part), test.truth)
    assert LogLoss().compute(outcome) == pytest.approx(run.metrics["test/loss"], abs=1e-6)
    raw = Outcome(run.predictor.calibrated(None).answers(test.part), test.truth)
    assert LogLoss().compute(raw) == pytest.approx(run.result["reliability"]["before"]["measures"]["loss"], abs=1e-6)
    assert not np.allclose(outcome.prediction, raw.prediction)
    assert run.result["calibration"]["method"] == "vector"
    assert "test/ece" in run.metrics
    assert run.result["calibration"]["is_apart"] is False
    assert "chose the weights too" in run.prediction(rows[0][:2], coverage=0.8).notes[0]


def test_other_rows_are_measured_with_the_calibration_error_too(
    run: Run, rows: tuple[np.ndarray, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    features, labels = rows
    scores = run.scores((features[:400], labels[:400]))
    truth = np.array([run.classes.index(label) for label in labels[:400]])
    error = DebiasedError().compute(Outcome(run.predict_proba(features[:400]), truth))
    assert scores["metrics"]["test/ece"] == pytest.approx(error, abs=1e-6)
    low, high = scores["intervals"]["test/ece"]
    assert low <= error <= high
    assert main(["evaluate", str(run.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ece"] == run.metrics["test/ece"] >= 0


def test_what_a_floor_has_a_share_in_is_calibrated_as_it_leaves(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    words = np.array([f"word{number}" for number in range(60)])
    labels = random.integers(2, size=400)
    chances = np.where(np.arange(60) % 2 == labels[:, None], 2.0, 1.0)
    texts = [" ".join(random.choice(words, 12, p=chance / chance.sum())) for chance in chances]
    lines = ["text,label", *(f"{text},{'yes' if label else 'no'}" for text, label in zip(texts, labels, strict=True))]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    wishes = {"target": "label", "text": "text", "steps": 5, "quiet": True, "calibrate": "temperature"}
    mixed = tutelage.train(str(tmp_path / "rows.csv"), out=tmp_path / "run", **wishes)
    test = mixed.data().test  # type: ignore[attr-defined]
    assert mixed.predictor.companion is not None
    assert mixed.predictor.module.calibrator is None
    answers = mixed.predictor.answers(test.part)
    assert LogLoss().compute(Outcome(answers, test.truth)) == pytest.approx(mixed.metrics["test/loss"], abs=1e-6)
    assert not np.allclose(answers, mixed.predictor.calibrated(None).answers(test.part))
    with pytest.raises(RunError, match="has learned from the validation rows"):
        mixed.calibrate()


def test_a_run_is_calibrated_anew_and_stays_well(run: Run, rows: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = rows
    record = run.calibrate((features[:600], labels[:600]), method="temperature")
    assert record["method"] == "temperature"
    assert {"loss_before", "loss_after", "ece_before", "ece_after", "rows"} <= set(record)
    opened = tutelage.open_run(run.path)
    assert opened.predictor.calibrator == run.predictor.calibrator
    assert opened.result["calibration"]["method"] == "temperature"
    assert any("calibrated after training" in text for text in opened.result["warnings"])
    assert all(standing.state == "whole" for standing in survey(RunFiles(run.path)))
    assert run.calibrate((features[:600], labels[:600]), method="none")["method"] == "none"
    assert run.predictor.calibrator is None
    assert len(run.predictor.conformal.classes) == 600  # type: ignore[union-attr]


def test_sets_hold_the_truth_of_new_rows(run: Run, rows: tuple[np.ndarray, np.ndarray]) -> None:
    random = np.random.default_rng(1)
    codes = random.integers(3, size=4_000)
    features, labels = random.normal(size=(4_000, 4)) + 1.2 * np.eye(3, 4)[codes], np.array(["a", "b", "c"], dtype=object)[codes]
    run.calibrate((features[:1_000], labels[:1_000]), method="temperature")
    sets = run.predict_sets(features[1_000:], coverage=0.9)
    assert np.mean([label in found for label, found in zip(labels[1_000:], sets, strict=True)]) == pytest.approx(0.9, abs=0.03)
    assert 1 <= np.mean([len(found) for found in sets]) < 3
    assert run.prediction(features[:2], coverage=0.9).notes == ()
    with pytest.raises(UsageError, match="Known: lac, aps, raps, by_class"):
        run.predict_sets(features, method="other")
    with pytest.raises(UsageError, match="between 0 and 1"):
        run.predict_sets(features, coverage=1.0)


def test_intervals_of_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = tutelage.train("sklearn:diabetes", steps=40, out=tmp_path / "run", quiet=True)
    test = numbers.data().test  # type: ignore[attr-defined]
    ends = numbers.predictor.around(numbers.predictor.answers(test.part), coverage=0.8)
    # 88 test rows, and 53 that were scored: the coverage moves by 0.07 from draw to draw.
    assert ((ends[:, 0] <= test.truth) & (test.truth <= ends[:, 1])).mean() == pytest.approx(0.8, abs=0.2)
    assert numbers.result.get("calibration") is None
    with pytest.raises(UsageError, match="is not for a model that answers with numbers"):
        numbers.calibrate(method="temperature")
    few = tmp_path / "few.csv"
    lines = Path(write_table(tmp_path)).read_text(encoding="utf-8").splitlines()
    few.write_text("\n".join(lines[:9]), encoding="utf-8")
    assert main(["calibrate", str(numbers.path), "--data", str(few)]) == 0
    told = capsys.readouterr()
    assert "8 rows, where 53 were fitted to before" in told.err
    assert "need 19 held-out rows, and these are 8" in told.out
    assert "--coverage 0.9" not in told.out, "it would fail"
    assert "calibrated after training" in (numbers.path / "report.html").read_text(encoding="utf-8")


def test_the_command_refuses_a_method_that_is_none(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["calibrate", str(run.path), "--method", "other", "--json"]) == 2
    assert "Known: auto, none" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_the_plan_says_which_rows_and_why() -> None:
    few = tutelage.plan("sklearn:iris")
    assert few.calibrators == ()
    assert few.calibration_rows == 0
    many = (np.random.default_rng(0).normal(size=(30_000, 3)), np.arange(30_000) % 3)
    plan = tutelage.plan(many, task="classify")
    assert plan.calibrators[:2] == ("temperature", "top_label")
    assert plan.calibration_rows == max(1_000, plan.num_validation // 2)
    reason = next(made.reason for made in plan.decisions if made.key == "calibrate")
    assert "did not choose the weights" in reason
    assert tutelage.plan(many, task="classify", calibrate="none").calibrators == ()
    with pytest.raises(RecipeError, match="unknown calibrator 'temprature'; did you mean 'temperature'"):
        tutelage.plan("sklearn:iris", calibrate="temprature")
    with pytest.raises(RecipeError, match="changes forecasts"):
        tutelage.plan("sklearn:iris", calibrate="bands")


def test_balanced_classes_are_not_taken_back() -> None:
    many = (np.random.default_rng(0).normal(size=(30_000, 3)), np.arange(30_000) % 3)
    assert tutelage.plan(many, task="classify", class_weights="balanced").calibrators == ("temperature", "top_label")


def test_a_calibration_that_was_cut_off_is_told_until_it_is_made_again(
    run: Run, rows: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.path, folder)
    save = Predictor.save

    def cut_off(self: Predictor, path: Path, *, announce: Any = None) -> str:
        save(self, path, announce=announce)
        raise KeyboardInterrupt

    monkeypatch.setattr(Predictor, "save", cut_off)
    with pytest.raises(KeyboardInterrupt):
        Run.open(folder).calibrate(rows, method="temperature")
    monkeypatch.undo()
    assert Run.open(folder).predictor.calibrator != run.predictor.calibrator
    assert any("not finished" in text for text in Run.open(folder).result["warnings"])
    Run.open(folder).calibrate(rows, method="temperature")
    told = Run.open(folder).result["warnings"]
    assert not any("not finished" in text for text in told)
    assert sum("calibrated after training" in text for text in told) == 1


def test_a_calibrator_that_is_there_stays_where_nothing_new_is_better(
    run: Run, rows: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    copied = tutelage.open_run(tmp_path / "run")
    few = rows[0][:120], rows[1][:120]
    copied.calibrate(few, method="vector")
    before = copied.predict_proba(rows[0][:5])
    record = copied.calibrate(few)
    assert record["method"] == "vector"
    assert "as before" in record["reason"]
    assert record["loss_before"] == record["loss_after"]
    np.testing.assert_array_equal(tutelage.open_run(copied.path).predict_proba(rows[0][:5]), before)
    for count, found in ((30, "30 rows are too few to calibrate by, 50 are needed"), (1_000, "all .* rows are of one class")):
        chosen = np.flatnonzero(rows[1] == "a")[:count]
        with pytest.raises(RunError, match=found):
            copied.calibrate((rows[0][chosen], rows[1][chosen]))
    np.testing.assert_array_equal(tutelage.open_run(copied.path).predict_proba(rows[0][:5]), before)


def test_a_run_without_a_calibrator_gets_one_where_new_rows_ask_for_it(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    labels = random.integers(3, size=3_000)
    rows = random.normal(size=(3_000, 4)) + 1.2 * np.eye(3, 4)[labels]
    names = np.array(["a", "b", "c"], dtype=object)[labels]
    plain = tutelage.train((rows[:600], names[:600]), steps=4, out=tmp_path / "run", quiet=True, calibrate="none", floor="none")
    assert plain.predictor.calibrator is None
    record = plain.calibrate((rows[600:], names[600:]))
    assert record["method"] != "none"
    assert record["loss_after"] < record["loss_before"]
    opened = tutelage.open_run(plain.path).predictor.calibrator
    assert opened is not None
    assert opened.kind == record["method"]  # type: ignore[attr-defined]
