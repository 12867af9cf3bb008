"""Texts: averaged embeddings beside a linear model of words and pairs of words."""

from typing import Literal

from tutelage.data.augment.none import NoAugment
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.bag import Bag
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["TextDefaults"]


class TextDefaults(Defaults):
    """What auto means for texts."""

    kind: Literal["texts"] = "texts"

    def suggest(self, facts: Facts) -> Suggestion:
        """Texts: averaged embeddings beside a linear model of words and pairs of words."""
        return Suggestion(
            model=Bag(dropout=0.3),
            augment=NoAugment(),
            optim=AdamW(lr=5e-3, weight_decay=0.0),
            schedule=LinearToZero(warmup=0.05),
            batch_size=64,
            epochs=4,
            useful_epochs=10,
            judge="probabilities",
            patience=0.4,
            floor="word_pairs",
            why=COMMON_WHY
            | {
                "model": "a mean of word vectors is quick, and learns from few texts",
                "floor": "words and pairs of words are hard to beat where nothing was learned beforehand",
            },
        )
