"""What tasks share that learn by acting in an environment: the environment as data, its actions, its budget in steps."""

import json
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from tutelage.core import catalog
from tutelage.core.amount import parse_count
from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.spec import grant
from tutelage.data.part.base import Part
from tutelage.data.source.base import Collected
from tutelage.data.target.base import Target
from tutelage.defaults.base import Suggestion
from tutelage.env.actions import Actions
from tutelage.model.layers.observation import ObservationNet, ObservationScale
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.task.base import Claim, Problem, TaskSpec
from tutelage.task.environment import EnvironmentData
from tutelage.task.episodes import EpisodeEvaluator

__all__ = ["ActingSpec", "acting_problem", "build_network", "evaluators"]

VALIDATION_EPISODES, TEST_EPISODES = 20, 100
TINY_PRODUCTS = 2**22
"""Weights times rows of a batch, up to which a second thread of a processor takes nothing over: a product of 256 rows and 64 x 64
weights takes one thread 25 microseconds and two 27; beside 18 other processes 0.2 ms and, waiting for one another, 10 to 20."""
Bound = Annotated[float, Field(ge=-1e9, le=1e9)]
"""A bound of an action: what is larger is no bound that a policy could use."""


class ActingSpec(TaskSpec):
    """Settings that all of them have; a subclass says which actions it can choose, and how it learns."""

    noun: ClassVar[str] = "reinforcement learning"
    answers: ClassVar[str] = "episodes"
    answers_rows: ClassVar[bool] = False
    plays: ClassVar[bool] = True
    starts = "at once"
    scales = ("scale.",)
    part_type: ClassVar[type[Part]]
    """The kind of part that is acted in."""
    shape_type: ClassVar[type[Shape]]
    """What a network receives of it: `sizes`, and whether they are `pixels`."""
    most_evaluations: ClassVar[int] = 20
    """Evaluations in a training, which play whole episodes."""
    takes: ClassVar[Literal["choices", "numbers", "both"]] = "both"
    strength: ClassVar[dict[str, int]] = {"choices": 0, "numbers": 0}
    """How strongly it claims environments with such actions; 0 where it has to be named."""

    num_envs: int = Field(1, ge=1, le=2**16, description="Environments that are stepped at once.")
    discount: float = Field(0.99, gt=0, le=1, description="Weight of the next reward.")
    scale: Literal["running", "none"] = Field(
        "none", description="Whether observations are normalized by their running mean and spread, or left as they are."
    )
    num_actions: int = Field(0, ge=0, le=2**20, description="Number of choices, or of numbers; decided from the environment.")
    low: tuple[Bound, ...] = Field((), description="Smallest value of each number; decided from the environment.")
    high: tuple[Bound, ...] = Field((), description="Largest value of each number; decided from the environment.")
    env_steps: int = Field(0, ge=0, le=10**12, description="Environment steps in all; decided from the budget, 0 for as many.")
    threads: int = Field(
        0, ge=0, le=1024, description="Threads of the processor; decided from the network's size: 1 where it is tiny, 0 for all."
    )

    @property
    def actions(self) -> Actions:
        """What may be done."""
        return Actions(0, self.low, self.high) if self.low else Actions(self.num_actions)

    def claims(self, part: Part) -> Claim | None:
        """Claim environments whose actions it is the best known for."""
        if self.refusal(part):
            return None
        strength = self.strength[_kind_of_actions(part)]
        return Claim("an environment: learn to act in it", strength) if strength else None

    def refusal(self, part: Part) -> str:
        """Refuse all but environments with actions that it can choose."""
        kind = getattr(self, "kind", "")
        if not isinstance(part, self.part_type):
            found = f"task {kind!r} acts in an environment, and these are {part.kind} data"
            return f"{found}. Give gym:NAME, or choose another task."
        has = _kind_of_actions(part)
        if self.takes in (has, "both"):
            return ""
        wanted = {"choices": "one of a few actions", "numbers": "numbers between bounds"}
        return f"task {kind!r} gives {wanted[self.takes]}, and here an action is {wanted[has]}. Leave --task and --algorithm out."

    def prepare(self, collected: Collected, recipe: Recipe, *, reason: str) -> EnvironmentData:
        """Take the environment as it is."""
        part: Any = collected.train
        shape: Any = self.shape_type
        shape = shape(sizes=part.observation_sizes, pixels=part.has_pixels)
        actions = Actions(part.num_choices, part.low, part.high)
        kind = str(getattr(self, "kind", ""))
        notes: list[str] = []
        env, inexact = catalog.load("env", part.env["kind"]).find_snapshot(part.env, part.make, notes.append)
        return EnvironmentData(kind, reason, collected, env, shape, actions, inexact, part.make, tuple(notes))

    def suggest(self, facts: Facts) -> Suggestion:
        """Return what does for any environment, for as many steps as `env_steps` asks for."""
        usual = super().suggest(facts)
        return usual.but(env_steps=self.env_steps, why={"steps": "as task.env_steps says"}) if self.env_steps else usual

    def with_actions(self, recipe: Recipe, facts: Facts, *, auto_env_steps: int) -> Any:
        """Return these settings with the environment's actions, and the environment steps that the budget gives.

        Raises:
            RecipeError: The budget and these settings ask for different numbers of steps.
        """
        told = json.loads(facts.traits["actions"])
        actions = Actions(int(told["num_choices"]), tuple(told["low"]), tuple(told["high"]))
        budget = recipe.budget
        env_steps = self.env_steps
        if budget.env_steps != "auto":
            env_steps = parse_count(str(budget.env_steps))
            if self.env_steps not in (0, env_steps):
                found = f"recipe: task.env_steps = {self.env_steps:,} and budget.env_steps = {env_steps:,} say different things"
                raise RecipeError(f"{found}. Give the budget alone: --env-steps {env_steps}.")
        elif budget.steps == "auto" and budget.time == "auto":
            env_steps = env_steps or auto_env_steps
        return self.but(num_actions=actions.size, low=actions.low, high=actions.high, env_steps=env_steps)

    def with_threads(self, recipe: Recipe, facts: Facts, *, auto: Suggestion, made: Decisions) -> Any:
        """Return these settings with one thread where the network is too small for more; and say so."""
        shape: Any = facts.shape
        machine = facts.machine
        model: Any = grant(recipe.model, auto.model)
        if self.threads or machine.device != "cpu" or machine.num_threads == 1 or getattr(shape, "pixels", False):
            return self
        rows = auto.batch_size if recipe.batch_size == "auto" else recipe.batch_size
        weights = model.count(self.network_shape(facts), self.count_outputs(facts))
        if weights * rows > TINY_PRODUCTS:
            return self
        reason = (
            f"not {machine.num_threads}: with {weights:,} weights and {rows} rows threads would wait longer than they compute"
        )
        return self.but(threads=made.choose("task.threads", "auto", 1, reason))

    def count_outputs(self, facts: Facts) -> int:
        """Return one output for each choice, or for each number."""
        return self.actions.size

    def metrics(self, facts: Facts) -> tuple[str, ...]:
        """Return what the agent is rewarded for."""
        return ("return",)

    def output_names(self, target: Target | None, count: int) -> tuple[str, ...]:
        """Name what outputs say: of another kind of task, or of other actions, they say something else."""
        said = f"{getattr(self, 'kind', '')}, {self.actions.size} from {list(self.low)} to {list(self.high)}"
        return tuple(f"{said}, output {place}" for place in range(count))

    def make_network(self, model: Any, shape: Shape, num_outputs: int) -> nn.Module:
        """Build the network that acts, behind the scale of observations."""
        seen: Any = shape
        scale = ObservationScale(seen.sizes, are_pixels=seen.pixels, is_learned=self.scale == "running")
        return ObservationNet(scale, model.build(shape, num_outputs))


def _kind_of_actions(part: Any) -> str:
    """Tell what an action is in an environment."""
    return "choices" if part.num_choices else "numbers"


def build_network(spec: ActingSpec, plan: Plan, *, module: nn.Module | None, world: int) -> nn.Module:
    """Build the network that acts, initialized as the plan says; one with known weights is taken as it is.

    Raises:
        RecipeError: An own module, or several processes.
    """
    if module is not None and not plan.own_model:
        return module
    kind = getattr(spec, "kind", "")
    if world > 1:
        raise RecipeError(f"recipe: task = {kind!r} trains in one process yet. Start it without several processes.")
    if module is not None or plan.model is None:
        raise RecipeError(f"an own module cannot be trained by task {kind!r} yet: it needs several networks.")
    network = spec.make_network(plan.model, plan.shape, plan.num_outputs)  # type: ignore[arg-type]
    spec.initialize(network, plan)
    return network


def evaluators(plan: Plan, data: EnvironmentData) -> tuple[EpisodeEvaluator, EpisodeEvaluator]:
    """Return what measures while training, and once at the end."""
    validation = EpisodeEvaluator("val", plan, data, VALIDATION_EPISODES, is_watched=True)
    return validation, EpisodeEvaluator("test", plan, data, TEST_EPISODES)


def acting_problem(task: Any, stream: Any, plan: Plan, data: EnvironmentData) -> Problem:
    """Return a training that acts, with what measures it, and what closes its environments; until then it has its threads."""
    validation, test = evaluators(plan, data)
    threads_before = torch.get_num_threads()

    def close() -> None:
        torch.set_num_threads(threads_before)
        for held in (stream, validation, test):
            held.close()

    torch.set_num_threads(getattr(plan.task, "threads", 0) or threads_before)
    return Problem(
        task=task,
        stream=stream,
        validation=validation,
        test=test,
        num_parameters=sum(parameter.numel() for parameter in task.network().parameters()),
        extras=lambda: {"env_steps": stream.env_steps},
        inexact=data.inexact and f"the environment cannot be put back within an episode: {data.inexact}",
        close=close,
    )
