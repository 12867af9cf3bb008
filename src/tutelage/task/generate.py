"""Adversarial training: a generator learns to make samples that a critic cannot tell from real ones (a GAN).

Two phases on each batch of real samples: the critic learns to tell real from generated, the generator to pass for real. What
each makes small is a game (`tutelage list game`). Several critic beats may go before each generator beat.

Source: Goodfellow et al., "Generative Adversarial Networks", 2014, arXiv 1406.2661; the default game, networks without
normalization, Adam without momentum and the average of the generator's weights: Huang et al., 2025, arXiv 2501.05441.
Differs from the papers: constant penalty, a learning rate that falls to zero.

Shape letters: B samples of a batch, Z random numbers, C classes.
"""

import math
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import RecipeError
from tutelage.core.seeds import derive
from tutelage.core.shape.base import Shape
from tutelage.core.shape.latent import LatentShape
from tutelage.core.shape.views import Grid
from tutelage.core.spec import Wish, grant
from tutelage.data.augment.none import NoAugment
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.prepare.base import Fitted, Pass
from tutelage.data.source.base import Collected
from tutelage.data.target.base import Target
from tutelage.data.target.classes import fit_classes
from tutelage.defaults.base import Suggestion
from tutelage.game.base import Game
from tutelage.game.relativistic import Relativistic
from tutelage.model.arch.fourier import Fourier
from tutelage.model.layers.slope_net import SlopeNet
from tutelage.model.layers.small_net import SmallNet
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.task.average import Average
from tutelage.task.base import OPTIONAL, Batch, Claim, Data, Objective, Phase, Problem, Task, TaskSpec
from tutelage.task.compared import Compared
from tutelage.task.generate_gradient import GenerateGradient
from tutelage.task.generator_suited import is_picture, suited
from tutelage.task.initialization import initialize
from tutelage.task.latents import with_classes
from tutelage.task.objective import WithGradients
from tutelage.task.parts import split_rows
from tutelage.task.rejection import AT_ONCE, Rejection, choose_rejection
from tutelage.task.rows import RowsData, planned_stream, rows_data
from tutelage.task.sample_evaluation import SampleEvaluator
from tutelage.task.sample_supply import few_to_measure, refuse_alike, refuse_few
from tutelage.task.staged import slowed_phases
from tutelage.task.supervised import build_model, choose_ema

__all__ = ["Generate", "GenerateTask"]

STEPS, STEPS_OF_TINY, STEPS_OF_NUMBERS = 8_000, 4_000, 7_000
"""Where no budget is given: minutes for small pictures, a minute for points."""
FEW_NUMBERS, SHARP_GAMMA = 16, 0.03
"""Samples of so few numbers lie in narrow places with wide gaps between: there a critic has to be steep (docs/LOG.md)."""
PENALIZED = 0.25
"""Share of the samples of a batch of pictures whose slope is penalized: a step takes less than half as long (docs/LOG.md)."""


class Generate(TaskSpec):
    """Settings of adversarial training."""

    kind: Literal["generate"] = "generate"
    noun: ClassVar[str] = "generator"
    answers: ClassVar[str] = "samples"
    answers_rows: ClassVar[bool] = False
    starts = "at once"
    beside = ("critic.",)
    uses: ClassVar[frozenset[str]] = frozenset(OPTIONAL) - {"loss", "calibrate", "class_weights", "mirror"}
    game: Wish("game") = Field("auto", description="What critic and generator make small; auto = relativistic.")  # type: ignore[valid-type]
    conditional: bool = Field(False, description="Whether a class may be asked for; it is learned from the labels.")
    latent_size: int = Field(32, gt=0, le=2**16, description="Size of the latent: random numbers that the generator starts from.")
    critic_steps: int = Field(1, gt=0, le=1000, description="Critic updates to one generator update.")
    critic_rate: float = Field(1.0, gt=0, le=1e3, description="Learning rate of the critic, times that of the generator.")
    critic: Wish("model") = Field("auto", description="Architecture of the critic; auto = that of the generator.")  # type: ignore[valid-type]
    rejection: Literal["auto", "on", "off"] = Field(
        "auto", description="Make samples once more that a judge takes for surely generated, if held-out ones show that it helps."
    )
    ema: float = Field(0.0, ge=0, lt=1, description="Decay of the average of the generator's weights, which leaves; decided.")
    sizes: tuple[Annotated[int, Field(ge=1, le=2**31)], ...] = Field((), description="Shape of a sample; decided from the data.")
    classes: int = Field(0, ge=0, le=2**20, description="Classes that may be asked for; decided from the data.")

    @property
    def leaves_labels(self) -> bool:
        """Tell that no column of labels is to be guessed: labels count only where classes may be asked for."""
        return not self.conditional

    def claims(self, part: Part) -> Claim | None:
        """Claim rows without labels."""
        is_bare = isinstance(part, RowsPart) and part.labels is None
        return Claim("there are no labels: learn to generate such samples") if is_bare else None

    def refusal(self, part: Part) -> str:
        """Refuse what is not made of rows, and what has no classes where these are wanted."""
        if not isinstance(part, RowsPart):
            return f"task 'generate' learns to generate rows, and these are {part.kind} data. Choose another task."
        if not part.can_be_made:
            return f"task 'generate' learns to make arrays, pictures or tables, and these are {part.kind}. Choose another task."
        if self.conditional and part.labels is None:
            return (
                "there are no labels, and task.conditional asks for classes. Leave it out, or name the labels: --target COLUMN."
            )
        return ""

    def prepare(self, collected: Collected, recipe: Recipe, *, reason: str) -> Data:
        """Split, and fit the preprocessing; labels count only where classes may be asked for."""
        part = collected.train
        assert isinstance(part, RowsPart)
        refuse_few(len(part), name=part.name)
        target, codes = None, None
        if self.conditional:
            assert part.labels is not None
            target = fit_classes(part.labels, reason=reason, locate=part.locate)
            codes = target.encode(part.labels)
        else:
            # A column of labels is made like the others.
            test = collected.test.unlabelled() if isinstance(collected.test, RowsPart) else collected.test
            part = part.unlabelled()
            collected = replace(collected, train=part, test=test)
        split = split_rows(collected, recipe, classes=codes)
        data = rows_data(split, collected=collected, recipe=recipe, target=target, task=("generate", reason), usual=part.making())
        refuse_alike(data.train.rows, name=data.train.part.name)
        return replace(data, split_warnings=(*data.split_warnings, *few_to_measure(data.sizes)))

    def suggest(self, facts: Facts) -> Suggestion:
        """Return what balances two networks: plain ones for numbers, residual ones for pictures."""
        grid = facts.shape.view(Grid)
        model, batch_size, optim = suited(grid)
        steps = STEPS_OF_NUMBERS if grid is None else STEPS if is_picture(grid) else STEPS_OF_TINY
        return Suggestion(
            model=model,
            augment=NoAugment(),
            optim=optim,
            schedule=LinearToZero(warmup=0.0),
            batch_size=batch_size,
            epochs=steps * batch_size / max(facts.num_train, 1),
            ema=0.999,
            bf16=is_picture(grid),
            patience=1.0,
            why={
                "model": "without normalization, so that each sample stands alone; pictures of some size need convolutions",
                "augment": "what is learned is how the data look, unchanged",
                "init": "the architecture's own",
                "optim": "no momentum: the two networks chase each other",
                "schedule": "the chase calms down towards the end",
                "clip": "not needed",
                "ema": "the average of a generator that circles lies nearer to where it circles around",
                "epochs": f"{steps:,} steps where no budget is given",
                "judge": "samples must be good, and no part of the data may be missed",
            },
        )

    def decide(self, recipe: Recipe, facts: Facts, *, auto: Suggestion, made: Decisions) -> "Generate":
        """Take over the shape of a sample, and choose critic and average."""
        if len(facts.shape.tensors) != 1:
            found = f"task 'generate' learns to make arrays or pictures of one kind of number, and these are {facts.shape.say()}"
            raise RecipeError(f"recipe: {found}. Give an array of the numbers alone, or another task: tutelage list task.")
        (spec,) = facts.shape.tensors.values()
        if spec.dtype != "float32":
            found = f"task 'generate' learns to make numbers that may have fractions, and these are whole ({facts.shape.say()})"
            raise RecipeError(f"recipe: {found}. Give them as float32, or choose another task: tutelage list task.")
        is_sharp = math.prod(spec.sizes) <= FEW_NUMBERS and facts.shape.view(Grid) is None
        usual = Fourier() if is_sharp and recipe.model == "auto" else grant(recipe.model, auto.model)
        if facts.known is not None:
            usual = getattr(facts.known.task, "critic", usual)
        critic = grant(self.critic, usual)
        made.choose(
            "task.critic", self.critic, critic, "sines show it what lies close together" if is_sharp else "as the generator"
        )
        gamma = SHARP_GAMMA if is_sharp else Relativistic().gamma
        penalized = PENALIZED if is_picture(facts.shape.view(Grid)) else 1.0
        game = grant(self.game, Relativistic(gamma=gamma, penalized=penalized))
        made.choose("task.game", self.game, game, "it compares in pairs, so no mode is dropped")
        rejection = choose_rejection(self.rejection, is_picture=facts.shape.view(Grid) is not None, made=made)
        wished = self.ema if recipe.ema == "auto" and self.ema else recipe.ema
        ema = choose_ema(wished, auto=auto, made=made)
        classes = len(facts.class_counts) if self.conditional else 0
        return self.but(game=game, critic=critic, rejection=rejection, ema=ema, sizes=spec.sizes, classes=classes)

    def network_shape(self, facts: Facts) -> Shape:
        """Return that the generator starts from random numbers."""
        (spec,) = facts.shape.tensors.values()
        return LatentShape(
            size=self.latent_size, classes=len(facts.class_counts) if self.conditional else 0, sizes=spec.sizes or (1,)
        )

    def watched(self, facts: Facts, *, auto: Suggestion) -> tuple[str, str]:
        """Return precision and coverage as one number: coverage alone takes many samples that are off for a few places more."""
        return "precision_coverage", auto.why["judge"]

    def count_outputs(self, facts: Facts) -> int:
        """Return one output for each number of a sample."""
        (spec,) = facts.shape.tensors.values()
        return math.prod(spec.sizes)

    def metrics(self, facts: Facts) -> tuple[str, ...]:
        """Return how much is covered, how well the samples lie within, and how far off they are as a whole."""
        return ("coverage", "density", "precision", "recall", "frechet", "frechet_floor")

    def finisher(self, fitted: Fitted | None) -> nn.Module:
        """Return that random numbers are taken as they are."""
        return Pass()

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return samples float32 [B, *sizes] of outputs [B, numbers]."""
        return outputs.view(-1, *self.sizes)

    def latents(self, num: int, *, seed: int, classes: Tensor | None = None) -> Tensor:
        """Return what the generator starts from, float32 [num, Z + C]; the n-th is the same however many there are.

        Args:
            num: How many.
            seed: Root of the random numbers.
            classes: The wanted class of each, int64 [num]; None where the generator knows none.
        """
        own = [torch.Generator().manual_seed(derive(seed, "latent", number)) for number in range(num)]
        latent = torch.stack([torch.randn(self.latent_size, generator=generator) for generator in own])
        return with_classes(latent, classes, self.classes)

    def goes_on(self, other: TaskSpec) -> bool:
        """Tell whether a critic judges the same: one of the same architecture, for as many classes."""
        own = (self.critic, self.sizes, self.classes)
        return isinstance(other, Generate) and own == (other.critic, other.sizes, other.classes)

    def output_names(self, target: Target | None, count: int) -> tuple[str, ...]:
        """Return nothing: each output is the same number of a sample, whatever classes may be asked for."""
        return ()

    def optims(self, optim: Any) -> dict[str, Any]:
        """Return the optimizer of each side: that of the plan, whose rates the critic has times `critic_rate`."""
        rates = {name: value * self.critic_rate for name, value in optim if name == "lr" or name.endswith("_lr")}
        return {"critic": optim.but(**rates), "generator": optim}

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Put the task around both networks, rows into a stream, and evaluators beside."""
        assert isinstance(data, RowsData)
        generator = build_model(plan, module)
        critic: Any = self.critic
        (name,) = data.fitted.shape.tensors
        phases = {
            phase: Phase(owns=(f"{phase}.",), optim=own, schedule=plan.schedule, clip=plan.clip)
            for phase, own in self.optims(plan.optim).items()
        }
        phases = slowed_phases(plan, phases, generator, prefix="generator.")
        critic_net: nn.Module = critic.build(data.fitted.shape, max(self.classes, 1))
        initialize(critic_net, plan, purpose="init critic")
        is_grid = data.fitted.shape.view(Grid) is not None
        if is_grid:
            generator, critic_net = (net.to(memory_format=torch.channels_last) for net in (generator, critic_net))  # type: ignore[call-overload]
        outlet = data.fitted.outlet()
        task = GenerateTask(self, generator=generator, critic=critic_net, phases=phases, sample_name=name, outlet=outlet)
        finisher = data.fitted.finisher().to(plan.device)
        stream = planned_stream(data.train.labelled(), plan, finisher=finisher, rank=rank, world=world)
        compared = Compared(data, finisher, name=name, device=plan.device, seed=plan.seed)
        # Pictures are looked at as many together as the training takes: of large ones more would not fit into memory.
        at_once = min(plan.batch_size, AT_ONCE) if is_grid else AT_ONCE
        rejection = Rejection(self, compared, data.fitted.shape, data.fitted.seen(), plan.device, plan.seed, at_once)
        validation = SampleEvaluator("val", self, plan, data.fitted, compared, "validation", rejection, is_watched=True)
        return Problem(
            task=task.to(plan.device),
            stream=stream,
            validation=validation,
            reserve=lambda per_row: validation.reserve_seconds(per_row) + rejection.reserve_seconds(task.network()),
            choose=validation.choose,
            notes=lambda: [rejection.reason] if rejection.reason else [],
            extras=lambda: {"rejection": rejection.record()} if rejection.record() else {},
            judge=lambda: rejection.judge,
            learns_to_choose=self.rejection == "on",
            test=SampleEvaluator("test", self, plan, data.fitted, compared, "test", rejection) if data.test is not None else None,
            num_parameters=sum(parameter.numel() for parameter in generator.parameters()),
        )


class GenerateTask(Task):
    """A generator and a critic; the batch holds real samples [B, ...], and their classes as `target` where these count."""

    draws: ClassVar[bool] = True
    has_steady_loss: ClassVar[bool] = False

    def __init__(
        self,
        spec: Generate,
        *,
        generator: nn.Module,
        critic: nn.Module,
        phases: dict[str, Phase],
        sample_name: str = "sample",
        outlet: nn.Module | None = None,
    ) -> None:
        """Hold both networks; phases are called `critic` and `generator`, and the game says whether the first one runs eager.

        Args:
            spec: The settings.
            generator: Random numbers [B, Z + C] -> outputs [B, numbers].
            critic: sample [B, ...] -> scores [B, 1 or C].
            phases: Who learns how.
            sample_name: The batch's tensor that holds real samples.
            outlet: What makes samples of outputs; None = they are samples.
        """
        super().__init__()
        game: Any = grant(spec.game, Relativistic())
        self.game: Game = game
        self.generator = generator
        self.critic = critic
        self.outlet = nn.Identity() if outlet is None else outlet
        self.average = Average(generator, decay=spec.ema) if spec.ema else None
        self.phases = {**phases, "critic": replace(phases["critic"], order=self.game.order)}
        self.spec = spec
        self.sample_name = sample_name
        self._closed: GenerateGradient | None = None
        self.num_planned = 0
        self.rhythm = (("critic",),) * (spec.critic_steps - 1) + (("critic", "generator"),)

    def begin(self, planned_steps: int) -> None:
        """Take note of how many steps were planned."""
        super().begin(planned_steps)
        self.num_planned = planned_steps

    def draw(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Add latents float32 [B, Z + C] of the batch's own classes, and `mix` float32 [B] where the game needs it."""
        sample = batch[self.sample_name]
        drawn = {"latent": torch.randn(len(sample), self.spec.latent_size, generator=generator)}
        if self.game.draws_mix:
            drawn["mix"] = torch.rand(len(sample), generator=generator)
        if sample.device.type == "cuda":
            drawn = {name: value.pin_memory() for name, value in drawn.items()}
        drawn = {name: value.to(sample.device, non_blocking=True) for name, value in drawn.items()}
        latent = with_classes(drawn["latent"], batch.get("target"), self.spec.classes)
        return {**batch, **drawn, "latent": latent}

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the loss of one side, the other held fixed."""
        real = batch[self.sample_name]
        if phase == "generator":
            generated = self.outlet(self.generator(batch["latent"])).view(real.shape)
            loss_B = self.game.generator_loss(lambda sample: self.judge(sample, batch), real, generated)
            return Objective(loss_B.sum(), float(len(real)), {})
        with torch.no_grad():
            generated = self.outlet(self.generator(batch["latent"])).view(real.shape).float()
        judge = lambda sample, rows=None: self.judge(sample, batch, rows=rows)  # noqa: E731 - closes over the classes
        side = self.game.critic_loss(judge, real, generated, mix_B=batch.get("mix"))
        parts = {
            "real": side.score_real.sum(),
            "generated": side.score_generated.sum(),
            # How sure the critic is of who is real in a pair: 1/2 where nothing can be told apart, 1 where all can.
            "lead": torch.sigmoid(side.score_real - side.score_generated).sum(),
        }
        if side.penalty is not None:
            parts["penalty"] = side.penalty.sum()
        return Objective(side.loss.sum(), float(len(real)), parts)

    def with_gradients(self, phase: str) -> WithGradients | None:
        """Compute in closed form where both networks are small and plain, and the game asks for scores and squared slopes."""
        closed, generator, critic = self.game.closed, SmallNet.of(self.generator), SlopeNet.of(self.critic)
        if closed is None or generator is None or critic is None or any(True for _ in self.outlet.parameters()):
            return None
        if phase == "critic" or self._closed is None:
            # Both phases share it, and with it what the generator made for the critic.
            self._closed = GenerateGradient(generator, critic, self.outlet, closed, sample_name=self.sample_name)
        return self._closed.critic if phase == "critic" else self._closed.generator

    def judge(self, sample: Tensor, batch: Batch, *, rows: int | None = None) -> Tensor:
        """Return the critic's scores float32 of B samples, or of 2 B, by the output of each one's class where classes count.

        Args:
            sample: [B, ...], or both sides one after the other.
            batch: Their classes as `target`.
            rows: Where they are of the first samples of the batch alone: how many these are.
        """
        score_BC: Tensor = self.critic(sample).float()
        if not self.spec.classes:
            return score_BC.view(-1)
        target_B = batch["target"][:rows]
        target_B = target_B.repeat(len(sample) // len(target_B))
        return score_BC.gather(1, target_B[:, None])[:, 0]

    def after_update(self, phase: str, made: Tensor | None = None) -> None:
        """Let the average follow the generator."""
        if self.average is not None and phase == "generator":
            self.average.follow(self.generator, made=made)

    def network(self) -> nn.Module:
        """Return the generator, or its average where one is kept."""
        return self.generator if self.average is None else self.average.module
