"""The order of samples: every row once an epoch, a function of the position alone, in batches of like lengths if wanted."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tutelage.data.order import LengthOrder, Order

LENGTHS = np.random.default_rng(0).geometric(0.01, 1000)


def by_length(num_rows: int, *, seed: int, batch_size: int = 4) -> LengthOrder:
    return LengthOrder(LENGTHS[:num_rows], batch_size=batch_size, seed=seed)


ORDERS = pytest.mark.parametrize("make", [Order, by_length])


@ORDERS
@pytest.mark.parametrize(("num_rows", "batch_size"), [(10, 3), (10, 4), (12, 4), (3, 4), (1, 4), (5, 16)])
def test_every_row_comes_once_per_epoch_whatever_the_batch_size(
    make: Callable[..., Order], num_rows: int, batch_size: int
) -> None:
    order = make(num_rows, seed=1)
    rows = torch.cat([order.rows(start, batch_size) for start in range(0, 6 * num_rows, batch_size)])
    for epoch in range(6):
        assert sorted(rows[epoch * num_rows : (epoch + 1) * num_rows].tolist()) == list(range(num_rows))


@ORDERS
def test_order_is_a_function_of_position_alone(make: Callable[..., Order]) -> None:
    straight = make(10, seed=1)
    straight_rows = torch.cat([straight.rows(start, 4) for start in range(0, 40, 4)])
    assert torch.equal(make(10, seed=1).rows(17, 9), straight_rows[17:26])


@ORDERS
def test_epochs_and_seeds_differ(make: Callable[..., Order]) -> None:
    order = make(100, seed=1)
    assert not torch.equal(order.rows(0, 100), order.rows(100, 100))
    assert not torch.equal(make(100, seed=2).rows(0, 100), order.rows(0, 100))


def test_the_order_of_rows_without_lengths_stays_as_it_always_was() -> None:
    assert Order(10, seed=1).rows(0, 20).tolist() == [2, 0, 4, 9, 1, 8, 3, 5, 6, 7, 2, 4, 9, 1, 7, 0, 8, 3, 5, 6]


def padding(order: Order, *, batch_size: int, num_rows: int) -> float:
    """Return the share of all places that are padding."""
    batches = [LENGTHS[order.rows(start, batch_size).numpy()] for start in range(0, num_rows, batch_size)]
    places = sum(int(lengths.max()) * len(lengths) for lengths in batches)
    return 1 - sum(int(lengths.sum()) for lengths in batches) / places


def test_batches_of_like_lengths_have_little_padding() -> None:
    assert padding(Order(1000, seed=0), batch_size=10, num_rows=1000) > 0.6
    assert padding(by_length(1000, seed=0, batch_size=10), batch_size=10, num_rows=1000) < 0.1
    # With a remainder, from the second epoch on batches begin elsewhere.
    assert padding(by_length(997, seed=0, batch_size=10), batch_size=10, num_rows=10_000) < 0.1


def test_batches_of_like_lengths_come_in_random_order_each_epoch_with_other_rows() -> None:
    order = by_length(1000, seed=0, batch_size=10)
    first, second = (order.rows(start, 1000).view(100, 10) for start in (0, 1000))
    means = LENGTHS[first.numpy()].mean(axis=1)
    # Sorted batches would give 1; the deviation of a rank correlation of 100 values is 0.1.
    assert abs(np.corrcoef(means.argsort().argsort(), np.arange(100))[0, 1]) < 0.4
    assert len({tuple(sorted(batch)) for batch in first.tolist()} & {tuple(sorted(batch)) for batch in second.tolist()}) < 10


def test_the_parts_of_a_batch_are_about_equally_long() -> None:
    order = by_length(1000, seed=0, batch_size=100)
    halves = LENGTHS[order.rows(0, 1000).numpy()].reshape(10, 2, 50).mean(axis=(0, 2))
    assert halves[0] == pytest.approx(halves[1], rel=0.05)
