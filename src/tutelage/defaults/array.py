"""Plain arrays, often with an own module: careful values."""

from typing import Literal

from tutelage.data.augment.none import NoAugment
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.mlp import MLP
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["ArrayDefaults"]

MANY_ROWS = 5_000


class ArrayDefaults(Defaults):
    """What auto means for arrays of unknown meaning."""

    kind: Literal["array"] = "array"

    def suggest(self, facts: Facts) -> Suggestion:
        """Plain arrays, often with an own module: careful values."""
        return Suggestion(
            model=MLP(),
            augment=NoAugment(),
            optim=AdamW(lr=1e-3),
            schedule=LinearToZero(),
            batch_size=128 if facts.num_train >= MANY_ROWS else 32,
            label_smoothing=0.0,
            ema=0.0,
            clip=1.0,
            epochs=30,
            useful_epochs=0.0,
            judge="probabilities",
            patience=0.3,
            bf16=False,
            why=COMMON_WHY
            | {
                "model": "the plain net for arrays of unknown meaning",
                "augment": "nothing is known of the arrays' meaning",
                "optim": "works almost anywhere without tuning",
                "ema": "not asked for",
                "clip": "guards modules that are not known against a steep place",
                "epochs": "where no budget is given",
                "judge": "it judges the probabilities, not only the decisions",
            },
        )
