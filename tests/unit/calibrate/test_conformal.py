"""Sets and intervals hold the truth as often as they say, over many splits of rows."""

import numpy as np
import pytest

from tutelage.calibrate.conformal import upper_bound
from tutelage.calibrate.intervals import ConformalIntervals
from tutelage.calibrate.restored import conformal_from
from tutelage.calibrate.sets import ConformalSets
from tutelage.core.errors import UsageError

NUM_SPLITS = 500


def classes(num_rows: int, *, num_classes: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model that is too sure, beside the truth; it is right about half of the time."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(num_rows, num_classes))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = (honest.cumsum(axis=1) < random.random((num_rows, 1))).sum(axis=1).clip(max=num_classes - 1)
    stated = np.exp(2 * logits)
    return stated / stated.sum(axis=1, keepdims=True), target


@pytest.mark.slow
@pytest.mark.parametrize("method", ConformalSets.methods)
def test_sets_hold_the_truth_for_nine_of_ten_rows(method: str) -> None:
    prediction, target = classes(1_000)
    random, covered = np.random.default_rng(1), []
    for split in range(NUM_SPLITS):
        order = random.permutation(len(target))
        held, new = order[:500], order[500:]
        inside = ConformalSets.of(prediction[held], target[held], seed=split).around(prediction[new], coverage=0.9, method=method)
        covered.append(inside[np.arange(len(new)), target[new]].mean())
    # By class the bounds lie a little too high, by up to one of about 80 rows.
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_sets_by_class_keep_the_coverage_of_a_rare_class() -> None:
    prediction, target = classes(20_000, num_classes=3)
    keep = (target != 2) | (np.arange(len(target)) % 6 == 0)
    prediction, target = prediction[keep], target[keep]
    half = len(target) // 2
    found = ConformalSets.of(prediction[:half], target[:half], seed=0)
    rare = np.flatnonzero(target[half:] == 2) + half
    inside = {name: found.around(prediction[rare], coverage=0.9, method=name)[:, 2].mean() for name in ("lac", "by_class")}
    assert inside["by_class"] > inside["lac"]
    # The bound comes of about 130 rows of the class, so it moves by 0.026 from draw to draw.
    assert inside["by_class"] == pytest.approx(0.9, abs=0.06)


@pytest.mark.slow
def test_intervals_hold_the_truth_for_nine_of_ten_rows_and_are_wide_where_errors_are() -> None:
    random, covered = np.random.default_rng(2), []
    prediction = random.uniform(0, 10, size=1_600)
    target = prediction + (0.2 + 0.3 * prediction) * (random.exponential(size=1_600) - 1)
    for split in range(NUM_SPLITS):
        order = random.permutation(len(target))
        held, new = order[:1_000], order[1_000:]
        ends = ConformalIntervals.of(prediction[held], target[held], seed=split).around(prediction[new], coverage=0.9)
        covered.append(((ends[:, 0] <= target[new]) & (target[new] <= ends[:, 1])).mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)
    low, high = ConformalIntervals.of(prediction, target, seed=0).around(np.array([1.0, 9.0]), coverage=0.9)
    assert 2.5 < (high[1] - high[0]) / (low[1] - low[0]) < 8


def test_quantiles_of_errors_are_uniform_after_recalibration() -> None:
    """The share of new rows below each told quantile is that quantile: what a probability integral transform shows."""
    random = np.random.default_rng(3)
    prediction = random.normal(size=6_000)
    target = prediction + random.gamma(2.0, size=6_000) - 1
    found = ConformalIntervals.of(prediction[:3_000], target[:3_000], seed=0)
    for coverage in (0.2, 0.5, 0.8):
        ends = found.around(prediction[3_000:], coverage=coverage)
        for side, share in ((0, (1 - coverage) / 2), (1, (1 + coverage) / 2)):
            assert (target[3_000:] < ends[:, side]).mean() == pytest.approx(share, abs=0.035)


def test_no_set_is_empty_and_equal_rows_get_equal_sets() -> None:
    prediction, target = classes(500)
    found = ConformalSets.of(prediction, target, seed=0)
    for method in found.methods:
        inside = found.around(np.vstack([prediction, prediction]), coverage=0.3, method=method)
        assert inside.any(axis=1).all()
        np.testing.assert_array_equal(inside[:500], inside[500:])


def test_too_few_rows_are_told_with_what_they_allow() -> None:
    prediction, target = classes(20)
    with pytest.raises(UsageError, match="needs the scores of at least 99 held-out rows, and this model has 20"):
        ConformalSets.of(prediction, target, seed=0).around(prediction, coverage=0.99)
    with pytest.raises(UsageError, match="at least 199"):
        ConformalIntervals.of(np.arange(50.0), np.arange(50.0) ** 1.1, seed=0).around(np.zeros(1), coverage=0.99)
    assert upper_bound(np.arange(5.0), 0.9) == float("inf")


@pytest.mark.parametrize("count", [19, 20, 37])
def test_the_coverage_that_is_offered_can_be_given(count: int) -> None:
    prediction, target = classes(count)
    of_classes = ConformalSets.of(prediction, target, seed=0)
    of_numbers = ConformalIntervals.of(np.arange(float(count)), np.arange(float(count)) ** 1.1, seed=0)
    for found, rows in ((of_classes, prediction), (of_numbers, np.zeros(1))):
        with pytest.raises(UsageError, match="Ask for") as caught:
            found.around(rows, coverage=0.999)
        most = float(str(caught.value).partition("Ask for ")[2].partition(" ")[0])
        assert len(found.around(rows, coverage=most)) == len(rows)


def test_scores_survive_their_record() -> None:
    prediction, target = classes(300)
    sets = ConformalSets.of(prediction, target, seed=0)
    intervals = ConformalIntervals.of(np.arange(300.0), np.arange(300.0) + np.sin(np.arange(300.0)), seed=0)
    for found in (sets, intervals):
        assert conformal_from(found.record()) == found
    with pytest.raises(ValueError, match="expected one of sets, intervals"):
        conformal_from({"form": "other"})
    with pytest.raises(ValueError, match="rising"):
        conformal_from({**intervals.record(), "errors": [1.0, 0.0]})
