"""Texts: a convolution over words, averaged embeddings where time is short, beside a linear model of words and their pairs."""

from typing import Literal

from tutelage.data.augment.none import NoAugment
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.bag import Bag
from tutelage.model.arch.text_cnn import TextCnn
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["TextDefaults"]

SECONDS_PER_TEXT = 7e-4
"""What a long text costs the convolution in each pass, on two cores (docs/LOG.md); other devices are quick enough."""
LEAST_STEPS, MOST_EPOCHS = 1_000, 60
"""A few hundred texts are read often, as far as early stopping lets them be: 8 passes over them would be 50 steps."""
FEW_PASSES = 5
"""Below this many passes over the texts the convolution has learned less than averaged embeddings."""
TRAINING_SHARE = 0.6
"""Of the user's time; the rest goes to reading, the floor, evaluations and the test part."""


class TextDefaults(Defaults):
    """What auto means for texts."""

    kind: Literal["texts"] = "texts"

    def suggest(self, facts: Facts) -> Suggestion:
        """Choose the convolution where there is time for it."""
        batch_size = 64
        often = min(LEAST_STEPS * batch_size / max(facts.num_train, 1), MOST_EPOCHS)
        usual = Suggestion(
            model=TextCnn(),
            augment=NoAugment(),
            optim=AdamW(lr=2e-3, weight_decay=0.0),
            schedule=LinearToZero(warmup=0.05),
            batch_size=batch_size,
            epochs=max(8, often),
            useful_epochs=max(10, often),
            judge="probabilities",
            patience=0.4,
            floor="word_pairs",
            why=COMMON_WHY
            | {
                "model": "neighboring words together say more than each alone",
                "floor": "words and pairs of words are hard to beat where nothing was learned beforehand",
            },
        )
        if not _is_short(facts):
            return usual
        return usual.but(
            model=Bag(dropout=0.3),
            optim=AdamW(lr=5e-3, weight_decay=0.0),
            epochs=max(4, often),
            why={"model": "a mean of word vectors is quick: there is no time for five passes of a larger network"},
        )


def _is_short(facts: Facts) -> bool:
    """Tell whether the user's time is too short for the convolution."""
    needed = FEW_PASSES * facts.num_train * SECONDS_PER_TEXT
    return facts.machine.device == "cpu" and 0 < facts.seconds * TRAINING_SHARE < needed
