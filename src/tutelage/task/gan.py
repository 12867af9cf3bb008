"""Adversarial training: a generator learns to generate samples that a critic cannot tell from real ones.

Two phases on each batch of real samples: the critic learns to tell real from generated, the generator to pass for real.
Several critic beats may go before each generator beat.

Source: Goodfellow et al., "Generative Adversarial Networks", 2014, arXiv 1406.2661, section 3, non-saturating loss.
Differs from the paper: none.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import RecipeError
from tutelage.core.events import Event, Sampled
from tutelage.core.seeds import derive
from tutelage.core.shape.base import Shape
from tutelage.core.shape.latent import LatentShape
from tutelage.core.spec import Pick
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.prepare.base import Fitted, Pass
from tutelage.data.rows.base import Rows
from tutelage.data.source.base import Collected
from tutelage.defaults.base import Suggestion
from tutelage.metric.neighbors import SampleOutcome
from tutelage.model.arch.mlp import MLP
from tutelage.optim.adam import Adam
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.task.base import OPTIONAL, Batch, Claim, Data, Objective, Phase, Problem, Task, TaskSpec
from tutelage.task.measured import Measured, spread
from tutelage.task.modes import evaluation_mode
from tutelage.task.parts import split_rows
from tutelage.task.rows import RowsData, planned_stream, rows_data
from tutelage.task.supervised import build_model, initialize

__all__ = ["Gan", "GanTask"]

STEPS = 4_000
MAX_COMPARED = 2_000
"""Samples that are compared with each other: neighbors cost the square of their number."""
MAX_SHOWN = 500
NUM_DRAWS = 10
"""Times that samples are drawn for an interval."""


class Gan(TaskSpec):
    """Settings of adversarial training."""

    kind: Literal["gan"] = "gan"
    noun: ClassVar[str] = "generator"
    answers: ClassVar[str] = "samples"
    answers_rows: ClassVar[bool] = False
    uses: ClassVar[frozenset[str]] = frozenset(OPTIONAL) - {"loss", "ema", "class_weights"}
    latent_size: int = Field(2, gt=0, le=2**16, description="Size of the latent: random numbers that the generator starts from.")
    critic_steps: int = Field(3, gt=0, le=1000, description="Critic updates to one generator update.")
    critic: Pick("model") = Field(  # type: ignore[valid-type]
        MLP(hidden=(128, 128), dropout=0.0), validate_default=True, description="Architecture of the critic."
    )
    sizes: tuple[Annotated[int, Field(ge=1, le=2**31)], ...] = Field((), description="Shape of a sample; decided from the data.")

    def claims(self, part: Part) -> Claim | None:
        """Claim rows without labels."""
        is_bare = isinstance(part, RowsPart) and part.labels is None
        return Claim("there are no labels: learn to generate such samples") if is_bare else None

    def refusal(self, part: Part) -> str:
        """Refuse what is not made of rows."""
        found = f"task 'gan' learns to generate rows, and these are {part.kind} data"
        return "" if isinstance(part, RowsPart) else f"{found}. Choose another task."

    def prepare(self, collected: Collected, recipe: Recipe, *, reason: str) -> Data:
        """Split at random and fit the preprocessing; labels do not count."""
        split = split_rows(collected, recipe, classes=None)
        return rows_data(split, collected=collected, recipe=recipe, target=None, task=(self.kind, reason))

    def suggest(self, facts: Facts) -> Suggestion:
        """Return what balances two plain networks on points."""
        batch_size = 512
        return Suggestion(
            model=MLP(hidden=(128, 128), dropout=0.0),
            augment=super().suggest(facts).augment,
            optim=Adam(lr=1e-3, beta1=0.5, beta2=0.9),
            schedule=LinearToZero(warmup=0.0),
            batch_size=batch_size,
            epochs=STEPS * batch_size / max(facts.num_train, 1),
            patience=1.0,
            why={
                "model": "a plain generator",
                "augment": "what is learned is how the data look, unchanged",
                "init": "the architecture's own",
                "optim": "little momentum: the two networks chase each other",
                "schedule": "the chase calms down towards the end",
                "clip": "not needed",
                "epochs": f"{STEPS:,} steps where no budget is given",
                "judge": "no part of the data may be missed",
            },
        )

    def decide(self, recipe: Recipe, facts: Facts, *, auto: Suggestion, made: Decisions) -> "Gan":
        """Take over the shape of a sample."""
        if len(facts.shape.tensors) != 1:
            found = f"task 'gan' learns to make arrays or pictures of one kind of number, and these are {facts.shape.say()}"
            raise RecipeError(f"recipe: {found}. Give an array of the numbers alone, or another task: tutelage list task.")
        (spec,) = facts.shape.tensors.values()
        made.choose(
            "task.critic", "auto" if self.critic == Gan().critic else self.critic, self.critic, "as large as the generator"
        )
        return self.but(sizes=spec.sizes)

    def network_shape(self, facts: Facts) -> Shape:
        """Return that the generator starts from random numbers."""
        return LatentShape(size=self.latent_size)

    def count_outputs(self, facts: Facts) -> int:
        """Return one output for each number of a sample."""
        (spec,) = facts.shape.tensors.values()
        return math.prod(spec.sizes)

    def metrics(self, facts: Facts) -> tuple[str, ...]:
        """Return how much is covered, and how well the samples lie within."""
        return ("coverage", "density")

    def finisher(self, fitted: Fitted | None) -> nn.Module:
        """Return that random numbers are taken as they are."""
        return Pass()

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return samples float32 [B, *sizes] of outputs [B, numbers]."""
        return outputs.view(-1, *self.sizes)

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Put the task around both networks, rows into a stream, and evaluators beside."""
        assert isinstance(data, RowsData)
        generator = build_model(plan, module)
        critic: Any = self.critic
        names = tuple(data.fitted.shape.tensors)
        phases = {
            name: Phase(owns=(f"{name}.",), optim=plan.optim, schedule=plan.schedule, clip=plan.clip)
            for name in ("critic", "generator")
        }
        critic_net: nn.Module = critic.build(data.fitted.shape, 1)
        initialize(critic_net, plan, purpose="init critic")
        task = GanTask(self, generator=generator, critic=critic_net, phases=phases, sample_name=names[0])
        finisher = data.fitted.finisher().to(plan.device)
        stream = planned_stream(data.train.rows, plan, finisher=finisher, rank=rank, world=world)
        real = {name: _points(prepared.rows, finisher, names[0], plan.device) for name, prepared in data.parts().items()}
        return Problem(
            task=task.to(plan.device),
            stream=stream,
            validation=SampleEvaluator("val", self, plan, real["validation"], real["train"], is_watched=True),
            test=SampleEvaluator("test", self, plan, real["test"], real["train"]) if "test" in real else None,
            num_parameters=sum(parameter.numel() for parameter in generator.parameters()),
        )


class GanTask(Task):
    """A generator and a critic; the batch holds real samples [B, ...]."""

    draws: ClassVar[bool] = True

    def __init__(
        self, spec: Gan, *, generator: nn.Module, critic: nn.Module, phases: dict[str, Phase], sample_name: str = "sample"
    ) -> None:
        """Hold both networks; phases are called `critic` and `generator`."""
        super().__init__()
        self.generator = generator
        self.critic = critic
        self.phases = phases
        self.latent_size = spec.latent_size
        self.sample_name = sample_name
        self.rhythm = (("critic",),) * (spec.critic_steps - 1) + (("critic", "generator"),)

    def draw(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Add latents float32 [B, latent]."""
        sample = batch[self.sample_name]
        latent = torch.randn(len(sample), self.latent_size, generator=generator)
        if sample.device.type == "cuda":
            latent = latent.pin_memory()
        return {**batch, "latent": latent.to(sample.device, non_blocking=True)}

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the loss of one side, the other held fixed."""
        real = batch[self.sample_name]
        if phase == "generator":
            generated = self.generator(batch["latent"]).view(real.shape)
            score_generated = self.critic(generated).float()
            return Objective(F.softplus(-score_generated).sum(), float(len(generated)), {})
        with torch.no_grad():
            generated = self.generator(batch["latent"]).view(real.shape)
        score_real = self.critic(real).float()
        score_generated = self.critic(generated).float()
        total = F.softplus(-score_real).sum() + F.softplus(score_generated).sum()
        parts = {"real": torch.sigmoid(score_real).sum(), "generated": torch.sigmoid(score_generated).sum()}
        return Objective(total, float(len(generated)), parts)

    def network(self) -> nn.Module:
        """Return the generator."""
        return self.generator


@dataclass(frozen=True)
class SampleEvaluator(Measured):
    """Compares generated samples with real ones."""

    name: str
    spec: Gan
    plan: Plan
    real: np.ndarray
    train: np.ndarray
    is_watched: bool = False

    def __len__(self) -> int:
        return len(self.real)

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/coverage`."""
        return self.measure([self._drawn(task)])

    def final(self, task: Task) -> dict[str, Any]:
        """Return metrics, intervals from several draws, what one Gaussian reaches, and what real samples themselves do."""
        draws = [self.measure([self._drawn(task, draw=draw)]) for draw in range(NUM_DRAWS)]
        ceiling = self.measure([SampleOutcome(self.real, self.train[: len(self.real)])])
        reached = [f"{metric.title} {value:.3f}" for metric, value in zip(self.metrics, ceiling.values(), strict=True)]
        best = f"real train samples in place of generated ones reach {', '.join(reached)}, the best that can be hoped for"
        described = f"one Gaussian with the mean and covariance of the train samples; {best}"
        intervals = [spread([draw[name] for draw in draws]) for name in draws[0]]
        return self.record(draws[0], intervals=intervals, baseline=self.guess(), described=described)

    def measure_guess(self) -> Mapping[str, float]:
        """Return what samples of one Gaussian reach."""
        return self.measure([SampleOutcome(self.real, self._gaussian(len(self.real)))])

    def _gaussian(self, count: int) -> np.ndarray:
        """Return samples float64 [count, D] of one Gaussian fitted to the train samples."""
        random = np.random.default_rng(derive(self.plan.seed, f"{self.name} baseline"))
        covariance = np.cov(self.train, rowvar=False)
        return random.multivariate_normal(self.train.mean(axis=0), np.atleast_2d(covariance), size=count)

    def events(self, task: Task, *, step: int) -> Sequence[Event]:
        """Return generated points over real ones, where samples are points of a plane."""
        if self.real.shape[1] != 2:
            return ()
        generated = self.generate(task, MAX_SHOWN)
        return (Sampled(step=step, points=_pairs(generated), real=_pairs(self.real[:MAX_SHOWN])),)

    @torch.no_grad()
    def generate(self, task: Task, count: int, *, draw: int = 0) -> np.ndarray:
        """Return generated samples float64 [count, D]; the same latents each time."""
        network = task.network()
        generator = torch.Generator().manual_seed(derive(self.plan.seed, f"{self.name} samples", draw))
        latent = torch.randn(count, self.spec.latent_size, generator=generator).to(self.plan.device)
        with evaluation_mode(network):
            generated = self.spec.answer(network(latent).float()).cpu().flatten(1).double().numpy()
        return np.asarray(generated)

    def _drawn(self, task: Task, *, draw: int = 0) -> SampleOutcome:
        """Return as many generated samples as real ones, beside these."""
        return SampleOutcome(self.real, self.generate(task, len(self.real), draw=draw))


def _points(rows: Rows, finisher: Callable[[Batch], Batch], name: str, device: str) -> np.ndarray:
    """Return real samples as the generator should generate them, float64 [N, D]."""
    numbers = torch.arange(min(len(rows), MAX_COMPARED))
    batch = finisher({key: value.to(device) for key, value in rows.take(numbers).items()})
    return np.asarray(batch[name].cpu().flatten(1).double().numpy())


def _pairs(points: np.ndarray) -> tuple[tuple[float, float], ...]:
    """Return points as plain pairs with few digits."""
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y in points)
