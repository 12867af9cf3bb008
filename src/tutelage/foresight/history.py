"""Forecasts and what became of them, kept on this machine: later ones know more, and their intervals become honest.

A file of lines in the cache folder, the newest last, each with its own SHA-256. Who deletes it loses nothing but that
knowledge; a file that is damaged counts for the lines that are as they were written; where none can be written, nothing is
remembered.

Source: intervals are re-scaled by the quantile of past residuals, each divided by the spread that was told with it, as split
conformal prediction does (Distribution-Free Predictive Inference for Regression, Lei et al. 2018, arXiv 1604.04173, section 5.2).
Differs from the paper: while there are few outcomes the factor is drawn towards 1, and it is one number for all levels.
"""

import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tutelage.core.border import BorderError, opened
from tutelage.core.durable import write_durably
from tutelage.core.errors import TutelageError
from tutelage.core.plain import open_plain
from tutelage.core.sealed_record import sealed, unsealed

__all__ = ["History", "spread_factor"]

FILE = "forecasts.jsonl"
RULE, RULE_NOW = "rule", 4
"""The key under which a line says how forecasts were made and paces were measured then: what another way came to says nothing of
this one."""
MOST_BYTES = 2**20
"""Of the file; once it is larger, only the newest half is kept. Of one that another hand made longer, only its end is read."""
LEVEL, LEVEL_SIGMAS = 0.8, 1.2816
"""Share of outcomes that an interval should hold, and its half width in standard deviations."""
BELIEF = 10
"""Outcomes that weigh as much as what was believed before the first."""
LEAST_FACTOR, MOST_FACTOR = 0.5, 4.0
MOST = 1e12
"""Numbers of a line lie below; what is beyond was written by another hand."""
LEAST_SPREAD = 1e-3
COMPARED_STEPS = 20
"""Steps from which on the paces of two equal trainings are compared: of fewer, the first ones are too large a share."""
MOST_DIFFERENCE = math.log(2)
"""Difference of two such paces that counts at most: one odd training is no property of the machine."""


@dataclass
class History:
    """What was forecast on this machine, and what came of it.

    Attributes:
        folder: The cache folder.
    """

    folder: Path
    _read: list[dict[str, Any]] | None = None

    def lines(self) -> list[dict[str, Any]]:
        """Return all that can be read, the oldest first; read once."""
        if self._read is None:
            self._read = self._lines()
        return self._read

    def _lines(self) -> list[dict[str, Any]]:
        """Read them."""
        found: list[dict[str, Any]] = []
        for line in _newest(self.folder / FILE, most=2 * MOST_BYTES):
            with suppress(BorderError):
                found.append(unsealed(line))
        return [line for line in found if line.get(RULE) == RULE_NOW]

    def known(self, key: str) -> dict[str, Any] | None:
        """Return what was last measured of a training with this key; None where nothing was."""
        return next(iter(self.all_known(key, most=1)), None)

    def all_known(self, key: str, *, most: int) -> list[dict[str, Any]]:
        """Return what was measured of trainings with this key, the newest first."""
        of_key = (line["measured"] for line in reversed(self.lines()) if line.get("key") == key and "measured" in line)
        return list(islice((measured for measured in of_key if isinstance(measured, dict)), most))

    def last(self, key: str) -> dict[str, Any]:
        """Return the newest line of a training with this key; {} where there is none."""
        return next((line for line in reversed(self.lines()) if line.get("key") == key and "measured" in line), {})

    def machine_spread(self, first: float) -> float:
        """Return how differently fast this machine was for equal trainings, as a standard deviation of the logarithm.

        Args:
            first: What is believed while few equal trainings are known.
        """
        last: dict[str, float] = {}
        squares: list[float] = []
        for line in self.lines():
            key, pace = line.get("key"), _pace_of(line)
            if not isinstance(key, str) or pace is None:
                continue
            if key in last:
                # The difference of two has twice the variance of one.
                squares.append(min(abs(pace - last[key]), MOST_DIFFERENCE) ** 2 / 2)
            last[key] = pace
        return math.sqrt((BELIEF * first**2 + sum(squares)) / (BELIEF + len(squares)))

    def factor(self, kind: str) -> float:
        """Return by what the spread of forecasts of this kind is to be multiplied."""
        residuals = [residual for line in self.lines() if line.get("kind") == kind and (residual := _residual(line)) is not None]
        return spread_factor(residuals)

    def add(self, line: Mapping[str, Any]) -> None:
        """Remember something; where it cannot be written, nothing happens."""
        self._read = None
        with suppress(OSError, TutelageError):
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / FILE
            _append(path, sealed({**line, RULE: RULE_NOW}))
            if path.stat().st_size > MOST_BYTES:
                write_durably(path, b"".join(line + b"\n" for line in _newest(path, most=MOST_BYTES // 2)))


def _append(path: Path, line: bytes) -> None:
    """Write a line behind the others, whether or not the last of them has an end.

    Raises:
        OSError, RunError: The file cannot be opened, or is a link or a pipe.
    """
    place = open_plain(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    with os.fdopen(place, "rb+", buffering=0) as file:
        size = os.fstat(place).st_size
        is_torn = size > 0 and os.pread(place, 1, size - 1) != b"\n"
        # One write of one line: two trainings that end together both are remembered.
        file.write(b"\n" * is_torn + line + b"\n")


def _newest(path: Path, *, most: int) -> list[bytes]:
    """Return the last whole lines of a file, of so many bytes at most; none where it cannot be read."""
    with suppress(OSError, BorderError), os.fdopen(opened(path), "rb") as file:
        beginning = max(os.fstat(file.fileno()).st_size - most, 0)
        file.seek(max(beginning - 1, 0))
        lines = file.read(most + 1).split(b"\n")
        # What comes before the first end of a line is the rest of an older one.
        return [line for line in lines[1 if beginning else 0 :] if line]
    return []


def spread_factor(residuals: list[float]) -> float:
    """Return the factor on the spread from past residuals, each in standard deviations as they were told.

    Example:
        >>> spread_factor([]), spread_factor([2.6] * 100) > 1.8
        (1.0, True)
    """
    count = len(residuals)
    if not count:
        return 1.0
    rank = min(math.ceil(LEVEL * (count + 1)), count)
    factor = sorted(residuals)[rank - 1] / LEVEL_SIGMAS
    return min(max((count * factor + BELIEF) / (count + BELIEF), LEAST_FACTOR), MOST_FACTOR)


def _residual(line: Mapping[str, Any]) -> float | None:
    """Return by how many standard deviations an outcome was off; None where a line does not say."""
    numbers = [line.get(name) for name in ("forecast", "actual", "spread")]
    if not all(isinstance(number, int | float) and 0 < number < MOST for number in numbers):
        return None
    forecast, actual, spread = (float(number) for number in numbers if number is not None)
    return abs(math.log(actual / forecast)) / max(spread, LEAST_SPREAD)


def _pace_of(line: Mapping[str, Any]) -> float | None:
    """Return the logarithm of the seconds of a step of a training that was long enough; None where a line does not say."""
    measured = line.get("measured")
    pace = measured.get("pace") if isinstance(measured, dict) else None
    numbers = [pace.get(name) for name in ("seconds", "num_steps")] if isinstance(pace, dict) else [None]
    if not all(isinstance(number, int | float) and 0 < number < MOST for number in numbers):
        return None
    seconds, steps = (float(number) for number in numbers if number is not None)
    return math.log(seconds) if steps >= COMPARED_STEPS else None
