"""Sequence models: tokens of content a second beside plain torch at its defaults, and beside the best hand-tuned loop.

Three nets, each trained in three ways that take turns in one run:

* `plain`: what one writes from torch's own layers (float32, not compiled, AdamW at its defaults, batches in random order);
* `tuned`: the same mathematics as ours in the best loop we can write by hand (bfloat16, plain attention, compiled where shapes
  are fixed, fused AdamW, batches of like lengths), without a run around it;
* `tutelage`: step, state, loop and log, as a real run has them.

Goals against plain: GPT 2.5, LSTM 1.4, text encoder 3; against tuned: 0.95.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.measure import DEVICE, interleaved, now
from tutelage.core.emitter import Emitter
from tutelage.core.shape.texts import TextShape
from tutelage.core.shape.tokens import TokensShape
from tutelage.data.prepare.padding import Pad
from tutelage.data.rows.labelled import LabelledRows
from tutelage.data.rows.ragged import RaggedRows, join
from tutelage.data.rows.windows import WindowRows
from tutelage.data.stream import FiniteStream
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.model.arch.gpt import Gpt
from tutelage.model.arch.lstm import Lstm
from tutelage.model.arch.text_encoder import TextEncoder
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.task.base import Phase, Task
from tutelage.task.language import LanguageTask
from tutelage.task.supervised import SupervisedTask
from tutelage.track.jsonl import JsonlSink
from tutelage.training.control import Control
from tutelage.training.course import log_frequency
from tutelage.training.jobs import LogJob
from tutelage.training.loop import run_loop
from tutelage.training.saving import SaveJob
from tutelage.training.state import TrainState
from tutelage.training.step import Step, StepOptions

SEED, LR = 0, 1e-3
VOCABULARY = 65
TEXT_VOCABULARY, NUM_TEXTS, LONGEST = 8_000, 4_096, 400
GOALS = {"gpt_6x256": 2.5, "lstm_2x128": 1.4, "text_encoder_2x128": 3.0, "of_tuned": 0.95}

Batch = dict[str, Tensor]


class PlainGpt(nn.Module):
    """A decoder of torch's own layers: learned positions, layer norm in front, a causal mask."""

    def __init__(self, *, width: int = 256, depth: int = 6, heads: int = 8, length: int = 256) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, width)
        self.position = nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(width, VOCABULARY)

    def forward(self, token_BT: Tensor) -> Tensor:
        """Return logits [B, T, V]."""
        length = token_BT.shape[1]
        mask_TT = nn.Transformer.generate_square_subsequent_mask(length, device=token_BT.device)
        x_BTD = self.token(token_BT) + self.position(torch.arange(length, device=token_BT.device))
        logits_BTV: Tensor = self.head(self.blocks(x_BTD, mask=mask_TT, is_causal=True))
        return logits_BTV


class PlainLstm(nn.Module):
    """Embedding, torch's two layers, head."""

    def __init__(self, *, width: int = 128, depth: int = 2) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, width)
        self.layers = nn.LSTM(width, width, num_layers=depth, batch_first=True)
        self.head = nn.Linear(width, VOCABULARY)

    def forward(self, token_BT: Tensor) -> Tensor:
        """Return logits [B, T, V]."""
        logits_BTV: Tensor = self.head(self.layers(self.token(token_BT))[0])
        return logits_BTV


class PlainEncoder(nn.Module):
    """Torch's own encoder over padded texts, and the mean over words."""

    def __init__(self, *, width: int = 128, depth: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.token = nn.Embedding(TEXT_VOCABULARY, width)
        self.position = nn.Embedding(LONGEST, width)
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(width, 2)

    def forward(self, token_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Return [B, 2]."""
        x_BTD = self.token(token_BT) + self.position(torch.arange(token_BT.shape[1], device=token_BT.device))
        x_BTD = self.blocks(x_BTD, src_key_padding_mask=~mask_BT)
        there_BT1 = mask_BT[..., None].float()
        outputs_BO: Tensor = self.head((x_BTD * there_BT1).sum(1) / there_BT1.sum(1))
        return outputs_BO


@dataclass(frozen=True)
class Case:
    """One net in three ways.

    Attributes:
        plain: Makes torch's own net.
        ours: Makes the net of the other two sides.
        task: Puts our task around it.
        stream: Our batches.
        batches: The batches of somebody's own loop; `is_sorted` where they are of like lengths.
        loss: Of a net on a batch, a mean.
        can_compile: Whether shapes are fixed and torch compiles the net.
        steps: Timed steps; three more go before.
    """

    plain: Callable[[], nn.Module]
    ours: Callable[[], nn.Module]
    task: Callable[[nn.Module], Task]
    stream: Callable[[], FiniteStream]
    batches: Callable[[bool], Iterator[Batch]]
    loss: Callable[[nn.Module, Batch], Tensor]
    can_compile: bool
    steps: int


WARM_UP = 3


def content(batch: Batch) -> Tensor | int:
    """Return the tokens of a batch that are no padding; where they have to be counted, the host does not wait for the sum."""
    return batch["mask"].sum() if "mask" in batch else batch["token"].numel()


def by_hand(case: Case, *, is_tuned: bool) -> float:
    """Train with a loop as one writes it, and return seconds a token of content."""
    torch.manual_seed(SEED)
    net = (case.ours() if is_tuned else case.plain()).to(DEVICE)
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=LR, fused=True) if is_tuned else torch.optim.AdamW(net.parameters(), lr=LR)
    compute: Any = case.loss
    if is_tuned and case.can_compile:
        compute = torch.compile(case.loss, fullgraph=True, dynamic=False)
    batches = case.batches(is_tuned)
    tokens: Tensor | int = 0
    began = 0.0
    for step in range(WARM_UP + case.steps):
        if step == WARM_UP:
            tokens, began = 0, now()
        batch = {name: value.to(DEVICE, non_blocking=True) for name, value in next(batches).items()}
        tokens += content(batch)
        with torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=is_tuned):
            loss = compute(net, batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return (now() - began) / int(tokens)


def by_tutelage(case: Case) -> float:
    """Train through the step, the state and the loop, and return seconds a token of content."""
    torch.manual_seed(SEED)
    task, stream = case.task(case.ours()).to(DEVICE), Counted(case.stream())
    options = StepOptions(device=DEVICE, precision="bfloat16", compile="inductor" if case.can_compile else "none")
    state = TrainState(task, Step(task, options), stream, Control(WARM_UP + case.steps))
    with tempfile.TemporaryDirectory() as folder:
        emitter = Emitter([JsonlSink(Path(folder))], started=time.monotonic())
        jobs = [
            LogJob(emitter, every=log_frequency(case.steps), step=0),
            SaveJob(emitter, Path(folder), every_seconds=15, step=0),
        ]
        run_loop(state, jobs=jobs, seed=SEED, until_step=WARM_UP)
        stream.tokens, began = 0, now()
        run_loop(state, jobs=jobs, seed=SEED)
        seconds = now() - began
        emitter.close()
    return seconds / int(stream.tokens)


class Counted:
    """A stream that counts the content it has given."""

    def __init__(self, stream: FiniteStream) -> None:
        self._stream = stream
        self.epoch_size, self.batch_size = stream.epoch_size, stream.batch_size
        self.tokens: Tensor | int = 0

    def next(self) -> Batch:
        """Return the next batch."""
        batch = self._stream.next()
        self.tokens += content(batch)
        return batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def language_case(plain: Callable[[], nn.Module], ours: Gpt | Lstm, *, length: int, batch_size: int, steps: int) -> Case:
    """Return a net that reads a running text."""
    tokens = np.random.default_rng(SEED).integers(0, VOCABULARY, 400_000).astype(np.uint8)
    shape = TokensShape(vocabulary_size=VOCABULARY, length=length)

    def split(batch: Mapping[str, Tensor]) -> Batch:
        return {"token": batch["token"][:, :-1], "target": batch["token"][:, 1:]}

    def batches(_is_sorted: bool) -> Iterator[Batch]:
        rows = WindowRows(tokens, length=length + 1, stride=1)
        generator = torch.Generator().manual_seed(SEED)
        while True:
            yield split(rows.take(torch.randint(len(rows), (batch_size,), generator=generator)))

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        return F.cross_entropy(net(batch["token"]).float().flatten(0, 1), batch["target"].flatten())

    return Case(
        plain=plain,
        ours=lambda: ours.build(shape, VOCABULARY),
        task=lambda net: LanguageTask(net, Phase(owns=("model.",), optim=AdamW(lr=LR), schedule=LinearToZero())),
        stream=lambda: FiniteStream(
            WindowRows(tokens, length=length + 1, stride=1), batch_size=batch_size, seed=SEED, device=DEVICE, finish=split
        ),
        batches=batches,
        loss=loss,
        can_compile=ours.compiles,
        steps=steps,
    )


def text_case(*, batch_size: int, steps: int) -> Case:
    """Return an encoder of texts of unequal length: as many long ones as reviews have."""
    random = np.random.default_rng(SEED)
    lengths = np.clip(random.lognormal(5.0, 0.7, NUM_TEXTS).astype(int), 10, LONGEST)
    texts = [random.integers(1, TEXT_VOCABULARY, length) for length in lengths]
    target = random.integers(0, 2, NUM_TEXTS)
    rows = LabelledRows(RaggedRows({"token": join(texts)}), {"target": torch.from_numpy(target)})
    pad = Pad("token")

    def stream() -> FiniteStream:
        return FiniteStream(rows, batch_size=batch_size, seed=SEED, device=DEVICE, finish=pad)

    def batches(is_sorted: bool) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(SEED)
        while True:
            order = torch.randperm(NUM_TEXTS, generator=generator).numpy()
            if is_sorted:
                order = order[np.argsort(lengths[order], kind="stable")]
                places = torch.randperm(NUM_TEXTS // batch_size, generator=generator).numpy()
                order = order.reshape(-1, batch_size)[places].reshape(-1)
            for begin in range(0, NUM_TEXTS, batch_size):
                chosen = order[begin : begin + batch_size]
                token_BT = nn.utils.rnn.pad_sequence([torch.from_numpy(texts[i]) for i in chosen], batch_first=True)
                yield {"token": token_BT, "mask": token_BT > 0, "target": torch.from_numpy(target[chosen])}

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        return F.cross_entropy(net(batch["token"], batch["mask"]).float(), batch["target"])

    shape = TextShape(vocabulary_size=TEXT_VOCABULARY, length=LONGEST)
    phase = Phase(owns=("model.",), optim=AdamW(lr=LR), schedule=LinearToZero())
    return Case(
        plain=PlainEncoder,
        ours=lambda: TextEncoder(width=128, depth=2, heads=4).build(shape, 2),
        task=lambda net: SupervisedTask(net, loss=CrossEntropy().build(), input_names=("token", "mask"), phase=phase),
        stream=stream,
        batches=batches,
        loss=loss,
        can_compile=False,
        steps=steps,
    )


def compare(case: Case, *, rounds: int) -> dict[str, Any]:
    """Compare the three ways; figures are tokens of content a second."""
    sides = {
        "plain": lambda: by_hand(case, is_tuned=False),
        "tuned": lambda: by_hand(case, is_tuned=True),
        "tutelage": lambda: by_tutelage(case),
    }
    found = interleaved(sides, rounds=rounds, warmup=0)
    speed = {name: 1 / found[name]["median_s"] for name in sides}
    return {
        "tokens_per_s": {name: round(value) for name, value in speed.items()},
        "of_plain": round(speed["tutelage"] / speed["plain"], 2),
        "of_tuned": round(speed["tutelage"] / speed["tuned"], 3),
        "rounds": rounds,
    }


def _large() -> Case:
    """Return a decoder that fills a graphics card."""
    plain = lambda: PlainGpt(width=768, depth=12, heads=12, length=1024)  # noqa: E731 - a case wants a maker
    return language_case(plain, Gpt(width=768, depth=12, heads=12), length=1024, batch_size=16, steps=20)


def run() -> dict[str, Any]:
    """Return the figures of all nets."""
    more = 1 if DEVICE == "cpu" else 10
    gpt = language_case(PlainGpt, Gpt(width=256, depth=6, heads=8), length=256, batch_size=16, steps=12 * more)
    lstm = language_case(PlainLstm, Lstm(width=128, depth=2, embedding_size=128), length=128, batch_size=64, steps=30 * more)
    large = {} if DEVICE == "cpu" else {"gpt_12x768": compare(_large(), rounds=3)}
    return {
        **large,
        "gpt_6x256": compare(gpt, rounds=3),
        "lstm_2x128": compare(lstm, rounds=3),
        "text_encoder_2x128": compare(text_case(batch_size=32, steps=30 * more), rounds=3),
        "goals": GOALS,
    }
