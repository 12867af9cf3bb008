"""Language modelling: predict each next character of a text from those before it.

The network returns logits [B, T, V]; the loss is the mean cross-entropy over all B * T places.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.errors import DataError, DataProblem, RecipeError, UsageError
from tutelage.data.part.base import Part
from tutelage.data.part.corpus import CorpusPart
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.running_text import FittedText, too_short
from tutelage.data.source.base import Collected
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Decision, Plan, SplitPlan
from tutelage.planning.recipe import Recipe
from tutelage.task.base import Batch, Claim, Data, Objective, Phase, Problem, Task, TaskSpec
from tutelage.task.lags import IGNORED, lag_batch, measure_lags
from tutelage.task.parts import choose_fraction
from tutelage.task.rows import choose_prepare, planned_stream
from tutelage.task.staged import opening_of, staged_phases
from tutelage.task.supervised import build_model
from tutelage.task.teachable import Answers
from tutelage.task.text_beside import TextBeside
from tutelage.task.text_decisions import most_probable
from tutelage.task.text_evaluation import TextEvaluator
from tutelage.task.text_example import text_example

__all__ = ["Language", "LanguageTask"]

TEST_FRACTION, VALIDATION_FRACTION = 0.1, 0.05
MOST_TEST, MOST_VALIDATION = 500_000, 100_000
"""Characters of these parts, at most, where nobody says: measuring more takes minutes, and the mean is known to 0.01 nats."""
LONG_SECONDS, LONG_PIECE = 600.0, 256
"""With that much time longer pieces pay: more of the text before it tells the next token (docs/LOG.md)."""
LOOK = 10_000
"""Tokens that are looked at first: hardly ever are all of a text needed to see that they differ."""
MOST_SHOWN = 6
"""Unknown characters that are named."""
LEAST_PIECES = 100
"""A text has at least so many of them."""


class Language(TaskSpec):
    """Settings of language modelling."""

    kind: Literal["language"] = "language"
    noun: ClassVar[str] = "language model"
    answers: ClassVar[str] = "tokens"
    answers_rows: ClassVar[bool] = False
    writes_text: ClassVar[bool] = True
    reads_as: ClassVar[str] = "plain_text"
    starts = "head first"
    uses: ClassVar[frozenset[str]] = frozenset({"prepare", "floor", "split"})
    telling: ClassVar[tuple[str, ...]] = ()
    sample_length: int = Field(
        200, ge=0, le=10**6, description="Tokens that are generated at each evaluation, to look at; 0 generates none."
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
        return "" if isinstance(part, CorpusPart) else f"{found}. Give a .txt file or chars:FILE, or choose another task."

    def prepare(self, collected: Collected, recipe: Recipe, *, reason: str) -> "CorpusData":
        """Cut the test part from the end of the text, and validation from its beginning.

        So what stands right before the test part is learned from: a text speaks of the same things for pages.
        """
        train, test = collected.train, collected.test
        assert isinstance(train, CorpusPart)
        test_fraction = 0.0
        if test is None:
            test_fraction = _share(recipe, "test", usual=TEST_FRACTION, most=MOST_TEST, count=len(train))
            end = len(train) - round(test_fraction * len(train))
            test = train.stretch(end, len(train), name="test") if test_fraction else None
            train = train.stretch(0, end, name="train")
        validation, fraction = collected.validation, 0.0
        if not isinstance(validation, CorpusPart):
            fraction = _share(recipe, "validation", usual=VALIDATION_FRACTION, most=MOST_VALIDATION, count=len(train))
            cut = round(fraction * len(train))
            validation, train = train.stretch(0, cut, name="validation"), train.stretch(cut, len(train), name="train")
        parts = {"train": train, "validation": validation}
        if isinstance(test, CorpusPart):
            parts["test"] = test
        prepare = choose_prepare(recipe, train, suggested=_suggested(recipe, parts))
        fitted = prepare.fit(train)
        if not isinstance(fitted, FittedText):
            raise RecipeError(
                f"recipe: prepare = {getattr(prepare, 'kind', '')!r} is not for long texts. Try characters, bytes or bpe."
            )
        counts = {name: len(fitted.tokens(part)) for name, part in parts.items()}
        short = {name: count for name, count in counts.items() if count <= fitted.length}
        if short:
            fitting = min(counts.values()) - 1
            raise DataError(
                [
                    too_short(parts[name], num_tokens=count, length=fitted.length, unit=fitted.unit, fitting=fitting)
                    for name, count in short.items()
                ]
            )
        if len(np.unique(fitted.tokens(train)[:LOOK])) < 2 and len(np.unique(fitted.tokens(train))) < 2:
            found = f"all of its {counts['train']:,} {fitted.unit} are the same one"
            raise DataError([DataProblem(train.name, found, "There is nothing to learn. Give a text of more than that.")])
        split = SplitPlan(validation=fraction, test=test_fraction, seed=recipe.seed, by="order")
        return CorpusData(reason, collected, prepare, fitted, parts, split)

    def count_outputs(self, facts: Facts) -> int:
        """Return one output for each token."""
        return next(iter(facts.shape.tensors.values())).highs[0]

    def metrics(self, facts: Facts) -> tuple[str, ...]:
        """Return the surprise at each next character in both units, and at each next token."""
        return ("nats_per_character", "bits_per_character", "loss")

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Put the task around the network, pieces of text into a stream, and evaluators beside."""
        assert isinstance(data, CorpusData)
        model = build_model(plan, module)
        phases = staged_phases(plan, model, prefix="model.")
        task = LanguageTask(model, phases["fit"])
        task.phases, task.opening = phases, opening_of(plan)
        finisher = data.fitted.finisher().to(plan.device)
        rows = data.fitted.apply(data.parts["train"])
        stream = planned_stream(rows, plan, finisher=finisher, rank=rank, world=world)
        beside = None if plan.floor is None else TextBeside(plan.floor, data.fitted, data.parts["train"], plan.seed)
        frequencies = cache(lambda: data.fitted.frequencies(data.parts["train"]))
        evaluators = {
            name: TextEvaluator(
                name,
                self,
                plan,
                data.fitted,
                data.parts[part],
                frequencies,
                beside,
                sample_length=self.sample_length,
                temperature=self.temperature,
                is_watched=part == "validation",
            )
            for name, part in (("val", "validation"), ("test", "test"))
            if part in data.parts
        }
        validation = evaluators["val"]
        watched = validation.rows
        return Problem(
            task=task.to(plan.device),
            stream=stream,
            validation=validation,
            test=evaluators.get("test"),
            beside=beside,
            choose=validation.choose,
            reserve=lambda per_row: 0.0 if beside is None else per_row * len(validation),
            lags=lambda task: measure_lags(task, lambda: _last_of_each(lag_batch(watched, finisher, device=plan.device))),
            example=lambda part, row: text_example(data.fitted, data.stretch(part), finisher, row, file=data.parts["train"].file),
            num_parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
        )

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return log-probabilities float32 [B, T, V] of logits."""
        return torch.log_softmax(outputs, dim=-1)

    def compared(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return logits [1, B * T, V]."""
        return outputs.flatten(0, 1)[None]

    def lesson(self, answers: Tensor) -> Tensor:
        """Return log-probabilities [B * T, V]."""
        return answers.float().flatten(0, 1)

    def pooled(self, answers: Sequence[Tensor]) -> Tensor:
        """Return the logarithms of mean probabilities [B, T, V]."""
        return torch.logsumexp(torch.stack(list(answers)), dim=0) - math.log(len(answers))

    def decided(self, models: Sequence[Answers], data: Data) -> np.ndarray:
        """Return the most probable token at each place of the test part, or else of validation, int64 [N]."""
        assert isinstance(data, CorpusData)
        part = data.parts.get("test", data.parts["validation"])
        return most_probable(self, data.fitted.pieces(part), models)

    def agreement(self, answers: np.ndarray, others: np.ndarray) -> float:
        """Return the share of places with the same most probable token."""
        return float((answers.argmax(axis=-1) == others.argmax(axis=-1)).mean())


def _share(recipe: Recipe, part: Literal["validation", "test"], *, usual: float, most: int, count: int) -> float:
    """Return which share of a text's characters a part takes: as wished, or as usual, but no more than tells something new."""
    return choose_fraction(recipe, part, min(usual, most / max(count, 1)), count=count, unit="characters")


def _suggested(recipe: Recipe, parts: Mapping[str, CorpusPart]) -> dict[str, int] | None:
    """Return how long pieces had better be where nobody says; None for the usual length."""
    has_time = recipe.budget.seconds >= LONG_SECONDS
    has_text = len(parts["train"]) >= LEAST_PIECES * LONG_PIECE and all(len(part) > LONG_PIECE for part in parts.values())
    return {"length": LONG_PIECE} if has_time and has_text else None


class LanguageTask(Task):
    """A network that returns logits for each place of a text; one phase, `fit`."""

    def __init__(self, model: nn.Module, phase: Phase) -> None:
        """Hold the network."""
        super().__init__()
        self.model = model
        self.phases = {"fit": phase}

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the summed cross-entropy over all places."""
        return self.judged(self.outputs(batch), batch)

    def outputs(self, batch: Batch) -> Tensor:
        """Return logits float32 [B, T, V]."""
        logits_BTV: Tensor = self.model(batch["token"]).float()
        return logits_BTV

    def judged(self, outputs: Tensor, batch: Batch) -> Objective:
        """Return the summed cross-entropy of logits [B, T, V]."""
        target_BT = batch["target"]
        total = F.cross_entropy(outputs.flatten(0, 1), target_BT.flatten(), reduction="sum")
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
    fitted: FittedText
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

    def stretch(self, part: object) -> CorpusPart:
        """Return a part by its name.

        Raises:
            UsageError: There is none.
        """
        if not isinstance(part, str) or part not in self.parts:
            said = repr(part) if isinstance(part, str) else "another file"
            raise UsageError(f"part {said}: places of this run's text are in {', '.join(self.parts)}.")
        return self.parts[part]

    def decisions(self) -> tuple[Decision, ...]:
        """Return task, stretches and alphabet."""
        sizes = ", ".join(f"{count:,} {name}" for name, count in self.sizes.items())
        cut = {"validation is the beginning of the text": self.split.validation, "test its end": self.split.test}
        where = ", ".join(said for said, share in cut.items() if share) or "as the source has them"
        if self.sizes.get("test") == MOST_TEST or self.sizes["validation"] == MOST_VALIDATION:
            where += f"; of a long text at most {MOST_TEST:,} and {MOST_VALIDATION:,} characters, unless split.test and "
            where += "split.validation say otherwise"
        return (
            Decision(key="task", value="language", reason=self.task_reason),
            Decision(key="split", value=f"{sizes} characters", reason=where),
            Decision(
                key="prepare",
                value=f"{self.prepare.restored_by}: {self.fitted.say()}{self._unknown()}",
                reason=self.prepare.reason.replace("train rows", "the train part"),
            ),
        )

    def _unknown(self) -> str:
        """Say which characters of the other parts the train part does not have; "" where it has all."""
        told = []
        for name, part in self.parts.items():
            unknown = self.fitted.unknown(part.text) if name != "train" else ""
            if unknown:
                places = sum(map(part.text.count, unknown))
                shown = ", ".join(map(repr, unknown[:MOST_SHOWN])) + (", ..." if len(unknown) > MOST_SHOWN else "")
                told.append(f"; {name} has {len(unknown):,} that the train part lacks ({shown}), {places:,} times in all")
        return f"{''.join(told)}: they count as one unknown character" if told else ""

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


def _last_of_each(batch: Batch) -> Batch:
    """Return a batch in which the last place of each piece alone counts, so that a lag is one from there."""
    target_BT = batch["target"].clone()
    target_BT[:, :-1] = IGNORED
    return {**batch, "target": target_BT}
