"""Early stopping beside an oracle that knows the whole curve: what is lost, and what is saved, over many synthetic trainings."""

import numpy as np
import pytest

from tutelage.core.stopping import Stopping
from tutelage.training.control import Control, judge

EVALUATIONS, STEPS = 50, 1_000
EVERY = STEPS // EVALUATIONS
PATIENCE = 0.3
"""Of the budget: the default of most kinds of data."""
NUM_CURVES = 300


def overfitting(progress: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A loss that falls and rises again, from some moment in the first half on."""
    valley = random.uniform(0.1, 0.5)
    return np.asarray(0.5 + np.exp(-6 * progress / valley) + random.uniform(0.1, 0.6) * np.maximum(progress - valley, 0))


def flattening(progress: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A loss that falls by a power law and hardly at the end."""
    return np.asarray(0.3 + 0.7 * (1 + 60 * progress) ** -random.uniform(0.8, 1.6))


def falling(progress: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A loss that falls to the end, as under a learning rate that goes to zero."""
    return np.asarray(1.0 - random.uniform(0.5, 0.7) * progress)


def stopped(noisy: np.ndarray) -> tuple[int, int]:
    """Return the evaluation whose weights leave, and the number of evaluations that were made."""
    control = Control(STEPS)
    stopping = Stopping(metric="val/loss", greater_is_better=False, patience=round(PATIENCE * STEPS), min_delta=0.0)
    for number, value in enumerate(noisy, start=1):
        control, _ = judge(control, {"val/loss": float(value)}, step=number * EVERY, stopping=stopping)
        if control.stop_reason:
            break
    return control.best_step // EVERY - 1, number


def compared(shape: object, *, noise: float) -> tuple[float, float]:
    """Return the mean regret beside an oracle that sees the true curve, and the share of the budget that was used."""
    random = np.random.default_rng(0)
    progress = np.arange(1, EVALUATIONS + 1) / EVALUATIONS
    regrets, used = [], []
    for _ in range(NUM_CURVES):
        true = shape(progress, random)  # type: ignore[operator]
        chosen, made = stopped(true + noise * random.normal(size=EVALUATIONS))
        regrets.append(true[chosen] - true.min())
        used.append(made / EVALUATIONS)
    return float(np.mean(regrets)), float(np.mean(used))


@pytest.mark.parametrize(
    ("shape", "regret", "compute"), [(overfitting, 0.012, 0.75), (flattening, 0.012, 1.0), (falling, 0.012, 1.0)]
)
def test_little_is_lost_beside_an_oracle(shape: object, regret: float, compute: float) -> None:
    """With evaluations whose noise is 1 % of what is learned, about one noise is lost; a training that overfits ends early."""
    lost, used = compared(shape, noise=0.01)
    assert lost <= regret
    assert used <= compute


def test_a_loss_that_falls_to_the_end_is_never_cut_off() -> None:
    assert compared(falling, noise=0.01)[1] == 1.0


def test_without_noise_nothing_is_lost() -> None:
    for shape in (overfitting, falling):
        assert compared(shape, noise=0.0)[0] == pytest.approx(0.0, abs=1e-12)
