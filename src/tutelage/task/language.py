"""Language modelling: predict each next character of a text from those before it.

The network returns logits [B, T, V]; the loss is the mean cross-entropy over all B * T places.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.events import Event, Sampled
from tutelage.core.seeds import derive
from tutelage.data.part.base import Part
from tutelage.data.part.corpus import CorpusPart
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.characters import FittedCharacters
from tutelage.data.rows.base import Rows
from tutelage.data.source.base import Collected
from tutelage.metric.nats_per_character import TokenOutcome
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Decision, Plan, SplitPlan
from tutelage.planning.recipe import Recipe
from tutelage.task.answering import Answering, answer_batches
from tutelage.task.base import Batch, Claim, Data, Objective, Phase, Problem, Task, TaskSpec
from tutelage.task.lags import IGNORED, lag_batch, measure_lags
from tutelage.task.measured import Measured, UnitTallies
from tutelage.task.modes import evaluation_mode
from tutelage.task.parts import choose_fraction
from tutelage.task.rows import choose_prepare, planned_stream
from tutelage.task.supervised import build_model

__all__ = ["Language", "LanguageTask"]

TEST_FRACTION, VALIDATION_FRACTION = 0.1, 0.05


class Language(TaskSpec):
    """Settings of language modelling."""

    kind: Literal["language"] = "language"
    noun: ClassVar[str] = "language model"
    answers: ClassVar[str] = "tokens"
    answers_rows: ClassVar[bool] = False
    uses: ClassVar[frozenset[str]] = frozenset({"prepare", "split"})
    sample_length: int = Field(
        200, ge=0, le=10**6, description="Characters that are generated at each evaluation, to look at; 0 generates none."
    )
    temperature: float = Field(
        0.8, gt=0, le=100, description="How boldly these are drawn: below 1 cautiously, 1 as the model says."
    )

    def claims(self, part: Part) -> Claim | None:
        """Claim long texts."""
        return Claim("a long text: learn to go on with it") if isinstance(part, CorpusPart) else None

    def refusal(self, part: Part) -> str:
        """Refuse all but long texts."""
        found = f"task 'language' learns from a text, and these are {part.kind} data"
        return "" if isinstance(part, CorpusPart) else f"{found}. Give chars:FILE, or choose another task."

    def prepare(self, collected: Collected, recipe: Recipe, *, reason: str) -> "CorpusData":
        """Cut validation and test from the end of the text, learn the alphabet from what comes before."""
        train, test = collected.train, collected.test
        assert isinstance(train, CorpusPart)
        test_fraction = 0.0
        if test is None:
            test_fraction = choose_fraction(recipe, "test", TEST_FRACTION)
            end = len(train) - round(test_fraction * len(train))
            test = train.stretch(end, len(train), name="test") if test_fraction else None
            train = train.stretch(0, end, name="train")
        fraction = choose_fraction(recipe, "validation", VALIDATION_FRACTION)
        end = len(train) - round(fraction * len(train))
        parts = {"train": train.stretch(0, end, name="train"), "validation": train.stretch(end, len(train), name="validation")}
        prepare = choose_prepare(recipe, parts["train"])
        fitted = prepare.fit(parts["train"])
        assert isinstance(fitted, FittedCharacters)
        if isinstance(test, CorpusPart):
            parts["test"] = test
        short = [part for part in parts.values() if len(part) <= fitted.length]
        if short:
            remedy = "Give a longer text, or a smaller --set prepare.length."
            raise DataError([DataProblem(part.name, f"{len(part):,} characters, fewer than one piece", remedy) for part in short])
        split = SplitPlan(validation=fraction, test=test_fraction, seed=recipe.seed, by="order")
        return CorpusData(reason, collected, prepare, fitted, parts, split)

    def count_outputs(self, facts: Facts) -> int:
        """Return one output for each token."""
        return next(iter(facts.shape.tensors.values())).highs[0]

    def metrics(self, facts: Facts) -> tuple[str, ...]:
        """Return the surprise at each next character."""
        return ("nats_per_character",)

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Put the task around the network, pieces of text into a stream, and evaluators beside."""
        assert isinstance(data, CorpusData)
        model = build_model(plan, module)
        phase = Phase(owns=("model.",), optim=plan.optim, schedule=plan.schedule, clip=plan.clip)
        finisher = data.fitted.finisher().to(plan.device)
        rows = data.fitted.apply(data.parts["train"])
        stream = planned_stream(rows, plan, finisher=finisher, rank=rank, world=world)
        frequencies = cache(lambda: data.fitted.frequencies(data.parts["train"]))
        evaluators = {
            name: TextEvaluator(
                name,
                self,
                plan,
                data.fitted,
                data.fitted.pieces(data.parts[part]),
                frequencies=frequencies,
                is_watched=part == "validation",
            )
            for name, part in (("val", "validation"), ("test", "test"))
            if part in data.parts
        }
        watched = evaluators["val"].rows
        return Problem(
            task=LanguageTask(model, phase).to(plan.device),
            stream=stream,
            validation=evaluators["val"],
            test=evaluators.get("test"),
            lags=lambda task: measure_lags(task, lambda: _last_of_each(lag_batch(watched, finisher, device=plan.device))),
            num_parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
        )

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return log-probabilities float32 [B, T, V] of logits."""
        return torch.log_softmax(outputs, dim=-1)


class LanguageTask(Task):
    """A network that returns logits for each place of a text; one phase, `fit`."""

    def __init__(self, model: nn.Module, phase: Phase) -> None:
        """Hold the network."""
        super().__init__()
        self.model = model
        self.phases = {"fit": phase}

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the summed cross-entropy over all places."""
        logits_BTV = self.model(batch["token"]).float()
        target_BT = batch["target"]
        total = F.cross_entropy(logits_BTV.flatten(0, 1), target_BT.flatten(), reduction="sum")
        return Objective(total, float(target_BT.numel()), {})

    def network(self) -> nn.Module:
        """Return the network."""
        return self.model


@dataclass(frozen=True)
class CorpusData(Data):
    """A text in three stretches."""

    task_reason: str
    collected: Collected
    prepare: Prepare
    fitted: FittedCharacters
    parts: Mapping[str, CorpusPart]
    split: SplitPlan
    target: None = None
    unit: str = "characters"

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Hash of all characters."""
        return "-".join(part.fingerprint[:16] for part in self.parts.values())

    @property
    def sizes(self) -> Mapping[str, int]:  # type: ignore[override]
        """Characters of each part."""
        return {name: len(part) for name, part in self.parts.items()}

    def decisions(self) -> tuple[Decision, ...]:
        """Return task, stretches and alphabet."""
        sizes = ", ".join(f"{count:,} {name}" for name, count in self.sizes.items())
        where = "validation and test are the end of the text" if self.split.test else "validation is the end of the train text"
        return (
            Decision(key="task", value="language", reason=self.task_reason),
            Decision(key="split", value=f"{sizes} characters", reason=where),
            Decision(key="prepare", value=f"characters: {self.fitted.say()}", reason="learned from the train part only"),
        )

    def facts(self, machine: Machine, *, task: str, is_own_model: bool) -> Facts:
        """Return what decisions depend on; a sample is a place of the text where a piece begins."""
        train = self.parts["train"]
        return Facts(
            modality=train.kind,
            shape=self.fitted.shape,
            num_train=len(self.fitted.apply(train)),
            num_validation=len(self.fitted.pieces(self.parts["validation"])),
            num_test=len(self.fitted.pieces(self.parts["test"])) if "test" in self.parts else 0,
            task=task,
            class_counts=(),
            machine=machine,
            is_own_model=is_own_model,
        )

    def describe(self) -> dict[str, Any]:
        """Return alphabet and beginning of the text."""
        return self.parts["train"].summary({})


@dataclass(frozen=True)
class TextEvaluator(Measured):
    """Measures the surprise at every character of one stretch, and generates text to look at.

    Attributes:
        frequencies: Counts, when it is called, how often each code is in the train part, as a fraction > 0: float64 [V].
    """

    name: str
    spec: Language
    plan: Plan
    fitted: FittedCharacters
    rows: Rows
    frequencies: Callable[[], np.ndarray]
    is_watched: bool = False
    batch_size: int = 64

    def __len__(self) -> int:
        return len(self.rows)

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/nats_per_character`."""
        return self.measure(TokenOutcome(log_BT.ravel()) for log_BT in self.log_likelihoods(task))

    def final(self, task: Task) -> dict[str, Any]:
        """Return metrics, 95 % intervals from the spread between pieces, and what guessing reaches."""
        tallies, units = self.tallies(), [UnitTallies(metric, num_units=len(self)) for metric in self.metrics]
        for log_BT in self.log_likelihoods(task):
            for tally, own in zip(tallies, units, strict=True):
                tally.add(TokenOutcome(log_BT.ravel()))
                for log_T in log_BT:
                    own.add(TokenOutcome(log_T))
        values = self.named(tally.value() for tally in tallies)
        intervals = [own.interval(seed=self.plan.seed, estimate=value) for own, value in zip(units, values.values(), strict=True)]
        described = "guessing each character as often as it stands in the train part"
        return self.record(values, intervals=intervals, baseline=self.guess(), described=described)

    def measure_guess(self) -> Mapping[str, float]:
        """Return what the frequencies of the characters reach, whatever stands before."""
        log_V, finisher = np.log(self.frequencies()), self.fitted.finisher()
        numbers = torch.split(torch.arange(len(self.rows)), self.batch_size)
        targets = (finisher(self.rows.take(own))["target"].numpy().ravel() for own in numbers)
        return self.measure(TokenOutcome(log_V[target]) for target in targets)

    def events(self, task: Task, *, step: int) -> Sequence[Event]:
        """Return a text that the network generates."""
        if not self.spec.sample_length:
            return ()
        generator = torch.Generator().manual_seed(derive(self.plan.seed, "sample", step))
        return (Sampled(step=step, texts=(self.generate(task, generator),)),)

    @torch.no_grad()
    def generate(self, task: Task, generator: torch.Generator) -> str:
        """Return text drawn from the network, one character after another."""
        network = task.network()
        tokens = torch.ones(1, 1, dtype=torch.int64, device=self.plan.device)
        with evaluation_mode(network):
            for _ in range(self.spec.sample_length):
                logits = network(tokens[:, -self.fitted.length :])[0, -1].float().cpu()
                logits[0] = -torch.inf  # the code of characters that were never seen
                drawn = torch.multinomial(torch.softmax(logits / self.spec.temperature, dim=-1), 1, generator=generator)
                tokens = torch.cat([tokens, drawn[None].to(tokens.device)], dim=1)
        return self.fitted.decode(tokens[0, 1:])

    def log_likelihoods(self, task: Task) -> Iterator[np.ndarray]:
        """Yield the log-likelihoods of all characters, float64 [B, T], batch by batch; a row is a piece."""
        finisher = self.fitted.finisher().to(self.plan.device)
        answering = LikelihoodOf(Answering(finisher, task.network(), task=self.spec, input_names=("token",)))
        batches = answer_batches(
            answering, self.rows, batch_size=self.batch_size, device=self.plan.device, precision=self.plan.precision
        )
        for _, log_BT in batches:
            yield log_BT.double().numpy()


class LikelihoodOf(nn.Module):
    """The log-probability of each right token, [B, T], so that [B, T, V] never leaves the device."""

    def __init__(self, answering: Answering) -> None:
        super().__init__()
        self.answering = answering

    def forward(self, batch: Batch) -> Tensor:
        """Return float32 [B, T]."""
        log_BTV = self.answering(batch)
        target_BT = self.answering.finisher(batch)["target"]
        log_BT: Tensor = log_BTV.gather(-1, target_BT[..., None]).squeeze(-1)
        return log_BT


def _last_of_each(batch: Batch) -> Batch:
    """Return a batch in which the last place of each piece alone counts, so that a lag is one from there."""
    target_BT = batch["target"].clone()
    target_BT[:, :-1] = IGNORED
    return {**batch, "target": target_BT}
