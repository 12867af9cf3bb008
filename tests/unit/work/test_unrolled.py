"""A GRU of many steps is counted by a few: the same products, nearly the same bytes and memory, a fraction of the calls."""

import math
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tutelage.work import unrolled
from tutelage.work.counter import OperatorCounter, TooLongError
from tutelage.work.step import StepWork, count_step
from tutelage.work.trace import tracing

STEPS = 67
KERNELS = {
    "gru": lambda: nn.GRU(16, 24, batch_first=True),
    "gru, time first": lambda: nn.GRU(16, 24),
    "gru, two ways, two layers": lambda: nn.GRU(16, 24, num_layers=2, bidirectional=True, batch_first=True),
    "rnn": lambda: nn.RNN(16, 24, batch_first=True),
    "rnn, relu": lambda: nn.RNN(16, 24, nonlinearity="relu", batch_first=True),
}


class Net(nn.Module):
    """A recurrent network with something before and after it."""

    def __init__(self, kernel: nn.RNNBase) -> None:
        super().__init__()
        self.before, self.kernel = nn.Linear(8, 16), kernel
        self.after = nn.LazyLinear(3)

    def forward(self, x: Tensor) -> Tensor:
        """Return an answer for each step."""
        answers: Tensor = self.after(self.kernel(self.before(x))[0])
        return answers


def counted(make: Callable[[], nn.RNNBase]) -> StepWork:
    """Return the work of a step on 5 rows."""
    net = Net(make())
    shape = (5, STEPS, 8) if net.kernel.batch_first else (STEPS, 5, 8)
    net(torch.zeros(shape))
    batch = {"x": torch.zeros(shape)}
    return count_step(net, batch, loss=lambda net, batch: net(batch["x"]).square().mean(), optimizer=torch.optim.AdamW)


@pytest.mark.parametrize("name", KERNELS)
def test_a_few_steps_stand_for_all(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    short = counted(KERNELS[name])
    monkeypatch.setattr(unrolled, "WORTH", 10**9)
    whole = counted(KERNELS[name])
    assert short.work.matmul_flops == whole.work.matmul_flops
    for part in ("forward", "backward", "update"):
        assert short.work.part(part).flops == pytest.approx(whole.work.part(part).flops, rel=0.02)
        assert short.work.part(part).bytes == pytest.approx(whole.work.part(part).bytes, rel=0.1)
    assert short.work.num_ops == pytest.approx(whole.work.num_ops, rel=0.15)
    assert short.memory.low == pytest.approx(whole.memory.low, rel=0.1)
    assert short.memory.expected == pytest.approx(whole.memory.expected, rel=0.1)


def test_only_a_few_steps_are_called() -> None:
    net = Net(nn.GRU(16, 24, batch_first=True))
    net(torch.zeros(2, 4, 8))
    calls = []
    for steps in (100, 400):
        with tracing() as trace:
            copied = trace.copy(net)
            copied(torch.zeros(2, steps, 8)).sum().backward()
            calls.append(trace.storages.now)
    assert calls[1] <= calls[0] + 100, "the longer one is counted step by step"


def test_counting_ends_when_its_time_is_over() -> None:
    counter = OperatorCounter()
    counter.ends = 0.0
    with pytest.raises(TooLongError), counter:
        torch.zeros(2) + 1


def test_time_runs_out_only_where_an_error_may_be_raised() -> None:
    counter = OperatorCounter()
    counter.ends = -math.inf
    x = torch.ones(2, 2)
    # C++ asks for the device where no error may pass: the process would end without a word.
    assert counter.__torch_dispatch__(torch.ops.prim.device.default, (), (x,)) == torch.device("cpu")
    with pytest.raises(TooLongError):
        counter.__torch_dispatch__(torch.ops.aten.mm.default, (), (x, x))


ENDS = """
import math, time
import torch
from torch import nn
from tutelage.work.counter import TooLongError
from tutelage.work.trace import tracing

network = nn.LSTM(4, 4, batch_first=True)
ended = 0
for number in range(20):
    try:
        with tracing() as trace:
            copy = trace.copy(network)
            x = trace.tensors({"x": torch.ones(2, 60, 4)}, "batch", device=torch.device("cpu"))["x"]
            trace.counter.ends = time.monotonic() + 0.008 * number
            for step in range(60):
                x = copy(x[:, : 60 - step])[0]
            x.sum().backward()
    except TooLongError:
        ended += 1
print(ended)
"""


@pytest.mark.slow
def test_a_process_lives_on_whenever_time_runs_out() -> None:
    found = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-500:]
    assert int(found.stdout) > 10
