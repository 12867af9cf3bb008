"""A GRU of many steps is counted by a few: the same products, nearly the same bytes and memory, a fraction of the calls."""

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
