"""What a model that was made smaller has lost, or gained, as `quantize` and `prune` say it."""

from collections.abc import Mapping
from typing import Any

__all__ = ["say_lost"]


def say_lost(told: Mapping[str, Any]) -> str:
    """Write how much was lost on the validation rows, such as `0.14 points of accuracy lost on 72 validation rows`.

    Example:
        >>> say_lost({"lost": -8.333, "unit": "points of accuracy", "num_rows": 72})
        '8.33 points of accuracy gained on 72 validation rows'
    """
    done = "lost" if told["lost"] >= 0 else "gained"
    return f"{abs(told['lost']):.2f} {told['unit']} {done} on {told['num_rows']:,} validation rows"
