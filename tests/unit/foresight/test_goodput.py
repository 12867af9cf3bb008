"""Failures and checkpoints: limits that are known, and the best interval."""

import pytest

from tutelage.foresight.goodput import Reliability, best_interval_s, goodput


def test_without_failures_only_checkpoints_cost() -> None:
    never = Reliability(mtbf_s=1e12, checkpoint_s=10, restart_s=600)
    assert goodput(never, interval_s=990) == pytest.approx(0.99, abs=1e-6)


def test_young_interval_is_close_to_the_best() -> None:
    reliability = Reliability(mtbf_s=86_400, checkpoint_s=60, restart_s=600)
    tried = [goodput(reliability, interval_s=seconds) for seconds in range(500, 10_000, 50)]
    assert goodput(reliability) == pytest.approx(max(tried), abs=1e-3)
    assert best_interval_s(reliability) == (2 * 60 * 86_400) ** 0.5


def test_more_devices_lose_more() -> None:
    shares = [goodput(Reliability.of_devices(devices)) for devices in (8, 512, 16_384)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.99
    assert 0.7 < shares[2] < 0.95
