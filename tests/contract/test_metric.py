"""Every metric of rows equals scikit-learn's, with weights, ties and missing classes, and is undefined where it should be.

What every metric of any kind of answers does - its words, its tallies - is tested in test_metric_tally.py.
"""

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as sk

from tutelage.core import catalog
from tutelage.core.errors import UsageError
from tutelage.metric.base import Metric, Outcome
from tutelage.metric.calibration_error import CalibrationError
from tutelage.metric.confusion import confusion
from tutelage.metric.f1 import F1
from tutelage.metric.precision import Precision
from tutelage.metric.recall import Recall
from tutelage.metric.top5 import TopFive
from tutelage.metric.weighted import WeightedMetric

KINDS = catalog.names("metric")
CLASS_KINDS = [kind for kind in KINDS if catalog.load("metric", kind).answers == "classes"]
NUMBER_KINDS = [kind for kind in KINDS if catalog.load("metric", kind).answers == "numbers"]
ROW_KINDS = [*CLASS_KINDS, *NUMBER_KINDS]
NUM_CASES = 300
TOLERANCE = 1e-9


def make(kind: str) -> Metric:
    metric: Metric = catalog.load("metric", kind)()
    return metric


def class_case(number: int) -> Outcome:
    """Few or many samples and classes; half of the cases with ties, a third with weights, often with missing classes."""
    random = np.random.default_rng(number)
    size, classes = int(random.integers(2, 60)), int(random.choice([2, 2, 3, 4, 8, 12]))
    prediction = random.dirichlet(np.full(classes, 0.7), size)
    if number % 2:
        # Whole fourths, exact in binary, so that ties stay ties.
        counts = random.multinomial(4, np.full(classes, 1 / classes), size)
        prediction = counts / 4.0
    target = random.integers(classes, size=size)
    if number % 5 == 0:
        target = target % max(1, classes - 1)
    weight = random.choice([0.5, 1.0, 2.0, 3.0], size) if number % 3 == 0 else None
    return Outcome(prediction, target, weight)


def number_case(number: int) -> Outcome:
    random = np.random.default_rng(number)
    size, scale, offset = int(random.integers(2, 60)), 10.0 ** random.integers(-3, 4), random.choice([0.0, 5.0, 1000.0])
    target = scale * (random.standard_normal(size) + offset)
    weight = random.choice([0.5, 1.0, 2.0, 3.0], size) if number % 3 == 0 else None
    return Outcome(target + scale * random.standard_normal(size), target, weight)


def one_versus_rest(score: Callable[..., float], outcome: Outcome) -> float:
    classes = outcome.prediction.shape[1]
    chosen = [1] if classes == 2 else list(np.unique(outcome.target))
    scores = []
    for number in chosen:
        is_positive = outcome.target == number
        if (is_positive.all() and score is sk.roc_auc_score) or not is_positive.any():
            scores.append(math.nan)
        else:
            scores.append(score(is_positive, outcome.prediction[:, number], sample_weight=outcome.weight))
    defined = [value for value in scores if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


def top_five(outcome: Outcome) -> float:
    classes = outcome.prediction.shape[1]
    if classes <= 5:
        return 1.0
    # Theirs puts the higher class number first among ties, ours the lower one: turn the classes around.
    return sk.top_k_accuracy_score(  # type: ignore[no-any-return]
        classes - 1 - outcome.target,
        outcome.prediction[:, ::-1],
        k=5,
        labels=np.arange(classes),
        sample_weight=outcome.weight,
    )


def log_loss(outcome: Outcome) -> float:
    labels = np.arange(outcome.prediction.shape[1])
    return sk.log_loss(outcome.target, outcome.prediction, labels=labels, sample_weight=outcome.weight)  # type: ignore[no-any-return]


def brier(outcome: Outcome) -> float:
    weight = np.ones(len(outcome.target)) if outcome.weight is None else outcome.weight
    truth = np.eye(outcome.prediction.shape[1])[outcome.target]
    if outcome.prediction.shape[1] == 2:
        value: float = sk.brier_score_loss(outcome.target, outcome.prediction[:, 1], sample_weight=weight, pos_label=1)
        return value
    return float(np.average(((truth - outcome.prediction) ** 2).sum(1), weights=weight))


def by_label(score: Callable[..., float], **options: object) -> Callable[[Outcome], float]:
    return lambda outcome: score(outcome.target, outcome.prediction.argmax(1), sample_weight=outcome.weight, **options)


def by_number(score: Callable[..., float]) -> Callable[[Outcome], float]:
    return lambda outcome: score(outcome.target, outcome.prediction, sample_weight=outcome.weight)


def matthews(outcome: Outcome) -> float:
    return math.nan if len(np.unique(outcome.target)) < 2 else by_label(sk.matthews_corrcoef)(outcome)


REFERENCES: dict[str, Callable[[Outcome], float]] = {
    "accuracy": by_label(sk.accuracy_score),
    "auroc": lambda outcome: one_versus_rest(sk.roc_auc_score, outcome),
    "average_precision": lambda outcome: one_versus_rest(sk.average_precision_score, outcome),
    "balanced_accuracy": by_label(sk.balanced_accuracy_score),
    "brier": brier,
    "f1": by_label(sk.f1_score, average="macro", zero_division=0),
    "loss": log_loss,
    "matthews": matthews,
    "precision": by_label(sk.precision_score, average="macro", zero_division=0),
    "recall": by_label(sk.recall_score, average="macro", zero_division=0),
    "top5": top_five,
    "mae": by_number(sk.mean_absolute_error),
    "mape": by_number(sk.mean_absolute_percentage_error),
    "mse": by_number(sk.mean_squared_error),
    "r2": by_number(sk.r2_score),
    "rmse": by_number(sk.root_mean_squared_error),
}
WITHOUT_REFERENCE = {"ece", "smooth_ece", "classwise_ece", "calibration_error", "refined_loss"}


def test_every_metric_of_rows_has_a_reference_or_a_value_by_hand() -> None:
    assert set(ROW_KINDS) == set(REFERENCES) | WITHOUT_REFERENCE


@pytest.mark.parametrize("kind", sorted(REFERENCES))
def test_the_value_is_scikit_learns(kind: str) -> None:
    metric, reference = make(kind), REFERENCES[kind]
    case = class_case if kind in CLASS_KINDS else number_case
    for number in range(NUM_CASES):
        outcome = case(number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs, about missing classes
            expected = reference(outcome)
        assert metric.compute(outcome) == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE, nan_ok=True), number


@pytest.mark.parametrize("average", ["macro", "weighted", "positive"])
@pytest.mark.parametrize(("kind", "score"), [(F1, sk.f1_score), (Precision, sk.precision_score), (Recall, sk.recall_score)])
def test_averages_over_classes_are_scikit_learns(kind: type[Metric], score: Callable[..., float], average: str) -> None:
    reference = by_label(score, average="binary" if average == "positive" else average, zero_division=0)
    for number in range(NUM_CASES):
        outcome = class_case(number)
        if average == "positive" and outcome.prediction.shape[1] != 2:
            continue
        value = kind(average=average).compute(outcome)  # type: ignore[call-arg]
        assert value == pytest.approx(reference(outcome), rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.parametrize("kind", [F1, Precision, Recall])
def test_the_positive_class_needs_two_classes(kind: type[Metric]) -> None:
    metric = kind(average="positive")  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="needs two classes; there are 3"):
        metric.compute(Outcome(np.eye(3), np.arange(3)))
    assert "needs two classes; there are 3" in metric.refusal(3)
    assert metric.refusal(2) == metric.refusal(None) == kind().refusal(3) == ""


def test_five_of_five_classes_are_refused() -> None:
    assert "with 5 classes" in TopFive().refusal(5)
    assert TopFive().refusal(6) == TopFive().refusal(None) == ""


@pytest.mark.parametrize("kind", ROW_KINDS)
def test_many_weightings_at_once_equal_one_by_one(kind: str) -> None:
    metric = make(kind)
    assert isinstance(metric, WeightedMetric)
    outcome = (class_case if kind in CLASS_KINDS else number_case)(7)
    weight = np.random.default_rng(0).multinomial(len(outcome.target), np.full(len(outcome.target), 1 / len(outcome.target)), 20)
    together = metric.evaluate(outcome, weight.astype(np.float64))
    for row, value in zip(weight, together, strict=True):
        repeated = np.repeat(np.arange(len(row)), row)
        alone = metric.compute(Outcome(outcome.prediction[repeated], outcome.target[repeated]))
        assert value == pytest.approx(alone, rel=TOLERANCE, abs=TOLERANCE, nan_ok=True)


@pytest.mark.parametrize("kind", [kind for kind in CLASS_KINDS if kind != "refined_loss"])
def test_perfect_probabilities_reach_the_best_value(kind: str) -> None:
    outcome = Outcome(np.eye(6), np.arange(6))
    best = 1.0 if make(kind).greater_is_better else 0.0
    assert make(kind).compute(outcome) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("kind", NUMBER_KINDS)
def test_perfect_numbers_reach_the_best_value(kind: str) -> None:
    numbers = np.array([3.0, -1.0, 7.5])
    assert make(kind).compute(Outcome(numbers, numbers)) == (1.0 if make(kind).greater_is_better else 0.0)


@pytest.mark.parametrize("kind", ROW_KINDS)
def test_worse_predictions_score_worse_in_the_direction_given(kind: str) -> None:
    random = np.random.default_rng(1)
    if kind in CLASS_KINDS:
        target = random.integers(8, size=400)
        truth, noise = np.eye(8)[target], random.dirichlet(np.ones(8), 400)
        good, bad = 0.8 * truth + 0.2 * noise, noise
    else:
        target = random.standard_normal(400) + 5
        good, bad = target + 0.1 * random.standard_normal(400), target + random.standard_normal(400)
    better = make(kind).compute(Outcome(good, target)) > make(kind).compute(Outcome(bad, target))
    assert better == make(kind).greater_is_better


@pytest.mark.parametrize("kind", ROW_KINDS)
def test_nothing_to_measure_is_not_a_number(kind: str) -> None:
    shape = (0, 3) if kind in CLASS_KINDS else (0,)
    target = np.zeros(0, dtype=np.int64 if kind in CLASS_KINDS else np.float64)
    assert math.isnan(make(kind).compute(Outcome(np.zeros(shape), target)))


@pytest.mark.parametrize("kind", ["auroc", "matthews"])
@pytest.mark.parametrize("classes", [2, 3])
def test_one_class_present_is_not_a_number(kind: str, classes: int) -> None:
    prediction = np.full((4, classes), 1 / classes)
    assert math.isnan(make(kind).compute(Outcome(prediction, np.ones(4, dtype=np.int64))))


def test_a_flat_target_has_no_r2_and_a_zero_target_no_percentage() -> None:
    assert math.isnan(make("r2").compute(Outcome(np.array([1.0, 2.0]), np.array([0.1, 0.1]))))
    assert math.isnan(make("mape").compute(Outcome(np.array([1.0, 2.0]), np.array([0.0, 2.0]))))


def test_r2_keeps_its_digits_far_from_zero() -> None:
    target = 1e8 + np.array([0.0, 1.0, 2.0, 3.0])
    assert make("r2").compute(Outcome(target + np.array([0.5, -0.5, 0.5, -0.5]), target)) == pytest.approx(0.8, rel=1e-9)


def test_ties_in_auroc_count_one_half() -> None:
    prediction = np.array([[0.5, 0.5], [0.5, 0.5], [0.2, 0.8]])
    assert make("auroc").compute(Outcome(prediction, np.array([0, 1, 1]))) == 0.75


def test_a_certain_mistake_costs_a_finite_loss() -> None:
    assert make("loss").compute(Outcome(np.array([[1.0, 0.0]]), np.array([1]))) == pytest.approx(52 * math.log(2))


def test_calibration_error_by_hand() -> None:
    # Four answers at confidence 0.75, three right: honest. Two at 0.6, none right: off by 0.6.
    prediction = np.array([[0.75, 0.25]] * 4 + [[0.6, 0.4]] * 2)
    outcome = Outcome(prediction, np.array([0, 0, 0, 1, 1, 1]))
    assert CalibrationError(bins=10).compute(outcome) == pytest.approx(0.6 * 2 / 6)
    assert CalibrationError(bins=1).compute(outcome) == pytest.approx(0.7 - 0.5)


def test_the_confusion_matrix_is_scikit_learns() -> None:
    for number in range(50):
        outcome = class_case(number)
        labels = np.arange(outcome.prediction.shape[1])
        predicted = outcome.prediction.argmax(1)
        expected = sk.confusion_matrix(outcome.target, predicted, labels=labels, sample_weight=outcome.weight)
        assert np.array_equal(confusion(outcome), expected)
