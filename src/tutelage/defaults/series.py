"""Measured series: convolutions of several lengths beside random kernels with a linear layer."""

from typing import Literal

from tutelage.core.shape.views import Series
from tutelage.data.augment.none import NoAugment
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.inception import Inception
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["SeriesDefaults"]

STEPS = 600
LONG = 256
"""Times from which on a network with fewer layers is tried: each costs as much as the series is long."""


class SeriesDefaults(Defaults):
    """What auto means for series."""

    kind: Literal["series"] = "series"

    def suggest(self, facts: Facts) -> Suggestion:
        """Choose by the length of the series and their number."""
        view = facts.shape.view(Series)
        is_long = view is not None and view.length > LONG
        batch_size = 16 if facts.num_train < 200 else 32 if facts.num_train < 2_000 else 64
        return Suggestion(
            model=Inception(depth=3, width=16, length=LONG) if is_long else Inception(depth=6, width=16),
            augment=NoAugment(),
            optim=AdamW(lr=3e-3, weight_decay=0.01),
            schedule=LinearToZero(warmup=0.05),
            batch_size=batch_size,
            epochs=max(10.0, STEPS * batch_size / facts.num_train),
            useful_epochs=max(20.0, 3 * STEPS * batch_size / facts.num_train),
            judge="probabilities",
            patience=0.4,
            floor="random_kernels",
            why=COMMON_WHY
            | {
                "model": "kernels of several lengths find forms of several lengths, wherever they are",
                "augment": "what a series may be changed by without another meaning, only its owner knows",
                "optim": "works almost anywhere without tuning",
                "ema": "the floor steadies the answers more",
                "clip": "batch norm keeps the steps in bounds",
                "epochs": f"{STEPS} steps and more, whatever the number of series",
                "judge": "it judges the probabilities, not only the decisions",
                "floor": "random kernels are fitted in seconds and as good as networks on most series",
            },
        )
