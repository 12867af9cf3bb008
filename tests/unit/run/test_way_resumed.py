"""A run that was interrupted goes on as its plan says: precision, layout, threads and parts, to the same bits."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tutelage.planning.recipe import Recipe, recipe_from
from tutelage.run.start import Request, resume_training, start_training
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

WAY = {"precision": "bfloat16", "memory_format": "channels_last", "threads": 1, "num_micro": 2, "compile": "none"}


class Watching(nn.Module):
    """Notes how it is computed, and brings SIGTERM once."""

    def __init__(self, *, end_at: int = 0) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.second, self.head = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(64, 3)
        self.calls, self.end_at, self.seen = 0, end_at, set[Any]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 3]."""
        found = self.second(self.first(x).relu())
        if self.training:
            lies_last = found.is_contiguous(memory_format=torch.channels_last) and not found.is_contiguous()
            self.seen.add((len(x), found.dtype, lies_last, torch.get_num_threads()))
            self.calls += 1
            if self.calls == self.end_at:
                os.kill(os.getpid(), signal.SIGTERM)
        return self.head(found.flatten(1))


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def request(module: nn.Module, folder: Path) -> Request:
    drawn = np.random.default_rng(0)
    labels = drawn.integers(0, 3, 120)
    inputs = (drawn.normal(size=(120, 1, 8, 8)) + labels[:, None, None, None]).astype(np.float32)
    recipe: Recipe = recipe_from({"budget": {"steps": 6}, "batch_size": 32, **WAY}, where="test")
    return Request(recipe, out=str(folder), data=(inputs, labels), module=module)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_as_its_plan_says_to_the_same_bits(tmp_path: Path) -> None:
    whole, begun, resumed = Watching(), Watching(end_at=5), Watching()
    straight = start_training(request(whole, tmp_path / "straight"))
    folder = start_training(request(begun, tmp_path / "run"))
    assert load_checkpoint(checkpoints(folder)[-1]).step < 6
    resume_training(folder, request(resumed, folder))
    assert whole.seen == begun.seen == resumed.seen == {(16, torch.bfloat16, True, 1)}
    ends = [load_checkpoint(checkpoints(path)[-1]) for path in (straight, folder)]
    assert ends[0].step == ends[1].step == 6
    assert digest(ends[0]) == digest(ends[1])
    assert torch.get_num_threads() == 2
