"""What an exported file is compared with."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tutelage.export.outgoing import Outgoing

__all__ = ["Proof"]


@dataclass(frozen=True)
class Proof:
    """Inputs, and what the model in the house answers to them.

    Attributes:
        batches: Row numbers and raw inputs.
        expected: What the model answers, [N, ...]: the first output.
        locate: Names a row.
        others: The other outputs by name, [N, ...].
        predicted: What `predict` answers where it computes in another precision than files do, [N, ...]; None where it does not.
    """

    batches: Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]]
    expected: np.ndarray
    locate: Callable[[int], str]
    others: Mapping[str, np.ndarray] = field(default_factory=dict)
    predicted: np.ndarray | None = None

    def completed(self, model: Outgoing) -> "Proof":
        """Return the same with what the model's own module gives of outputs of which nothing is known yet."""
        unknown = [output.name for output in model.outputs[1:] if output.name not in self.others]
        if not unknown:
            return self
        batches = list(self.batches)
        given = [model.run(raw) for _, raw in batches]
        return replace(
            self,
            batches=batches,
            others={**self.others, **{name: np.concatenate([one[name] for one in given]) for name in unknown if given}},
        )
