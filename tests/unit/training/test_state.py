"""The state: copied once, put back where it was."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tests.stand_ins import small_training
from tutelage.core import catalog
from tutelage.optim.sgd import SGD
from tutelage.training.jobs import copy_weights
from tutelage.training.loop import run_loop
from tutelage.training.state import TrainState, _counts_on_device, _placed


class Copies(TorchDispatchMode):
    """Adds up the bytes that are copied."""

    num_bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in (
            torch.ops.aten._to_copy,
            torch.ops.aten.clone,
            torch.ops.aten.copy_,
            torch.ops.aten.contiguous,
        ):
            self.num_bytes += result.nbytes
        return result


def training() -> TrainState:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 64, 3, bias=False), nn.Flatten(), nn.Linear(64, 3)).to(memory_format=torch.channels_last)
    rows = {"image": torch.randn(8, 3, 3, 3), "target": torch.arange(8) % 3}
    return small_training(model, rows, optim=SGD(), batch_size=4, steps=10)


def test_a_snapshot_copies_everything_once_and_the_best_weights_not_at_all() -> None:
    state = training()
    run_loop(state, jobs=(), seed=0, until_step=2)
    state.best = copy_weights(state.task.state_dict())
    with Copies() as copies:
        snapshot = state.snapshot()
    moving = {key: value for key, value in snapshot.tensors.items() if not key.startswith("best/")}
    # torch's, Python's and numpy's generators are read out before: 13 kB at most.
    assert copies.num_bytes <= sum(value.nbytes for value in moving.values()) + 13_000
    assert all(value.is_contiguous() for value in snapshot.tensors.values())
    before = {key: value.clone() for key, value in snapshot.tensors.items()}
    run_loop(state, jobs=(), seed=0, until_step=4)
    assert all(torch.equal(value, before[key]) for key, value in snapshot.tensors.items())


def test_a_snapshot_keeps_what_it_copied_when_a_stream_writes_on_into_its_lists() -> None:
    state, told = training(), {"position": 0, "scores": [1.0]}
    state.stream.state = lambda: told  # type: ignore[method-assign]
    snapshot = state.snapshot()
    told["scores"].append(2.0)  # type: ignore[attr-defined]
    assert snapshot.values["stream/scores"] == [1.0]


@pytest.mark.parametrize(
    ("kind", "device"),
    [
        *[(kind, "meta") for kind in ("adam", "adamw", "adagrad", "muon")],
        *[(kind, "cpu") for kind in ("adamax", "nadam", "radam", "rmsprop")],
    ],
)
def test_an_optimizers_count_goes_back_to_where_its_kernels_read_it(kind: str, device: str) -> None:
    # Fused kernels read it on the device; the others on the CPU, where it must lie: else each update waits for the device.
    parameter, far = nn.Parameter(torch.randn(4, 4)), nn.Parameter(torch.empty(4, 4, device="meta"))
    optimizer = catalog.load("optim", kind)().build([("a", parameter)])
    parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    count = optimizer.state[parameter]["step"]
    placed = _placed(count, far, far.device if _counts_on_device(optimizer, parameter) else torch.device("cpu"))
    assert isinstance(placed, Tensor)
    assert (count.device.type, placed.device.type) == ("cpu", device)


def test_a_learning_rate_goes_back_to_what_it_was_at_the_last_update() -> None:
    state, fresh = training(), training()
    run_loop(state, jobs=(), seed=0, until_step=2)
    (update,), (other,) = state.step.updates.values(), fresh.step.updates.values()
    update.set_factor(0.25)
    fresh.restore(state.snapshot())
    assert other.optimizer.param_groups[0]["lr"] == update.optimizer.param_groups[0]["lr"] == update.optimizer.defaults["lr"] / 4
