"""What an exported file is compared with."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["Proof"]


@dataclass(frozen=True)
class Proof:
    """Inputs, and what the model in the house answers to them.

    Attributes:
        batches: Row numbers and raw inputs.
        expected: What the model answers, [N, ...].
        locate: Names a row.
    """

    batches: Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]]
    expected: np.ndarray
    locate: Callable[[int], str]
