"""Proximal policy optimization: a policy learns from its own recent experience, in small steps.

The rollout stream asks the task to act, computes advantages and serves minibatches; the task only has a loss.

Source: Schulman et al., "Proximal Policy Optimization Algorithms", 2017, arXiv 1707.06347, equations 7 and 9; details as in
Huang et al., "The 37 Implementation Details of Proximal Policy Optimization", ICLR blog track 2022.
Differs from the papers: advantages are normalized in each minibatch as a whole; policy and value networks are separate; the value
loss is not clipped. Shapes: B = samples, E = environments, A = choices, or numbers of an action.
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import RecipeError
from tutelage.core.seeds import derive
from tutelage.core.shape.base import Shape
from tutelage.core.shape.observation import ObservationShape
from tutelage.data.part.base import Part
from tutelage.data.part.environment import EnvironmentPart
from tutelage.defaults.base import Suggestion
from tutelage.env.actions import Actions
from tutelage.env.rollout import Rollout, RolloutStream
from tutelage.model.layers.observation import ObservationNet
from tutelage.model.layers.small_net import Room, SmallNet
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.task.acting import ActingSpec, acting_problem, build_network
from tutelage.task.base import Batch, Data, Objective, Phase, Problem, Task
from tutelage.task.environment import EnvironmentData
from tutelage.task.initialization import initialize
from tutelage.task.objective import WithGradients
from tutelage.task.ppo_gradient import PpoGradient, PpoWeights
from tutelage.task.staged import slowed_phases

__all__ = ["Ppo", "PpoTask"]

LEAST_BATCH = 2
MOST_LEFT_OUT = 0.05
"""Of the environment steps that were asked for: a budget is a limit, unless much of it would not be used."""
MAX_ROLLOUT = 2**26
"""Samples of a rollout at most."""
HIDDEN_GAIN, POLICY_GAIN, VALUE_GAIN = math.sqrt(2.0), 0.01, 1.0
"""Gains of the orthogonal initialization: at first all actions are about equally likely."""
LOG_2PI = math.log(2 * math.pi)
SMALLEST, LARGEST = 1e-20, 1 - 1e-7


class Ppo(ActingSpec):
    """Settings of PPO."""

    kind: Literal["ppo"] = "ppo"
    part_type: ClassVar[type[Part]] = EnvironmentPart
    shape_type: ClassVar[type[Shape]] = ObservationShape
    strength: ClassVar[dict[str, int]] = {"choices": 1, "numbers": 1}
    beside = ("value.", "log_std")
    clip_range: float = Field(0.2, gt=0, lt=1, description="How far the probability ratio may move from 1.")
    value_weight: float = Field(0.5, ge=0, le=1e6, description="Weight of the value loss.")
    entropy_weight: float = Field(0.01, ge=0, le=1e6, description="Weight of the entropy bonus.")
    num_envs: int = Field(16, ge=1, le=2**16, description="Environments that are stepped at once.")
    num_steps: int = Field(128, ge=1, le=2**20, description="Steps of each environment in a rollout.")
    num_epochs: int = Field(8, ge=1, le=1000, description="Times that each sample of a rollout is used for updates.")
    gae_lambda: float = Field(0.95, ge=0, le=1, description="Weight of later advantages.")
    target_kl: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Divergence from which on a rollout is used no more; 0 for no limit. Typical: 0.01 to 0.05.",
    )
    scale: Literal["running", "none"] = Field(
        "running", description="Whether observations are normalized by their running mean and spread, or left as they are."
    )
    rewards: Literal["running", "none"] = Field(
        "running", description="Whether rewards are divided by the running spread of returns, or left as they are."
    )

    def decide(self, recipe: Recipe, facts: Facts, *, auto: Suggestion, made: Decisions) -> "Ppo":
        """Take over the actions, and check that minibatches fill the rollout."""
        size = recipe.batch_size if recipe.batch_size != "auto" else auto.batch_size
        if size < LEAST_BATCH:
            found = f"recipe: batch_size = {size} must be at least {LEAST_BATCH}"
            raise RecipeError(f"{found}: advantages are compared within a batch. Typical: 64 to 1,024.")
        if self.num_envs * self.num_steps > MAX_ROLLOUT:
            found = f"recipe: task.num_envs x task.num_steps = {self.num_envs * self.num_steps:,} must be at most {MAX_ROLLOUT:,}"
            raise RecipeError(f"{found}, since all of a rollout is held. Typical: 1,024 to 65,536.")
        if (self.num_envs * self.num_steps) % size:
            raise RecipeError(
                f"recipe: batch_size = {size} does not divide task.num_envs x task.num_steps = {self.num_envs * self.num_steps}."
            )
        decided: Ppo = self.with_actions(recipe, facts, auto_env_steps=auto.env_steps)
        # The stream ends with the last rollout that fits: these are whole ones.
        whole = decided.but(env_steps=decided.env_steps_for(decided.env_steps)[0]) if decided.env_steps else decided
        threaded: Ppo = whole.with_threads(recipe, facts, auto=auto, made=made)
        return threaded

    def steps_for(self, env_steps: int, batch_size: int) -> int:
        """Return the updates of whole rollouts."""
        return self.env_steps_for(env_steps)[0] // batch_size * self.num_epochs

    def env_steps_for(self, env_steps: int) -> tuple[int, str]:
        """Return whole rollouts: as many as fit, or one more where that is nearer and much would be left out; at least one."""
        size = self.num_envs * self.num_steps
        fitting, left_out = divmod(env_steps, size)
        is_much = left_out > MOST_LEFT_OUT * env_steps and 2 * left_out > size
        return max(1, fitting + is_much) * size, f"these are whole rollouts of {size:,}"

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return probabilities of the choices float32 [B, A]; or the numbers of the action, in the environment's unit."""
        return torch.softmax(outputs, dim=-1) if self.actions.is_discrete else self.actions.from_unit(outputs)

    def best_action(self, outputs: Tensor) -> Tensor:
        """Return the most probable action, as the environment takes it."""
        return outputs.argmax(dim=-1) if self.actions.is_discrete else self.actions.from_unit(outputs)

    def initialize(self, network: nn.Module, plan: Plan) -> None:
        """Fill the policy, so that at first all actions are about equally likely."""
        super().initialize(network, plan)
        if plan.init is None:
            _orthogonal(network, head_gain=POLICY_GAIN, generator=torch.Generator().manual_seed(derive(plan.seed, "init policy")))

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Put the task around policy and value function, environments into a stream, and evaluators beside."""
        assert isinstance(data, EnvironmentData)
        policy = build_network(self, plan, module=module, world=world)
        assert plan.model is not None
        value = plan.model.build(plan.shape, 1)
        initialize(value, plan, purpose="init value")
        if plan.init is None:
            _orthogonal(value, head_gain=VALUE_GAIN, generator=torch.Generator().manual_seed(derive(plan.seed, "init value")))
        phase = Phase(owns=("",), optim=plan.optim, schedule=plan.schedule, clip=plan.clip)
        phases = slowed_phases(plan, {"policy": phase}, policy, prefix="policy.")
        task = PpoTask(self, policy=policy, value=value, phase=phases["policy"]).to(plan.device)
        rollout = Rollout(
            self.num_steps,
            self.num_epochs,
            plan.batch_size,
            self.discount,
            self.gae_lambda,
            scales_rewards=self.rewards == "running",
            target_kl=self.target_kl,
            max_env_steps=self.env_steps,
        )
        stream = RolloutStream(data.make(self.num_envs, device=plan.device), actor=task, rollout=rollout, seed=plan.seed)
        return acting_problem(task, stream, plan, data)


class PpoTask(Task):
    """A policy and a value function; one phase, `policy`."""

    rhythm = (("policy",),)
    has_steady_loss: ClassVar[bool] = False

    def __init__(self, spec: Ppo, *, policy: nn.Module, value: nn.Module, phase: Phase) -> None:
        """Hold both networks; a Gaussian policy also the logarithm of its standard deviation, for each number of an action."""
        super().__init__()
        self.policy = policy
        self.value = value
        self.phases = {"policy": phase}
        self._actions: Actions = spec.actions
        self._weights = PpoWeights(spec.clip_range, spec.value_weight, spec.entropy_weight)
        self.log_std = None if not spec.low else nn.Parameter(torch.zeros(len(spec.low)))

    def noise(self, sizes: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw Gumbel noise for choices, normal noise for numbers, float32 [*sizes, A], from the CPU's generator."""
        device = next(self.parameters()).device
        if self.log_std is not None:
            return torch.randn(*sizes, len(self.log_std), generator=generator).to(device)
        uniform = torch.rand(*sizes, max(self._actions.size, 1), generator=generator)
        return (-torch.log(-torch.log(uniform.clamp(SMALLEST, LARGEST)))).to(device)

    @torch.no_grad()
    def act(self, observation_EO: Tensor, noise_EA: Tensor) -> Tensor:
        """Draw an action for each observation: int64 [E], or float32 [E, A] in units of the bounds, which may lie outside."""
        outputs = self._acting(observation_EO).float()
        if self.log_std is not None:
            drawn: Tensor = outputs + self.log_std.exp() * noise_EA
            return drawn
        # Gumbel's trick: the largest of logit + noise is a draw.
        chosen: Tensor = (outputs + noise_EA).argmax(dim=-1)
        return chosen

    def to_env(self, action: Tensor) -> Tensor:
        """Return actions as the environment takes them, clipped to its bounds."""
        return action if self.log_std is None else self._actions.from_unit(action)

    @torch.no_grad()
    def log_probability(self, observation_BO: Tensor, action: Tensor) -> Tensor:
        """Return the log-probability float32 [B] of actions."""
        return self._judged(self._acting(observation_BO).float(), action)[0]

    @torch.no_grad()
    def predict_values(self, observation_BO: Tensor) -> Tensor:
        """Return the value float32 [B] of each observation."""
        value: Tensor = (self._small[1] or self.value)(self._seen(observation_BO)).float().squeeze(-1)
        return value

    def learn_scale(self, observation_BO: Tensor) -> None:
        """Let the normalization of observations follow what was seen."""
        if isinstance(self.policy, ObservationNet):
            self.policy.scale.learn(observation_BO)

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the clipped surrogate loss, the value loss and the entropy bonus, summed over a minibatch."""
        seen = self._seen(batch["observation"])
        log_B, entropy_B = self._judged(_body(self.policy)(seen).float(), batch["action"])
        moved_B = log_B - batch["log_probability"]
        ratio_B = torch.exp(moved_B)
        clipped_B = ratio_B.clamp(1 - self._weights.clip_range, 1 + self._weights.clip_range)
        policy_B = -torch.minimum(ratio_B * batch["advantage"], clipped_B * batch["advantage"])
        value_B = (self.value(seen).float().squeeze(-1) - batch["return"]).square()
        kl_B = ratio_B - 1 - moved_B
        parts = {"value_loss": value_B, "entropy": entropy_B, "kl": kl_B}
        total_B = policy_B + self._weights.value * value_B - self._weights.entropy * entropy_B
        weight_B = batch.get("weight")
        if weight_B is None:
            return Objective(total_B.sum(), float(len(total_B)), {name: part_B.sum() for name, part_B in parts.items()})
        sums = {name: (weight_B * part_B).sum() for name, part_B in parts.items()}
        return Objective((weight_B * total_B).sum(), weight_B.sum().clamp(min=1.0), sums)

    def with_gradients(self, phase: str) -> WithGradients | None:
        """Return the same with its gradient in closed form, where both networks are small."""
        policy, value = self._small
        if policy is None or value is None:
            return None
        gradient = PpoGradient(policy, value, self._weights, log_std=self.log_std)
        if isinstance(self.policy, ObservationNet):
            scale = self.policy.scale
            return lambda batch: gradient(scale.quick(batch["observation"]), batch)
        return lambda batch: gradient(batch["observation"], batch)

    def network(self) -> nn.Module:
        """Return the policy."""
        return self.policy

    @cached_property
    def _small(self) -> tuple[SmallNet | None, SmallNet | None]:
        """Policy and value function as small nets, where they are such; asked for when both are where they stay."""
        slopes = Room()
        return SmallNet.of(_body(self.policy), slopes=slopes), SmallNet.of(self.value, slopes=slopes)

    @cached_property
    def _acting(self) -> Callable[[Tensor], Tensor]:
        """The policy, for observations as they come, without autograd."""
        return self.policy.acting() if isinstance(self.policy, ObservationNet) else self.policy

    def _seen(self, observation_BO: Tensor) -> Tensor:
        """Return observations as both networks see them, on a scale that neither learns by gradients."""
        return self.policy.scale(observation_BO) if isinstance(self.policy, ObservationNet) else observation_BO

    def _judged(self, outputs: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Return log-probability and entropy float32 [B] of the policy, for its outputs and actions that were taken."""
        if self.log_std is not None:
            scaled_BA = (action - outputs) * torch.exp(-self.log_std)
            log_B = (-0.5 * (scaled_BA.square() + LOG_2PI) - self.log_std).sum(dim=-1)
            entropy = (0.5 * (1 + LOG_2PI) + self.log_std).sum()
            return log_B, entropy.expand(len(log_B))
        log_BA = torch.log_softmax(outputs, dim=-1)
        return log_BA.gather(1, action[:, None]).squeeze(1), -(log_BA.exp() * log_BA).sum(dim=-1)


def _body(network: nn.Module) -> nn.Module:
    """Return the network behind the scale of observations."""
    return network.body if isinstance(network, ObservationNet) else network


def _orthogonal(module: nn.Module, *, head_gain: float, generator: torch.Generator, gain: float = HIDDEN_GAIN) -> None:
    """Fill linear and convolution weights with orthogonal matrices, and biases with 0; the head has a gain of its own."""
    gain = head_gain if getattr(module, "role", "") == "output" else gain
    layer: Any = module
    if isinstance(module, nn.Linear | nn.Conv2d):
        with torch.no_grad():
            nn.init.orthogonal_(layer.weight, gain, generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()
    for child in module.children():
        _orthogonal(child, head_gain=head_gain, generator=generator, gain=gain)
