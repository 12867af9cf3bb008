"""Words and pairs of words beside an exported graph: their hashed places are found outside, weighed and summed inside.

Not a component. Shape letters: B texts, L places of a text, P all places, C classes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.intake import Feed, Intake, RawInput, padded_batches

__all__ = ["WordIntake"]


@dataclass(frozen=True)
class WordIntake(Intake):
    """Texts as places of words and of pairs of words.

    Attributes:
        weight: float32 [C, P]; [1, P] for two classes, or for numbers.
        bias: float32 [C] or [1].
        num_classes: C; 0 where numbers are answered.
        places_of: The places of each text of a part, ascending.
        rule: How they are found, as JSON.
    """

    weight: np.ndarray
    bias: np.ndarray
    num_classes: int
    places_of: Callable[[RowsPart], Sequence[np.ndarray]]
    rule: dict[str, Any]

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """Places and how many each text has."""
        return (
            RawInput("place", "int64", ("places",), "hashed words and pairs of words, padded with 0", example={"places": 20}),
            RawInput("place_length", "int64", (), "how many each text has"),
        )

    def module(self) -> nn.Module:
        """Return the module that gives `answers`."""
        return _Weighed(self)

    def feed(self, part: RowsPart) -> Feed:
        """Yield the places of each text."""
        for rows, place_BL, length_B in padded_batches([each.astype(np.int64) for each in self.places_of(part)]):
            yield rows, {"place": place_BL, "place_length": length_B}

    def recipe(self) -> dict[str, Any]:
        """Return how places are found."""
        return {"places": self.rule}


class _Weighed(nn.Module):
    """Places to answers float64 [B, C], or [B] where numbers are answered."""

    weight: Tensor
    bias: Tensor

    def __init__(self, intake: WordIntake) -> None:
        super().__init__()
        self.num_classes = intake.num_classes
        self.register_buffer("weight", torch.from_numpy(intake.weight.T.copy()), persistent=False)
        self.register_buffer("bias", torch.from_numpy(intake.bias.astype(np.float64)), persistent=False)

    def forward(self, raw: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `answers`."""
        place_BL, length_B = raw["place"], raw["place_length"]
        is_there_BL1 = (torch.arange(place_BL.shape[1]) < length_B[:, None])[..., None]
        weight_BLC = nn.functional.embedding(place_BL, self.weight).double()
        sum_BC = torch.where(is_there_BL1, weight_BLC, 0.0).sum(dim=1)
        if not self.num_classes:
            root_B = torch.sqrt(torch.clamp(length_B.double(), min=1.0))
            return {"answers": sum_BC[:, 0] / root_B + self.bias[0]}
        odds_BC = torch.sigmoid(sum_BC + self.bias)
        if self.num_classes == 2:
            return {"answers": torch.cat([1 - odds_BC, odds_BC], dim=1)}
        return {"answers": odds_BC / odds_BC.sum(dim=1, keepdim=True)}
