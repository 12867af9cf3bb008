"""A long text: a small transformer, Muon on its matrices; plain values, to be deepened."""

from typing import Literal

from tutelage.data.augment.none import NoAugment
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.gpt import Gpt
from tutelage.optim.muon import Muon
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["CorpusDefaults"]

STEPS = 1_000


class CorpusDefaults(Defaults):
    """What auto means for a long text."""

    kind: Literal["corpus"] = "corpus"

    def suggest(self, facts: Facts) -> Suggestion:
        """Choose a net that learns within minutes on a laptop."""
        batch_size = 16
        return Suggestion(
            model=Gpt(width=192, depth=4, heads=6),
            augment=NoAugment(),
            optim=Muon(lr=0.02, adam_lr=4e-3),
            schedule=LinearToZero(warmup=0.02),
            batch_size=batch_size,
            epochs=STEPS * batch_size / max(facts.num_train, 1),
            patience=1.0,
            bf16=True,
            compile=True,
            why=COMMON_WHY
            | {
                "model": "a transformer that learns to read within minutes on a laptop",
                "augment": "a text has no harmless changes here",
                "optim": "Muon on the matrices, AdamW on embeddings and head, needs the fewest steps",
                "ema": "not needed",
                "clip": "normalization keeps gradients in bounds",
                "epochs": f"{STEPS:,} steps where no budget is given",
                "judge": "what a language model is for",
                "loss": "the surprise at each next character",
            },
        )
