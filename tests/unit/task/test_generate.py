"""The two sides of adversarial training: each phase builds the graph of its own side only."""

import torch
from torch import Tensor, nn

from tutelage.optim.adam import Adam
from tutelage.optim.schedule.constant import Constant
from tutelage.task.base import Phase
from tutelage.task.generate import Generate, GenerateTask

PHASES = {name: Phase(owns=(f"{name}.",), optim=Adam(), schedule=Constant(warmup=0)) for name in ("critic", "generator")}


def test_the_critic_phase_keeps_no_graph_of_the_generator() -> None:
    torch.manual_seed(0)
    task = GenerateTask(Generate(latent_size=4), generator=nn.Linear(4, 2), critic=nn.Linear(2, 1), phases=PHASES)
    batch = {"sample": torch.randn(5, 2), "latent": torch.randn(5, 4)}
    seen: list[bool] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen.append(output.requires_grad)

    task.generator.register_forward_hook(note)
    critic, generator = task.objective("critic", batch), task.objective("generator", batch)
    assert seen == [False, True]
    assert set(critic.parts) == {"real", "generated", "lead", "penalty"}
    critic.total.backward()
    assert all(parameter.grad is None for parameter in task.generator.parameters())
    # A bias at the end shifts both scores alike, and has no slope: nothing is to be learned of it.
    assert task.critic.weight.grad is not None
    generator.total.backward()
    assert all(parameter.grad is not None for parameter in task.generator.parameters())
