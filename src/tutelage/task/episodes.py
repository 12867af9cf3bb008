"""Episodes played to measure a policy: in environments of their own, with seeds of their own, always with the best action.

Shapes: N = episodes, played in copies of the environment that are stepped at once.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.events import Event, Warned
from tutelage.core.seeds import derive
from tutelage.env.base import Environment
from tutelage.env.extent import Extent
from tutelage.env.watch import Watch
from tutelage.metric.episodes import EpisodeOutcome
from tutelage.model.layers.observation import ObservationNet
from tutelage.planning.plan import Plan
from tutelage.task.base import Task
from tutelage.task.environment import EnvironmentData
from tutelage.task.episode_course import EpisodeCourse
from tutelage.task.measured import Measured, UnitTallies
from tutelage.task.modes import evaluation_mode

__all__ = ["EpisodeEvaluator", "play_episodes"]

MAX_EPISODE_STEPS = 10_000
"""No episode is played for longer."""
MOST_STEPS_WATCHED, MOST_STEPS = 50_000, 250_000
"""Environment steps of an evaluation in all, while training and once at the end, where the environment has no time limit of its
own: an agent that never comes to an end would else be watched for longer than it is trained."""
MOST_COPIES = 100
"""Environments that are open at once for an evaluation; more episodes are played one round after another."""

Choose = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class EpisodeEvaluator(Measured):
    """Plays whole episodes, always with the best action.

    The environments are made for the first evaluation, begin anew with the same random numbers for each, and stay open until
    `close`.

    Attributes:
        name: The part's name, which begins the metrics' names.
        plan: Metrics, device, seed; its task says which action is the best.
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
        """Return each metric by name, such as `val/return`."""
        outcome = self.play(task.network())
        # What was told before training is not told again; nor what an earlier evaluation has told.
        outside = "" if self.data.notes else self._extent.told()
        found = {"open": _unended(outcome) if outcome.num_open else "", "outside": outside}
        for kind, text in found.items():
            if text:
                self._to_say.setdefault(kind, text)
        return self.measure([outcome])

    def final(self, task: Task) -> dict[str, Any]:
        """Return metrics, intervals over episodes, what acting at random earns, and all returns."""
        course = EpisodeCourse()
        return self.told(self.play(task.network(), course), course.told())

    def told(self, outcome: EpisodeOutcome, course: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what result.json says of played episodes; `figures` holds the ends of the return's interval too."""
        values = self.measure([outcome])
        # Of those who watch training it is told while they watch.
        warnings = {"warnings": [_unended(outcome)]} if outcome.num_open and not self.is_watched else {}
        intervals = [
            self._interval(metric, outcome, estimate=value) for metric, value in zip(self.metrics, values.values(), strict=True)
        ]
        record = self.record(values, intervals=intervals, baseline=self.guess(), described="acting at random")
        figures: dict[str, float] = {}
        for (name, _), (low, high) in zip(values.items(), intervals, strict=True):
            figures |= {f"{name}_low": low, f"{name}_high": high}
        played = {"returns": outcome.returns.tolist(), "lengths": outcome.lengths.tolist(), "course": dict(course or {})}
        return record | {"figures": figures, "episodes": played} | warnings

    def events(self, task: Task, *, step: int) -> Sequence[Event]:
        """Return a warning, once, where episodes did not come to an end, or showed what lies outside of their space."""
        news = [text for text in self._to_say.values() if text]
        self._to_say.update(dict.fromkeys(self._to_say, ""))
        return [Warned(message=text) for text in news]

    def measure_guess(self) -> Mapping[str, float]:
        """Return what acting at random earns."""
        return self.measure([self._random])

    def most_growth(self) -> float:
        """Return how many times as long an evaluation can get as that of acting at random; inf where none was played."""
        random: EpisodeOutcome | None = self.__dict__.get("_random")
        longest = min(self._env.time_limit or MAX_EPISODE_STEPS, self._most_steps)
        return math.inf if random is None else max(longest / max(int(random.lengths.max()), 1), 1.0)

    def play(self, network: nn.Module | None, course: EpisodeCourse | None = None) -> EpisodeOutcome:
        """Return whole episodes, the first of which `course` may follow; without a network, actions are drawn at random."""
        generator = torch.Generator().manual_seed(derive(self.plan.seed, f"{self.name} episodes"))
        rounds, done = [], 0
        while done < self.episodes:
            with evaluation_mode(network) if network is not None else nullcontext():
                chooser = self._chooser(network, generator)
                rounds.append(
                    play_episodes(self._env, chooser, generator, course=course, extent=self._extent, most_steps=self._most_steps)
                )
            done += len(rounds[-1].returns)
        returns, lengths = (np.concatenate([getattr(one, key) for one in rounds]) for key in ("returns", "lengths"))
        return EpisodeOutcome(
            returns[: self.episodes], lengths[: self.episodes], min(self.episodes, sum(one.num_open for one in rounds))
        )

    def close(self) -> None:
        """Close the environments, if any were made."""
        env: Environment | None = self.__dict__.get("_env")
        if env is not None:
            env.close()

    @cached_property
    def _random(self) -> EpisodeOutcome:
        """Episodes of acting at random."""
        return self.play(None)

    @cached_property
    def _to_say(self) -> dict[str, str]:
        """Warnings that wait to be told, by what they are of; blank ones once they were: more evaluations would say the same."""
        return {}

    @cached_property
    def _extent(self) -> Extent:
        """What the episodes have shown so far."""
        return Extent(self._env)

    @property
    def _most_steps(self) -> int:
        """Steps of each copy after which episodes are given up."""
        in_all = MOST_STEPS_WATCHED if self.is_watched else MOST_STEPS
        return min(MAX_EPISODE_STEPS, max(in_all // self._env.num_envs, self._env.time_limit))

    @cached_property
    def _env(self) -> Environment:
        return self.data.make(min(self.episodes, MOST_COPIES), device=self.plan.device)

    def _chooser(self, network: nn.Module | None, generator: torch.Generator) -> Choose:
        """Return what chooses actions."""
        if network is None:
            actions = self._env.actions
            return lambda observation: actions.sample(len(observation), generator)
        task: Any = self.plan.task
        best = network.acting() if isinstance(network, ObservationNet) else network

        def choose(observation: Tensor) -> Tensor:
            action: Tensor = task.best_action(best(observation).float())
            return action

        return choose

    def _interval(self, metric: Any, outcome: EpisodeOutcome, *, estimate: float) -> tuple[float, float]:
        """Return a metric's interval, each episode drawn for itself."""
        units = UnitTallies(metric, num_units=self.episodes)
        for number in range(self.episodes):
            one = slice(number, number + 1)
            units.add(EpisodeOutcome(outcome.returns[one], outcome.lengths[one]))
        return units.interval(seed=self.plan.seed, estimate=estimate)


@torch.no_grad()
def play_episodes(
    env: Environment,
    choose: Choose,
    generator: torch.Generator,
    *,
    course: EpisodeCourse | None = None,
    extent: Extent | None = None,
    most_steps: int = MAX_EPISODE_STEPS,
) -> EpisodeOutcome:
    """Return the first episode of each copy; one that does not end within `most_steps` counts as it stands.

    Raises:
        FaultyEnvironmentError: The environment breaks, or an observation or a reward is not finite.
    """
    watch = Watch(env)
    observation = env.reset(generator)
    watch.begin(observation)
    if extent is not None:
        extent.begin(observation)
    # The next round, if any, begins with other random numbers.
    torch.randint(2**31, (1,), generator=generator)
    returns, lengths = np.zeros(env.num_envs), np.zeros(env.num_envs, dtype=np.int64)
    is_open = np.ones(env.num_envs, dtype=bool)
    for _ in range(most_steps):
        action = choose(observation)
        moved = env.step(action)
        watch.look(moved, action)
        if extent is not None:
            extent.look(moved)
        if course is not None:
            course.add(observation, action, moved.reward, moved.terminated | moved.truncated)
        np.add(returns, moved.reward.cpu().numpy(), out=returns, where=is_open)
        lengths += is_open
        is_open[(moved.terminated | moved.truncated).cpu().numpy()] = False
        observation = moved.observation
        if not np.logical_or.reduce(is_open):
            break
    return EpisodeOutcome(returns, lengths, int(is_open.sum()))


def _unended(outcome: EpisodeOutcome) -> str:
    """Return the warning of episodes that were given up."""
    found = f"{outcome.num_open} of {len(outcome.returns)} episodes did not end within {int(outcome.lengths.max()):,} steps"
    return (
        f"{found}, and count as they stand. Give the environment a time limit, by which an agent is also trained: "
        "--set 'source.settings={\"max_episode_steps\": 500}', or for an own one gymnasium.wrappers.TimeLimit."
    )
