"""Tables with a text a row: a network on the columns and the mean of the words' vectors, beside a linear model of the words."""

from typing import Literal

from tutelage.data.augment.none import NoAugment
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.mlp import MLP
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["MixedTableDefaults"]


class MixedTableDefaults(Defaults):
    """What auto means for tables with texts."""

    kind: Literal["mixed_table"] = "mixed_table"

    def suggest(self, facts: Facts) -> Suggestion:
        """Choose a small network: most of what texts say is in their words alone."""
        return Suggestion(
            model=MLP(hidden=(64,), dropout=0.3, numbers="plain"),
            augment=NoAugment(),
            optim=AdamW(lr=5e-3, weight_decay=0.0),
            schedule=LinearToZero(warmup=0.05),
            batch_size=64,
            epochs=6,
            useful_epochs=12,
            judge="probabilities",
            patience=0.4,
            floor="word_pairs",
            why=COMMON_WHY
            | {
                "model": "the columns, and the mean of the words' vectors, are enough for a small network",
                "augment": "rows of a table have no harmless changes",
                "floor": "words and pairs of words are hard to beat; it sees the texts alone",
            },
        )
