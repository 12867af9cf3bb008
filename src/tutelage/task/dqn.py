"""Deep Q-learning: a network learns what each action is worth, from remembered steps; acts greedily, with chance mixed in.

When to use it: one of a few actions, steps of the environment that are dear, rewards that come late. For many cheap
environments take `ppo`.

Sources: Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015; van Hasselt et al., "Deep
Reinforcement Learning with Double Q-learning", 2015, arXiv 1509.06461, equation 4; Hessel et al., "Rainbow", 2017,
arXiv 1710.02298 (n-step returns, priorities).
Differs from the papers: the target network follows slowly at each update in place of being copied now and then.
Shapes: B = samples, A = choices.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.observation import ObservationShape
from tutelage.core.shape.views import Grid
from tutelage.data.part.base import Part
from tutelage.data.part.environment import EnvironmentPart
from tutelage.defaults.base import Suggestion
from tutelage.model.arch.mlp import MLP
from tutelage.model.layers.observation import ObservationNet
from tutelage.model.layers.small_net import SmallNet
from tutelage.optim.adam import Adam
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.task.acting import acting_problem, build_network
from tutelage.task.base import Batch, Data, Objective, Phase, Problem, Task
from tutelage.task.dqn_gradient import DqnGradient
from tutelage.task.environment import EnvironmentData
from tutelage.task.objective import WithGradients
from tutelage.task.replayed import Follower, ReplayedSpec, replay_stream, weighted_sum
from tutelage.task.staged import slowed_phases

__all__ = ["Dqn", "DqnTask"]

USUAL_STEPS = 100_000
"""Environment steps that are reckoned with where the budget is not given in such steps."""
EXPLORE_KNOWN = 0.02
"""Share over which random actions become few where a training starts from what is known."""


class Dqn(ReplayedSpec):
    """Settings of deep Q-learning."""

    kind: Literal["dqn"] = "dqn"
    part_type: ClassVar[type[Part]] = EnvironmentPart
    shape_type: ClassVar[type[Shape]] = ObservationShape
    takes: ClassVar[Literal["choices", "numbers", "both"]] = "choices"
    num_envs: int = Field(4, ge=1, le=2**16, description="Environments that are stepped at once.")
    num_steps: int = Field(3, ge=1, le=1000, description="Rewards that are summed before the estimate takes over (n-step).")
    target_rate: float = Field(0.01, gt=0, le=1, description="How far the target network follows at each update.")
    scale: Literal["running", "none"] = Field(
        "running",
        description="Whether observations are normalized by the spread of the first, random steps, or left as they are.",
    )
    epsilon: float = Field(0.05, ge=0, le=1, description="Probability of a random action once exploration has ended.")
    explore_fraction: float = Field(0.2, gt=0, le=1, description="Share of the environment steps over which it falls from 1.")
    is_double: bool = Field(True, description="Whether one network chooses the next action, and the other says its worth.")
    is_prioritized: bool = Field(False, description="Whether samples whose estimate was wrong are drawn more often.")

    def suggest(self, facts: Facts) -> Suggestion:
        """Return what learns small problems in few environment steps."""
        usual = super().suggest(facts)
        has_pixels = facts.shape.view(Grid) is not None
        return usual.but(
            model=usual.model if has_pixels else MLP(hidden=(128, 128), activation="relu", dropout=0.0),
            optim=Adam(lr=1e-4 if has_pixels else 1e-3),
            batch_size=128,
            clip=10.0,
            why={"init": "the architecture's own"},
        )

    def decide(self, recipe: Recipe, facts: Facts, *, auto: Suggestion, made: Decisions) -> "Dqn":
        """Take over the actions, and remember no more than memory holds."""
        decided: Dqn = self.with_actions(recipe, facts, auto_env_steps=auto.env_steps)
        (spec,) = facts.shape.tensors.values()
        bytes_each = 1 if facts.shape.view(Grid) is not None else 4
        kept: Dqn = decided.within_memory(math.prod(spec.sizes), bytes_each=bytes_each, made=made)
        threaded: Dqn = kept.with_threads(recipe, facts, auto=auto, made=made)
        if facts.known is None or threaded.explore_fraction != type(self)().explore_fraction:
            return threaded
        why = "what was learned before acts soon, and at random only while it fills its memory"
        made.choose("task.explore_fraction", "auto", EXPLORE_KNOWN, why)
        return threaded.but(explore_fraction=EXPLORE_KNOWN)

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return the worth of each choice float32 [B, A]."""
        return outputs

    def best_action(self, outputs: Tensor) -> Tensor:
        """Return the choice that is worth most."""
        return outputs.argmax(dim=-1)

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Put the task around its networks, environments and memory into a stream, and evaluators beside."""
        assert isinstance(data, EnvironmentData)
        network = build_network(self, plan, module=module, world=world)
        phase = Phase(owns=("q.",), optim=plan.optim, schedule=plan.schedule, clip=plan.clip)
        phases = slowed_phases(plan, {"q": phase}, network, prefix="q.")
        task = DqnTask(self, q=network, phase=phases["q"]).to(plan.device)
        explore_steps = max(1, int(self.explore_fraction * (self.env_steps or USUAL_STEPS)))
        replay = replace(
            self.replay(plan.batch_size),
            epsilon=self.epsilon,
            explore_steps=explore_steps,
            prioritized=self.is_prioritized,
        )
        stream = replay_stream(task, replay, plan, data, num_envs=self.num_envs)
        return acting_problem(task, stream, plan, data)


class DqnTask(Task):
    """A network of the worth of actions, and its slow copy; one phase, `q`."""

    rhythm = (("q",),)
    has_steady_loss: ClassVar[bool] = False

    def __init__(self, spec: Dqn, *, q: nn.Module, phase: Phase) -> None:
        """Hold the network, and make its copy."""
        super().__init__()
        self.q = q
        self.target = copy.deepcopy(q).requires_grad_(False)
        self.phases = {"q": phase}
        self._target_rate, self._is_double, self._num_actions = spec.target_rate, spec.is_double, spec.num_actions

    @torch.no_grad()
    def explore(self, observation_EO: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
        """Return int64 [E]: the best choice, or any with probability `epsilon`."""
        count = len(observation_EO)
        uniform_E = torch.rand(count, generator=generator)
        random_E = torch.randint(self._num_actions, (count,), generator=generator)
        if epsilon >= 1.0:
            return random_E.to(observation_EO.device)
        best_E: Tensor = self._acting(observation_EO).argmax(dim=-1)
        return torch.where((uniform_E < epsilon).to(best_E.device), random_E.to(best_E.device), best_E)

    def to_env(self, action: Tensor) -> Tensor:
        """Return choices as they are."""
        return action

    @torch.no_grad()
    def errors(self, batch: Batch) -> Tensor:
        """Return the difference between target and estimate float32 [B]."""
        return self._target_of(batch) - self._estimate(batch)

    def learn_scale(self, observation_BO: Tensor) -> None:
        """Let the normalization of observations follow what was seen, in both networks."""
        for net in (self.q, self.target):
            if isinstance(net, ObservationNet):
                net.scale.learn(observation_BO)

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the Huber loss of the estimates, summed over a minibatch."""
        estimate_B = self._estimate(batch)
        loss_B = F.smooth_l1_loss(estimate_B, self._target_of(batch), reduction="none")
        total, weight = weighted_sum(loss_B, batch.get("weight"))
        return Objective(total, weight, {"worth": weighted_sum(estimate_B, batch.get("weight"))[0]})

    def with_gradients(self, phase: str) -> WithGradients | None:
        """Return the same with its gradient in closed form, where the network is small."""
        if not isinstance(self.q, ObservationNet) or not isinstance(self.target, ObservationNet):
            return None
        q, target = SmallNet.of(self.q.body), SmallNet.of(self.target.body)
        if q is None or target is None:
            return None
        gradient, seen = DqnGradient(q, target, is_double=self._is_double), self.q.scale.quick
        return lambda batch: gradient(seen(batch["observation"]), seen(batch["next_observation"]), batch)

    def after_update(self, phase: str, made: Tensor | None = None) -> None:
        """Let the slow copy follow."""
        self._follow(made)

    def network(self) -> nn.Module:
        """Return the network of the worth of actions."""
        return self.q

    @cached_property
    def _follow(self) -> Follower:
        """What moves the slow copy."""
        return Follower(self.target, self.q, rate=self._target_rate)

    @cached_property
    def _acting(self) -> Callable[[Tensor], Tensor]:
        """The network, without autograd; asked for when it is where it stays."""
        return self.q.acting() if isinstance(self.q, ObservationNet) else self.q

    def _estimate(self, batch: Batch) -> Tensor:
        """Return the worth float32 [B] of the actions that were taken."""
        return self.q(batch["observation"]).float().gather(1, batch["action"][:, None]).squeeze(1)  # type: ignore[no-any-return]

    @torch.no_grad()
    def _target_of(self, batch: Batch) -> Tensor:
        """Return what the worth should be, float32 [B]: the rewards, and what the best next action is worth."""
        next_BA = self.target(batch["next_observation"]).float()
        chosen_B = (self.q(batch["next_observation"]).float() if self._is_double else next_BA).argmax(dim=-1)
        target: Tensor = batch["reward"] + batch["discount"] * next_BA.gather(1, chosen_B[:, None]).squeeze(1)
        return target
