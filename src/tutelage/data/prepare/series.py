"""Series on one scale, without gaps; of unequal length, padded batch by batch.

Missing values are put on the straight line between their neighbors in time. Each channel gets mean 0 and deviation 1: over
all train values, so that level and size of a series still tell something, or each series by itself, where only its form counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.shape.series import SeriesShape
from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.part.series import SeriesPart, interpolated
from tutelage.data.prepare.base import Fitted, Prepare, unsuited
from tutelage.data.prepare.change import Change, say_less, say_value
from tutelage.data.prepare.padding import Pad
from tutelage.data.prepare.scaling import column_scales
from tutelage.data.prepare.series_intake import SeriesIntake
from tutelage.data.rows.base import Rows
from tutelage.data.rows.ragged import RaggedRows, join

__all__ = ["Series", "SeriesFitted", "as_series", "check_channels", "held_in"]

MULTIPLE = 8
"""Batches of unequal series are padded to a multiple of this, so that there are few different shapes."""
FIRST = torch.zeros(1, dtype=torch.int64)
"""The number of the first row, as rows are taken."""
MAX_TOLD = 12
"""Channels that are told one by one."""
FAR_LENGTH = 1.25
"""Where train series differ in length: so many times longer or shorter than all of them is told."""


FARTHEST = 1e6
"""Deviations from the mean; no train series has values so far away unless it is of a million times a million numbers."""


class Series(Prepare):
    """Settings of the preprocessing of series."""

    kind: Literal["series"] = "series"
    normalize: Literal["train", "series", "none"] = Field(
        "train",
        description="Mean 0 and deviation 1 of each channel: over all train values, of each series by itself, or not at all.",
    )

    def fit(self, part: Part) -> "SeriesFitted":
        """Learn mean and deviation of each channel.

        Raises:
            DataError: Not series, or series of different numbers of channels.
        """
        series = as_series(part)
        check_channels(series, series.channels)
        mean_C, std_C = column_scales(np.concatenate(list(series.series)))
        lengths = series.lengths
        return SeriesFitted(
            tuple(mean_C.tolist()),
            tuple(std_C.tolist()),
            self.normalize,
            int(lengths.max()),
            int(lengths.min()),
            series.reading,
        )

    def restore(self, state: Mapping[str, Any]) -> "SeriesFitted":
        """Rebuild what `SeriesFitted.state` returned."""
        mean, std = (tuple(float(value) for value in state[key]) for key in ("mean", "std"))
        if not mean or len(mean) != len(std) or min(std) <= 0 or not np.isfinite([*mean, *std]).all():
            raise ValueError(f"mean {mean} and std {std} of a series' channels do not belong together")
        length, shortest, read = take(state, "length", Size), take(state, "shortest", Size), take(state, "reading", dict)
        if shortest > length:
            raise ValueError(f"the shortest series has {shortest:,} times, the longest {length:,}")
        return SeriesFitted(mean, std, self.normalize, length, shortest, read)


@dataclass(frozen=True)
class SeriesFitted(Fitted):
    """Fitted preprocessing of series.

    Attributes:
        mean: Of each channel, over all train values.
        std: The same for the deviation, > 0.
        normalize: By what values are made comparable.
        length: Most times of a train series.
        shortest: Fewest times of a train series.
        read: Settings of the source by which the train series were made of a table.
    """

    row_form: ClassVar[str] = "series"
    array_source: ClassVar[str] = "series"

    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalize: Literal["train", "series", "none"]
    length: int
    shortest: int
    read: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_equal(self) -> bool:
        """Whether all train series had equally many times."""
        return self.shortest == self.length

    @property
    def shape(self) -> SeriesShape:
        """What a model receives."""
        return SeriesShape(channels=len(self.mean), length=self.length, is_equal=self.is_equal)

    def apply(self, part: Part) -> Rows:
        """Return each series normalized, float32 [T, C].

        Raises:
            DataError: Series of another number of channels than those of the training.
        """
        series = as_series(part)
        check_channels(series, len(self.mean))
        fallback_C = np.array(self.mean)
        pieces = [self._scaled(interpolated(values_TC, fallback_C)).astype(np.float32) for values_TC in series.series]
        return RaggedRows({"series": join(pieces or [np.empty((0, len(self.mean)), np.float32)])})

    def changes(self, part: Any, row: int) -> list[Change]:
        """Return the range of each channel of one series, before and after."""
        before_TC, after_TC = as_series(part).series[row], self.apply(part.select(np.array([row]))).take(FIRST)["series"].numpy()
        how = {
            "train": "mean and deviation of all train values",
            "series": "mean and deviation of this series by itself",
            "none": "as it was measured",
        }[self.normalize]
        gaps = int(np.isnan(before_TC).sum())
        told = [Change("missing", f"{gaps:,} values", "0 values", "on the line between their neighbors in time")] * bool(gaps)
        for channel in range(min(len(self.mean), MAX_TOLD)):
            before, after = before_TC[:, channel], after_TC[:, channel]
            known = before[~np.isnan(before)]
            formula = (
                f"(value {say_less(self.mean[channel])}) / {say_value(self.std[channel])}, {how}"
                if self.normalize == "train"
                else how
            )
            told.append(Change(f"channel {channel + 1}", _say_range(known), _say_range(after), formula))
        return told

    def finisher(self) -> nn.Module:
        """Return the module that pads series to one length and tells what is padding."""
        return Pad("series", multiple=1 if self.is_equal else MULTIPLE, dtype=torch.float32)

    def intake(self) -> SeriesIntake:
        """Return the way from series in their own unit."""
        return SeriesIntake(self.mean, self.std, self.normalize, FARTHEST, self.length)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        fitted = {"mean": list(self.mean), "std": list(self.std), "length": self.length, "shortest": self.shortest}
        return fitted | {"reading": dict(self.read)}

    def reading(self) -> dict[str, Any]:
        """Return which columns of a table make a series."""
        return dict(self.read)

    def say(self) -> str:
        """Write length, channels and scale."""
        said = {"train": "normalized by channel", "series": "each normalized by itself", "none": "not normalized"}
        return f"{self.shape.say()}, {said[self.normalize]}"

    def warnings(self, part: RowsPart) -> list[str]:
        """Tell of missing values, and of series in which nothing happens."""
        series = as_series(part)
        gaps = [row for row, values_TC in enumerate(series.series) if np.isnan(values_TC).any()]
        still = [row for row, values_TC in enumerate(series.series) if _is_constant(values_TC)]
        told = []
        if gaps:
            told.append(
                f"{len(gaps):,} series have missing values, such as {series.locate(gaps[0])}: "
                "they are put on the straight line between their neighbors in time"
            )
        if still:
            told.append(
                f"{len(still):,} series are constant from begin to end, such as {series.locate(still[0])}: "
                "if nothing was measured there, leave them out"
            )
        return told

    def odd_rows(self, part: RowsPart) -> list[str]:
        """Return which series are longer or shorter than any of the training, and which have values far from all of theirs.

        Every model of series takes any length, so they are answered for; whether the answers mean something, nobody has tried.
        Where the train series differ in length, a little more or less is nothing new.
        """
        return [*self._too_far(as_series(part)), *self._of_other_lengths(as_series(part))]

    def _too_far(self, part: SeriesPart) -> list[str]:
        """Return which series have values that are held in."""
        if self.normalize != "train":
            return []
        scaled = ((values_TC - np.array(self.mean)) / np.array(self.std) for values_TC in part.series)
        far = [row for row, scaled_TC in enumerate(scaled) if (np.abs(scaled_TC) > FARTHEST).any()]
        if not far:
            return []
        found = f"{part.name}: {len(far):,} series with values too far from those of the training, such as {part.locate(far[0])}"
        return [f"{found}: held within {FARTHEST:g} deviations. Write ? or NaN for what was not measured"]

    def _of_other_lengths(self, part: SeriesPart) -> list[str]:
        """Return which series are longer or shorter than any of the training."""
        slack = 1.0 if self.is_equal else FAR_LENGTH
        lengths = part.lengths
        is_odd = (lengths < self.shortest / slack) | (lengths > self.length * slack)
        if not is_odd.any():
            return []
        odd, first = lengths[is_odd], int(np.flatnonzero(is_odd)[0])
        count = f"{len(odd):,} series" if len(odd) < len(part) else "all series"
        found = f"{part.name}: {count} of {_say_lengths(int(odd.min()), int(odd.max()))}, such as {part.locate(first)}"
        trained = f"the train series have {_say_lengths(self.shortest, self.length)}"
        return [f"{found}, where {trained}: answers to such lengths were never tried. Give series that were measured alike"]

    def _scaled(self, values_TC: np.ndarray) -> np.ndarray:
        """Return a series on the scale that was asked for."""
        if self.normalize == "none":
            return values_TC
        if self.normalize == "train":
            return held_in((values_TC - np.array(self.mean)) / np.array(self.std))
        mean_C, std_C = column_scales(values_TC)
        return held_in((values_TC - mean_C) / std_C)


def held_in(scaled: np.ndarray) -> np.ndarray:
    """Return numbers in deviations, those held within `FARTHEST` that are so far away that a square of them is infinite."""
    return np.asarray(np.clip(scaled, -FARTHEST, FARTHEST))


def as_series(part: Part) -> SeriesPart:
    """Return the part if its rows are series.

    Raises:
        DataError: They are not.
    """
    if isinstance(part, SeriesPart):
        return part
    raise unsuited(part, "its rows are no series", "series: files of them, or arrays [N, T] or [N, T, C]")


def check_channels(part: SeriesPart, channels: int) -> None:
    """Refuse series of another number of channels.

    Raises:
        DataError: There are such.
    """
    wrong = [row for row, values_TC in enumerate(part.series) if values_TC.shape[1] != channels]
    if wrong:
        found = f"{part.series[wrong[0]].shape[1]} values at a time, where the model has {channels}"
        remedy = "Give series with the dimensions of the train series, in their order."
        raise DataError([DataProblem(part.locate(wrong[0]), found, remedy)])


def _is_constant(values_TC: np.ndarray) -> bool:
    """Tell whether nothing changes in any channel."""
    known = [values_TC[~np.isnan(values_TC[:, channel]), channel] for channel in range(values_TC.shape[1])]
    return all(len(values) == 0 or bool((values == values[0]).all()) for values in known)


def _say_lengths(least: int, most: int) -> str:
    """Write how many times series have."""
    return f"{most:,} times" if least == most else f"{least:,} to {most:,} times"


def _say_range(values: np.ndarray) -> str:
    """Write the least and the largest of some numbers."""
    return f"{say_value(float(values.min()))} to {say_value(float(values.max()))}" if len(values) else "nothing known"
