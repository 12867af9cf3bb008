"""How honest the probabilities of one part are, before and after they were calibrated: errors, loss taken apart, diagrams."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tutelage.calibrate.choose import log_losses
from tutelage.core import catalog
from tutelage.core.gain import Gain
from tutelage.core.seeds import derive
from tutelage.data.target.base import Target
from tutelage.metric.base import Metric, Outcome
from tutelage.metric.interval import interval
from tutelage.metric.reliability import equal_bins, top_label
from tutelage.metric.sample import OutcomeSample

__all__ = ["HEADLINE", "Reliability", "honest_metrics"]

HEADLINE = "ece"
"""The measure that stands among a part's metrics, beside the log loss: how much of that is a lack of honesty."""
PROBABILITIES = "loss"
MEASURES = ("loss", "brier", HEADLINE, "smooth_ece", "classwise_ece", "refined_loss")
"""What is measured before and after."""
WITH_INTERVAL = (HEADLINE, "smooth_ece")
MOST_ROWS = 2_000
"""Rows that the interval of a slow measure is found on, at most; its width is scaled to all of them."""
MOST_BINS = 15
"""Bins of a diagram."""


def honest_metrics(metrics: Sequence[Any], target: Target | None) -> tuple[Any, ...]:
    """Return what is added to the metrics of a part that is shown: the calibration error, where probabilities are judged.

    Who asks for other metrics than the log loss gets these alone.
    """
    kinds = {metric.kind for metric in metrics}
    is_judged = target is not None and target.classes and PROBABILITIES in kinds and HEADLINE not in kinds
    return (catalog.load("metric", HEADLINE)(),) if is_judged else ()


class Reliability:
    """Collects the answers of one part before and after they are calibrated.

    Attributes:
        name: The part's name, such as `test`.
    """

    def __init__(self, name: str, *, seed: int, scored: Sequence[Any] = ()) -> None:
        """Begin with nothing.

        Args:
            name: The part's name.
            seed: The run's.
            scored: What is to stand among the part's metrics, see `honest_metrics`.
        """
        self.name, self._seed = name, seed
        self._scored = [(metric, metric.tally()) for metric in scored]
        self._num_rows = 0
        self._samples = {"before": OutcomeSample(seed=seed), "after": OutcomeSample(seed=seed)}

    def add(self, before: np.ndarray, after: Outcome, rows: np.ndarray) -> None:
        """Take a batch: probabilities before they are calibrated [N, C], and those that leave beside the truth."""
        self._samples["before"].add(Outcome(before, after.target), rows)
        self._samples["after"].add(after, rows)
        self._num_rows += len(rows)
        for _, tally in self._scored:
            tally.add(after)

    def added_to(self, scored: Mapping[str, Any]) -> dict[str, Any]:
        """Return what result.json says of a part, with `reliability`, and what is scored among the metrics."""
        own = self._record()
        return {**scored, **{key: {**scored.get(key, {}), **value} for key, value in own.items()}}

    def _record(self) -> dict[str, Any]:
        outcomes = {when: sample.outcome() for when, sample in self._samples.items() if len(sample.rows)}
        if not outcomes:
            return {}
        own: dict[str, Any] = {"metrics": {}, "intervals": {}}
        for metric, tally in self._scored:
            name, value = f"{self.name}/{metric.kind}", tally.value()
            ends = interval(metric, outcomes["after"], seed=self._seed, estimate=value, total=self._num_rows)
            own["metrics"][name], own["intervals"][name] = value, list(ends)
        found = {when: self._measure(outcome) for when, outcome in outcomes.items()}
        own["reliability"] = {**found, **_gain(outcomes), "part": self.name, "rows": len(outcomes["after"].target)}
        return own

    def _interval(self, metric: Metric, outcome: Outcome, value: float) -> list[float]:
        """Return a measure's interval, found on a random part of the rows where there are many."""
        total = len(outcome.target)
        if total <= MOST_ROWS:
            return list(interval(metric, outcome, seed=self._seed, estimate=value))
        chosen = np.random.default_rng(derive(self._seed, "rows of an interval")).choice(total, MOST_ROWS, replace=False)
        part = Outcome(outcome.prediction[chosen], outcome.target[chosen])
        return list(interval(metric, part, seed=self._seed, estimate=value, total=total))

    def _measure(self, outcome: Outcome) -> dict[str, Any]:
        """Return the measures, the intervals of some, and the bins of a diagram."""
        metrics: dict[str, Metric] = {kind: catalog.load("metric", kind)() for kind in MEASURES}
        values = {kind: metric.compute(outcome) for kind, metric in metrics.items()}
        loss, refinement = values["loss"], values.pop("refined_loss")
        # What a better temperature would win is what the probabilities lack; the rest is what the classes are told apart badly.
        values |= {"refinement": min(refinement, loss), "calibration": max(loss - refinement, 0.0)}
        total = len(outcome.target)
        intervals = {kind: self._interval(metrics[kind], outcome, values[kind]) for kind in WITH_INTERVAL}
        bins = equal_bins(*top_label(outcome), np.ones((1, total)), num_bins=MOST_BINS)
        low, high = bins.band()
        filled = np.flatnonzero(bins.weight[0])
        columns = {"rows": bins.weight, "confidence": bins.confidence, "accuracy": bins.accuracy, "low": low, "high": high}
        diagram = {key: column[0, filled].tolist() for key, column in columns.items()}
        return {"measures": values, "intervals": intervals, "diagram": diagram}


def _gain(outcomes: Mapping[str, Outcome]) -> dict[str, float]:
    """Return by how much the log loss became smaller, in nats, and the standard error of that over rows."""
    before, after = (log_losses(outcomes[when].prediction, outcomes[when].target) for when in ("before", "after"))
    gain = Gain.of(before - after)
    return {"loss_gain": gain.mean, "loss_gain_error": gain.error if len(before) > 1 else float("nan")}
