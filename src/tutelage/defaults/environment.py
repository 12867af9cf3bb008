"""An environment: small networks and many small steps; plain values, to be deepened."""

from typing import Literal

from tutelage.core.shape.views import Grid
from tutelage.data.augment.none import NoAugment
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.mlp import MLP
from tutelage.model.arch.pixel_cnn import PixelCnn
from tutelage.optim.adam import Adam
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["EnvironmentDefaults"]


class EnvironmentDefaults(Defaults):
    """What auto means where an agent learns by acting."""

    kind: Literal["environment"] = "environment"

    def suggest(self, facts: Facts) -> Suggestion:
        """Choose what learns small problems within a minute."""
        has_pixels = facts.shape.view(Grid) is not None
        plain = MLP(hidden=(64, 64), activation="tanh", dropout=0.0)
        return Suggestion(
            model=PixelCnn() if has_pixels else plain,
            augment=NoAugment(),
            optim=Adam(lr=1e-3, eps=1e-5),
            schedule=LinearToZero(warmup=0.0),
            batch_size=256,
            clip=0.5,
            env_steps=100_000,
            patience=1.0,
            why=COMMON_WHY
            | {
                "init": "orthogonal; at first all actions are about equally likely",
                "model": "pictures need convolutions" if has_pixels else "small networks are enough for small observations",
                "augment": "what an agent sees is left as it is",
                "optim": "steady under data that change with the policy",
                "clip": "single episodes must not tear the policy away",
                "steps": "100,000 environment steps where no budget is given",
                "judge": "what the agent is rewarded for",
            },
        )
