"""What a training step costs beyond a bare, hand-written torch loop with the same settings.

Both sides train the same net with the same optimizer, batch size, precision, shuffling and learning-rate schedule, and
sum the loss; Tutelage also logs to a run folder, as in a real run. Goals: at most 5 % on a small CNN, at most
60 microseconds a step on a 3-layer MLP.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.measure import DEVICE, interleaved, now
from tutelage.core.emitter import Emitter
from tutelage.data.rows.dense import DenseRows
from tutelage.data.stream import FiniteStream
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.optim.sgd import SGD
from tutelage.task.base import Phase
from tutelage.task.supervised import SupervisedTask
from tutelage.track.jsonl import JsonlSink
from tutelage.training.control import Control
from tutelage.training.course import log_frequency
from tutelage.training.jobs import LogJob
from tutelage.training.loop import run_loop
from tutelage.training.saving import SaveJob
from tutelage.training.state import TrainState
from tutelage.training.step import Precision, Step, StepOptions

LR, MOMENTUM, SEED = 0.01, 0.9, 0


def small_cnn() -> nn.Module:
    """A plain net for 28x28 grey images."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 9, 10)).to(memory_format=torch.channels_last)


def mlp() -> nn.Module:
    """Three layers for 64 numbers."""
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))


def bare(model: nn.Module, inputs: Tensor, target: Tensor, *, batch_size: int, steps: int, precision: Precision) -> float:
    """Train with a loop as one writes it by hand, and return seconds."""
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    groups = [
        {"params": decayed, "weight_decay": 5e-4},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(groups, lr=LR, momentum=MOMENTUM, nesterov=True, fused=True)
    schedule = LinearToZero()
    generator = torch.Generator().manual_seed(SEED)
    order, position, loss_sum = torch.randperm(len(inputs), generator=generator), 0, torch.zeros((), device=DEVICE)
    model.train()
    began = now()
    for step in range(steps):
        if position + batch_size > len(inputs):
            order, position = torch.randperm(len(inputs), generator=generator), 0
        rows = order[position : position + batch_size]
        position += batch_size
        x, y = inputs[rows].to(DEVICE, non_blocking=True), target[rows].to(DEVICE, non_blocking=True)
        for group in optimizer.param_groups:
            group["lr"] = LR * schedule.factor(step / steps)
        if precision == "bfloat16":
            with torch.autocast(DEVICE, dtype=torch.bfloat16):
                logits = model(x)
        else:
            logits = model(x)
        loss = F.cross_entropy(logits.float(), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss_sum += loss.detach()
    return now() - began


def ours(model: nn.Module, inputs: Tensor, target: Tensor, *, batch_size: int, steps: int, precision: Precision) -> float:
    """Train through the step, the state and the loop, and return seconds."""
    phase = Phase(owns=("model.",), optim=SGD(lr=LR, momentum=MOMENTUM), schedule=LinearToZero())
    task = SupervisedTask(model, input_names=("x",), phase=phase, loss=CrossEntropy().build())
    stream = FiniteStream(DenseRows({"x": inputs, "target": target}), batch_size=batch_size, seed=SEED, device=DEVICE)
    state = TrainState(task, Step(task, StepOptions(device=DEVICE, precision=precision)), stream, Control(steps))
    with tempfile.TemporaryDirectory() as folder:
        emitter = Emitter([JsonlSink(Path(folder))], started=time.monotonic())
        jobs = [
            LogJob(emitter, every=log_frequency(steps), step=0),
            SaveJob(emitter, Path(folder), every_seconds=15, step=0),
        ]
        began = now()
        run_loop(state, jobs=jobs, seed=SEED)
        seconds = now() - began
        emitter.close()
    return seconds


def compare(
    make: Callable[[], nn.Module], shape: tuple[int, ...], *, batch_size: int, steps: int, precision: Precision, rounds: int
) -> dict[str, Any]:
    """Compare both loops on one net."""
    inputs = torch.randn(4096, *shape, generator=torch.Generator().manual_seed(1))
    target = torch.randint(10, (4096,), generator=torch.Generator().manual_seed(2))

    def side(train: Callable[..., float]) -> Callable[[], float]:
        return lambda: train(make().to(DEVICE), inputs, target, batch_size=batch_size, steps=steps, precision=precision)

    result = interleaved({"bare": side(bare), "tutelage": side(ours)}, rounds=rounds)
    extra = result["tutelage"]["median_s"] - result["bare"]["median_s"]
    result["ratio"] = result["tutelage"]["median_s"] / result["bare"]["median_s"]
    result["extra_us_per_step"] = extra / steps * 1e6
    result["bare_us_per_step"] = result["bare"]["median_s"] / steps * 1e6
    return result


def run() -> dict[str, Any]:
    """Return the figures of both nets."""
    return {
        "cnn_28x28_b128_bf16": compare(small_cnn, (1, 28, 28), batch_size=128, steps=60, precision="bfloat16", rounds=9),
        "mlp_64_256_256_10_b256": compare(mlp, (64,), batch_size=256, steps=1500, precision="float32", rounds=9),
        "goals": {"cnn_ratio": 1.05, "mlp_extra_us_per_step": 60},
    }
