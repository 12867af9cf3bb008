"""Series in three stretches of time that follow each other: train, validation, test; what the task `forecast` trains on.

Windows of validation and test see the times before their stretch, as a forecast made then would have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from tutelage.core.errors import DataError, DataProblem, RecipeError
from tutelage.data.part.clock_change import NEVER, REMEDY, is_gap_of_clocks
from tutelage.data.part.stretch import Stretch
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.timeline import TimelineFitted
from tutelage.data.rows.history import HistoryPart
from tutelage.data.source.base import Collected
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Decision, SplitPlan
from tutelage.planning.recipe import Recipe
from tutelage.task.base import Data
from tutelage.task.empty_cells import say_between, say_empty
from tutelage.task.outlying_values import say_outlying
from tutelage.task.series_spans import say_short

__all__ = ["Cuts", "ForecastData", "choose_cuts", "choose_length"]

USUAL_SHARE = 0.2
"""Of the times for validation, and for the test."""
FEW_HORIZONS = 10
"""Where there are fewer horizons of times, validation and test are one horizon each."""
MOST_SHARE = 0.5
LEAST_TIMES = 4
"""For a horizon of one: two times to learn from, one each for validation and test."""
MOST_NAMED = 8
MOST_WATCHED = 40_000_000
"""Numbers in the validation windows that are looked at: they are gathered at each evaluation, and neighbors tell the same."""
LONGEST_WINDOW, SHORTEST_WINDOW = 1_024, 96
SEASONS_IN_WINDOW = 21
TRAIN_SHARE = 3
"""The window is at most the n-th part of the train times."""


@dataclass(frozen=True)
class Cuts:
    """Where the stretches end: train is before `train`, validation before `validation`, test before `end`."""

    train: int
    validation: int
    end: int
    reason: str


@dataclass(frozen=True)
class ForecastData(Data):
    """Series in stretches.

    Attributes:
        parts: Each stretch, with the times before it that its windows see.
        windows: The windows of each.
        cuts: Where the stretches end.
        lookback: Times of each part that are before its stretch.
        why: Why horizon and window are what they are.
        left_out: What is told of series and times that are neither learned from nor forecast.
    """

    task_reason: str
    collected: Collected
    prepare: Prepare
    fitted: TimelineFitted
    parts: Mapping[str, Stretch]
    windows: Mapping[str, HistoryPart]
    split: SplitPlan
    cuts: Cuts
    lookback: Mapping[str, int]
    why: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    target: None = None
    unit: str = "times"

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Hash of all times and values."""
        return "-".join(part.fingerprint[:16] for part in self.parts.values())

    @property
    def sizes(self) -> Mapping[str, int]:  # type: ignore[override]
        """Times of each stretch."""
        return {name: len(part) - self.lookback[name] for name, part in self.parts.items()}

    @property
    def watched(self) -> HistoryPart:
        """The validation windows that are looked at: every one, or of very many every n-th."""
        windows = self.windows["validation"]
        return windows.select(np.arange(0, len(windows), self._watched_step)) if self._watched_step > 1 else windows

    @property
    def _watched_step(self) -> int:
        windows = self.windows["validation"]
        each = (windows.length + windows.horizon) * (windows.channels + self.fitted.shape.known)
        return -(-len(windows) * each // MOST_WATCHED)

    def decisions(self) -> tuple[Decision, ...]:
        """Return task, series, step, season, gaps, stretches, window and horizon."""
        fitted, train = self.fitted, self.parts["train"]
        names = ", ".join(fitted.series[:MOST_NAMED]) + (", ..." if len(fitted.series) > MOST_NAMED else "")
        spans = ", ".join(f"{name} from {self._first(name)}" for name in self.parts)
        sizes = ", ".join(f"{count:,} {name}" for name, count in self.sizes.items())
        whole = self._collected()
        gaps = whole.say_gaps()
        season = fitted.interval.say_span(fitted.season) if fitted.season > 1 else "none"
        return (
            Decision(key="task", value="forecast", reason=self.task_reason),
            Decision(key="series", value=f"{len(fitted.series)}: {names}", reason=self._series_of(train.file)),
            Decision(key="times", value=f"{len(whole):,}, {fitted.interval.say()} apart", reason="the usual step between rows"),
            *(
                [
                    Decision(
                        key="gaps",
                        value=gaps,
                        reason="not measured; before a moment earlier values stand for them",
                    )
                ]
                if gaps
                else []
            ),
            Decision(key="season", value=season, reason=fitted.why),
            Decision(key="horizon", value=fitted.interval.say_span(fitted.horizon), reason=self.why.get("horizon", "")),
            Decision(key="window", value=f"{fitted.length:,} times before the moment", reason=self.why.get("length", "")),
            Decision(key="split", value=f"{sizes} times: {spans}", reason=self.cuts.reason),
            *self._said_of_watched(),
            Decision(
                key="prepare",
                value=f"{getattr(self.prepare, 'kind', '')}: {fitted.say()}",
                reason="fitted on the train part only",
            ),
        )

    def _said_of_watched(self) -> list[Decision]:
        """Say how many validation windows are looked at, where these are not all."""
        if self._watched_step <= 1:
            return []
        value = f"1 of {self._watched_step:,} windows, {len(self.watched):,} in all"
        return [
            Decision(key="validation", value=value, reason="neighbors tell nearly the same; the test part is measured as a whole")
        ]

    def warnings(self) -> tuple[str, ...]:
        """Tell of gaps, empty cells and outliers, and of what should be known of each time and is not."""
        whole = self._collected()
        gaps = whole.say_gaps()
        told = list(self.left_out)
        if gaps:
            told.append(f"{whole.file}: {gaps}: not measured; earlier values stand for them{_say_clocks(whole)}")
        told += say_empty(whole, horizon=self.fitted.horizon) + say_outlying(whole)
        if isinstance(test := self.collected.test, Stretch):
            told += say_between(whole, test) + say_empty(test, horizon=self.fitted.horizon) + say_outlying(test)
        sizes = {"train": self.cuts.train, "test": self.cuts.validation}
        told += say_short(whole, **sizes, length=self.fitted.length, horizon=self.fitted.horizon)
        if "test" in self.windows and len(self.windows["test"]) == 1:
            told.append(f"{whole.file}: the test part is one window: its errors tell nearly nothing. Give a longer table")
        if self.cuts.train < self.fitted.season:
            span = self.fitted.interval.say_span(self.fitted.season)
            found = f"{whole.file}: a season of {span}, and {self.cuts.train:,} times before the validation part"
            told.append(
                f"{found}: where none stands a season before, seasonal-naive says the last value. Say a shorter prepare.season"
            )
        for k, name in enumerate(whole.known_names):
            places = np.flatnonzero(np.isnan(whole.known[:, k]))
            if len(places):
                many = f"{len(places):,} of {len(whole):,} times, such as {whole.say(int(places[0]))}"
                told.append(f"{whole.file}: {name} is known beforehand, and empty at {many}: its mean stands for it")
        return tuple(told)

    def facts(self, machine: Machine, *, task: str, is_own_model: bool) -> Facts:
        """Return what decisions depend on; a row is a window."""
        counts = {name: len(windows) for name, windows in self.windows.items()}
        return Facts(
            modality=self.parts["train"].kind,
            shape=self.fitted.shape,
            num_train=counts["train"],
            num_validation=len(self.watched),
            num_test=counts.get("test", 0),
            task=task,
            class_counts=(),
            machine=machine,
            is_own_model=is_own_model,
            traits={"season": str(self.fitted.season)},
        )

    def say_row(self, row: int) -> str:
        """Name a train window by its moment."""
        train = self.windows["train"]
        return f"{self.parts['train'].file}, forecast from {self.parts['train'].say(int(train.starts[row]) + train.length)}"

    def describe(self) -> dict[str, Any]:
        """Return series, times and season."""
        facts = self._collected().summary({})["facts"]
        season = self.fitted.interval.say_span(self.fitted.season) if self.fitted.season > 1 else "none"
        return {"facts": {**facts, "season": season}, "target": ",".join(self.fitted.read.get("columns", ()))}

    def _collected(self) -> Stretch:
        train = self.collected.train
        return train if isinstance(train, Stretch) else self.parts["train"]

    def _series_of(self, file: str) -> str:
        """Say where the names of the series come from."""
        named_by = self.fitted.read.get("series_id", "")
        return f"named by column {named_by} of {file}" if named_by else f"columns of numbers of {file}"

    def _first(self, name: str) -> str:
        return self.parts[name].say(self.lookback[name])


def _say_clocks(whole: Stretch) -> str:
    """Tell of gaps that are there since local times leave out an hour; "" where none is."""
    if whole.interval.kind != "time":
        return ""
    places = [place for place, count in whole.gaps if is_gap_of_clocks(whole.at(place), step=whole.interval.size, count=count)]
    if not places:
        return ""
    others = f" and {len(places) - 1:,} more" if len(places) > 1 else ""
    remedy = REMEDY.format(time=whole.say(places[0] - 1))
    return f". On the Sunday night of {whole.say(places[0])}{others} it is one hour: {NEVER}. {remedy}"


def choose_length(*, season: int, horizon: int, train: int) -> tuple[int, str]:
    """Return how many times before the moment a model sees, and why.

    Args:
        season: Steps; 1 = none.
        horizon: Steps ahead.
        train: Train times.
    """
    wished = max(SEASONS_IN_WINDOW * season if season > 1 else SHORTEST_WINDOW, min(2 * horizon, 720))
    while season > 1 and wished > LONGEST_WINDOW and wished > 2 * season:
        wished -= season
    most = max(1, (train - horizon) // TRAIN_SHARE)
    if wished <= most:
        said = f"{wished // season} seasons" if season > 1 and wished % season == 0 else "twice the horizon, and more"
        return wished, f"{said}, as far as that still helps"
    if season > 1 and most >= season:
        return most // season * season, f"whole seasons, at most a third of the {train:,} train times"
    return most, f"a third of the {train:,} train times"


def choose_cuts(recipe: Recipe, count: int, *, horizon: int, has_test: bool, where: str) -> Cuts:
    """Return where train, validation and test end, by time.

    Args:
        recipe: Its split.
        count: Times.
        horizon: Steps ahead.
        has_test: Whether the source has a test part of its own.
        where: The file, for messages.

    Raises:
        RecipeError: A share out of range.
        DataError: The horizon is too long for the times.
    """
    is_few = count < FEW_HORIZONS * horizon
    usual = horizon if is_few else max(horizon, round(USUAL_SHARE * count))
    test = 0 if has_test else _part(recipe, "test", count, usual)
    validation = _part(recipe, "validation", count, usual)
    train = count - validation - test
    for name, size in (("test", test), ("validation", validation)):
        # A share may come to no time at all; only of the test part 0 is a wish that can be met.
        is_wished_away = name == "test" and (has_test or recipe.split.test == 0)
        if size < horizon and not is_wished_away:
            asked = f"split.{name} leaves {size:,} times for the {name} part, fewer than the horizon of {horizon:,}"
            raise DataError([DataProblem(where, asked, f"Say at least --set split.{name}={horizon}, or a smaller --horizon.")])
    if train < 2 * horizon:
        found = f"{count:,} times are too few to forecast {horizon:,} ahead: {max(train, 0):,} would be left to learn from"
        raise DataError([DataProblem(where, found, _longer(recipe, count))])
    why = "by time, never at random: " + (
        "as you said"
        if recipe.split.validation != "auto" or recipe.split.test != "auto"
        else "few times, so validation and test are one horizon each"
        if is_few
        else "the last fifth is the test, the fifth before validation"
    )
    return Cuts(train, train + validation, count, "the test part is a table of its own" if has_test else why)


def _longer(recipe: Recipe, count: int) -> str:
    """Say what to do where too few times would be left to learn from."""
    if count < LEAST_TIMES:
        return f"Give a table of at least {LEAST_TIMES} times; for a forecast that is of use, of some hundred."
    if (recipe.split.validation, recipe.split.test) != ("auto", "auto"):
        return "Give a longer table, or smaller parts: --set split.validation=N, --set split.test=N; N is at least the horizon."
    rule = "a quarter of the times: two horizons to learn from, one each for validation and test"
    return f"Give a longer table, or a smaller horizon: --horizon {count // LEAST_TIMES} at most, {rule}."


def _part(recipe: Recipe, part: Literal["validation", "test"], count: int, usual: int) -> int:
    """Return how many times a part has: a share of all, or a whole number of times."""
    wish = recipe.split.validation if part == "validation" else recipe.split.test
    if wish == "auto":
        return usual
    size = float(wish)
    if size >= 1 and size == int(size):
        return int(size)
    if not 0 <= size <= MOST_SHARE or (part == "validation" and size == 0):
        expected = f"must be a share of all times, at most {MOST_SHARE}, or a whole number of times"
        raise RecipeError(f"recipe: split.{part} = {size:g} {expected}. Typical: 0.1 to 0.2.")
    return round(size * count)
