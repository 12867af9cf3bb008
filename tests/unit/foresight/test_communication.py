"""The gradient exchange: closed forms, limits, and what hides."""

import math

import pytest

from tutelage.foresight.communication import HALF_BYTES, Link, Network, all_reduce_s, exchange
from tutelage.hardware.catalog import find_device

FAST = Link(0.0, 1e11)


def test_a_large_ring_takes_two_payloads_over_bandwidth() -> None:
    """Thakur et al. 2005: 2 (n - 1) / n x bytes / bandwidth; half-size messages add a fixed part that vanishes."""
    network = Network(8, 8, FAST, FAST)
    num_bytes = 1e12
    assert all_reduce_s(num_bytes, network=network) == pytest.approx(2 * 7 / 8 * num_bytes / 1e11, rel=1e-3)


def test_half_of_the_bandwidth_is_reached_at_half_bytes() -> None:
    assert HALF_BYTES / FAST.seconds(HALF_BYTES) == pytest.approx(0.5e11)


def test_small_payloads_are_latency_and_need_few_messages() -> None:
    network = Network(64, 64, Link(1e-5, 1e12), FAST)
    assert all_reduce_s(8.0, network=network) == pytest.approx(2 * math.log2(64) * 1e-5, rel=0.01)


def test_between_nodes_each_device_sends_its_part_alone() -> None:
    slow = Link(0.0, 1e9)
    network = Network(16, 8, Link(0.0, 1e15), slow)
    assert all_reduce_s(8e10, network=network) == pytest.approx(2 * (1 / 2) * 1e10 / 1e9, rel=0.01)


def test_a_long_backward_pass_hides_all_but_the_last_bucket() -> None:
    network = Network.of(find_device("A100"), 8)
    found = exchange(1e9, network=network, backward_s=10.0)
    assert found.exposed_share < 0.05
    assert found.exposed_s > 0


def test_without_a_backward_pass_all_is_exposed() -> None:
    found = exchange(1e9, network=Network.of(find_device("A100"), 8), backward_s=0.0)
    assert found.exposed_s == found.seconds


def test_one_device_exchanges_nothing() -> None:
    assert exchange(1e9, network=Network.of(find_device("A100"), 1), backward_s=1.0).seconds == 0.0


def test_more_nodes_take_longer() -> None:
    a100 = find_device("A100")
    times = [exchange(1e9, network=Network.of(a100, devices), backward_s=0.0).seconds for devices in (8, 16, 64, 512)]
    assert times == sorted(times)
