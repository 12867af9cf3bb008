import torch
from torch import nn

from tutelage.work.memory import memory_of
from tutelage.work.step import count_step
from tutelage.work.storages import Block, StorageTracer

B, D, H = 32, 16, 64


def squares(module: nn.Module, batch: object) -> torch.Tensor:
    assert isinstance(batch, dict)
    total: torch.Tensor = module(batch["x"]).square().sum()
    return total


def test_the_peak_is_where_most_lives_at_once() -> None:
    blocks = [Block(100, 0, None, "parameters"), Block(10, 1, 3), Block(20, 2, 2), Block(50, 4, 4)]
    found = memory_of(blocks, ["forward", "forward", "backward", "backward"], device="cpu")
    assert found.low == 150
    assert found.parts["parameters"] == found.standing == 100
    assert found.parts["temporaries"] == 50


def test_what_waits_for_the_backward_pass_is_an_activation() -> None:
    blocks = [Block(10, 1, 3), Block(20, 2, 2)]
    found = memory_of(blocks, ["forward", "forward", "backward"], device="cpu")
    assert (found.parts["activations"], found.parts["temporaries"]) == (10, 20)


def test_a_card_takes_more_than_the_tensors_do() -> None:
    found = memory_of([Block(100, 0, None, "parameters")], [], device="cuda")
    assert (found.low, found.expected) == (100, 2 * 2**20)


def test_births_and_deaths_are_seen() -> None:
    with StorageTracer(lambda: "forward") as tracer:
        kept = torch.ones(100)
        view = kept[:50]
        double = view * 2
        del double
        _ = view + 1
    sizes = [(block.num_bytes, block.died is None) for block in tracer.blocks]
    assert sizes[:2] == [(400, True), (200, False)]


def test_parts_of_a_step_are_what_sizes_say() -> None:
    net = nn.Sequential(nn.Linear(D, H), nn.Tanh(), nn.Linear(H, H))
    weights = 4 * (D * H + H + H * H + H)
    found = count_step(net, {"x": torch.randn(B, D)}, loss=squares, optimizer=lambda params: torch.optim.Adam(params, fused=True))
    assert found.memory.parts["parameters"] == weights
    assert found.memory.parts["batch"] == 4 * B * D
    # Two moments, and a count of steps for each of four tensors.
    assert found.memory.parts["optimizer"] == 2 * weights + 4 * 4
    assert found.memory.standing == 3 * weights + 16
    # At the height of the backward pass the output of the tangent hyperbolic is still there.
    assert found.memory.parts["activations"] >= 4 * B * H


def test_what_the_process_holds_besides_is_added() -> None:
    found = memory_of([Block(100, 0, None, "parameters")], [], device="cpu")
    assert found.above(1000).low == 1100
    assert found.above(1000).high == found.high + 1000
