"""How good forecasts were: errors, bias, coverage and width of intervals, and the table that says so."""

import hashlib
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.published.fits import Guess, scales_of

__all__ = ["Score", "frozen", "print_table", "score_log", "score_of"]


@dataclass(frozen=True, slots=True)
class Score:
    """How good one rule was on some rows.

    Attributes:
        rule: Its name.
        rows: How many rows.
        mape: Mean of |forecast / truth - 1|, in the quantity that was published (a time, or a rate).
        median: Median of the same.
        p90_log: 90th percentile of |log(forecast / truth)|.
        bias_log: Mean of log(forecast / truth), of times.
        coverage_80: Share of truths in the 80 % interval; none where a rule has no interval.
        width_80: Median of high over low of that interval.
    """

    rule: str
    rows: int
    mape: float
    median: float
    p90_log: float
    bias_log: float
    coverage_80: float | None = None
    width_80: float | None = None


def frozen(guesses: Sequence[Guess]) -> str:
    """Return a hash of all forecasts, their truths left out: printed before they are scored."""
    said = "\n".join(f"{guess.name} {guess.mean:.9e} {guess.sd:.9e}" for guess in guesses)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def score_log(rule: str, *, errors: Sequence[float], is_rate: Sequence[bool]) -> Score:
    """Return the score of logarithmic errors of times (forecast less truth)."""
    relative = [abs(math.expm1(-error if rate else error)) for error, rate in zip(errors, is_rate, strict=True)]
    return Score(
        rule=rule,
        rows=len(errors),
        mape=statistics.fmean(relative),
        median=statistics.median(relative),
        p90_log=float(np.quantile(np.abs(errors), 0.9)),
        bias_log=statistics.fmean(errors),
    )


def score_of(guesses: Sequence[Guess], *, among: Sequence[Guess]) -> dict[str, Any]:
    """Return the score of our forecasts; each interval is scaled by the misses of other sources alone.

    Args:
        guesses: What is scored.
        among: All forecasts of the same model, whose misses scale the intervals.
    """
    errors = [guess.mean - guess.truth for guess in guesses]
    score = score_log("ours", errors=errors, is_rate=[guess.is_rate for guess in guesses])
    scales = {source: scales_of(among, without=source) for source in {guess.source for guess in guesses}}
    halves = [scales[guess.source][guess.scenario].half_80 * guess.sd for guess in guesses]
    covered = [abs(error) <= half for error, half in zip(errors, halves, strict=True)]
    values = {name: getattr(score, name) for name in ("rows", "mape", "median", "p90_log", "bias_log")}
    width = statistics.median(math.exp(2 * half) for half in halves)
    return {"rule": "ours", **values, "coverage_80": statistics.fmean(covered), "width_80": width}


def print_table(title: str, scores: Sequence[Score]) -> None:
    """Print scores, one line a rule."""
    print(f"\n{title} ({scores[0].rows} rows)")
    print(f"  {'rule':50s} {'MAPE':>7s} {'median':>7s} {'p90 log':>8s} {'bias log':>9s} {'in 80 %':>8s} {'high/low':>9s}")
    for score in scores:
        interval = "" if score.coverage_80 is None else f" {score.coverage_80:8.1%} {score.width_80:9.2f}"
        said = f"{score.mape:7.1%} {score.median:7.1%} {score.p90_log:8.3f} {score.bias_log:+9.3f}"
        print(f"  {score.rule:50s} {said}{interval}")
