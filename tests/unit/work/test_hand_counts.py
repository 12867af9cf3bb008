"""Products of layers and models, forwards and backwards, against counts that are derived by hand from their sizes alone.

A product of [M, K] and [K, N] is 2 M K N. Backwards, the gradient by the weights takes the same once more, and so does the one
by the inputs wherever something before it learns; the inputs of a whole model do not.
"""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from tutelage.core.shape.image import ImageShape
from tutelage.core.shape.texts import TextShape
from tutelage.core.shape.tokens import TokensShape
from tutelage.model.arch.cnn import Cnn
from tutelage.model.arch.gpt import Gpt
from tutelage.model.arch.lstm import Lstm
from tutelage.model.arch.text_encoder import TextEncoder
from tutelage.model.example import example_batch
from tutelage.work.counter import OperatorCounter
from tutelage.work.result import Counted, Work
from tutelage.work.step import count_step

B, T, S, D, N, H = 4, 6, 10, 8, 5, 2
"""Rows, steps, steps that are looked at, width, outputs, heads."""
E = D // H


class Case(NamedTuple):
    """A module, its inputs, and its products: forwards, and backwards."""

    module: nn.Module
    inputs: dict[str, Tensor]
    forward: int
    backward: int
    skipped: int = 0
    is_known_to_torch: bool = True
    """Whether torch's own counter counts all of it, and counts it right."""


class Scores(nn.Module):
    """Products of two activations, both of which learn."""

    def __init__(self, equation: str = "") -> None:
        super().__init__()
        self.left, self.right = nn.Parameter(torch.randn(B, T, D)), nn.Parameter(torch.randn(B, D, N))
        self.equation = equation

    def forward(self, x: Tensor) -> Tensor:
        if self.equation:
            return x * torch.einsum(self.equation, self.left, self.right)
        return x * torch.bmm(self.left, self.right)


class Attention(nn.Module):
    """Fused attention of learned queries, keys and values."""

    def __init__(self, *, keys: int, is_causal: bool = False) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.randn(B, H, T, E))
        self.key, self.value = nn.Parameter(torch.randn(B, H, keys, E)), nn.Parameter(torch.randn(B, H, keys, E))
        self.is_causal = is_causal

    def forward(self, x: Tensor) -> Tensor:
        return x * F.scaled_dot_product_attention(self.query, self.key, self.value, is_causal=self.is_causal)


class Plain(nn.Module):
    """Attention by two products and a softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(D, D, bias=False) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.softmax(self.query(x) @ self.key(x).transpose(-2, -1) * D**-0.5, dim=-1)
        return weight @ self.value(x)


def numbers(*sizes: int) -> dict[str, Tensor]:
    return {"x": torch.randn(sizes)}


def rows(num: int, inner: int, columns: int) -> int:
    """A product of so many rows."""
    return 2 * num * inner * columns


def recurrent(gates: int, *, fused: bool) -> tuple[int, int]:
    """One layer [B, T, D] -> N wide: what the input gives to each gate, and the state before it.

    Step by step autograd leaves out the gradient by the inputs and by the state before the first step; a fused kernel does not.
    """
    of_inputs, of_state = rows(B * T, D, gates * N), rows(B * T, N, gates * N)
    first = rows(B, N, gates * N)
    forward = of_inputs + of_state
    return forward, 2 * forward if fused else of_inputs + 2 * of_state - first


def transformer(*, depth: int, outputs: int, places: int) -> int:
    """Blocks of our transformers: 3 + 1 + 4 + 4 matrices [D, D] a token, all pairs twice; then the head on so many places."""
    blocks = depth * (rows(B * T, D, 12 * D) + 2 * 2 * B * T * T * D)
    return blocks + rows(places, D, outputs)


PAIRS, SEEN = B * H * T * T, B * H * T * (T + 1) // 2
CROSS = B * H * T * S


def layer_cases() -> dict[str, Case]:
    """Single layers; nothing before them learns, so that backwards only weights have a gradient."""
    window, plane = rows(B * 5 * 5, 3 * 9, N), numbers(B, 3, 9, 9)
    lstm, gru, rnn = recurrent(4, fused=True), recurrent(3, fused=False), recurrent(1, fused=False)
    dense, steps = rows(B, D, N), rows(B * T, D, N)
    return {
        "linear": Case(nn.Linear(D, N), numbers(B, D), dense, dense),
        "linear over steps": Case(nn.Linear(D, N), numbers(B, T, D), steps, steps),
        "convolution 1d": Case(nn.Conv1d(D, N, 3, padding=1), numbers(B, D, T), *[rows(B * T, D * 3, N)] * 2),
        "convolution 2d": Case(nn.Conv2d(3, N, 3, stride=2, padding=1), plane, window, window),
        "convolution 3d": Case(nn.Conv3d(3, N, 2), numbers(B, 3, 4, 4, 4), *[rows(B * 27, 3 * 8, N)] * 2),
        "grouped": Case(
            nn.Conv2d(4, 6, 3, padding=1, groups=2), numbers(B, 4, 5, 5), *[2 * rows(B * 25, 2 * 9, 3)] * 2, 0, False
        ),
        "depthwise": Case(nn.Conv2d(6, 6, 3, padding=1, groups=6), numbers(B, 6, 5, 5), *[6 * rows(B * 25, 9, 1)] * 2, 0, False),
        "pointwise": Case(nn.Conv2d(6, N, 1), numbers(B, 6, 5, 5), *[rows(B * 25, 6, N)] * 2),
        "transposed": Case(nn.ConvTranspose2d(4, 3, 2, stride=2), numbers(B, 4, 5, 5), *[rows(B * 25, 4, 3 * 4)] * 2),
        "embedding": Case(nn.Embedding(20, D), {"x": torch.randint(20, (B, T))}, 0, 0),
        "lstm": Case(nn.LSTM(D, N, batch_first=True), numbers(B, T, D), *lstm, 0, False),
        "gru": Case(nn.GRU(D, N, batch_first=True), numbers(B, T, D), *gru),
        "rnn": Case(nn.RNN(D, N, batch_first=True), numbers(B, T, D), *rnn),
        "layer norm": Case(nn.LayerNorm(D), numbers(B, T, D), 0, 0),
        "batch norm": Case(nn.BatchNorm2d(3), plane, 0, 0),
        "bmm": Case(Scores(), numbers(B, T, N), *[B * rows(T, D, N), 2 * B * rows(T, D, N)]),
        "einsum": Case(Scores("btd,bdn->btn"), numbers(B, T, N), *[B * rows(T, D, N), 2 * B * rows(T, D, N)]),
        "attention": Case(Attention(keys=T), numbers(B, H, T, E), 4 * E * PAIRS, 10 * E * PAIRS, 0, False),
        "cross attention": Case(Attention(keys=S), numbers(B, H, T, E), 4 * E * CROSS, 10 * E * CROSS, 0, False),
        "causal attention": Case(
            Attention(keys=T, is_causal=True), numbers(B, H, T, E), 4 * E * SEEN, 10 * E * SEEN, 14 * E * (PAIRS - SEEN), False
        ),
        "plain attention": Case(
            Plain(), numbers(B, T, D), 3 * rows(B * T, D, D) + 4 * B * T * T * D, 3 * rows(B * T, D, D) + 8 * B * T * T * D
        ),
    }


def model_cases() -> dict[str, Case]:
    """Whole models: but for the first matrix, all backward products come twice."""
    image, texts = ImageShape(channels=1, height=12, width=12), TextShape(vocabulary_size=20, length=T)
    tokens = TokensShape(vocabulary_size=20, length=T)
    mlp = nn.Sequential(nn.Linear(D, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, N))
    dense = rows(B, D, 16) + rows(B, 16, 16) + rows(B, 16, N)
    stem = rows(B * 144, 9, 8)
    # The first convolution of the group sees the whole picture and is pooled then.
    cnn = stem + rows(B * 144, 8 * 9, 16) + rows(B * 36, 16 * 9, 16) + rows(B, 16, N)
    encoder, gpt = transformer(depth=2, outputs=N, places=B), transformer(depth=2, outputs=20, places=B * T)
    lstm = rows(B * T, D, 4 * D) + rows(B * T, D, 4 * D) + rows(B * T, D, 20)
    return {
        "mlp": Case(mlp, numbers(B, D), dense, 2 * dense - rows(B, D, 16)),
        "our cnn": Case(Cnn(stem=8, widths=(16,), depth=2).build(image, N), example_batch(image, B), cnn, 2 * cnn - stem),
        "our text encoder": Case(
            TextEncoder(width=D, depth=2, heads=H).build(texts, N), example_batch(texts, B), encoder, 2 * encoder
        ),
        "our gpt": Case(Gpt(width=D, depth=2, heads=H).build(tokens, 20), example_batch(tokens, B), gpt, 2 * gpt),
        "our lstm": Case(
            Lstm(width=D, depth=1, embedding_size=D).build(tokens, 20), example_batch(tokens, B), lstm, 2 * lstm, 0, False
        ),
    }


torch.manual_seed(0)
CASES = layer_cases() | model_cases()
NAMES = list(CASES)


def loss_of(module: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    outputs = module(*batch.values())
    outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    total: Tensor = outputs.float().sum()
    return total


@cache
def counted(name: str) -> Work:
    case = CASES[name]
    return count_step(case.module, case.inputs, loss=loss_of).work


def computing(work: Work) -> list[Counted]:
    """What is computed, in an order that does not depend on what was called first."""
    return sorted((op for op in work.ops if op.kind not in ("view", "copy")), key=repr)


@pytest.mark.parametrize("name", NAMES)
def test_products_are_those_of_a_count_by_hand(name: str) -> None:
    case = CASES[name]
    work = counted(name)
    assert work.part("forward").matmul_flops == case.forward
    assert work.part("backward").matmul_flops == case.backward
    assert work.skipped_flops == case.skipped


@pytest.mark.parametrize("name", NAMES)
def test_every_operator_has_a_formula(name: str) -> None:
    work = counted(name)
    assert work.uncovered == {}
    assert work.coverage == work.op_coverage == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_what_is_counted_without_numbers_is_what_runs(name: str) -> None:
    case = CASES[name]
    with OperatorCounter() as counter:
        loss_of(case.module, case.inputs).backward()
    case.module.zero_grad()
    assert computing(counter.work) == computing(counted(name))
    # Of two gradients in one memory, one is copied sooner or later.
    assert abs(counter.work.num_ops - counted(name).num_ops) <= 1


@pytest.mark.parametrize("name", [name for name in NAMES if CASES[name].is_known_to_torch])
def test_torchs_own_counter_agrees_where_it_counts(name: str) -> None:
    case = CASES[name]
    with FlopCounterMode(display=False) as theirs:
        loss_of(case.module, case.inputs).backward()
    case.module.zero_grad()
    work = counted(name)
    assert work.matmul_flops + work.skipped_flops == theirs.get_total_flops()
