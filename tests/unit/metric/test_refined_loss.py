"""The refined loss judges how well classes are told apart: not how sure a model is, and not beyond what so many rows can tell."""

import math

import numpy as np
import pytest

from tutelage.metric.base import Outcome
from tutelage.metric.loss import LogLoss
from tutelage.metric.refined_loss import RefinedLoss

CURVE_ERROR = 5e-5
"""What the curve through the grid of temperatures may err, in nats."""


def probabilities(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def separated(size: int, *, classes: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are right in every row, by a margin of 2 to 4, and the truth."""
    random = np.random.default_rng(seed)
    target = random.integers(classes, size=size)
    return -random.random((size, classes)) + random.uniform(2, 4, (size, 1)) * np.eye(classes)[target], target


@pytest.mark.parametrize("scale", [0.3, 10.0, 20.0])
def test_the_scale_of_logits_earns_nothing_on_a_perfectly_separated_part(scale: float) -> None:
    logits, target = separated(144)
    plain = RefinedLoss().compute(Outcome(probabilities(logits), target))
    scaled = RefinedLoss().compute(Outcome(probabilities(scale * logits), target))
    assert scaled == pytest.approx(plain, abs=CURVE_ERROR)


def test_a_perfectly_separated_part_is_no_proof_of_perfection() -> None:
    scores = []
    for size in (50, 500, 5000):
        logits, target = separated(size)
        scores.append(RefinedLoss().compute(Outcome(probabilities(10 * logits), target)))
        # Whoever errs once in N + 1 rows, and knows it, has this log loss at least.
        assert scores[-1] > -math.log(1 - 1 / (size + 1))
    assert scores == sorted(scores, reverse=True)


def test_of_two_that_separate_all_the_one_with_more_even_margins_is_better() -> None:
    logits, target = separated(200)
    narrow = logits.copy()
    narrow[np.arange(8), target[:8]] -= 1.7
    assert (narrow.argmax(axis=1) == target).all()
    assert RefinedLoss().compute(Outcome(probabilities(10 * narrow), target)) > RefinedLoss().compute(
        Outcome(probabilities(logits), target)
    )


@pytest.mark.parametrize("sharpness", [0.1, 0.5, 2.0, 10.0])
def test_it_does_not_care_how_sure_a_model_is(sharpness: float) -> None:
    random = np.random.default_rng(0)
    target = random.integers(3, size=400)
    logits = random.standard_normal((400, 3)) + 2.0 * np.eye(3)[target]
    plain = RefinedLoss().compute(Outcome(probabilities(logits), target))
    assert RefinedLoss().compute(Outcome(probabilities(sharpness * logits), target)) == pytest.approx(plain, abs=CURVE_ERROR)


def test_of_many_rows_it_is_the_smallest_log_loss_over_temperatures() -> None:
    random = np.random.default_rng(0)
    target = random.integers(4, size=40_000)
    logits = random.standard_normal((40_000, 4)) + 1.5 * np.eye(4)[target]
    losses = [LogLoss().compute(Outcome(probabilities(sharpness * logits), target)) for sharpness in np.geomspace(0.5, 3, 80)]
    # The imagined row adds about 3 nats to 40,000 rows.
    assert RefinedLoss().compute(Outcome(probabilities(3 * logits), target)) == pytest.approx(min(losses), abs=2e-4)


def test_one_row_more_by_hand() -> None:
    # Three rows, two classes, each right by the logit x: (3 log(1 + e^-x) + (log(1 + e^-x) + log(1 + e^x)) / 2) / 4
    # is smallest where 1 / (1 + e^-x) = 7 / 8: there it is the entropy of 7 : 1.
    outcome = Outcome(np.array([[0.2, 0.8], [0.2, 0.8], [0.8, 0.2]]), np.array([1, 1, 0]))
    entropy = -(7 * math.log(7 / 8) + math.log(1 / 8)) / 8
    assert RefinedLoss().compute(outcome) == pytest.approx(entropy, abs=CURVE_ERROR)


def test_answers_of_zero_and_one_have_a_finite_score() -> None:
    right, wrong = (RefinedLoss().compute(Outcome(np.eye(4), target)) for target in (np.arange(4), np.arange(4)[::-1]))
    assert 0 < right < math.log(4) < wrong < 3


def test_without_knowledge_it_is_the_logarithm_of_the_number_of_classes() -> None:
    assert RefinedLoss().compute(Outcome(np.full((6, 5), 0.2), np.arange(6) % 5)) == pytest.approx(math.log(5))
