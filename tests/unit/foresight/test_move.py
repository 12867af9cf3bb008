"""Times moved to other hardware."""

import pytest

from tutelage.core.errors import UsageError
from tutelage.foresight.move import Reference, move


def test_the_same_device_takes_the_same_time() -> None:
    found = move([Reference("A100", 3.0)], hardware="A100")
    assert found.seconds == pytest.approx(3.0, rel=0.02)
    assert found.interval_80.high / found.interval_80.low < 1.7


def test_a_faster_device_is_faster_but_less_than_its_peak() -> None:
    found = move([Reference("V100", 1.0)], hardware="H100")
    assert 900 / 3350 * 0.7 < found.seconds < 0.6


def test_nearer_and_more_references_make_it_surer() -> None:
    far = move([Reference("V100", 1.0)], hardware="H100")
    both = move([Reference("V100", 1.0), Reference("A100", 0.55)], hardware="H100")
    assert both.interval_80.high / both.interval_80.low < far.interval_80.high / far.interval_80.low
    assert far.interval_50.low > far.interval_80.low


def test_there_and_back_again_is_where_it_began() -> None:
    there = move([Reference("A100", 1.0)], hardware="RTX 3090").seconds
    assert move([Reference("RTX 3090", there)], hardware="A100").seconds == pytest.approx(1.0, rel=0.02)


def test_eight_devices_are_less_than_eight_times_as_fast() -> None:
    one, eight = (move([Reference("A100", 8.0)], hardware="A100", devices=count).seconds for count in (1, 8))
    assert 4 < one / eight < 8


def test_nothing_measured_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing was measured"):
        move([], hardware="A100")
