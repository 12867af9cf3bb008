"""What floors of a long text share: how probable each next token is, from counts of those before it; not a component.

Shape letters: B texts, T tokens before, N tokens, V vocabulary.
"""

from typing import ClassVar

import numpy as np

from tutelage.floor.base import FittedFloor, Floor

__all__ = ["TokenFloor", "TokensFitted", "mixed_logs"]


class TokensFitted(FittedFloor):
    """A fitted floor that says how probable tokens are."""

    reach: int
    """Tokens before one that it looks at, at most."""

    def log_likelihoods(self, tokens: np.ndarray) -> np.ndarray:
        """Return the logarithm of the probability of each token but the first, given those before it: float64 [N - 1]."""
        raise NotImplementedError

    def chances(self, before_BT: np.ndarray) -> np.ndarray:
        """Return the probability of each token after the last ones of some texts, int64 [B, T]: float64 [B, V]."""
        raise NotImplementedError


class TokenFloor(Floor):
    """A plain model of a text: in `fit` the truth are its tokens, int64 [N], and the classes the vocabulary."""

    answers: ClassVar[frozenset[str]] = frozenset({"tokens"})


def mixed_logs(network: np.ndarray, floor: np.ndarray, *, share: float) -> np.ndarray:
    """Return the logarithms of the mean of two models' probabilities, of which the floor's have this share; in logarithms too."""
    if share in (0, 1):
        return floor if share else network
    return np.asarray(np.logaddexp(np.log1p(-share) + network, np.log(share) + floor))
