"""What language models decide at each place of a stretch: each place once, from the piece that has the most before it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.data.rows.pieces import PieceRows
from tutelage.task.language import Language
from tutelage.task.text_decisions import most_probable

VOCABULARY, TOKENS = 11, np.arange(23) % 11


class After(nn.Module):
    """Finds the token most probable that is some steps after the last one."""

    def __init__(self, step: int, *, sureness: float) -> None:
        super().__init__()
        self.step, self.sureness = step, sureness

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        seen_BT = batch["token"][:, :-1]
        logits_BTV = self.sureness * nn.functional.one_hot((seen_BT + self.step) % VOCABULARY, VOCABULARY).float()
        return torch.log_softmax(logits_BTV, dim=-1)


@dataclass(frozen=True)
class Model:
    module: nn.Module
    device: str = "cpu"
    precision: str = "float32"


def test_each_place_is_decided_once_and_in_order() -> None:
    found = most_probable(Language(), PieceRows(TOKENS, length=6), [Model(After(1, sureness=5.0))])
    assert found.tolist() == TOKENS[1:].tolist()


def test_of_several_models_the_surer_one_decides() -> None:
    models = [Model(After(2, sureness=1.0)), Model(After(1, sureness=9.0))]
    assert most_probable(Language(), PieceRows(TOKENS, length=6), models).tolist() == TOKENS[1:].tolist()
