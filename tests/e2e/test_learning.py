"""The core does not only resume: the GAN finds the ring, PPO balances the pole."""

import itertools
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from tutelage.data.rows.dense import DenseRows
from tutelage.data.stream import FiniteStream
from tutelage.env.cartpole import CartPole
from tutelage.env.rollout import Rollout, RolloutStream
from tutelage.optim.adam import Adam
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.task.base import Phase
from tutelage.task.generate import Generate, GenerateTask
from tutelage.task.ppo import Ppo, PpoTask
from tutelage.training.control import Control
from tutelage.training.loop import run_loop
from tutelage.training.state import TrainState, seed_everything
from tutelage.training.step import Step, StepOptions

sys.path.insert(0, str(Path(__file__).parent))
from core_problems import ring

pytestmark = pytest.mark.slow


def mlp(*sizes: int, activation: type[nn.Module]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def test_ppo_learns_to_balance_the_pole() -> None:
    seed_everything(0)
    policy, value = mlp(4, 64, 64, 2, activation=nn.Tanh), mlp(4, 64, 64, 1, activation=nn.Tanh)
    phase = Phase(owns=("",), optim=Adam(lr=2.5e-3, eps=1e-5), schedule=LinearToZero(), clip=0.5)
    task = PpoTask(Ppo(entropy_weight=0.01, num_actions=2), policy=policy, value=value, phase=phase)
    rollout = Rollout(num_steps=64, num_epochs=4, minibatch_size=256)
    stream = RolloutStream(CartPole(num_envs=16).build(), actor=task, rollout=rollout, seed=0)
    state = TrainState(task, Step(task, StepOptions()), stream, Control(800))
    run_loop(state, jobs=(), seed=0)
    # An untrained policy stays upright for about 22 steps.
    assert stream.mean_return > 150


def test_the_gan_finds_the_ring() -> None:
    seed_everything(0)
    optim = Adam(lr=1e-3, beta1=0.5, beta2=0.9)
    names = ("critic", "generator")
    phases = {name: Phase(owns=(f"{name}.",), optim=optim, schedule=LinearToZero(warmup=0)) for name in names}
    task = GenerateTask(
        Generate(latent_size=2, critic_steps=3),
        generator=mlp(2, 128, 128, 2, activation=nn.ReLU),
        critic=mlp(2, 128, 128, 1, activation=nn.LeakyReLU),
        phases=phases,
    )
    stream = FiniteStream(DenseRows({"sample": ring(10_000)}), batch_size=512, seed=0)
    run_loop(TrainState(task, Step(task, StepOptions()), stream, Control(4000)), jobs=(), seed=0)
    made = task.network()(torch.randn(2000, 2, generator=torch.Generator().manual_seed(1))).detach()
    angle = torch.arange(8) * torch.pi / 4
    distance = torch.cdist(made, 2 * torch.stack([angle.cos(), angle.sin()], dim=1))
    nearest, part = distance.min(dim=1)
    found = torch.bincount(part[nearest < 0.4], minlength=8) > 10
    # All 8 were found where this was written; the plain loss may lose some, and chance differs between processors.
    assert int(found.sum()) >= 4
    assert float((nearest < 0.4).float().mean()) > 0.6
