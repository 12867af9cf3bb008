"""What the whole learning curves of other trainings have shown, as `python -m bench.curves` measured and wrote it down."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

__all__ = ["LEVELS", "SHARES", "Past", "levels", "past_from", "pasts"]

SHARES = (0.03, 0.07, 0.12, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of the steps that were left after the first tenth: where curves were compared with what was told of them."""
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Shares of all cases that end before."""
FILE = "endings.toml"


@dataclass(frozen=True, slots=True)
class Past:
    """One whole training, on the scale of its learning curve (`curve.py`).

    Attributes:
        source: The data that it learned from, and the metric.
        is_log: Whether the scale is that of metrics with a perfect score.
        drop: How much of the curve was gained in the first tenth, and how much of that in its second half.
        noise: Standard deviation of an evaluation around the smooth curve.
        usual: The whole curve, at equal distances.
        onward: Where it was at each of `SHARES`, beyond where it stood after the first tenth.
        beyond: Where it was there, beyond what the extrapolation of its first tenth said.
    """

    source: str
    is_log: bool
    drop: tuple[float, float]
    noise: float
    usual: Sequence[float]
    onward: Sequence[float]
    beyond: Sequence[float]

    def onward_at(self, left: np.ndarray) -> np.ndarray:
        """Return `onward` at shares of what was left."""
        return np.asarray(np.interp(left, (0.0, *SHARES), (0.0, *self.onward)))

    def beyond_at(self, left: np.ndarray) -> np.ndarray:
        """Return `beyond` at shares of what was left."""
        return np.asarray(np.interp(left, (0.0, *SHARES), (0.0, *self.beyond)))


@cache
def pasts() -> tuple[Past, ...]:
    """Return all trainings that were measured."""
    return tuple(past_from(record) for record in _read()["past"])


def past_from(record: dict[str, Any]) -> Past:
    """Return what a table of the file says."""
    curves = {name: tuple(map(float, record[name])) for name in ("usual", "onward", "beyond")}
    return Past(str(record["source"]), bool(record["is_log"]), _pair(record["drop"]), float(record["noise"]), **curves)


@cache
def levels(kind: str) -> tuple[float, ...]:
    """Return at which shares of the drawn endings five `LEVELS` of endings really lay, where each source was told by the others.

    Args:
        kind: `early`, or `target`.
    """
    return tuple(map(float, _read()["levels"][kind]))


@cache
def _read() -> dict[str, Any]:
    """Return the file."""
    return tomllib.loads(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))


def _pair(values: Sequence[float]) -> tuple[float, float]:
    """Return two numbers."""
    first, second = values
    return float(first), float(second)
