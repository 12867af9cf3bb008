"""Values of a column that made rows never take, though real rows do; not a component: `prepare/made_table.py` uses it."""

from collections import Counter
from collections.abc import Iterable

__all__ = ["lost_values", "say_lost"]

LEAST_EXPECTED = 5.0
"""Made rows in which a value should have come: that none has it is then no chance (1 of 150)."""
MOST_NAMED = 5


def lost_values(real: Iterable[object], made: Iterable[object]) -> list[tuple[object, float]]:
    """Return each value that made cells lack, and its share of the real cells, by falling share.

    Args:
        real: Cells of real rows; None = missing, which is a value too.
        made: Cells of made rows.
    """
    counts, found = Counter(real), Counter(made)
    shares = [(value, count / counts.total()) for value, count in counts.most_common() if value not in found]
    return [(value, share) for value, share in shares if share * found.total() >= LEAST_EXPECTED]


def say_lost(lost: Iterable[tuple[str, object, float]], *, made: int) -> str:
    """Say which values of which columns are lost, and what to do; "" where none is.

    Args:
        lost: Column, value and its share of the real cells.
        made: Rows that were made.
    """
    told = [
        f"{column} = {'(missing)' if value is None else repr(value)} ({share:.1%} of the data)" for column, value, share in lost
    ]
    if not told:
        return ""
    shown = ", ".join(told[:MOST_NAMED]) + (f" and {len(told) - MOST_NAMED:,} more" if len(told) > MOST_NAMED else "")
    remedy = "Train longer, or try a larger penalty (--set task.game.gamma=...)"
    return f"values that none of {made:,} generated rows has: {shown}. {remedy}"
