"""The order of samples: every row once an epoch, a function of the position alone, in batches of like lengths if wanted."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import torch

from tutelage.data import order as module
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


@pytest.mark.parametrize("num_rows", [1, 2, 3, 10, 64, 65, 1000])
def test_an_order_that_is_not_held_shows_every_row_once_an_epoch(num_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_HELD", 0)
    order = Order(num_rows, seed=1)
    rows = torch.cat([order.rows(start, 7) for start in range(0, 7 * num_rows, 7)])
    assert all(sorted(rows[epoch * num_rows : (epoch + 1) * num_rows].tolist()) == list(range(num_rows)) for epoch in range(7))
    assert torch.equal(Order(num_rows, seed=1).rows(3, 9), torch.cat([rows] * 2)[3:12] if len(rows) < 12 else rows[3:12])


def test_an_order_that_is_not_held_looks_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_HELD", 0)
    order, places = Order(40_000, seed=1), np.arange(40_000)
    first, second = (order.rows(start, 40_000).numpy() for start in (0, 40_000))
    # The deviation of a correlation of so many values is 0.005.
    for one, other in ((first, places), (first[1:], first[:-1]), (first % 64, places % 64), (first, second)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.025
    batches = first.reshape(-1, 16) * 16 // 40_000
    # Of 16 draws from 16 boxes 5.7 stay empty on average; the deviation of the mean of 2,500 is 0.02.
    assert 16 - np.mean([len(set(batch)) for batch in batches.tolist()]) == pytest.approx(16 * (15 / 16) ** 16, abs=0.1)


def test_the_order_of_billions_of_rows_takes_no_memory() -> None:
    order = Order(2_000_000_000, seed=0)
    tracemalloc.start()
    rows = order.rows(1_999_999_990, 64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(set(rows.tolist())) == 64
    assert 0 <= int(rows.min()) < int(rows.max()) < 2_000_000_000
    assert peak < 100_000
    assert torch.equal(Order(2_000_000_000, seed=0).rows(1_999_999_990, 64), rows)
