"""The two sides of adversarial training: each phase builds the graph of its own side only."""

from typing import Any

import pytest
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


def conditional(num_classes: int = 3) -> GenerateTask:
    torch.manual_seed(0)
    spec = Generate(latent_size=4, conditional=True, classes=num_classes)
    return GenerateTask(spec, generator=nn.Linear(4 + num_classes, 2), critic=nn.Linear(2, num_classes), phases=PHASES)


def test_a_class_that_is_wanted_stands_beside_the_random_numbers() -> None:
    task, target = conditional(), torch.tensor([0, 2, 1])
    batch = task.draw({"sample": torch.randn(3, 2), "target": target}, torch.Generator().manual_seed(0))
    assert torch.equal(batch["latent"][:, 4:], torch.eye(3)[target])
    again = task.spec.latents(5, seed=7, classes=torch.tensor([1, 1, 0, 2, 2]))
    assert torch.equal(again[:2], task.spec.latents(2, seed=7, classes=torch.tensor([1, 1])))


def test_the_critic_judges_by_the_output_of_the_class() -> None:
    task, sample, target = conditional(), torch.randn(3, 2), torch.tensor([0, 2, 1])
    expected = task.critic(sample)[torch.arange(3), target]
    assert torch.equal(task.judge(sample, {"target": target}), expected)
    assert torch.equal(task.judge(torch.cat([sample, sample]), {"target": target}), expected.repeat(2))


def test_a_penalty_of_some_samples_asks_for_the_classes_of_these() -> None:
    task, sample, target = conditional(), torch.randn(4, 2), torch.tensor([0, 2, 1, 1])
    some = torch.cat([sample[:2], sample[:2]])
    expected = task.critic(some)[torch.arange(4), torch.tensor([0, 2, 0, 2])]
    assert torch.equal(task.judge(some, {"target": target}, rows=2), expected)


def test_the_critic_has_a_rate_of_its_own() -> None:
    optim = Adam(lr=0.01)
    assert Generate(critic_rate=0.5).optims(optim) == {"critic": Adam(lr=0.005), "generator": optim}


def test_the_average_follows_the_generator_alone() -> None:
    spec = Generate(latent_size=4, ema=0.5)
    task = GenerateTask(spec, generator=nn.Linear(4, 2), critic=nn.Linear(2, 1), phases=PHASES)
    assert task.average is not None
    assert task.network() is task.average.module
    task.after_update("critic")
    assert int(task.average.num_updates) == 0
    task.after_update("generator")
    assert int(task.average.num_updates) == 1


@pytest.mark.parametrize(("game", "order"), [("relativistic", 2), ("wasserstein", 2), ({"kind": "hinge", "gamma": 0}, 1)])
def test_the_game_says_whether_the_critic_runs_eager(game: Any, order: int) -> None:
    task = GenerateTask(Generate(game=game), generator=nn.Linear(32, 2), critic=nn.Linear(2, 1), phases=PHASES)
    assert (task.phases["critic"].order, task.phases["generator"].order) == (order, 1)
    batch = task.draw({"sample": torch.randn(5, 2)}, torch.Generator().manual_seed(0))
    assert ("mix" in batch) == (game == "wasserstein")
    assert torch.isfinite(task.objective("critic", batch).total)
