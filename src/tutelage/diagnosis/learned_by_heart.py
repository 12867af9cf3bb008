"""The train rows are learned by heart and nothing that holds for others: noise, too few rows, or an order that leaks."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import Curve, Facts, Layer

__all__ = ["LearnedByHeart"]

FALLEN = 0.1
"""Fraction by which a training loss has to have fallen: less is no learning by heart."""
EARLY = 0.7
"""A best evaluation before this place means that validation got worse afterwards."""


class LearnedByHeart(Cause):
    """Train rows that get better while the others get worse."""

    kind: Literal["learned_by_heart"] = "learned_by_heart"
    order: ClassVar[int] = 45
    needs_steps: ClassVar[bool] = True

    def find(self, facts: Facts) -> Reason | None:
        """Look for a model that fits the train rows alone, or for a loss that falls while the score gets worse."""
        fell = len(facts.losses) > 1 and facts.losses.fallen > FALLEN
        is_worse = len(facts.scores) > 2 and facts.best_place < EARLY
        if facts.signal or (not facts.fits_train and not (fell and is_worse)):
            return None
        found = [f"the model fits the train rows ({facts.train}) and not others"] if facts.fits_train else []
        if fell and is_worse:
            loss = f"the training loss fell from {facts.losses.start:.3g} to {facts.losses.end:.3g}"
            found.append(f"{loss} while the validation score got worse")
        return self.reason(
            ", and ".join(found),
            "Noise looks like this: labels that do not belong to their rows, features that tell nothing, too few rows, or rows "
            "whose order or origin leaks. Look at the labels of a few rows; give more rows, or a smaller model.",
        )

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return a loss that falls while the score gets worse, and one that stays."""
        layers, worse = (Layer("model.0.weight", 64, moved=1.0),), Curve((1, 2, 3, 4), (0.5, 0.4, 0.3, 0.2))
        falling, flat = (Curve((1, 2, 3), values) for values in ((1.0, 0.5, 0.2), (1.0, 1.0, 1.0)))
        return (
            Facts(steps=500, epochs=50, losses=falling, scores=worse, layers=layers),
            Facts(steps=500, epochs=50, losses=flat, scores=worse, layers=layers),
        )
