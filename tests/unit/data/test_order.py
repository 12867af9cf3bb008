"""The order of samples and the stream over them."""

import torch

from tutelage.data.order import Order
from tutelage.data.stream import FiniteStream


def test_every_row_comes_once_per_epoch_whatever_the_batch_size() -> None:
    order = Order(10, seed=1)
    rows = torch.cat([order.rows(start, 3) for start in range(0, 30, 3)])
    for epoch in range(3):
        assert sorted(rows[epoch * 10 : epoch * 10 + 10].tolist()) == list(range(10))


def test_order_is_a_function_of_position_alone() -> None:
    straight = Order(10, seed=1)
    straight_rows = torch.cat([straight.rows(start, 4) for start in range(0, 40, 4)])
    assert torch.equal(Order(10, seed=1).rows(17, 9), straight_rows[17:26])


def test_epochs_and_seeds_differ() -> None:
    order = Order(100, seed=1)
    assert not torch.equal(order.rows(0, 100), order.rows(100, 100))
    assert not torch.equal(Order(100, seed=2).rows(0, 100), order.rows(0, 100))


def test_a_stream_goes_on_from_its_state() -> None:
    tensors = {"x": torch.arange(20), "target": torch.arange(20)}
    first = FiniteStream(tensors, batch_size=6, seed=3)
    for _ in range(5):
        first.next()
    second = FiniteStream(tensors, batch_size=6, seed=3)
    second.restore(first.state())
    assert torch.equal(first.next()["x"], second.next()["x"])
