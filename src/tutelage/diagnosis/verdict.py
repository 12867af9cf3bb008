"""Whether a score is better than a guess, with the uncertainty that the score has; pure functions of numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

__all__ = ["Versus", "compare", "find_signal", "gain", "is_good_anyway", "judge_run"]

Versus = Literal["better", "partly better", "good anyway", "no better", "untrained", "unknown"]
"""How a training compares with a trivial predictor; `untrained` is better only as any random network might be, and `good anyway`
is no better than a trivial predictor that is good itself."""

LEAST_GAIN, LEAST_OTHER_GAIN = 0.002, 0.01
"""Part of the way from the guess to perfection that counts, in the headline's metric and in others. Answers that are all but
equal have intervals so narrow that the last digit of a loss would look like knowledge."""
PERFECT = 1e-6
"""Error or loss beside a guess that makes none at all."""
NEAR, HALFWAY = 0.75, 0.5
"""Parts of the best that can be hoped for which are good whatever a guess reaches, and which are if the guess is not clearly
better."""
LEAST_SIGNAL = {"train": 0.05, "val": 0.5}
"""The same, of any metric, that shows that something was learned; weights are chosen by validation rows: luck does more there."""


def gain(value: float, guess: float, *, greater_is_better: bool) -> float:
    """Return which part of the way from the guess to perfection a score has gone; negative where it is worse.

    Perfect is 0 for errors and losses, and 1 for scores whose guess is below 1; for others the guess itself is the measure.
    """
    if not greater_is_better:
        return (guess - value) / max(abs(guess), 1e-12)
    return (value - guess) / (1 - guess if guess < 1 and value <= 1 else max(abs(guess), 1.0))


def compare(metrics: Mapping[str, float], guess: Mapping[str, float], *, greater: Mapping[str, bool], count: int) -> Versus:
    """Compare an evaluation with the guess, without knowing its intervals: noise of about 1 / sqrt(count) is allowed for.

    Args:
        metrics: Scores by name.
        guess: What the trivial predictor reaches, by name.
        greater: The direction of each metric, by its kind.
        count: Rows, or episodes, that were measured.
    """
    known = [name for name in metrics if name in guess and not math.isnan(guess[name])]
    known = [name for name in known if not _is_all_right(metrics[name], guess[name], is_error=not greater[_kind(name)])]
    if not known:
        return "unknown"
    gains = [gain(metrics[name], guess[name], greater_is_better=greater[_kind(name)]) for name in known]
    return "better" if any(found > 1 / math.sqrt(max(count, 1)) for found in gains) else "no better"


def judge_run(
    metrics: Mapping[str, float],
    intervals: Mapping[str, Sequence[float]],
    guess: Mapping[str, float],
    *,
    headline: str,
    greater: Mapping[str, bool],
) -> Versus:
    """Tell whether a run's scores are better than the guess: beyond their 95 % intervals, and by more than a trifle.

    Args:
        metrics: Final scores by name, such as `test/accuracy`.
        intervals: Their intervals.
        guess: What the trivial predictor reaches.
        headline: The metric that counts.
        greater: The direction of each metric, by its kind.

    Returns:
        `partly better` where only other metrics of the same part are; `unknown` where there is no guess, or where both make no
        error, so that nothing could be better.
    """
    score, plain = metrics.get(headline, math.nan), guess.get(headline, math.nan)
    if math.isnan(plain) or math.isnan(score) or _is_all_right(score, plain, is_error=not greater[_kind(headline)]):
        return "unknown"
    part = headline.rpartition("/")[0]
    others = [name for name in metrics if name.rpartition("/")[0] == part and name != headline and name in guess]
    if _is_better(headline, metrics, intervals, guess, greater=greater, least=LEAST_GAIN):
        return "better"
    if any(_is_better(name, metrics, intervals, guess, greater=greater, least=LEAST_OTHER_GAIN) for name in others):
        return "partly better"
    return "no better"


def is_good_anyway(
    metrics: Mapping[str, float],
    intervals: Mapping[str, Sequence[float]],
    guess: Mapping[str, float],
    *,
    hoped: Mapping[str, float],
    greater: Mapping[str, bool],
) -> bool:
    """Tell whether a run that is no better than the guess is good all the same, since the guess is good itself.

    Either it is near the best that can be hoped for, or halfway there and in no metric clearly worse than the guess.

    Args:
        metrics: Final scores by name.
        intervals: Their intervals.
        guess: What the trivial predictor reaches.
        hoped: The best that can be hoped for in the metrics that say what good is, more being better; none: nothing is good.
        greater: The direction of each metric, by its kind.
    """
    shares = [metrics.get(name, math.nan) / max(best, 1e-12) for name, best in hoped.items()]
    if not shares or not all(share >= HALFWAY for share in shares):
        return False
    parts = {name.rpartition("/")[0] for name in hoped}
    known = [name for name in metrics if name in guess and name.rpartition("/")[0] in parts]
    ends = {name: [metrics[name], *_ends(name, intervals)] for name in known}
    is_worse = any(max(ends[name]) < guess[name] if greater[_kind(name)] else min(ends[name]) > guess[name] for name in known)
    return all(share >= NEAR for share in shares) or not is_worse


def find_signal(
    metrics: Mapping[str, float],
    intervals: Mapping[str, Sequence[float]],
    guess: Mapping[str, float],
    *,
    part: str,
    greater: Mapping[str, bool],
) -> str:
    """Return a score of `train` or `val`, of whatever metric, that is clearly better than a guess, in words; "" where none is."""
    known = [name for name in metrics if name.rpartition("/")[0] == part and name in guess]
    for name in known:
        if _is_better(name, metrics, intervals, guess, greater=greater, least=LEAST_SIGNAL[part]):
            return f"{name} {metrics[name]:.4g}, a guess {guess[name]:.4g}"
    return ""


def _is_better(
    name: str,
    metrics: Mapping[str, float],
    intervals: Mapping[str, Sequence[float]],
    guess: Mapping[str, float],
    *,
    greater: Mapping[str, bool],
    least: float,
) -> bool:
    """Tell whether even the worse end of a score's interval is better than the guess."""
    value, plain = metrics[name], guess[name]
    worst = (min if greater[_kind(name)] else max)([value, *_ends(name, intervals)])
    is_clear = worst > plain if greater[_kind(name)] else worst < plain
    return is_clear and gain(value, plain, greater_is_better=greater[_kind(name)]) > least


def _is_all_right(value: float, guess: float, *, is_error: bool) -> bool:
    """Tell whether neither a score nor the guess has any error."""
    return is_error and guess == 0 and 0 <= value <= PERFECT


def _ends(name: str, intervals: Mapping[str, Sequence[float]]) -> list[float]:
    """Return the known ends of a score's interval."""
    return [end for end in intervals.get(name) or () if not math.isnan(end)]


def _kind(name: str) -> str:
    return name.rpartition("/")[2]
