"""What would shorten a run the most, from what its parts take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Shorter", "shortening"]

WORTH = 0.03
"""Share of the whole time below which a saving is not told."""
OVERLAP = 0.8
"""Share of the loader's time that a batch made ahead hides."""


@dataclass(frozen=True, slots=True)
class Shorter:
    """One way to a shorter run.

    Attributes:
        what: What to do.
        seconds: How much shorter the run would be, about.
    """

    what: str
    seconds: float


def shortening(
    parts: Mapping[str, float], *, steps: int, watched: int, fixed: float = 0.0, loader: float = 0.0
) -> Sequence[Shorter]:
    """Return what would shorten a run, the most first.

    Args:
        parts: Seconds of each part.
        steps: How many there are.
        watched: Validation rows; 0 where something else is evaluated.
        fixed: Seconds of each step that do not depend on the size of its batch.
        loader: Seconds of each step that are spent on its batch.
    """
    whole = sum(parts.values())
    found = [
        Shorter("a batch twice as large, for as many epochs: half of what each step costs anyway is saved", fixed * steps / 2),
        Shorter("batches that are made ahead, or smaller rows: the loader works alone", OVERLAP * loader * steps),
        Shorter(
            f"half of the {watched:,} validation rows: --set split.validation=...",
            bool(watched) * parts.get("evaluations", 0.0) / 2,
        ),
        Shorter("less training: --steps, --epochs or --time", parts.get("steps", 0.0) / 2),
    ]
    return sorted((each for each in found if each.seconds > WORTH * whole), key=lambda each: -each.seconds)
