"""What a step's tensors are said to take is what a fresh process takes, where each large tensor has memory of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.shape.tokens import TokensShape
from tutelage.model.arch.gpt import Gpt
from tutelage.model.example import example_batch
from tutelage.optim.adamw import AdamW
from tutelage.work.step import count_step

TOKENS = TokensShape(vocabulary_size=256, length=128)
ROWS = 16
SMALL_BYTES = 15 * 10**6
"""Code of kernels that is made while they run, and buffers of theirs."""
STEP = """
import gc
from tests.e2e.test_work_memory import ROWS, TOKENS, gpt, loss_of, status
from tutelage.model.example import example_batch
from tutelage.optim.adamw import AdamW

small = gpt(width=16)
loss_of(small, example_batch(TOKENS, 1)).backward()
AdamW().build(list(small.named_parameters())).step()
model, batch = gpt(), example_batch(TOKENS, ROWS)
optimizer = AdamW().build(list(model.named_parameters()))
gc.collect()
before = status("VmRSS")
for _ in range(2):
    loss_of(model, batch).backward()
    optimizer.step()
    optimizer.zero_grad()
print(status("VmHWM") - before)
"""


def gpt(*, width: int = 128) -> nn.Module:
    return Gpt(width=width, depth=3, heads=4).build(TOKENS, TOKENS.vocabulary_size)


def loss_of(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    logits = model(batch["token"])
    return F.cross_entropy(logits.flatten(0, 1), batch["token"].flatten())


def status(name: str) -> int:
    """A number of the kernel's about this process, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at what Linux says of a process")
def test_the_tensors_of_a_step_take_what_was_said() -> None:
    environ = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    ran = subprocess.run([sys.executable, "-c", STEP], env=environ, capture_output=True, text=True, check=True)
    measured = int(ran.stdout)
    torch.manual_seed(0)
    found = count_step(
        gpt(),
        example_batch(TOKENS, ROWS),
        loss=lambda model, batch: loss_of(model, dict(batch)),
        optimizer=lambda parameters: AdamW().build([(str(number), each) for number, each in enumerate(parameters)]),
    ).memory
    there = found.parts["parameters"] + found.parts["buffers"] + found.parts["batch"]
    assert measured == pytest.approx(found.low - there + SMALL_BYTES / 2, abs=SMALL_BYTES / 2)
