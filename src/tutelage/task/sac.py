"""Soft actor-critic: a policy of numbers that earns much and stays as random as it may, from remembered steps.

When to use it: actions that are numbers (torques, steering), steps of the environment that are dear.

Source: Haarnoja et al., "Soft Actor-Critic Algorithms and Applications", 2018, arXiv 1812.05905, equations 5, 7 and 18.
Differs from the paper: an update for each environment step by default, as in its experiments, after random steps at first;
n-step returns where asked for. Shapes: B = samples, E = environments, O = observation, A = numbers of an action.
"""

import copy
import math
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.observation import ObservationShape
from tutelage.data.part.base import Part
from tutelage.data.part.environment import EnvironmentPart
from tutelage.defaults.base import Suggestion
from tutelage.env.actions import Actions
from tutelage.model.arch.mlp import MLP
from tutelage.model.layers.bfloat16_products import Bfloat16Products
from tutelage.model.layers.observation import ObservationNet
from tutelage.model.layers.small_net import Room, SmallNet
from tutelage.optim.adam import Adam
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.task.acting import acting_problem, build_network
from tutelage.task.base import Batch, Data, Objective, Phase, Problem, Task
from tutelage.task.environment import EnvironmentData
from tutelage.task.initialization import initialize
from tutelage.task.objective import WithGradients
from tutelage.task.replayed import Follower, ReplayedSpec, replay_stream, weighted_sum
from tutelage.task.sac_gradient import SacGradient, SacNets, SacWeights
from tutelage.task.staged import slowed_phases

__all__ = ["Sac", "SacTask"]

LOWEST_LOG_STD, HIGHEST_LOG_STD = -5.0, 2.0
MIDDLE, HALF = (HIGHEST_LOG_STD + LOWEST_LOG_STD) / 2, (HIGHEST_LOG_STD - LOWEST_LOG_STD) / 2
LOG_2PI = math.log(2 * math.pi)


class Sac(ReplayedSpec):
    """Settings of soft actor-critic."""

    kind: Literal["sac"] = "sac"
    part_type: ClassVar[type[Part]] = EnvironmentPart
    shape_type: ClassVar[type[Shape]] = ObservationShape
    takes: ClassVar[Literal["choices", "numbers", "both"]] = "numbers"
    strength: ClassVar[dict[str, int]] = {"choices": 0, "numbers": 2}
    beside = ("critics.", "targets.", "log_temperature")
    scale: Literal["running", "none"] = Field(
        "running",
        description="Whether observations are normalized by the spread of the first, random steps, or left as they are.",
    )
    temperature: float = Field(1.0, gt=0, le=1e6, description="Weight of the entropy at the beginning.")
    target_entropy: float = Field(
        -1.0, ge=-100, le=100, description="Entropy that the temperature is led to, for each number of an action, in nats."
    )

    def refusal(self, part: Part) -> str:
        """Refuse what gives no numbers, or shows pictures."""
        if isinstance(part, EnvironmentPart) and part.has_pixels:
            return "task 'sac' learns from numbers, and this environment shows pictures. Leave --task and --algorithm out."
        return super().refusal(part)

    def suggest(self, facts: Facts) -> Suggestion:
        """Return what learns within few environment steps."""
        usual = super().suggest(facts)
        steps = usual.why["steps"] if self.env_steps else "30,000 environment steps where no budget is given"
        return usual.but(
            model=MLP(hidden=(256, 256), activation="relu", dropout=0.0),
            optim=Adam(lr=1e-3),
            batch_size=256,
            clip=0.0,
            env_steps=self.env_steps or 30_000,
            # Elsewhere its products are no part worth a second precision, and nothing is known of its returns.
            bf16=facts.machine.device == "cpu",
            why={
                "init": "the architecture's own",
                "model": "actor and critics alike",
                "clip": "not needed",
                "steps": steps,
            },
        )

    def decide(self, recipe: Recipe, facts: Facts, *, auto: Suggestion, made: Decisions) -> "Sac":
        """Take over the actions, and remember no more than memory holds."""
        decided: Sac = self.with_actions(recipe, facts, auto_env_steps=auto.env_steps)
        (spec,) = facts.shape.tensors.values()
        kept: Sac = decided.within_memory(math.prod(spec.sizes), bytes_each=4, made=made)
        threaded: Sac = kept.with_threads(recipe, facts, auto=auto, made=made)
        return threaded

    def count_outputs(self, facts: Facts) -> int:
        """Return a mean and the logarithm of a standard deviation for each number."""
        return 2 * self.actions.size

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return the most probable action float32 [B, A], in the environment's unit."""
        return self.best_action(outputs)

    def best_action(self, outputs: Tensor) -> Tensor:
        """Return the action without its randomness, in the environment's unit."""
        return self.actions.from_unit(torch.tanh(outputs.chunk(2, dim=-1)[0]))

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Put the task around its networks, environments and memory into a stream, and evaluators beside."""
        assert isinstance(data, EnvironmentData)
        actor = build_network(self, plan, module=module, world=world)
        assert plan.model is not None
        assert isinstance(plan.shape, ObservationShape)
        size = math.prod(plan.shape.sizes) + self.actions.size
        critics = nn.ModuleList(plan.model.build(ObservationShape(sizes=(size,)), 1) for _ in range(2))
        for number, critic in enumerate(critics):
            initialize(critic, plan, purpose=f"init critic {number}")
        phases = {
            name: Phase(owns=owned, optim=plan.optim, schedule=plan.schedule, clip=plan.clip)
            for name, owned in SacTask.owned.items()
        }
        phases = slowed_phases(plan, phases, actor, prefix="actor.")
        task = SacTask(self, actor=actor, critics=critics, phases=phases, precision=plan.precision).to(plan.device)
        stream = replay_stream(task, self.replay(plan.batch_size), plan, data, num_envs=self.num_envs)
        return acting_problem(task, stream, plan, data)


class SacTask(Task):
    """A policy, two critics with slow copies, and a temperature; phases `critic` and `actor` on each batch."""

    rhythm = (("critic", "actor"),)
    owned: ClassVar[dict[str, tuple[str, ...]]] = {"critic": ("critics.",), "actor": ("actor.", "log_temperature")}
    """What each phase learns. The temperature is learned beside the actor: both need the same actions and their probability."""
    draws: ClassVar[bool] = True
    has_steady_loss: ClassVar[bool] = False
    closed_precisions: ClassVar[tuple[str, ...]] = ("float32", "bfloat16")

    def __init__(
        self, spec: Sac, *, actor: nn.Module, critics: nn.ModuleList, phases: dict[str, Phase], precision: str = "float32"
    ) -> None:
        """Hold the networks, and make the critics' copies."""
        super().__init__()
        self._precision = precision
        self.actor = actor
        self.critics = critics
        self.targets = copy.deepcopy(critics).requires_grad_(False)
        self.log_temperature = nn.Parameter(torch.tensor(math.log(spec.temperature)))
        self.phases = phases
        self._actions: Actions = spec.actions
        self._target_rate = spec.target_rate
        self._target_entropy = spec.target_entropy * spec.actions.size

    def draw(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Add the noise of the actions that are tried, now and next, float32 [B, A]."""
        noise = torch.randn(2, len(batch["reward"]), self._actions.size, generator=generator).to(batch["reward"].device)
        return {**batch, "noise": noise[0], "next_noise": noise[1]}

    @torch.no_grad()
    def explore(self, observation_EO: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
        """Return drawn actions float32 [E, A] in units of the bounds; any with equal probability where `epsilon` is 1."""
        sizes = (len(observation_EO), self._actions.size)
        if epsilon >= 1.0:
            return (2 * torch.rand(sizes, generator=generator) - 1).to(observation_EO.device)
        noise_EA = torch.randn(sizes, generator=generator).to(observation_EO.device)
        mean_EA, log_std_EA = self._acting(self._seen(observation_EO))
        return torch.tanh(mean_EA + log_std_EA.exp() * noise_EA)

    def to_env(self, action: Tensor) -> Tensor:
        """Return actions as the environment takes them."""
        return self._actions.from_unit(action)

    @torch.no_grad()
    def errors(self, batch: Batch) -> Tensor:
        """Return the difference between target and the first critic float32 [B]; the next action without randomness."""
        batch = {**batch, "next_noise": torch.zeros_like(batch["action"])}
        return self._target_of(batch) - self._worth(self.critics, self._seen(batch["observation"]), batch["action"])[0]

    def learn_scale(self, observation_BO: Tensor) -> None:
        """Let the normalization of observations follow what was seen."""
        if isinstance(self.actor, ObservationNet):
            self.actor.scale.learn(observation_BO)

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the loss of the critics; or that of the actor and of the temperature, neither of which moves the other."""
        weight_B, seen = batch.get("weight"), self._seen(batch["observation"])
        if phase == "critic":
            target_B = self._target_of(batch)
            worth = self._worth(self.critics, seen, batch["action"])
            loss_B = sum((0.5 * (worth_B - target_B).square() for worth_B in worth), torch.zeros_like(target_B))
            total, weight = weighted_sum(loss_B, weight_B)
            return Objective(total, weight, {"worth": weighted_sum(worth[0], weight_B)[0]})
        action, log_B = self._try(seen, batch["noise"])
        least_B = torch.minimum(*self._worth(self.critics, seen, action))
        temperature = self.log_temperature.exp()
        loss_B = temperature.detach() * log_B - least_B - self.log_temperature * (log_B.detach() + self._target_entropy)
        total, weight = weighted_sum(loss_B, weight_B)
        told = {"entropy": -log_B, "temperature": temperature.expand(len(log_B))}
        return Objective(total, weight, {name: weighted_sum(value_B, weight_B)[0] for name, value_B in told.items()})

    def with_gradients(self, phase: str) -> WithGradients | None:
        """Return the same with its gradient in closed form, where all networks are small."""
        actor, *others = self._small
        if actor is None or not all(others):
            return None
        first, second, third, fourth = [net for net in others if net is not None]
        nets = SacNets(actor, (first, second), (third, fourth))
        gradient = SacGradient(nets, SacWeights(MIDDLE, HALF, self._target_entropy), self.log_temperature)
        seen = self.actor.scale.quick if isinstance(self.actor, ObservationNet) else _same
        if phase == "actor":
            return lambda batch: gradient.actor(seen(batch["observation"]), batch)
        return lambda batch: gradient.critic(seen(batch["observation"]), seen(batch["next_observation"]), batch)

    def after_update(self, phase: str, made: Tensor | None = None) -> None:
        """Let the slow copies follow the critics."""
        if phase == "critic":
            self._follow(made)

    def network(self) -> nn.Module:
        """Return the policy."""
        return self.actor

    @cached_property
    def _follow(self) -> Follower:
        """What moves the critics' copies."""
        return Follower(self.targets, self.critics, rate=self._target_rate)

    @cached_property
    def _small(self) -> list[SmallNet | None]:
        """Actor, critics and their copies as small nets, where they are such; asked for when all are where they stay."""
        actor = self.actor.body if isinstance(self.actor, ObservationNet) else self.actor
        slopes, bfloat16 = Room(), Bfloat16Products() if self._precision == "bfloat16" else None
        return [SmallNet.of(net, slopes=slopes, bfloat16=bfloat16) for net in (actor, *self.critics, *self.targets)]

    def _seen(self, observation_BO: Tensor) -> Tensor:
        """Return observations as all networks see them, on a scale that none of them learns by gradients."""
        return self.actor.scale(observation_BO) if isinstance(self.actor, ObservationNet) else observation_BO

    def _acting(self, seen_BO: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and logarithm of the standard deviation of actions before tanh, float32 [B, A] each."""
        actor: Any = self.actor.body if isinstance(self.actor, ObservationNet) else self.actor
        if not torch.is_grad_enabled():
            actor = self._small[0] or actor
        mean_BA, raw_BA = actor(seen_BO).float().chunk(2, dim=-1)
        return mean_BA, MIDDLE + HALF * torch.tanh(raw_BA)

    def _try(self, seen_BO: Tensor, noise_BA: Tensor) -> tuple[Tensor, Tensor]:
        """Return actions float32 [B, A] within -1 to 1, and their log-probability float32 [B] there."""
        mean_BA, log_std_BA = self._acting(seen_BO)
        before_BA = mean_BA + log_std_BA.exp() * noise_BA
        normal_BA = -0.5 * (noise_BA.square() + LOG_2PI) - log_std_BA
        # log(1 - tanh(x)^2), without loss of digits where x is large.
        slope_BA = 2.0 * (math.log(2.0) - before_BA - nn.functional.softplus(-2.0 * before_BA))
        return torch.tanh(before_BA), (normal_BA - slope_BA).sum(dim=-1)

    def _worth(self, critics: Any, seen_BO: Tensor, action_BA: Tensor) -> list[Tensor]:
        """Return what each critic says of scaled observations and actions, float32 [B]."""
        both = torch.cat([seen_BO.flatten(1), action_BA], dim=-1)
        return [critic(both).float().squeeze(-1) for critic in critics]

    @torch.no_grad()
    def _target_of(self, batch: Batch) -> Tensor:
        """Return what the worth should be, float32 [B]: rewards, and the soft worth of the next observation."""
        seen = self._seen(batch["next_observation"])
        action_BA, log_B = self._try(seen, batch["next_noise"])
        least_B = torch.minimum(*self._worth(self.targets, seen, action_BA))
        target: Tensor = batch["reward"] + batch["discount"] * (least_B - self.log_temperature.exp() * log_B)
        return target


def _same(observation_BO: Tensor) -> Tensor:
    """Return observations as they are."""
    return observation_BO
