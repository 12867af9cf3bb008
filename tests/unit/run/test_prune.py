"""A narrower model is trained on, measured, and refused where it answers worse than allowed."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

import tutelage
from tutelage.cli.main import main
from tutelage.core.errors import RunError, UsageError
from tutelage.run import prune
from tutelage.run.prune import make_narrower
from tutelage.run.quantize import make_int8
from tutelage.run.run import Run
from tutelage.training.loop import run_loop
from tutelage.training.state import TrainState

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Train a small net of digits."""
    return tutelage.train("sklearn:digits", epochs=2, model="cnn", quiet=True, out=tmp_path_factory.mktemp("runs") / "digits")


def test_a_narrower_model_opens_as_any_run_and_can_be_made_int8(
    digits: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["prune", str(digits.path), "--out", str(tmp_path / "narrow"), "--share", "0.3", "--epochs", "3", "--most-loss", "5"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["num_parameters"]["after"] < 0.7 * told["num_parameters"]["before"]
    assert told["lost"] <= 5
    again = tutelage.open_run(tmp_path / "narrow")
    # Its calibrator, and the scores behind its sets, are fitted to its own answers.
    assert again.result["calibration"]["rows"] == 144
    scores = [run.predictor.conformal for run in (digits, again)]
    assert None not in scores
    assert scores[0] != scores[1]
    assert again.metrics["test/accuracy"] > 0.9
    answers = again.predict_proba("sklearn:digits")
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    small = make_int8(again.path, tmp_path / "small", method="static", most_loss=5)
    assert (small.predict_proba("sklearn:digits").argmax(1) == answers.argmax(1)).mean() > 0.97
    with pytest.raises(RunError, match="made smaller before"):
        make_narrower(again.path, tmp_path / "no")


def test_what_cannot_be_is_refused_and_nothing_written(digits: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"loses .* points of accuracy on 144 validation rows, and -200 are allowed"):
        make_narrower(digits.path, tmp_path / "no", epochs=0.1, most_loss=-200)
    for share in (0, 1, 1.5):
        with pytest.raises(UsageError, match="between 0 and 1"):
            make_narrower(digits.path, tmp_path / "no", share=share)
    with pytest.raises(UsageError, match="--epochs 0: expected more than 0"):
        make_narrower(digits.path, tmp_path / "no", epochs=0)
    assert not (tmp_path / "no").exists()


def test_a_network_without_such_layers_is_refused(tmp_path: Path) -> None:
    run = tutelage.train("sklearn:iris", epochs=1, model="linear", quiet=True, out=tmp_path / "run")
    with pytest.raises(RunError, match="no layer of its network"):
        make_narrower(run.path, tmp_path / "no")


def test_what_is_left_is_fitted_to_what_was_there_and_takes_smaller_steps(digits: Run, tmp_path: Path) -> None:
    rates = []

    def look(state: TrainState, **more: Any) -> None:
        rates.extend(group["initial_lr"] for update in state.step.updates.values() for group in update.optimizer.param_groups)
        run_loop(state, **more)

    with mock.patch.object(prune, "run_loop", look):
        fitted = make_narrower(digits.path, tmp_path / "fitted", epochs=1e-3, most_loss=100)
    with mock.patch.object(prune, "settle"):
        plain = make_narrower(digits.path, tmp_path / "plain", epochs=1e-3, most_loss=100)
    assert fitted.result["pruned"]["steps"] == 1
    assert fitted.result["pruned"]["lost"] < plain.result["pruned"]["lost"] - 5
    optim: Any = digits.decided.optim
    assert sorted(set(rates)) == pytest.approx(sorted(prune.FACTOR * rate for rate in (optim.lr, optim.adam_lr)))
