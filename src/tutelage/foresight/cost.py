"""Money: device-hours times the price that the user gives; no price is ever assumed."""

import math
from dataclasses import dataclass

from tutelage.core.errors import UsageError
from tutelage.foresight.interval import Interval

__all__ = ["Cost", "cost"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run costs, in the currency of the price.

    Attributes:
        expected: What is expected.
        in_80: In four of five cases.
    """

    expected: float
    in_80: Interval


def cost(price: float, *, devices: int, seconds: float, seconds_80: Interval) -> Cost:
    """Return the cost of a run.

    Args:
        price: For one device and hour.
        devices: How many.
        seconds: Expected wall time.
        seconds_80: Wall time in four of five cases.

    Raises:
        UsageError: The price is below 0 or not finite.

    Example:
        >>> cost(2.0, devices=8, seconds=3600, seconds_80=Interval(1800, 7200)).expected
        16.0
    """
    if not (math.isfinite(price) and price >= 0):
        raise UsageError(f"price = {price:g}: must be a finite number >= 0, for one device and hour. Typical: 1 to 4.")
    hourly = price * devices / 3600
    return Cost(hourly * seconds, Interval(hourly * seconds_80.low, hourly * seconds_80.high))
