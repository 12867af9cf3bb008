"""After how many steps a series comes again: what the calendar says, unless the values clearly say otherwise; not a component."""

import numpy as np

from tutelage.data.part.interval import Interval

__all__ = ["find_season", "season_strength"]

MOST_TIMES = 20_000
"""Latest times that are looked at."""
LEAST_STRENGTH = 0.2
"""Correlation of changes with those a season before from which on there is a season."""
CLEARLY = 0.25
"""By how much another season's correlation has to be larger than the calendar's."""
LEAST_DIP = 0.02
"""By how much a season's correlation has to be larger than the smallest within it."""
MOST_VALUES = 2**20
"""Numbers that are transformed at once."""
LONGEST = 400
"""Steps of the longest season that is found without a calendar."""
LEAST_BESIDE_TREND = 1e-9
"""Share of the largest change below which what a straight line leaves of changes is rounding."""


def find_season(values_TC: np.ndarray, interval: Interval) -> tuple[int, str]:
    """Return the season in steps, 1 where there is none, and why.

    Args:
        values_TC: Train values; NaN where nothing was measured.
        interval: Their step.
    """
    values_TC = values_TC[-MOST_TIMES:]
    usual = [steps for steps in interval.seasons() if steps <= len(values_TC) // 2]
    strengths = season_strength(values_TC, longest=max([min(LONGEST, len(values_TC) // 3), *usual]))
    known = [steps for steps in usual if steps < len(strengths)]
    if not len(strengths) or len(known) < len(usual[:1]):
        return (usual[0], "by the calendar") if usual else (1, "too few times to find one")
    usual = known
    best = _peak(strengths)
    by_calendar = max(usual, key=lambda steps: strengths[steps] + (0.1 if steps == usual[0] else 0.0), default=0)
    strength = float(strengths[by_calendar]) if by_calendar else 0.0
    if best and strengths[best] > max(strength + CLEARLY, LEAST_STRENGTH) and (not by_calendar or best % by_calendar):
        return best, f"values come again after {interval.say(best)} (correlation {strengths[best]:.2f})"
    # Growth makes neighbors the most alike, and the more distant the less; what comes again is less alike in between.
    dips = by_calendar and strength > float(strengths[1:by_calendar].min(initial=1.0)) + LEAST_DIP
    if dips and strength > LEAST_STRENGTH:
        return by_calendar, f"by the calendar, and the values say so (correlation {strength:.2f})"
    if usual:
        return usual[0], f"by the calendar, though the values hardly show it (correlation {float(strengths[usual[0]]):.2f})"
    return 1, _say_none(len(values_TC), interval)


def _say_none(count: int, interval: Interval) -> str:
    """Say why there is no season: too few times for that of the calendar, or the values do not come again."""
    if not interval.seasons():
        return "nothing comes again"
    steps = interval.seasons()[0]
    return f"{count:,} train times are not two seasons of {interval.say_span(steps)}: --set prepare.season={steps} says it"


def season_strength(values_TC: np.ndarray, *, longest: int) -> np.ndarray:
    """Return the correlation of each step's change with that so many steps before, float64 [longest + 1], mean over series.

    A straight line is taken out of the changes: growth that gets faster is no season.
    [] where there are too few times.
    """
    longest = min(longest, len(values_TC) - 4)
    if longest < 2:
        return np.empty(0)
    total, count = np.zeros(longest + 1), 0
    step = max(1, MOST_VALUES // (4 * len(values_TC)))
    for begin in range(0, values_TC.shape[1], step):
        of_some, usable = _summed(np.diff(values_TC[:, begin : begin + step], axis=0), longest)
        total, count = total + of_some, count + usable
    return total / count if count else np.empty(0)


def _summed(change_TC: np.ndarray, longest: int) -> tuple[np.ndarray, int]:
    """Return the correlations summed over the series that change, float64 [longest + 1], and how many do."""
    size = 1 << int(2 * len(change_TC) - 1).bit_length()
    known_TC = ~np.isnan(change_TC)
    centred_TC = _without_line(change_TC, known_TC)
    lag_LC = np.fft.irfft(np.abs(np.fft.rfft(centred_TC, size, axis=0)) ** 2, size, axis=0)[: longest + 1]
    pairs_LC = np.fft.irfft(np.abs(np.fft.rfft(known_TC.astype(float), size, axis=0)) ** 2, size, axis=0)[: longest + 1]
    scale_C = lag_LC[0] / np.maximum(pairs_LC[0], 1)
    usable_C = scale_C > 0
    covariance_LC = lag_LC[:, usable_C] / np.maximum(pairs_LC[:, usable_C], 1)
    return np.asarray((covariance_LC / scale_C[usable_C]).sum(axis=1)), int(usable_C.sum())


def _without_line(change_TC: np.ndarray, known_TC: np.ndarray) -> np.ndarray:
    """Return changes without their mean and their straight line over time, in shares of the largest; 0 where unknown.

    The line is that of least squares; where it leaves rounding alone, all are 0.
    """
    count_C = np.maximum(known_TC.sum(axis=0), 1)
    # In shares of the largest change: only correlations count, and squares of tiny or huge values are not finite.
    largest_C = np.maximum(np.abs(np.where(known_TC, change_TC, 0.0)).max(axis=0), 1e-300)
    share_TC = np.where(known_TC, change_TC / largest_C, 0.0)
    centred_TC = np.where(known_TC, share_TC - share_TC.sum(axis=0) / count_C, 0.0)
    place_T1 = np.linspace(-1.0, 1.0, len(change_TC))[:, None]
    place_TC = np.where(known_TC, place_T1 - (place_T1 * known_TC).sum(axis=0) / count_C, 0.0)
    slope_C = (place_TC * centred_TC).sum(axis=0) / np.maximum((place_TC**2).sum(axis=0), 1e-300)
    left_TC = centred_TC - slope_C * place_TC
    most_C = np.abs(left_TC).max(axis=0)
    return np.asarray(np.where(most_C > LEAST_BESIDE_TREND, left_TC / np.maximum(most_C, 1e-300), 0.0))


def _peak(strengths: np.ndarray) -> int:
    """Return the shortest lag from 3 on that is higher than its neighbors and nearly as high as any; 0 where none is."""
    inner = np.arange(3, len(strengths) - 1)
    peaks = inner[(strengths[inner] > strengths[inner - 1]) & (strengths[inner] >= strengths[inner + 1])]
    # Where nothing comes again, all of them may be below 0.
    if not len(peaks) or strengths[peaks].max() <= 0:
        return 0
    high = peaks[strengths[peaks] >= 0.9 * strengths[peaks].max()]
    return int(high[0])
