"""Episodes that were played, as metrics judge them; not a component."""

from dataclasses import dataclass

import numpy as np

__all__ = ["EpisodeOutcome"]


@dataclass(frozen=True)
class EpisodeOutcome:
    """Returns float64 [N] and lengths int64 [N] of whole episodes."""

    returns: np.ndarray
    lengths: np.ndarray
