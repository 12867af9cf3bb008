"""A run whose model continues series: what comes after a table, and how good its forecasts of one are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutelage.core.errors import UsageError, say_problems
from tutelage.data.source.base import Collected
from tutelage.planning.plan import Plan
from tutelage.predictor.ensemble import Answerer, parts_of
from tutelage.run.collect import collect, refuse_bad
from tutelage.run.files import RunFiles
from tutelage.run.forecast import (
    Forecasts,
    continued,
    forecaster,
    mean_forecasts,
    read_series,
    require_horizon,
)
from tutelage.run.forecast_scores import measured
from tutelage.run.scores import merged, warn_of_own

__all__ = ["ForecastingRun"]


@dataclass(frozen=True)
class ForecastingRun:
    """What a run is asked about series.

    Attributes:
        path: The run folder.
        answerer: Its model, or models.
        files: Its files.
    """

    path: Path
    answerer: Answerer
    files: RunFiles

    def forecast(self, inputs: Any, *, on_bad_data: str, horizon: int) -> Forecasts:
        """Return what comes after the last time of series; arguments and errors as of `Run.forecast`."""
        members, weights = parts_of(self.answerer)
        fitted = [forecaster(self.path, member) for member in members]
        require_horizon(self.path, horizon, fitted[0])
        given = read_series(inputs, fitted[0], training=self._training_series)
        refuse_bad(given.problems, on_bad_data)
        found = [continued(member, own, given, horizon=horizon) for member, own in zip(members, fitted, strict=True)]
        return mean_forecasts(found, weights)

    def scores(self, source: Any, plan: Plan, *, target: str = "auto", on_bad_data: str = "fail") -> dict[str, Any]:
        """Return metrics and their intervals on series, as `Run.scores` does.

        Raises:
            UsageError: A column is named.
        """
        if target != "auto":
            raise UsageError(f"target={target!r}: a forecast is measured on the series that it was trained on. Leave it out.")
        members, weights = parts_of(self.answerer)
        given = read_series(source, forecaster(self.path, members[0]), training=self._training_series)
        refuse_bad(given.problems, on_bad_data)
        warnings = [*warn_of_own(source, self.path, self.files), *(f"left out: {line}" for line in say_problems(given.problems))]
        return merged({"warnings": warnings}, measured(members, weights, plan, given))

    def _training_series(self) -> Collected:
        """Read the training data again."""
        recipe = self.files.recipe()
        if not recipe.source:
            raise UsageError(f"{self.path}: this run was given a table from Python. Give it again: run.forecast(table).")
        return collect(recipe)
