"""Episodes that were played, as metrics judge them; not a component."""

from dataclasses import dataclass

import numpy as np

__all__ = ["EpisodeOutcome"]


@dataclass(frozen=True)
class EpisodeOutcome:
    """Returns float64 [N] and lengths int64 [N] of episodes, and how many of them were given up before they ended."""

    returns: np.ndarray
    lengths: np.ndarray
    num_open: int = 0
