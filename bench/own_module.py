"""How fast an own module is trained from Python without a flag, beside a raw loop of torch: `python -m bench own_module`.

The small residual network is the one of the claim: 28x28, batches of 256, against plain float32. Ten ordinary modules follow,
each as it is chosen and as it comes: none may be slower by more than 2 %. One alone:
`python -c "from bench import own_module; print(own_module.ordinary('lstm'))"`.
"""

import os
import statistics
import tempfile
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn

import tutelage
from bench.measure import DEVICE, now

ROWS, CLASSES = 12_800, 10
STEPS, BATCH = 300, 256
GOAL, MOST_LOSS = 2.1, 0.02
RAW_STEPS, RAW_WARM_UP = 30, 3
ROUNDS = 3
"""Trainings of each side."""
SECONDS, LEAST_STEPS, MOST_STEPS = 10.0, 300, 6_000
"""How long the steps of such a training take, about, and how many there are."""
Sizes = tuple[int, ...]


class Block(nn.Module):
    """Two convolutions around which the input goes too."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add."""
        return torch.relu(x + self.inner(x))


class Recurrent(nn.Module):
    """The last output of a recurrent layer, read by a linear one."""

    def __init__(self, layer: nn.Module, width: int) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(width, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read the whole series."""
        return self.head(self.layer(x)[0][:, -1])


class Encoder(nn.Module):
    """A transformer encoder over a series, averaged."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, batch_first=True, dropout=0.1)
        self.into, self.inner, self.head = nn.Linear(channels, width), nn.TransformerEncoder(layer, 2), nn.Linear(width, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Average over time."""
        return self.head(self.inner(self.into(x)).mean(dim=1))


def residual(width: int = 32, blocks: int = 3) -> nn.Module:
    """Return the small residual network."""
    stem = [nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*stem, *[Block(width) for _ in range(blocks)], *head(width))


def head(width: int) -> list[nn.Module]:
    """Return the layers from a feature map to classes."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES)]


def lenet() -> nn.Module:
    """Return a classic convolutional network."""
    layers = [nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(256, 84), nn.ReLU(), nn.Linear(84, CLASSES))


def depthwise() -> nn.Module:
    """Return a network of depthwise and pointwise convolutions."""
    pair = [nn.Conv2d(32, 32, 3, padding=1, groups=32), nn.Conv2d(32, 32, 1), nn.BatchNorm2d(32), nn.ReLU()]
    return nn.Sequential(nn.Conv2d(1, 32, 3, stride=2, padding=1), nn.ReLU(), *pair, *head(32))


def vgg() -> nn.Module:
    """Return convolutions with pooling between them."""
    layers: list[nn.Module] = []
    for before, after in ((1, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, *head(64))


def mlp(size: int, width: int, depth: int) -> nn.Module:
    """Return a plain net over numbers."""
    layers: list[nn.Module] = [nn.Linear(size, width), nn.ReLU()]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.1)]
    return nn.Sequential(*layers, nn.Linear(width, CLASSES))


def convolution_1d() -> nn.Module:
    """Return convolutions over a series."""
    layers = [nn.Conv1d(3, 32, 5, padding=2), nn.BatchNorm1d(32), nn.ReLU(), nn.Conv1d(32, 64, 5, padding=2), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, CLASSES))


IMAGE: Sizes = (1, 28, 28)
ORDINARY: dict[str, tuple[Callable[[], nn.Module], Sizes]] = {
    "linear": (lambda: nn.Linear(64, CLASSES), (64,)),
    "small mlp": (lambda: mlp(32, 64, 2), (32,)),
    "wide mlp": (lambda: mlp(256, 1024, 3), (256,)),
    "lenet": (lenet, IMAGE),
    "vgg": (vgg, IMAGE),
    "depthwise": (depthwise, IMAGE),
    "convolution over series": (convolution_1d, (3, 128)),
    "lstm": (lambda: Recurrent(nn.LSTM(8, 64, batch_first=True), 64), (48, 8)),
    "gru": (lambda: Recurrent(nn.GRU(8, 64, batch_first=True), 64), (48, 8)),
    "encoder": (lambda: Encoder(8, 64), (48, 8)),
}


def data(sizes: Sizes) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs in which classes differ a little in their mean."""
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASSES, ROWS)
    inputs = random.normal(size=(ROWS, *sizes)).astype(np.float32)
    return inputs + 0.1 * labels.reshape(-1, *[1] * len(sizes)).astype(np.float32), labels


def raw_rate(module: nn.Module, arrays: tuple[np.ndarray, np.ndarray]) -> float:
    """Return rows a second of a loop as anybody writes it."""
    inputs, labels = torch.from_numpy(arrays[0]), torch.from_numpy(arrays[1])
    module = module.to(DEVICE).train()
    optimizer, loss = torch.optim.AdamW(module.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    began = 0.0
    for number in range(RAW_WARM_UP + RAW_STEPS):
        if number == RAW_WARM_UP:
            began = now()
        rows = torch.randint(len(inputs), (BATCH,))
        optimizer.zero_grad()
        loss(module(inputs[rows].to(DEVICE)), labels[rows].to(DEVICE)).backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
    return RAW_STEPS * BATCH / (now() - began)


def our_training(module: nn.Module, arrays: tuple[np.ndarray, np.ndarray], *, steps: int, **wishes: Any) -> dict[str, Any]:
    """Return what the steps of a training took, what deciding took before them, and what was chosen."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, {"TUTELAGE_CACHE": f"{folder}/cache"}):
        # Nothing is remembered from one training to the next: each tries anew.
        beside = {"batch_size": BATCH, "stopping": {"patience": 1}, "quiet": True, "out": f"{folder}/run"}
        run = tutelage.train(arrays, model=module, steps=steps, **beside, **wishes)
        parts, plan = run.result["seconds_by_part"], run.decided
        tried, ruled_out = ((), ()) if plan.execution is None else (plan.execution.tried, plan.execution.ruled_out)
        return {
            "rows_per_second": round(steps * BATCH / parts["steps"], 1),
            "steps_seconds": parts["steps"],
            "planning_seconds": parts["planning"],
            "way": plan.way.say(),
            "tried": [f"{each.say()}: {1000 * each.step_seconds:.3g} ms" for each in tried],
            "ruled_out": [f"{each.say()}: {each.reason}" for each in ruled_out],
            "accuracy": run.metrics.get("test/accuracy"),
        }


def claim(*, steps: int = STEPS) -> dict[str, Any]:
    """Return the rates of the small residual network: raw, and ours without a flag."""
    torch.manual_seed(0)
    images = data(IMAGE)
    raw, ours = raw_rate(residual(), images), our_training(residual(), images, steps=steps)
    return {"raw": round(raw, 1), **ours, "gain": round(ours["rows_per_second"] / raw, 3), "goal": GOAL}


def ordinary(name: str, *, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return how one of the ordinary modules is trained as it comes and as it is chosen: both in turn, with what trying took."""
    make, sizes = ORDINARY[name]
    arrays = data(sizes)
    torch.manual_seed(0)
    steps = min(max(int(SECONDS * raw_rate(make(), arrays) / BATCH), LEAST_STEPS), MOST_STEPS)
    found: dict[str, list[dict[str, Any]]] = {"plain": [], "chosen": []}
    for number in range(rounds):
        for side in sorted(found, reverse=number % 2 == 0):
            wishes = {"precision": "float32", "compile": "none"} if side == "plain" else {}
            found[side].append(our_training(make(), arrays, steps=steps, **wishes))
    plain, chosen = (_median(found[side], "steps_seconds") for side in ("plain", "chosen"))
    trying = _median(found["chosen"], "planning_seconds") - _median(found["plain"], "planning_seconds")
    return {
        "steps": steps,
        "plain_seconds": round(plain, 3),
        "chosen_seconds": round(chosen, 3),
        "trying_seconds": round(trying, 3),
        "slower": round(chosen / plain - 1, 4),
        "slower_with_trying": round((chosen + trying) / plain - 1, 4),
        "most": MOST_LOSS,
        "ways": [each["way"] for each in found["chosen"]],
        "tried": found["chosen"][-1]["tried"],
        "ruled_out": found["chosen"][-1]["ruled_out"],
    }


def _median(found: list[dict[str, Any]], key: str) -> float:
    """Return the median of one figure."""
    return statistics.median(each[key] for each in found)


def run() -> dict[str, Any]:
    """Return all rates."""
    return {"residual network": claim(), **{name: ordinary(name) for name in ORDINARY}}
