"""Cost is device-hours times the price given."""

import pytest

from tutelage.core.errors import UsageError
from tutelage.foresight.cost import cost
from tutelage.foresight.interval import Interval


def test_cost_is_device_hours_times_price() -> None:
    found = cost(2.5, devices=8, seconds=7200, seconds_80=Interval(3600, 10_800))
    assert (found.expected, found.in_80) == (40.0, Interval(20.0, 60.0))


@pytest.mark.parametrize("price", [-1.0, float("nan")])
def test_a_price_below_nothing_is_refused(price: float) -> None:
    with pytest.raises(UsageError, match="for one device and hour"):
        cost(price, devices=1, seconds=1, seconds_80=Interval(1, 1))
