"""Very different trainings on the one core, as a program: classifier, GAN, PPO, DQN, SAC; run some parts, print digests.

Usage: python core_problems.py PROBLEM,... COMPILE FOLDER PART,...
The part `resumed` goes on where the part `half` has ended, in another process. Prints one JSON line.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutelage.data.rows.dense import DenseRows
from tutelage.data.stream import FiniteStream
from tutelage.env.cartpole import CartPole
from tutelage.env.gymnasium import Gymnasium
from tutelage.env.replay import Replay, ReplayStream
from tutelage.env.rollout import Rollout, RolloutStream
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.optim.adam import Adam
from tutelage.optim.schedule.constant import Constant
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.optim.sgd import SGD
from tutelage.task.base import Phase
from tutelage.task.dqn import Dqn, DqnTask
from tutelage.task.generate import Generate, GenerateTask
from tutelage.task.ppo import Ppo, PpoTask
from tutelage.task.sac import Sac, SacTask
from tutelage.task.supervised import SupervisedTask
from tutelage.training.checkpoint import newest_checkpoint, save_checkpoint
from tutelage.training.control import Control
from tutelage.training.loop import run_loop
from tutelage.training.state import TrainState, digest, seed_everything
from tutelage.training.step import Step, StepOptions

SEED = 5
STEPS = 101


def classifier(options: StepOptions) -> TrainState:
    """A convolutional classifier with dropout, batch norm and a weight average."""
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(200, 3, 8, 8, generator=generator)
    target = (images.mean(dim=(1, 2, 3)) * 40).long() % 4
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(512, 4)
    )  # fmt: skip
    phase = Phase(owns=("model.",), optim=SGD(lr=0.05, momentum=0.9), schedule=LinearToZero(), clip=1.0)
    task = SupervisedTask(model, loss=CrossEntropy().build(), input_names=("image",), phase=phase, ema=0.9)
    stream = FiniteStream(DenseRows({"image": images, "target": target}), batch_size=32, seed=SEED)
    return TrainState(task, Step(task, options), stream, Control(STEPS))


def ring(num_samples: int) -> Tensor:
    """Samples of 8 Gaussians on a ring of radius 2."""
    generator = torch.Generator().manual_seed(2)
    angle = torch.randint(8, (num_samples,), generator=generator) * torch.pi / 4
    center = 2 * torch.stack([angle.cos(), angle.sin()], dim=1)
    return center + 0.05 * torch.randn(num_samples, 2, generator=generator)


def gan(options: StepOptions) -> TrainState:
    """A GAN with three critic updates to one generator update."""

    def network(num_inputs: int, num_outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(num_inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, num_outputs))

    adam = Adam(lr=1e-3, beta1=0.5)
    phases = {name: Phase(owns=(f"{name}.",), optim=adam, schedule=Constant(warmup=0)) for name in ("critic", "generator")}
    spec = Generate(latent_size=8, critic_steps=3)
    task = GenerateTask(spec, generator=network(8, 2), critic=network(2, 1), phases=phases)
    stream = FiniteStream(DenseRows({"sample": ring(1000)}), batch_size=128, seed=SEED)
    return TrainState(task, Step(task, options), stream, Control(STEPS))


def ppo(options: StepOptions) -> TrainState:
    """PPO on eight CartPoles; 101 steps cross several rollouts and 37 lies inside one."""

    def network(num_outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, num_outputs))

    phase = Phase(owns=("",), optim=Adam(lr=3e-3, eps=1e-5), schedule=LinearToZero(), clip=0.5)
    task = PpoTask(Ppo(num_actions=2), policy=network(2), value=network(1), phase=phase)
    rollout = Rollout(num_steps=32, num_epochs=4, minibatch_size=64)
    stream = RolloutStream(CartPole(num_envs=8).build(), actor=task, rollout=rollout, seed=SEED)
    return TrainState(task, Step(task, options), stream, Control(STEPS))


def dqn(options: StepOptions) -> TrainState:
    """DQN with priorities and returns of three steps on four CartPoles, acting and learning in turn."""
    phase = Phase(owns=("q.",), optim=Adam(lr=1e-3), schedule=LinearToZero())
    task = DqnTask(Dqn(num_actions=2), q=nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2)), phase=phase)
    replay = Replay(256, 64, 1, 1, 32, 0.99, num_steps=3, epsilon=0.05, explore_steps=300, prioritized=True)
    stream = ReplayStream(CartPole(num_envs=4).build(), explorer=task, replay=replay, seed=SEED)
    return TrainState(task, Step(task, options), stream, Control(STEPS))


def sac(options: StepOptions) -> TrainState:
    """SAC on Pendulum, in Gymnasium's own copies."""

    def network(num_inputs: int, num_outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(num_inputs, 32), nn.ReLU(), nn.Linear(32, num_outputs))

    adam = Adam(lr=1e-3)
    phases = {name: Phase(owns=owned, optim=adam, schedule=LinearToZero()) for name, owned in SacTask.owned.items()}
    critics = nn.ModuleList(network(4, 1) for _ in range(2))
    task = SacTask(Sac(num_actions=1, low=(-2.0,), high=(2.0,)), actor=network(3, 2), critics=critics, phases=phases)
    replay = Replay(400, 150, 1, 1, 32, 0.99)
    env = Gymnasium(name="Pendulum-v1", num_envs=2).build()
    stream = ReplayStream(env, explorer=task, replay=replay, seed=SEED)
    return TrainState(task, Step(task, options), stream, Control(STEPS))


PROBLEMS = {"classifier": classifier, "gan": gan, "ppo": ppo, "dqn": dqn, "sac": sac}
PARTS = {"straight": ("straight", 0, 101), "half": ("resumed", 0, 37), "resumed": ("resumed", 37, 101)}
"""Of each part: in which folder it is kept, the step that it begins at, and the one that it ends at."""


def train(problem: str, compile_with: str, folder: Path, part: str) -> dict[str, Any]:
    """Run one part of one problem, as if this process did nothing else, and return what it came to."""
    name, first, last = PARTS[part]
    if compile_with != "none":
        torch.compiler.reset()
    seed_everything(SEED)
    options = StepOptions(compile=compile_with, precision="bfloat16" if problem == "classifier" else "float32")  # type: ignore[arg-type]
    state = PROBLEMS[problem](options)
    if first:
        seed_everything(999)  # what a new process happens to hold must not matter
        snapshot, _ = newest_checkpoint(folder / name)
        state.restore(snapshot)
        assert digest(state.snapshot()) == digest(snapshot)
    run_loop(state, jobs=(), seed=SEED, until_step=last)
    sha = save_checkpoint(folder / name, state.snapshot())
    return {"step": state.clock.step, "digest": sha, "loss": state.ledger.flush()}


def main(problems: str, compile_with: str, folder: str, parts: str) -> None:
    """Run some parts of some problems, and print what they came to."""
    found = {
        problem: {part: train(problem, compile_with, Path(folder) / problem, part) for part in parts.split(",")}
        for problem in problems.split(",")
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
