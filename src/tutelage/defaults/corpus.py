"""A long text: a small transformer, Muon on its matrices; where it is read many times, dropout and weight decay."""

from typing import Literal

from tutelage.core.shape.views import Tokens
from tutelage.data.augment.none import NoAugment
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.gpt import Gpt
from tutelage.optim.muon import Muon
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["CorpusDefaults"]

STEPS = 1_000
TOKENS = 2_048
"""Tokens in a batch: with fewer, Muon's products of matrices would be most of a step; with more, a laptop makes too few steps."""
LEAST_ROWS = 4
TOKENS_PER_SECOND = {"cpu": 12_000}
"""What such a model learns from, on two cores with bfloat16 (docs/LOG.md); it only has to be right to a factor of two."""
ELSEWHERE = 500_000
"""On other devices."""
MANY_PASSES = 6
"""From so many passes on the model begins to learn the text by heart."""
SMALLER = (
    (250, Gpt(width=64, depth=2, heads=2)),
    (450, Gpt(width=96, depth=3, heads=3)),
    (600, Gpt(width=128, depth=4, heads=4)),
)
"""Below how many steps of the usual net, which one learns more in the same time (docs/LOG.md), the smallest first."""


class CorpusDefaults(Defaults):
    """What auto means for a long text."""

    kind: Literal["corpus"] = "corpus"

    def suggest(self, facts: Facts) -> Suggestion:
        """Choose a net that learns within minutes on a laptop."""
        tokens = facts.shape.view(Tokens)
        assert tokens is not None
        batch_size = max(TOKENS // tokens.length, LEAST_ROWS)
        usual = Suggestion(
            model=Gpt(width=192, depth=4, heads=6),
            augment=NoAugment(),
            optim=Muon(lr=0.02, adam_lr=4e-3),
            schedule=LinearToZero(warmup=0.02),
            batch_size=batch_size,
            epochs=STEPS * batch_size / max(facts.num_train, 1),
            patience=1.0,
            bf16=True,
            compile=True,
            floor="n_grams",
            why=COMMON_WHY
            | {
                "model": "a transformer that learns to read within minutes on a laptop",
                "augment": "a text has no harmless changes here",
                "optim": "Muon on the matrices, AdamW on embeddings and head, needs the fewest steps",
                "ema": "not needed",
                "floor": "counts of short runs know what a short training has not learned yet",
                "clip": "normalization keeps gradients in bounds",
                "epochs": f"{STEPS:,} steps where no budget is given",
                "judge": "what a language model is for",
                "loss": "the surprise at each next character",
            },
        )
        steps = facts.seconds * _speed(facts) / (batch_size * tokens.length)
        smaller = next((model for below, model in SMALLER if 0 < steps < below), None)
        if smaller is not None:
            told = f"there is time for some {max(10, round(steps, -1)):,.0f} steps of the usual net: a smaller one makes more"
            return usual.but(model=smaller, why={"model": told})
        if _passes(facts) < MANY_PASSES:
            return usual
        return usual.but(
            model=Gpt(width=192, depth=4, heads=6, dropout=0.2),
            optim=Muon(lr=0.02, adam_lr=4e-3, weight_decay=0.1),
            why={
                "model": "a transformer that learns to read within minutes on a laptop; it reads the text many times, so it drops"
            },
        )


def _speed(facts: Facts) -> int:
    """Return from how many tokens a second the usual net learns here, roughly."""
    return TOKENS_PER_SECOND.get(facts.machine.device, ELSEWHERE)


def _passes(facts: Facts) -> float:
    """Return how often each token is about to be learned from, roughly; 0 where no time is given."""
    return facts.seconds * _speed(facts) / max(facts.num_train, 1)
