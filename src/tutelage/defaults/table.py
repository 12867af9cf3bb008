"""Tables: an ensemble of networks with shared weights; small sets get a small net and few, careful steps."""

from typing import Literal

from tutelage.core.spec import Component
from tutelage.data.augment.none import NoAugment
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.mlp import MLP
from tutelage.optim.adamw import AdamW
from tutelage.optim.muon import Muon
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["TableDefaults"]

SMALL_TABLE, LARGE_TABLE = 2_000, 10_000


class TableDefaults(Defaults):
    """What auto means for tables."""

    kind: Literal["table"] = "table"

    def suggest(self, facts: Facts) -> Suggestion:
        """Tables: an ensemble of networks with shared weights; small sets get a small net and few, careful steps."""
        is_small = facts.num_train < SMALL_TABLE
        has_classes = bool(facts.class_counts)
        rows = f"{facts.num_train:,} train rows"
        optim: Component
        if is_small:
            steps = 1000
            model = MLP(hidden=(64, 64), members=16, numbers="plain", dropout=0.3)
            optim = AdamW(lr=2e-3, weight_decay=1.0)
            why_model = f"an ensemble of 16 small networks with shared weights: {rows} would be learned by heart by a large one"
            why_optim = "on small tables as good as any, and the cheapest"
        else:
            steps = max(1_500, 20 * facts.num_train // 256)
            dropout = 0.0 if not has_classes and facts.num_train >= LARGE_TABLE else 0.1
            model = MLP(members=16, dropout=dropout)
            optim = Muon(lr=0.05, adam_lr=4e-3, weight_decay=0.1, scale="match_rms_adamw")
            why_model = f"an ensemble of 16 networks with shared weights on waves of the numbers, for {rows}"
            why_optim = "Muon on the hidden matrices, AdamW on the rest, beat AdamW alone on every large table tried"
        batch_size = 64 if is_small else 256
        return Suggestion(
            model=model,
            augment=NoAugment(),
            optim=optim,
            schedule=LinearToZero(warmup=0.02),
            batch_size=batch_size,
            label_smoothing=0.0,
            ema=0.98 if is_small else 0.0,
            clip=0.0,
            epochs=steps * batch_size / facts.num_train,
            useful_epochs=3 * steps * batch_size / facts.num_train if is_small else 0.0,
            judge="probabilities",
            patience=0.4 if is_small else 0.3,
            bf16=not is_small,
            why=COMMON_WHY
            | {
                "model": why_model,
                "augment": "rows of a table have no harmless changes",
                "optim": why_optim,
                "ema": "it steadies small sets" if is_small else "the ensemble is steady enough",
                "clip": "such losses have no sudden steep places",
                "epochs": f"{steps:,} steps suit {rows}",
                "judge": "it judges the probabilities, not only the decisions",
            },
        )
