"""A stretch of time of several series that were measured at the same times, at equal steps."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.base import Part
from tutelage.data.part.interval import Interval, say_time

__all__ = ["Stretch", "hash_values"]

MOST_NAMED = 8
MOST_MISSING = 0.9
"""Share of the times of a stretch that may be missing: beyond, the step is none, or a time is wrong."""
LONGEST_STRETCH = 2**31
ON_GRID = 1e-6
"""Part of a step by which a time may be off for rounding."""


@dataclass(frozen=True)
class Stretch(Part):
    """A stretch of time.

    Attributes:
        name: `train`, `validation`, `test` or `input`.
        values: float64 [T, C]; NaN where nothing was measured.
        known: float64 [T, K]: what is known of each time beforehand; K may be 0. May go on after the last measured time.
        start: The first time: microseconds since 1970, or a plain number.
        interval: The step from each time to the next.
        series: C names.
        known_names: K names.
        file: Where it was read, for messages.
        fingerprint: Hash of times and values.
        gaps: What was missing between the first and the last time: place of the first missing time, and how many.
        reading: Settings of the source by which other files are read alike.
    """

    name: str
    values: np.ndarray
    known: np.ndarray
    start: int
    interval: Interval
    series: tuple[str, ...]
    known_names: tuple[str, ...]
    file: str
    fingerprint: str
    gaps: tuple[tuple[int, int], ...] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def times(self) -> np.ndarray:
        """All times, int64 [T]."""
        return self.interval.times(self.start, len(self))

    def at(self, place: int) -> int:
        """Return one time, which may lie after the last one: microseconds since 1970, or a plain number."""
        return int(self.interval.after(self.start, np.array([place]))[0])

    def say(self, place: int) -> str:
        """Write one time, which may lie after the last one."""
        return say_time(self.at(place), is_number=self.interval.kind == "number")

    def stretch(self, start: int, stop: int, *, name: str) -> Self:
        """Return the times from `start` to `stop - 1` under another name."""
        values, known = self.values[start:stop], self.known[start:stop]
        first = self.at(start)
        return replace(
            self,
            name=name,
            values=values,
            known=known,
            start=first,
            fingerprint=hash_values(first, values, known),
            gaps=tuple(
                (max(place, start) - start, min(place + count, stop) - max(place, start))
                for place, count in self.gaps
                if place < stop and place + count > start
            ),
        )

    def of_series(self, names: Sequence[str]) -> Self:
        """Return the same times of some of the series alone, in the order of their names; each has to be there."""
        place = {name: number for number, name in enumerate(self.series)}
        chosen = [place[name] for name in names]
        values = self.values[:, chosen]
        reading = dict(self.reading)
        # Last are, for each column that is known of each series by itself, those of all series.
        apart = len(reading.get("by_series", ()))
        first = self.known.shape[1] - apart * len(self.series)
        kept = [*range(first), *(first + k * len(self.series) + c for k in range(apart) for c in chosen)]
        known, known_names = self.known[:, kept], tuple(self.known_names[k] for k in kept)
        if not reading.get("series_id"):
            # In a wide table each series is a column, and other files are read by these.
            reading["columns"] = list(names)
        return replace(
            self,
            values=values,
            known=known,
            known_names=known_names,
            series=tuple(names),
            reading=reading,
            fingerprint=hash_values(self.start, values, known),
        )

    def count_measured(self) -> int:
        """Return how many times there are up to the last one at which anything was measured: after it, things are only known."""
        measured = np.flatnonzero((~np.isnan(self.values)).any(axis=1))
        return int(measured[-1]) + 1 if len(measured) else 0

    def up_to_measured(self) -> Self:
        """Return the times up to the last one at which anything was measured."""
        count = self.count_measured()
        return self if count == len(self) else self.stretch(0, count, name=self.name)

    def followed_by(self, later: "Stretch") -> tuple[Self, int]:
        """Return these times and those of a later table on one grid, nothing measured between them, and where the later begin.

        Raises:
            DataError: They do not come after, or are not on the grid.
        """
        exact = float(self.interval.places(np.array([later.start]), origin=self.start)[0])
        place = round(exact)
        if place < self.count_measured():
            found = f"the test part begins at {later.say(0)}, and the train part ends at {self.say(self.count_measured() - 1)}"
            remedy = "A forecast is tested on what comes after: give a later table, or none, and the last times are kept for it."
            raise DataError([DataProblem(later.file, found, remedy)])
        if abs(exact - place) > ON_GRID:
            found = f"times that are not on the grid of the train part, such as {later.say(0)} at steps of {self.interval.say()}"
            raise DataError([DataProblem(later.file, found, "Give tables with the same step.")])
        between, length = max(0, place - len(self)), place + len(later)
        if length > LONGEST_STRETCH or len(self) + len(later) < (1 - MOST_MISSING) * length:
            found = (
                f"{self.interval.say(between)} lie between the train part, up to {self.say(len(self) - 1)}, and {later.say(0)}"
            )
            remedy = "Give a test table that comes soon after the train table, or mend the times, where they are wrong."
            raise DataError([DataProblem(later.file, found, remedy)])
        values, known = (
            np.concatenate([before[:place], np.full((between, before.shape[1]), np.nan), after])
            for before, after in ((self.values, later.values), (self.known, later.known))
        )
        gaps = (*self.gaps, *([(len(self), between)] if between else []), *((at + place, count) for at, count in later.gaps))
        joined = replace(self, values=values, known=known, gaps=gaps, fingerprint=hash_values(self.start, values, known))
        return joined, place

    def say_gaps(self) -> str:
        """Say how many gaps there are, and where the longest is; "" where there is none."""
        if not self.gaps:
            return ""
        place, count = max(self.gaps, key=lambda gap: gap[1])
        many = f"{len(self.gaps):,} gaps, the longest" if len(self.gaps) > 1 else "1 gap, of"
        return f"{many} {self.interval.say(count)} from {self.say(place)}"

    def summary(self, examples: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        """Return series, times, step and gaps."""
        missing = int(np.isnan(self.values).sum())
        shown = ", ".join(self.series[:MOST_NAMED]) + (", ..." if len(self.series) > MOST_NAMED else "")
        facts = {
            "series": f"{len(self.series):,}: {shown}",
            "times": f"{len(self):,}, from {self.say(0)} to {self.say(len(self) - 1)}",
            "a step": self.interval.say(),
            **({"gaps": self.say_gaps()} if self.gaps else {}),
            **({"missing values": f"{missing:,}"} if missing else {}),
            **({"known beforehand": ", ".join(self.known_names)} if self.known_names else {}),
        }
        return {"facts": facts}


def hash_values(start: int, values: np.ndarray, known: np.ndarray) -> str:
    """Return the SHA-256 of a stretch of time."""
    told = hashlib.sha256(f"{start} {values.shape} {known.shape}".encode())
    for numbers in (values, known):
        told.update(np.ascontiguousarray(numbers, dtype=np.float64).tobytes())
    return told.hexdigest()
