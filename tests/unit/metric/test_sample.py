"""A sample of rows is the same for any cut into batches, any order and any number of processes, and never outgrows its size."""

import numpy as np
import pytest
from safetensors.numpy import load, save

from tutelage.metric.base import Outcome
from tutelage.metric.sample import OutcomeSample


def outcome_of(rows: np.ndarray) -> Outcome:
    """Numbers from which one can tell the row."""
    return Outcome(rows + 0.25, rows + 0.5)


def gather(rows: np.ndarray, *, batch_size: int, seed: int = 0, size: int = 50) -> OutcomeSample:
    sample = OutcomeSample(seed=seed, size=size)
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        sample.add(outcome_of(batch), batch)
    return sample


def test_fewer_rows_than_its_size_are_all_kept_in_their_order() -> None:
    sample = gather(np.arange(40)[::-1], batch_size=7)
    assert np.array_equal(sample.rows, np.arange(40))
    assert np.array_equal(sample.outcome().prediction, np.arange(40) + 0.25)
    assert np.array_equal(sample.outcome().target, np.arange(40) + 0.5)
    assert sample.outcome().weight is None


@pytest.mark.parametrize("batch_size", [1, 13, 512, 5000])
def test_the_sample_does_not_depend_on_batches_or_order(batch_size: int) -> None:
    expected = gather(np.arange(5000), batch_size=100)
    shuffled = np.random.default_rng(1).permutation(5000)
    for rows in (np.arange(5000), shuffled):
        sample = gather(rows, batch_size=batch_size)
        assert np.array_equal(sample.rows, expected.rows)
        assert np.array_equal(sample.outcome().prediction, sample.rows + 0.25)
    assert len(expected.rows) == 50


def test_the_sample_does_not_depend_on_the_number_of_processes() -> None:
    rows = np.arange(3000)
    parts = [gather(rows[rank::3], batch_size=64) for rank in range(3)]
    whole = OutcomeSample(seed=0, size=50)
    for part in reversed(parts):
        there = OutcomeSample(seed=0, size=50)
        there.restore(load(save(part.state())))
        whole.merge(there)
    assert np.array_equal(whole.rows, gather(rows, batch_size=3000).rows)
    assert np.array_equal(whole.outcome().target, whole.rows + 0.5)


def test_another_seed_gives_another_sample() -> None:
    rows = np.arange(2000)
    assert not np.array_equal(gather(rows, batch_size=100).rows, gather(rows, batch_size=100, seed=1).rows)


def test_every_row_is_as_likely_as_any_other() -> None:
    counts = np.zeros(400)
    for seed in range(400):
        counts[gather(np.arange(400), batch_size=400, seed=seed, size=100).rows] += 1
    # Each count is binomial: 400 draws at 1/4 give 100 +- 8.7; the greatest of 400 deviations is about 3.5 of these.
    assert np.abs(counts - 100).max() < 4.5 * 8.7
    assert counts.std() == pytest.approx(8.7, rel=0.15)


def test_what_is_kept_meanwhile_is_bounded() -> None:
    sample = OutcomeSample(seed=0, size=100)
    for start in range(0, 50_000, 500):
        rows = np.arange(start, start + 500)
        sample.add(outcome_of(rows), rows)
        assert sum(len(columns["rows"]) for columns in sample._kept) <= 200


def test_probabilities_come_back_with_every_bit() -> None:
    random = np.random.default_rng(0)
    wide = random.dirichlet(np.ones(3), 20)
    for prediction in (wide, wide.astype(np.float32).astype(np.float64), np.eye(3)[random.integers(3, size=20)]):
        sample = OutcomeSample(seed=0)
        sample.add(Outcome(prediction[:9], np.arange(9)), np.arange(9))
        sample.add(Outcome(prediction[9:], np.arange(9, 20)), np.arange(9, 20))
        assert np.array_equal(sample.outcome().prediction, prediction)
        assert sample.outcome().prediction.dtype == np.float64
        assert sample.outcome().target.dtype == np.int64


def test_weights_are_kept_where_a_batch_has_them() -> None:
    sample = OutcomeSample(seed=0)
    sample.add(outcome_of(np.arange(2)), np.arange(2))
    sample.add(Outcome(np.zeros(1), np.zeros(1), np.array([3.0])), np.array([2]))
    assert sample.outcome().weight is not None
    assert np.array_equal(sample.outcome().weight, [1.0, 1.0, 3.0])  # type: ignore[arg-type]


def test_no_rows_have_no_outcome() -> None:
    sample = OutcomeSample(seed=0)
    sample.add(Outcome(np.empty((0, 3)), np.empty(0, dtype=np.int64)), np.empty(0, dtype=np.int64))
    assert len(sample.rows) == 0
    assert sample.state() == {}
    with pytest.raises(ValueError, match="no rows"):
        sample.outcome()
