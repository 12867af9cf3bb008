"""Values so far from all others of a series that they take nearly all of its spread; not a component.

Such a value is mostly a slip, or a sign for "not measured" such as -9999. On the scale of the series all others are then nearly
the same, so that errors on it say nothing.
"""

import numpy as np

from tutelage.data.part.stretch import Stretch

__all__ = ["say_outlying"]

LEAST_SHARE = 0.9
"""Of the sum of squared distances from the middle."""
LEAST_TIMES = 10.0
"""How many times the largest distance of any other value it is away."""
MOST_SHARE = 0.05
"""Of the values: what comes more often is no outlier."""
MOST_NAMED = 6


def say_outlying(whole: Stretch) -> list[str]:
    """Tell of outliers that take nearly all of a series' spread; nothing where there is none."""
    found = [
        f"{name} = {value:.6g} at {whole.say(place)}" + (f" and {count - 1:,} more" if count > 1 else "")
        for number, name in enumerate(whole.series)
        if (one := _outlying(whole.values[:, number])) is not None
        for value, place, count in (one,)
    ]
    if not found:
        return []
    named = "; ".join(found[:MOST_NAMED]) + (
        f"; and in {len(found) - MOST_NAMED:,} more series" if len(found) > MOST_NAMED else ""
    )
    becomes = "beside it all others are nearly the same, and errors on the standardized scale say nothing"
    remedy = "If it was not measured so, mend it or empty the cell"
    return [f"{whole.file}: an outlier takes nearly all of the spread of a series: {named}: {becomes}. {remedy}"]


def _outlying(value_T: np.ndarray) -> tuple[float, int, int] | None:
    """Return the outlier of a series, its first place, and how often it comes; None where there is none."""
    measured = np.flatnonzero(~np.isnan(value_T))
    known = value_T[measured]
    if len(known) < 1 / MOST_SHARE:
        return None
    # In numbers from 0 to 1, which can be squared.
    away = np.abs(known / 2 - np.median(known) / 2)
    away = away / max(float(away.max()), 1e-300)
    place = int(away.argmax())
    is_it = known == known[place]
    others = float(away[~is_it].max(initial=0.0))
    share = float((away[is_it] ** 2).sum() / max(float((away**2).sum()), 1e-300))
    if is_it.mean() > MOST_SHARE or share < LEAST_SHARE or not 0 < others * LEAST_TIMES < 1:
        return None
    return float(known[place]), int(measured[place]), int(is_it.sum())
