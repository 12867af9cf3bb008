"""How well the memory of a training step is told beforehand: `python -m bench.step_memory [NAME ...]`.

For each network a fresh process takes 10 steps with AdamW on random inputs on the CPU, and says by how much its resident memory
has grown at its height. Another one says beforehand what `tutelage.work` counts for it. Goal: median error at most 10 %.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from bench.measure import machine
from tutelage.core import catalog
from tutelage.model.example import example_batch
from tutelage.work.step import count_step

__all__ = ["run"]

STEPS = 10
GOAL = 0.1
IMAGE = ("image", {"channels": 3, "height": 32, "width": 32})
WORDS = ("texts", {"vocabulary_size": 5000, "length": 100})
TOKENS = ("tokens", {"vocabulary_size": 256, "length": 128})


class Case(NamedTuple):
    """A network with its settings, what it receives, rows and outputs."""

    model: str
    settings: dict[str, Any]
    shape: tuple[str, dict[str, int]]
    rows: int
    outputs: int


CASES = {
    "cnn": Case("cnn", {}, IMAGE, 128, 10),
    "cnn, few rows": Case("cnn", {"widths": (64, 128, 256)}, IMAGE, 32, 10),
    "resnet": Case("resnet", {}, IMAGE, 64, 10),
    "gpt": Case("gpt", {"width": 128, "depth": 4}, TOKENS, 32, 256),
    "gpt, fused attention": Case(
        "gpt", {"width": 128, "depth": 2, "attention": "flash"}, ("tokens", {"vocabulary_size": 256, "length": 256}), 16, 256
    ),
    "text_encoder": Case("text_encoder", {"width": 128, "depth": 2}, ("texts", {"vocabulary_size": 5000, "length": 128}), 32, 2),
    "text_encoder, narrow": Case(
        "text_encoder", {"width": 64, "depth": 3}, ("texts", {"vocabulary_size": 5000, "length": 200}), 16, 2
    ),
    "text_cnn": Case("text_cnn", {}, ("texts", {"vocabulary_size": 20000, "length": 200}), 64, 2),
    "lstm": Case("lstm", {"width": 128, "depth": 2}, WORDS, 64, 2),
    "gru": Case("gru", {"width": 128, "depth": 1}, ("texts", {"vocabulary_size": 5000, "length": 60}), 64, 2),
    "min_gru": Case("min_gru", {"width": 128, "depth": 2}, WORDS, 64, 2),
    "mlp": Case("mlp", {"hidden": (2048, 2048, 2048)}, IMAGE, 256, 10),
    "mlp, many rows": Case("mlp", {"hidden": (512, 512)}, IMAGE, 1024, 10),
    "inception": Case("inception", {}, ("series", {}), 64, 5),
}


def made(name: str) -> tuple[nn.Module, dict[str, Tensor]]:
    """Return a network and a batch."""
    case = CASES[name]
    kind, sizes = case.shape
    shape = catalog.load("shape", kind)(**sizes)
    torch.manual_seed(0)
    model = catalog.load("model", case.model)(**case.settings).build(shape, case.outputs)
    batch = example_batch(shape, case.rows)
    if kind == "image":
        batch = {key: value.to(memory_format=torch.channels_last) for key, value in batch.items()}
        return model.to(memory_format=torch.channels_last), batch
    return model, batch


def loss_of(model: nn.Module, batch: Any) -> Tensor:
    """Return the cross-entropy of the first class everywhere."""
    outputs = model(*batch.values()).float().flatten(0, -2)
    return F.cross_entropy(outputs, torch.zeros(len(outputs), dtype=torch.int64))


def adamw(parameters: list[nn.Parameter]) -> Optimizer:
    """Return the house's AdamW."""
    optimizer: Optimizer = catalog.load("optim", "adamw")().build([(str(number), each) for number, each in enumerate(parameters)])
    return optimizer


def status(name: str) -> int:
    """Return a number of the kernel's about this process, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def step(model: nn.Module, batch: Any, optimizer: Optimizer) -> None:
    """Take a step."""
    loss_of(model, batch).backward()
    optimizer.step()
    optimizer.zero_grad()


def measured(name: str) -> int:
    """Return by how many bytes this process grows."""
    # Libraries are loaded by a small step of other layers.
    small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 4))
    step(small, {"x": torch.randn(2, 3, 8, 8)}, adamw(list(small.parameters())))
    model, batch = made(name)
    optimizer = adamw(list(model.parameters()))
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    for _ in range(STEPS):
        step(model, batch, optimizer)
    return status("VmHWM") - before


def told(name: str) -> dict[str, int]:
    """Return by how many bytes a process is said to grow."""
    model, batch = made(name)
    memory = count_step(model, batch, loss=loss_of, optimizer=adamw).memory
    there = sum(memory.parts[part] for part in ("parameters", "buffers", "batch"))
    return {"tensors": memory.low - there, "expected": memory.expected - there, "high": memory.high - there}


def apart(way: str, name: str) -> Any:
    """Return what a fresh process says."""
    environ = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "bench.step_memory", way, name]
    return json.loads(subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout)


def run(names: tuple[str, ...] = tuple(CASES)) -> dict[str, Any]:
    """Return both for each network, and the median error."""
    found = {name: apart("--told", name) | {"measured": apart("--measured", name)} for name in names}
    errors = {name: numbers["expected"] / numbers["measured"] - 1 for name, numbers in found.items()}
    return {
        "networks": {name: numbers | {"error": round(errors[name], 3)} for name, numbers in found.items()},
        "median_error": round(statistics.median(map(abs, errors.values())), 3),
        "goal": GOAL,
    }


if __name__ == "__main__":
    if sys.argv[1:2] in (["--told"], ["--measured"]):
        print(json.dumps({"--told": told, "--measured": measured}[sys.argv[1]](sys.argv[2])))
    else:
        names = tuple(sys.argv[1:]) or tuple(CASES)
        print(json.dumps({"benchmark": "step_memory", "machine": machine(), "result": run(names)}, indent=1))
