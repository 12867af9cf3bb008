"""What models cost, side by side: the one shape in which result.json has it, and how every section writes it."""

from collections.abc import Callable, Mapping, Sequence

from tutelage.report.number import say_number
from tutelage.report.record import Number, Record

__all__ = ["Latency", "say_known", "times_of"]

SHARES = ("p50", "p95")
"""The median, and what 95 % of the calls are within."""


class Latency(Record):
    """Milliseconds for some rows at a time."""

    p50: Number = None
    p95: Number = None


def say_known(value: float | None, *, say: Callable[[float], str] = say_number) -> str:
    """Write a number; "" where there is none."""
    return "" if value is None else say(value)


def times_of(models: Sequence[Mapping[str, Latency]]) -> dict[str, list[str]]:
    """Return what each model takes, in the order of the models, by the title of the row or the column.

    Args:
        models: Of each its latencies, by rows at a time.
    """
    sizes = dict.fromkeys(size for latencies in models for size in latencies)
    return {
        f"milliseconds for {size} at a time, {share}": [
            say_known(getattr(latencies.get(size, Latency()), share)) for latencies in models
        ]
        for size in sizes
        for share in SHARES
    }
