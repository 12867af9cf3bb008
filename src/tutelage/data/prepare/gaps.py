"""What stands for missing values of a series, from the time before alone: the last value, or that of a season before."""

import numpy as np

__all__ = ["filled", "steps_of_last"]

MOST_TIMES = 20_000
"""Latest times that are looked at."""
MOST_VALUES = 2**19
"""Numbers that are compared for each number of steps, at most: of very many series some, evenly spaced, tell as much."""


def filled(values_TC: np.ndarray, *, season: int, hold: int) -> np.ndarray:
    """Return series without gaps; a place never depends on what comes after it.

    Args:
        values_TC: NaN where nothing was measured.
        season: Steps after which values come again; 1 = never.
        hold: For how many steps the last value stands; beyond, what stands a season before. 0 where nothing was measured before.
    """
    missing_TC = np.isnan(values_TC)
    if not missing_TC.any():
        return values_TC
    place_T = np.arange(len(values_TC))[:, None]
    last_TC = np.maximum.accumulate(np.where(missing_TC, -1, place_T), axis=0)
    found_TC = np.where(last_TC < 0, 0.0, np.take_along_axis(values_TC, np.maximum(last_TC, 0), axis=0))
    if season <= 1:
        return found_TC
    is_far_TC = (place_T - last_TC > hold) & (last_TC >= 0)
    first_C = np.argmax(~missing_TC, axis=0)
    # Nothing stands a season before the first season.
    is_far_TC[:season] = False
    for place in np.flatnonzero(is_far_TC.any(axis=1)).tolist():
        chosen_C = is_far_TC[place] & (place - season >= first_C)
        found_TC[place, chosen_C] = found_TC[place - season, chosen_C]
    return found_TC


def steps_of_last(values_TC: np.ndarray, season: int) -> int:
    """Return for how many steps the last value is nearer to the truth than that of a season before it, by the train values."""
    values_TC = values_TC[-MOST_TIMES:]
    if season <= 1 or len(values_TC) <= season:
        return 0
    values_TC = values_TC[:, :: max(1, -(-values_TC.size // MOST_VALUES))]
    scale_C = np.maximum(np.nanmax(np.abs(values_TC), axis=0, initial=0.0), 1e-300)
    values_TC = values_TC / scale_C
    after_a_season = _distance(values_TC, season)
    for steps in range(1, season):
        if _distance(values_TC, steps) > after_a_season:
            return steps - 1
    return season - 1


def _distance(values_TC: np.ndarray, steps: int) -> float:
    """Return the mean distance between values that are so many steps apart; 0 where none was measured."""
    distance_TC = np.abs(values_TC[steps:] - values_TC[:-steps])
    is_known = ~np.isnan(distance_TC)
    return float(distance_TC[is_known].mean()) if is_known.any() else 0.0
