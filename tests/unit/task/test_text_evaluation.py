"""A long text is measured by what is new in each piece, after all that stands before it in the piece."""

import hashlib

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tutelage.data.part.corpus import CorpusPart
from tutelage.data.prepare.bytes import Bytes
from tutelage.metric.nats_per_character import NatsPerCharacter
from tutelage.planning.plan import Plan
from tutelage.run.diagnose import versus_guess
from tutelage.task.base import Task
from tutelage.task.language import Language
from tutelage.task.text_evaluation import TextEvaluator

LENGTH = 8


class Place(nn.Module):
    """Gives byte 0, which the text does not have, a logit that tells the place within the piece; all others 0."""

    def forward(self, token_BT: Tensor) -> Tensor:
        logits_BTV = torch.zeros(*token_BT.shape, 256)
        logits_BTV[..., 0] = torch.arange(token_BT.shape[1], dtype=torch.float32)
        return logits_BTV


class Placed(Task):
    """A task whose network is that."""

    def network(self) -> nn.Module:
        return Place()


@pytest.mark.parametrize("count", [9, 12, 13, 31, 64])
def test_each_token_counts_once_with_as_much_before_it_as_there_is(count: int) -> None:
    text = "".join(chr(65 + number % 26) for number in range(count))
    part, fitted = (
        CorpusPart("test", text, "x.txt", hashlib.sha256(text.encode()).hexdigest()),
        Bytes().restore({"length": LENGTH}),
    )
    plan = Plan.model_construct(metrics=(), device="cpu", precision="float32", seed=0)
    own = TextEvaluator(
        "test", Language(), plan, fitted, part, lambda: np.ones(256) / 256, None, sample_length=0, temperature=1.0
    )
    log_N = np.concatenate([outcome.log_likelihood for outcome in own.outcomes(Placed())])
    # log p = -log(255 + e^place)
    place_N = np.log(np.exp(-log_N) - 255).round().astype(int)
    assert len(place_N) == count - 1
    assert place_N[:LENGTH].tolist() == list(range(LENGTH))
    assert place_N[LENGTH:].tolist() == [place for new in own.rows.num_new[1:] for place in range(LENGTH - new, LENGTH)]
    assert min(place_N[LENGTH:], default=LENGTH) >= LENGTH // 2


def test_a_gain_is_held_against_the_noise_of_tokens_and_not_of_their_few_pieces() -> None:
    text = "".join(chr(65 + number % 26) for number in range(900))
    part, fitted = CorpusPart("validation", text, "x.txt", "x"), Bytes().restore({"length": 128})
    metric = NatsPerCharacter()
    plan = Plan.model_construct(metrics=(metric,), watched=metric.kind, device="cpu", precision="float32", seed=0)
    own = TextEvaluator("val", Language(), plan, fitted, part, lambda: np.ones(256) / 256, None, sample_length=0, temperature=1.0)
    assert len(own) < 15
    assert own.num_measured == 899
    guess = own.guess()["val/nats_per_character"]
    judge = versus_guess(own, plan)
    assert judge({"val/nats_per_character": 0.9 * guess}) == "better"
    assert judge({"val/nats_per_character": 0.98 * guess}) == "no better"
