"""Every calibrator keeps the form of answers, makes planted faults better, and travels with the predictor."""

from pathlib import Path

import numpy as np
import pytest
import torch

import tutelage
from tutelage.calibrate.base import Calibrator
from tutelage.core import catalog
from tutelage.core.errors import RunError
from tutelage.predictor.predictor import load_predictor
from tutelage.run.run import Run

KINDS = catalog.names("calibrator")


def load(kind: str) -> type[Calibrator]:
    calibrator: type[Calibrator] = catalog.load("calibrator", kind)
    return calibrator


def too_sure(num_rows: int, *, factor: float = 3.0, num_classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose logits are too large by a factor, beside classes drawn from the honest ones."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(num_rows, num_classes))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = (honest.cumsum(axis=1) < random.random((num_rows, 1))).sum(axis=1)
    loud = np.exp(factor * logits)
    return loud / loud.sum(axis=1, keepdims=True), target


def classes_of(kind: str) -> int:
    """4, or 2 where a calibrator is for two classes only."""
    return 2 if load(kind).fit(*too_sure(50)) == load(kind)() else 4


def log_loss(prediction: np.ndarray, target: np.ndarray) -> float:
    return float(-np.log(prediction[np.arange(len(target)), target]).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_answers_keep_their_form_and_a_model_that_is_too_sure_becomes_better(kind: str) -> None:
    if load(kind).answers != "classes":
        pytest.skip("for other answers")
    prediction, target = too_sure(4_000, num_classes=classes_of(kind))
    module = load(kind).fit(prediction[:2_000], target[:2_000]).module()
    better = module(torch.from_numpy(prediction[2_000:]).float()).double().numpy()
    assert better.shape == prediction[2_000:].shape
    np.testing.assert_allclose(better.sum(axis=1), 1, atol=1e-5)
    assert log_loss(better, target[2_000:]) < log_loss(prediction[2_000:], target[2_000:]) - 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_fitted_to_nothing(kind: str) -> None:
    if load(kind).answers != "classes":
        pytest.skip("for other answers")
    calibrator = load(kind).fit(np.empty((0, 3)), np.empty(0, dtype=np.int64))
    answers = torch.tensor([[0.2, 0.3, 0.5]])
    torch.testing.assert_close(calibrator.module()(answers), answers)


def test_a_planted_temperature_is_found() -> None:
    prediction, target = too_sure(20_000, factor=2.5)
    # The estimate's standard error at 20,000 rows is about 0.02.
    assert load("temperature").fit(prediction, target).model_dump()["temperature"] == pytest.approx(2.5, abs=0.1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return tutelage.train("sklearn:iris", steps=20, out=tmp_path_factory.mktemp("calibrator") / "run", quiet=True)


@pytest.mark.parametrize("kind", KINDS)
def test_it_travels_with_the_predictor(kind: str, run: Run, tmp_path: Path) -> None:
    if load(kind).answers != "classes":
        pytest.skip("for other answers")
    calibrator = load(kind).fit(*too_sure(500, num_classes=3))
    if calibrator == load(kind)():
        pytest.skip("for two classes")
    predictor = run.predictor.calibrated(calibrator)
    part = run.data().collected.train
    predictor.save(tmp_path / "predictor.safetensors")
    restored = load_predictor(tmp_path / "predictor.safetensors")
    assert restored.calibrator == calibrator
    np.testing.assert_array_equal(restored.answers(part), predictor.answers(part))
    assert not np.array_equal(restored.answers(part), run.predictor.answers(part))
    np.testing.assert_array_equal(restored.calibrated(None).answers(part), run.predictor.answers(part))


def test_a_calibrator_of_other_answers_is_refused(tmp_path: Path) -> None:
    numbers = tutelage.train("sklearn:diabetes", steps=2, out=tmp_path / "run", quiet=True).predictor
    with pytest.raises(RunError, match="cannot change"):
        numbers.calibrated(load("temperature")())
