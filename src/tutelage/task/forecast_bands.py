"""Bands around forecasts: how far values measured in the validation part lay from what was told, by step ahead and series.

The network tells one number for each step; the bands come from its mistakes on rows that it did not learn from, so that they hold
about the share of values that they say, whatever their distribution, as long as the future is like the validation part.

Source: split-conformal prediction: J. Lei et al., "Distribution-Free Predictive Inference for Regression", 2018, arXiv
1604.04173, section 2.2; unequal ends: Y. Romano et al., "Conformalized Quantile Regression", 2019, arXiv 1905.03222, theorem 2.
Differs from the papers: the residuals of one step and series alone, or with those of neighboring steps where they are few;
windows overlap and so are not exchangeable: bands are widened by Student's t as if each stretch of a horizon's length were one
residual, and one more, which matters only where there are few, and the measured coverage says whether that was enough. Where
there are few stretches, each residual counts with both signs, as in the first paper: that a forecast was too high all along a
stretch or two does not say that it will be so again. The forecast itself is never outside its bands.

Shape letters: N windows, H steps ahead, C series, Q levels.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["LEVELS", "band_coverage", "fit_bands", "say_narrow"]

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
ENOUGH = 50
"""Residuals from which the ends of an 80 % band are steady; of fewer, neighboring steps are pooled."""
SIGNED = 20
"""Stretches of a horizon's length from which on the sign of mistakes says something. Errors that follow each other closely (0.95
from step to step, 24 ahead): 80 % bands of 2, 5 and 10 stretches hold 48, 68 and 76 % with it, 78, 82 and 80 % without."""
CLEARLY, UNCERTAIN = 0.1, 0.2
"""By how much less than they should bands hold that are clearly too narrow; the same where there is no interval."""


def fit_bands(residual_NHC: np.ndarray, levels: Sequence[float] = LEVELS, *, span: int = 0) -> np.ndarray:
    """Return what is added to a forecast for each level, float64 [Q, H, C]; it never falls from a level to the next.

    Args:
        residual_NHC: Truth minus answer, NaN where nothing was measured.
        levels: Shares of values below, rising, each between 0 and 1.
        span: Times from the first window's moment up to and with the last one's, where windows were left out; 0 = N.

    Returns:
        Offsets; a level beyond what the number of residuals can tell is their smallest or largest, before it is widened. NaN
        for a series of which nothing was measured in any step. Levels below 0.5 are never above the forecast, those above never
        below.
    """
    if residual_NHC.ndim != 3 or not all(0 < level < 1 for level in levels) or sorted(levels) != list(levels):
        raise ValueError(
            f"levels {levels} of residuals {residual_NHC.shape}: expected rising levels within (0, 1), and [N, H, C]"
        )
    num_windows, horizon, channels = residual_NHC.shape
    num_stretches = (max(span, num_windows) + horizon - 1) // horizon
    is_signed = num_stretches >= SIGNED
    count_HC = np.isfinite(residual_NHC).sum(axis=0)
    offsets_QHC = np.full((len(levels), horizon, channels), np.nan)
    for channel in np.flatnonzero(count_HC.any(axis=0)).tolist():
        count_H = count_HC[:, channel]
        is_enough_H = count_H >= ENOUGH
        own = np.flatnonzero(is_enough_H)
        offsets_QHC[:, own, channel] = _ends(residual_NHC[:, own, channel], levels, is_signed=is_signed)
        pools = dict[tuple[int, int], list[int]]()
        for step, first, last in zip(*_pooled_steps(count_H, np.flatnonzero(~is_enough_H)), strict=True):
            pools.setdefault((first, last), []).append(step)
        for (first, last), steps in pools.items():
            pooled = residual_NHC[:, first:last, channel].reshape(-1, 1)
            offsets_QHC[:, steps, channel] = _ends(pooled, levels, is_signed=is_signed)
    if horizon > 1:
        offsets_QHC = _widened(offsets_QHC, levels, num_stretches=num_stretches)
    side_Q11 = np.sign(np.array(levels) - 0.5)[:, None, None]
    return np.where(side_Q11 < 0, np.minimum(offsets_QHC, 0), np.where(side_Q11 > 0, np.maximum(offsets_QHC, 0), offsets_QHC))


def band_coverage(residual_NHC: np.ndarray, offsets_QHC: np.ndarray, levels: Sequence[float] = LEVELS) -> dict[str, float]:
    """Return the share of measured values that lie within each central band, by the share that it should hold, such as "0.8".

    Args:
        residual_NHC: Truth minus answer, of rows that the bands were not fitted to; NaN where nothing was measured.
        offsets_QHC: What `fit_bands` returned for these levels.
        levels: As they were given there.
    """
    held: dict[str, float] = {}
    for low, level in enumerate(levels):
        high = next((number for number, other in enumerate(levels) if math.isclose(other, 1 - level)), None)
        if high is None or high <= low:
            continue
        is_known_NHC = np.isfinite(residual_NHC) & np.isfinite(offsets_QHC[low])
        is_inside_NHC = (residual_NHC >= offsets_QHC[low]) & (residual_NHC <= offsets_QHC[high])
        share = is_inside_NHC[is_known_NHC].mean() if is_known_NHC.any() else math.nan
        held[f"{levels[high] - level:.6g}"] = float(share)
    return held


def say_narrow(coverage: Mapping[str, float | None], *, upper: float) -> str:
    """Return a warning where the widest bands hold clearly less than they should; "" where they do not.

    Args:
        coverage: The share that each band holds, by the share that it should hold, such as "0.8".
        upper: The upper end of the 95 % interval of what the widest ones hold; NaN where that is not known.
    """
    promised = max(coverage, key=float, default="")
    held = coverage.get(promised)
    if held is None or held > float(promised) - (UNCERTAIN if math.isnan(upper) else CLEARLY) or upper >= float(promised):
        return ""
    return (
        f"the {100 * float(promised):.0f} % bands hold {100 * held:.1f} % of the measured values: they are too narrow, since "
        "these times differ from the validation part, whose mistakes the bands come from. Do not rely on the quantiles; a longer "
        "validation part (split.validation), or a new training with later times, may give better ones"
    )


def _pooled_steps(count_H: np.ndarray, step_S: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    """Return steps, and for each from which one up to before which one residuals around it are enough together, or all."""
    horizon, total = len(count_H), np.r_[0, count_H.cumsum()]
    # The least reach to both sides, by halving what it may be.
    least_S, most_S = np.zeros_like(step_S), np.full_like(step_S, horizon - 1)
    while (least_S < most_S).any():
        middle_S = (least_S + most_S) // 2
        found_S = total[np.minimum(step_S + middle_S + 1, horizon)] - total[np.maximum(step_S - middle_S, 0)]
        most_S = np.where(found_S >= ENOUGH, middle_S, most_S)
        least_S = np.where(found_S >= ENOUGH, least_S, np.minimum(middle_S + 1, most_S))
    first_S, last_S = np.maximum(step_S - least_S, 0), np.minimum(step_S + least_S + 1, horizon)
    return step_S.tolist(), first_S.tolist(), last_S.tolist()


def _widened(offsets_QHC: np.ndarray, levels: Sequence[float], *, num_stretches: int) -> np.ndarray:
    """Return offsets farther from the middle, by what so few independent stretches leave open about their spread."""
    after = min(max(int(np.searchsorted(levels, 0.5)), 1), len(levels) - 1)
    low, high = levels[max(after - 1, 0)], levels[after]
    share = 0.0 if high == low else min(max((0.5 - low) / (high - low), 0.0), 1.0)
    middle_HC = offsets_QHC[max(after - 1, 0)] * (1 - share) + offsets_QHC[after] * share
    from scipy.stats import norm, t  # takes a second, and is only needed for forecasts

    factors = [1.0 if level == 0.5 else float(t.ppf(level, 1 + num_stretches) / norm.ppf(level)) for level in levels]
    return np.asarray(middle_HC + (offsets_QHC - middle_HC) * np.array(factors)[:, None, None])


def _ends(residual_NS: np.ndarray, levels: Sequence[float], *, is_signed: bool) -> np.ndarray:
    """Return quantiles of samples, float64 [Q, S], of which a next value is as seldom outside as the levels say.

    Args:
        residual_NS: S samples, each with one finite value and more; what is not finite does not count.
        levels: As in `fit_bands`.
        is_signed: Whether the sign of a value counts; else each is there with both.
    """
    residual_NS = residual_NS if is_signed else np.concatenate([residual_NS, -residual_NS])
    ordered_NS = np.sort(np.where(np.isfinite(residual_NS), residual_NS, np.nan).astype(np.float64), axis=0)
    count_S = np.isfinite(ordered_NS).sum(axis=0)
    ends_QS = np.empty((len(levels), len(count_S)))
    for count in np.unique(count_S).tolist():
        chosen = count_S == count
        for number, level in enumerate(levels):
            ranks = _ranks(level, count)
            ends_QS[number, chosen] = np.mean([ordered_NS[rank - 1, chosen] for rank in ranks], axis=0)
    return ends_QS


def _ranks(level: float, count: int) -> tuple[int, ...]:
    """Return which of the ordered residuals are a level's end, counted from 1: the outer one of two, in the middle both."""
    # Rounded, so that 0.9 times 10 is 9 in spite of how numbers are stored.
    place = round(level * (count + 1), 9)
    ranks = (math.floor(place), math.ceil(place))
    chosen = ranks if level == 0.5 else ranks[:1] if level < 0.5 else ranks[1:]
    return tuple(min(max(rank, 1), count) for rank in chosen)
