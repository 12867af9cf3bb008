"""What tasks that act in an environment share: the environment as data, and episodes played to measure a policy.

Shapes: N = episodes, played in copies of the environment that are stepped at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

from tutelage.core import catalog
from tutelage.core.seeds import derive
from tutelage.core.shape.base import Shape
from tutelage.data.source.base import Collected
from tutelage.env.base import Environment
from tutelage.metric.episodes import EpisodeOutcome
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Decision, Plan
from tutelage.task.base import Data, Task
from tutelage.task.measured import Measured, UnitTallies
from tutelage.task.modes import evaluation_mode

__all__ = ["EnvironmentData", "EpisodeEvaluator"]

MAX_EPISODE_STEPS = 10_000
"""An evaluation gives up after so many steps of each environment."""


@dataclass(frozen=True)
class EnvironmentData(Data):
    """An environment to act in; see `Data` for what is common to all data.

    Attributes:
        task_kind: What is learned.
        task_reason: Why this task was chosen.
        env: Settings of an environment component, its `kind` included.
        shape: What a network receives of it.
        num_actions: Actions are whole numbers from 0 to this minus 1.
    """

    task_kind: str
    task_reason: str
    collected: Collected
    env: Mapping[str, Any]
    shape: Shape
    num_actions: int
    fitted: None = None
    prepare: None = None
    target: None = None
    split: None = None
    unit: str = "environments"

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Hash of the settings."""
        return self.collected.train.fingerprint[:16]

    @property
    def sizes(self) -> Mapping[str, int]:  # type: ignore[override]
        """One environment, as often as it is asked for."""
        return {"train": 1, "validation": 0, "test": 0}

    def make(self, count: int, *, device: str) -> Environment:
        """Make copies of the environment; who asks for them closes them."""
        settings = dict(self.env)
        env: Environment = catalog.load("env", settings["kind"])(**settings, num_envs=count).build(device=device)
        return env

    def decisions(self) -> tuple[Decision, ...]:
        """Return the task."""
        return (Decision(key="task", value=self.task_kind, reason=self.task_reason),)

    def facts(self, machine: Machine, *, task: str, is_own_model: bool) -> Facts:
        """Return what decisions depend on; there is no end of samples."""
        return Facts(
            modality=self.collected.train.kind,
            shape=self.shape,
            num_train=0,
            num_validation=0,
            num_test=0,
            task=task,
            class_counts=(),
            machine=machine,
            is_own_model=is_own_model,
            traits={"num_actions": str(self.num_actions)},
        )

    def describe(self) -> dict[str, Any]:
        """Return what is acted in, what is observed, and how many actions there are."""
        return self.collected.train.summary({})


@dataclass(frozen=True)
class EpisodeEvaluator(Measured):
    """Plays whole episodes in environments of its own, always with the most probable action.

    The environments are made for the first evaluation, begin anew with the same random numbers for each, and stay open until
    `close`.

    Attributes:
        name: The part's name, which begins the metrics' names.
        plan: Metrics, device, seed.
        data: Makes the environments.
        episodes: How many are played in an evaluation.
        is_watched: Whether early stopping judges by these episodes.
    """

    name: str
    plan: Plan
    data: EnvironmentData
    episodes: int
    is_watched: bool = False

    def __len__(self) -> int:
        return self.episodes

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/mean_return`."""
        return self.measure([self.play(task)])

    def final(self, task: Task) -> dict[str, Any]:
        """Return metrics, intervals over episodes, what acting at random earns, and all returns."""
        outcome = self.play(task)
        values = self.measure([outcome])
        intervals = [
            self._interval(metric, outcome, estimate=value) for metric, value in zip(self.metrics, values.values(), strict=True)
        ]
        record = self.record(values, intervals=intervals, baseline=self.guess(), described="acting at random")
        return record | {"episodes": {"returns": outcome.returns.tolist(), "lengths": outcome.lengths.tolist()}}

    def measure_guess(self) -> Mapping[str, float]:
        """Return what acting at random earns."""
        return self.measure([self.play(None)])

    def play(self, task: Task | None) -> EpisodeOutcome:
        """Return the first episode of each copy; without a task, actions are drawn at random."""
        if task is None:
            return self._play(None)
        network = task.network()
        with evaluation_mode(network):
            return self._play(network)

    def close(self) -> None:
        """Close the environments, if any were made."""
        env: Environment | None = self.__dict__.get("_env")
        if env is not None:
            env.close()

    @cached_property
    def _env(self) -> Environment:
        return self.data.make(self.episodes, device=self.plan.device)

    @torch.no_grad()
    def _play(self, network: nn.Module | None) -> EpisodeOutcome:
        """Play with a network as it is, or at random."""
        generator = torch.Generator().manual_seed(derive(self.plan.seed, f"{self.name} episodes"))
        observation = self._env.reset(generator)
        returns, lengths = np.zeros(self.episodes), np.zeros(self.episodes, dtype=np.int64)
        is_over = np.zeros(self.episodes, dtype=bool)
        for _ in range(MAX_EPISODE_STEPS):
            if network is None:
                action = torch.randint(self._env.num_actions, (self.episodes,), generator=generator)
            else:
                action = network(observation).argmax(dim=-1)
            moved = self._env.step(action)
            returns += np.where(is_over, 0.0, moved.reward.cpu().numpy())
            lengths += ~is_over
            is_over |= (moved.terminated | moved.truncated).cpu().numpy()
            observation = moved.observation
            if is_over.all():
                break
        return EpisodeOutcome(returns, lengths)

    def _interval(self, metric: Any, outcome: EpisodeOutcome, *, estimate: float) -> tuple[float, float]:
        """Return a metric's interval, each episode drawn for itself."""
        units = UnitTallies(metric, num_units=self.episodes)
        for number in range(self.episodes):
            one = slice(number, number + 1)
            units.add(EpisodeOutcome(outcome.returns[one], outcome.lengths[one]))
        return units.interval(seed=self.plan.seed, estimate=estimate)
