"""The floor beside a network that goes on with a text: counted once, judged by the validation part, mixed with the network.

The mean is one of probabilities, not of logits: where a network is sure and counting knows nothing, little is lost.
"""

import time
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from tutelage.core.gain import Gain
from tutelage.data.part.base import Part
from tutelage.data.prepare.running_text import FittedText
from tutelage.floor.base import FittedFloor, Floor
from tutelage.floor.tokens import TokensFitted, mixed_logs
from tutelage.task.companion import told, whose

__all__ = ["TextBeside"]

SHARES = tuple(round(0.05 * step, 2) for step in range(21))
"""Of the floor, from which the best is taken."""
CLEARLY = 2.0
"""Standard errors by which the mean has to be better than the network alone."""
MOST_STRETCHES, LEAST_STRETCH = 200, 16
"""Stretches of the validation part, at most, over which the gain is seen to vary; and tokens of one, at least."""
LEAST_CHARACTERS = 1e-9
AFTERWARDS = 0.5
"""What looking up the other parts takes, as a multiple of counting."""


@dataclass
class TextBeside:
    """A floor beside the network of one training.

    Attributes:
        floor: Which one.
        text: The preprocessing.
        part: The train part.
        seed: The run's.
        share: Of the floor in the probabilities; decided when training has ended.
        seconds: How long counting took.
        reason: Why the share is what it is.
        fitted: What was counted; None before.
    """

    floor: Floor
    text: FittedText
    part: Part
    seed: int
    share: float = 0.0
    seconds: float = 0.0
    per_row: float = 0.0
    reason: str = ""
    fitted: FittedFloor | None = None

    @property
    def reserve_seconds(self) -> float:
        """What it may take at the end."""
        return AFTERWARDS * self.seconds

    @property
    def noun(self) -> str:
        """What it is called beside this text's network."""
        return self.floor.noun.replace("tokens", self.text.unit)

    def fit(self) -> None:
        """Count the train part; the same each time."""
        began = time.monotonic()
        tokens = self.text.pieces(self.part).tokens
        # A floor of texts looks at the tokens alone.
        size = len(self.text.num_characters)
        self.fitted = self.floor.fit(cast(Any, self.part), tokens, num_classes=size, seed=self.seed)
        self.seconds = time.monotonic() - began

    def log_likelihoods(self, tokens: np.ndarray) -> np.ndarray:
        """Return what it says of each token of a stretch but the first, float64 [N - 1]."""
        if self.fitted is None:
            self.fit()
        assert isinstance(self.fitted, TokensFitted)
        return self.fitted.log_likelihoods(tokens)

    def choose(self, network_N: np.ndarray, tokens: np.ndarray) -> None:
        """Decide how much of what leaves the floor says, by the mean surprise at the validation part.

        Args:
            network_N: Logarithms of the probabilities that the network gave to all tokens but the first.
            tokens: The validation part.
        """
        floor_N = self.log_likelihoods(tokens)
        # Tokens are of unequal length, and scores are told by the character.
        per_character = 1 / max(float(self.text.num_characters[tokens[1:]].mean()), LEAST_CHARACTERS)
        means = {share: -per_character * float(mixed_logs(network_N, floor_N, share=share).mean()) for share in SHARES}
        best = min(means, key=lambda share: means[share])
        gain_N = per_character * (mixed_logs(network_N, floor_N, share=best) - network_N)
        stretches = np.array_split(gain_N, max(1, min(MOST_STRETCHES, len(gain_N) // LEAST_STRETCH)))
        gain = Gain(float(gain_N.mean()), Gain.of(np.array([stretch.mean() for stretch in stretches])).error)
        self.share = best if best and gain.is_clear(errors=CLEARLY) else 0.0
        shown = ", ".join(f"{whose(share)} {means[share]:.4g}" for share in sorted({0.0, best, 1.0}))
        why = "" if self.share == best else f"; the gain is less than {CLEARLY:g} standard errors ({gain.error:.2g} each)"
        share = f" ({100 * best:.0f} % of it the floor)" if 0 < best < 1 else ""
        self.reason = f"mean surprise at the validation part, in nats a character: {shown}{share}{why}"

    def record(self) -> dict[str, Any]:
        """Return what result.json says of it, but for the scores."""
        return told(self, []) | {"noun": self.noun}
