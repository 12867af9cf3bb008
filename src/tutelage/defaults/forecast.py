"""Series that are continued: a small transformer over patches with a linear path, beside a straight map in closed form."""

from typing import Literal

from tutelage.core.shape.views import History
from tutelage.data.augment.none import NoAugment
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.patch_transformer import PatchTransformer
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["ForecastDefaults"]

NUM_PATCHES = 16
"""Patches of a window: more cost more, and tell no more of it."""
SMALL, MIDDLE = 200, 1_000
"""Windows below which steps are smaller and fewer: a path that few windows let run leads away from what is usual."""


class ForecastDefaults(Defaults):
    """What auto means for series that are continued."""

    kind: Literal["forecast"] = "forecast"

    def suggest(self, facts: Facts) -> Suggestion:
        """Choose by the length of the windows and their number."""
        view = facts.shape.view(History)
        patch = max(1, round((view.length if view else 1) / NUM_PATCHES))
        windows = max(facts.num_train, 1)
        lr, steps, batch_size = (1e-4, 200, 16) if windows < SMALL else (3e-4, 400, 16) if windows < MIDDLE else (1e-3, 600, 32)
        return Suggestion(
            model=PatchTransformer(width=16, depth=1, heads=4, patch=patch, stride=patch, dropout=0.5, level="last"),
            augment=NoAugment(),
            optim=AdamW(lr=lr, weight_decay=0.01),
            schedule=LinearToZero(warmup=0.05),
            batch_size=batch_size,
            clip=1.0,
            epochs=steps * batch_size / windows,
            useful_epochs=(3 if windows >= MIDDLE else 1.5) * steps * batch_size / windows,
            patience=1.0,
            floor="ridge_forecast",
            why=COMMON_WHY
            | {
                "model": "a linear path finds what repeats, and a small transformer with much dropout what is not linear",
                "augment": "no change of a window that was tried made forecasts better",
                "optim": "works almost anywhere without tuning",
                "ema": "the rate that falls to zero averages as well",
                "clip": "single windows with jumps would tear at the weights",
                "epochs": f"{steps} steps; windows overlap, so that few passes show all that there is",
                "judge": "what a forecast is for",
                "patience": "the last steps, with small rates, gain most, and the best weights are kept anyway",
                "loss": "the squared distance from what was measured",
                "floor": "a straight map is fitted in seconds, and hard to beat on many series",
            },
        )
