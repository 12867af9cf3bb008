"""Whether a faster way computes the same is asked with real batches: rounding that holds, parts that add up."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tutelage.planning.execution import Way
from tutelage.planning.facts import Machine
from tutelage.planning.recipe import recipe_from
from tutelage.run.candidate import Candidate, build_candidate
from tutelage.run.start import Request, plan_training
from tutelage.run.way_quality import UNUSABLE, adds_up, holds, quality

MACHINE = Machine("cpu", "Test", 1, "amx", 6.0, 300.0)


class Centred(nn.Module):
    """Looks at all rows together, and torch knows nothing of it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x [B, N] without the mean over rows."""
        return x - x.mean(dim=0)


class Exact(nn.Linear):
    """Takes float32 alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 3]."""
        if torch.is_autocast_enabled("cpu"):
            raise TypeError("float32 only")
        return super().forward(x)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    with torch.random.fork_rng(devices=[]):
        yield


def candidate(*layers: nn.Module, precision: str = "float32") -> Candidate:
    drawn = np.random.default_rng(0)
    labels = drawn.integers(0, 3, 120)
    inputs = (drawn.normal(size=(120, 8)) + labels[:, None]).astype(np.float32)
    module, recipe = nn.Sequential(*layers), recipe_from({"budget": {"steps": 3}}, where="test")
    plan, gathered, _ = plan_training(Request(recipe, data=(inputs, labels), module=module, machine=MACHINE))
    return build_candidate(Way(precision=precision, memory_format="contiguous"), plan, gathered.data, module)


def test_the_gradient_of_rounded_products_is_compared_on_real_batches() -> None:
    torch.manual_seed(3)
    layers = [nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3)]
    found = quality(candidate(*layers), candidate(*layers, precision="bfloat16"))
    assert 0.98 < found["cosine"] < 1.0
    assert 0 < found["loss_difference"] < 0.05


def test_a_module_that_fails_when_rounded_does_not_hold() -> None:
    found = quality(candidate(Exact(8, 3)), candidate(Exact(8, 3), precision="bfloat16"))
    assert found == UNUSABLE
    assert not holds(found)


def test_parts_of_a_batch_add_up_where_rows_are_looked_at_alone() -> None:
    assert adds_up(candidate(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 3)), 2)
    assert adds_up(candidate(nn.Linear(8, 32), nn.LayerNorm(32), nn.Linear(32, 3)), 4)


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(32), Centred()])
def test_parts_of_a_batch_do_not_add_up_where_rows_are_looked_at_together(layer: nn.Module) -> None:
    assert not adds_up(candidate(nn.Linear(8, 32), layer, nn.ReLU(), nn.Linear(32, 3)), 2)


def test_layers_that_leave_out_units_do_so_again_after_that_was_asked() -> None:
    found = candidate(nn.Linear(8, 32), nn.Dropout(0.5), nn.Linear(32, 3))
    adds_up(found, 2)
    assert all(part.training for part in found.composed.state.task.modules())
