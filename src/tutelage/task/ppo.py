"""Proximal policy optimization: a policy learns from its own recent experience, in small steps.

The rollout stream asks the task to act, computes advantages and serves minibatches; the task only has a loss.

Source: Schulman et al., "Proximal Policy Optimization Algorithms", 2017, arXiv 1707.06347, equations 7 and 9.
Differs from the paper: advantages are normalized in each minibatch as a whole; policy and value networks are separate.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import RecipeError
from tutelage.core.shape.observation import ObservationShape
from tutelage.data.part.base import Part
from tutelage.data.part.environment import EnvironmentPart
from tutelage.data.source.base import Collected
from tutelage.defaults.base import Suggestion
from tutelage.env.rollout import Rollout, RolloutStream
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.task.base import Batch, Claim, Data, Objective, Phase, Problem, Task, TaskSpec
from tutelage.task.environment import EnvironmentData, EpisodeEvaluator
from tutelage.task.supervised import build_model, initialize

__all__ = ["Ppo", "PpoTask"]

VALIDATION_EPISODES, TEST_EPISODES = 10, 100


MAX_ROLLOUT = 2**26
"""Samples of a rollout at most."""


class Ppo(TaskSpec):
    """Settings of PPO with discrete actions."""

    kind: Literal["ppo"] = "ppo"
    noun: ClassVar[str] = "reinforcement learning"
    answers: ClassVar[str] = "episodes"
    answers_rows: ClassVar[bool] = False
    clip_range: float = Field(0.2, gt=0, lt=1, description="How far the probability ratio may move from 1.")
    value_weight: float = Field(0.5, ge=0, le=1e6, description="Weight of the value loss.")
    entropy_weight: float = Field(0.01, ge=0, le=1e6, description="Weight of the entropy bonus.")
    num_envs: int = Field(16, ge=1, le=2**16, description="Environments that are stepped at once.")
    num_steps: int = Field(64, ge=1, le=2**20, description="Steps of each environment in a rollout.")
    num_epochs: int = Field(4, ge=1, le=1000, description="Times that each sample of a rollout is used for updates.")
    discount: float = Field(0.99, gt=0, le=1, description="Weight of the next reward.")
    gae_lambda: float = Field(0.95, ge=0, le=1, description="Weight of later advantages.")
    num_actions: int = Field(0, ge=0, le=2**20, description="Number of actions; decided from the environment.")

    def claims(self, part: Part) -> Claim | None:
        """Claim environments."""
        return Claim("an environment: learn to act in it") if isinstance(part, EnvironmentPart) else None

    def refusal(self, part: Part) -> str:
        """Refuse all but environments."""
        found = f"task 'ppo' acts in an environment, and these are {part.kind} data"
        return "" if isinstance(part, EnvironmentPart) else f"{found}. Give gym:NAME, or choose another task."

    def prepare(self, collected: Collected, recipe: Recipe, *, reason: str) -> EnvironmentData:
        """Take the environment as it is."""
        part = collected.train
        assert isinstance(part, EnvironmentPart)
        shape = ObservationShape(sizes=part.observation_sizes)
        return EnvironmentData(self.kind, reason, collected, part.env, shape, part.num_actions)

    def decide(self, recipe: Recipe, facts: Facts, *, auto: Suggestion, made: Decisions) -> "Ppo":
        """Take over the number of actions, and check that minibatches fill the rollout."""
        size = recipe.batch_size if recipe.batch_size != "auto" else auto.batch_size
        if self.num_envs * self.num_steps > MAX_ROLLOUT:
            found = f"recipe: task.num_envs x task.num_steps = {self.num_envs * self.num_steps:,} must be at most {MAX_ROLLOUT:,}"
            raise RecipeError(f"{found}, since all of a rollout is held. Typical: 1,024 to 65,536.")
        if (self.num_envs * self.num_steps) % size:
            raise RecipeError(
                f"recipe: batch_size = {size} does not divide task.num_envs x task.num_steps = {self.num_envs * self.num_steps}."
            )
        return self.but(num_actions=int(facts.traits["num_actions"]))

    def count_outputs(self, facts: Facts) -> int:
        """Return one output for each action."""
        return self.num_actions

    def metrics(self, facts: Facts) -> tuple[str, ...]:
        """Return what the agent is rewarded for."""
        return ("mean_return",)

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return probabilities of the actions float32 [B, A]."""
        return torch.softmax(outputs, dim=-1)

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Put the task around policy and value function, environments into a stream, and evaluators beside."""
        assert isinstance(data, EnvironmentData)
        if world > 1:
            raise RecipeError("recipe: task = 'ppo' trains in one process yet. Start it without several processes.")
        policy = build_model(plan, module)
        value = plan.model.build(plan.shape, 1) if plan.model is not None else None
        if value is None:
            raise RecipeError("an own module cannot be trained by task 'ppo' yet: it needs a value network too.")
        initialize(value, plan, purpose="init value")
        phase = Phase(owns=("",), optim=plan.optim, schedule=plan.schedule, clip=plan.clip)
        task = PpoTask(self, policy=policy, value=value, phase=phase).to(plan.device)
        rollout = Rollout(self.num_steps, self.num_epochs, plan.batch_size, self.discount, self.gae_lambda)
        stream = RolloutStream(
            data.make(self.num_envs, device=plan.device),
            act=task.act,
            predict_values=task.predict_values,
            rollout=rollout,
            seed=plan.seed,
        )
        validation = EpisodeEvaluator("val", plan, data, VALIDATION_EPISODES, is_watched=True)
        test = EpisodeEvaluator("test", plan, data, TEST_EPISODES)

        def close() -> None:
            for held in (stream, validation, test):
                held.close()

        return Problem(
            task=task,
            stream=stream,
            validation=validation,
            test=test,
            num_parameters=sum(parameter.numel() for parameter in policy.parameters()),
            extras=lambda: {"env_steps": int(stream.metrics()["env_steps"])},
            close=close,
        )


class PpoTask(Task):
    """A policy and a value function; one phase, `policy`."""

    rhythm = (("policy",),)
    has_steady_loss: ClassVar[bool] = False

    def __init__(self, spec: Ppo, *, policy: nn.Module, value: nn.Module, phase: Phase) -> None:
        """Hold both networks."""
        super().__init__()
        self.policy = policy
        self.value = value
        self.phases = {"policy": phase}
        self._clip_range, self._value_weight, self._entropy_weight = spec.clip_range, spec.value_weight, spec.entropy_weight

    @torch.no_grad()
    def act(self, observation_BO: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw an action for each observation.

        Returns:
            action int64 [B] and its log-probability float32 [B], where the observations are.
        """
        log_BA = torch.log_softmax(self.policy(observation_BO).float(), dim=-1)
        # Gumbel's trick: the random numbers come from the CPU's generator, the choice is made where the network is.
        uniform_BA = torch.rand(log_BA.shape, generator=generator).to(log_BA.device, non_blocking=True)
        action_B = (log_BA - torch.log(-torch.log(uniform_BA.clamp(1e-20, 1 - 1e-7)))).argmax(dim=-1)
        return action_B, log_BA.gather(1, action_B[:, None]).squeeze(1)

    @torch.no_grad()
    def predict_values(self, observation_BO: Tensor) -> Tensor:
        """Return the value float32 [B] of each observation."""
        value: Tensor = self.value(observation_BO).float().squeeze(-1)
        return value

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the clipped surrogate loss, the value loss and the entropy bonus, summed over a minibatch."""
        log_BA = torch.log_softmax(self.policy(batch["observation"]).float(), dim=-1)
        log_B = log_BA.gather(1, batch["action"][:, None]).squeeze(1)
        advantage_B = batch["advantage"]
        ratio_B = torch.exp(log_B - batch["log_probability"])
        clipped_B = ratio_B.clamp(1 - self._clip_range, 1 + self._clip_range)
        policy_loss = -torch.minimum(ratio_B * advantage_B, clipped_B * advantage_B).sum()
        value_B = self.value(batch["observation"]).float().squeeze(-1)
        value_loss = (value_B - batch["return"]).square().sum()
        entropy = -(log_BA.exp() * log_BA).sum()
        total = policy_loss + self._value_weight * value_loss - self._entropy_weight * entropy
        return Objective(total, float(len(log_B)), {"value_loss": value_loss, "entropy": entropy})

    def network(self) -> nn.Module:
        """Return the policy."""
        return self.policy
