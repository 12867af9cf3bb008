"""Series that are continued: a small transformer over patches with a linear path, beside a straight map in closed form."""

from dataclasses import dataclass
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
LARGE = 150_000
"""Windows, each series counted, from which on there is enough to learn for a wider network."""
ROWS_AT_ONCE = 2_048
"""Windows in a step, each series counted, at most: what a step costs."""
LEAST_BATCH = 4
"""Windows in a step, with all their series, at least."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is learned at once, how fast, and how often."""

    rate: float
    steps: int
    batch_size: int


class ForecastDefaults(Defaults):
    """What auto means for series that are continued."""

    kind: Literal["forecast"] = "forecast"

    def suggest(self, facts: Facts) -> Suggestion:
        """Choose by the length of the windows and their number."""
        view = facts.shape.view(History)
        length, channels = (view.length, view.channels) if view else (1, 1)
        windows, patch = max(facts.num_train, 1), max(1, round(length / NUM_PATCHES))
        is_large = windows * channels >= LARGE
        sizes = _sizes(windows, channels, is_large=is_large)
        epochs = sizes.steps * sizes.batch_size / windows
        net = {"width": 32, "depth": 2, "dropout": 0.3} if is_large else {"width": 16, "depth": 1, "dropout": 0.5}
        return Suggestion(
            model=PatchTransformer.model_validate(net | {"heads": 4, "patch": patch, "stride": patch, "level": "last"}),
            augment=NoAugment(),
            optim=AdamW(lr=sizes.rate, weight_decay=0.01),
            schedule=LinearToZero(warmup=0.05),
            batch_size=sizes.batch_size,
            ema=0.99,
            clip=1.0,
            epochs=epochs,
            useful_epochs=1.5 * epochs,
            patience=1.0,
            floor="ridge_forecast",
            why=COMMON_WHY
            | {
                "model": "a linear path finds what repeats, and a small transformer with much dropout what is not linear",
                "augment": "no change of a window that was tried made forecasts better",
                "optim": "works almost anywhere without tuning",
                "ema": "an average is steadier from one evaluation to the next, so that the best is not the luckiest",
                "clip": "single windows with jumps would tear at the weights",
                "epochs": f"{sizes.steps} steps; windows overlap, so that few passes show all that there is",
                "judge": "what a forecast is for",
                "patience": "the last steps, with small rates, gain most, and the best weights are kept anyway",
                "loss": "the squared distance from what was measured",
                "floor": "a straight map is fitted in seconds, and hard to beat on many series",
            },
        )


def _sizes(windows: int, channels: int, *, is_large: bool) -> Sizes:
    """Choose by the number of windows; a step with many series takes fewer of them."""
    most = max(LEAST_BATCH, ROWS_AT_ONCE // channels)
    if windows < SMALL:
        return Sizes(1e-4, 200, min(16, most))
    if windows < MIDDLE:
        return Sizes(3e-4, 400, min(16, most))
    return Sizes(1e-3, 1_500 if is_large else 600, min(32, most))
