"""Data made of rows: split, preprocessing fitted on train rows, every part prepared; what most tasks train on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core import catalog
from tutelage.core.errors import DataError, DataProblem, RecipeError
from tutelage.core.spec import grant
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.rows.base import Rows
from tutelage.data.rows.labelled import LabelledRows
from tutelage.data.source.base import Collected
from tutelage.data.split import cut
from tutelage.data.stream import FiniteStream
from tutelage.data.target.base import Target
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Decision, Plan, SplitPlan
from tutelage.planning.recipe import Recipe
from tutelage.task.base import Data

__all__ = [
    "PreparedPart",
    "RowsData",
    "SplitParts",
    "choose_fraction",
    "choose_prepare",
    "planned_stream",
    "prepare_rows",
    "rows_data",
    "split_rows",
]

SMALL_SET = 500
"""Rows below which a larger fraction is needed for a validation score to mean something."""
TEST_FRACTION, VALIDATION_FRACTION, SMALL_VALIDATION_FRACTION = 0.2, 0.1, 0.15
MAX_FRACTION = 0.5
EXAMPLES_PER_CLASS = 4


@dataclass(frozen=True)
class SplitParts:
    """The three parts, before preprocessing; `test` is None where the user wanted none."""

    train: RowsPart
    validation: RowsPart
    test: RowsPart | None
    plan: SplitPlan


@dataclass(frozen=True)
class PreparedPart:
    """One part, ready for batches.

    Attributes:
        part: Its rows as they were read.
        rows: Its rows, prepared.
        target: What the loss compares with, [N]; None where there are no labels.
        truth: What metrics compare with, [N], in the user's unit; None where there are no labels.
    """

    part: RowsPart
    rows: Rows
    target: Tensor | None = None
    truth: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.part)

    def labelled(self, **beside: Tensor) -> Rows:
        """Return the rows with the target, and whatever else is named, beside them."""
        known = {} if self.target is None else {"target": self.target}
        return LabelledRows(self.rows, {**known, **beside})


@dataclass(frozen=True)
class RowsData(Data):
    """Everything about rows that a training needs; see `Data` for what is common to all data.

    Attributes:
        task_reason: Why this task was chosen.
        train: Rows to learn from.
        validation: Rows that early stopping watches.
        test: Rows opened once, at the end; None where the user wanted none.
    """

    task_kind: str
    task_reason: str
    collected: Collected
    target: Target | None
    prepare: Prepare
    fitted: Fitted
    train: PreparedPart
    validation: PreparedPart
    test: PreparedPart | None
    split: SplitPlan
    unit: str = "rows"

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Hash of all rows."""
        return "-".join(prepared.part.fingerprint[:16] for prepared in self.parts().values())

    @property
    def sizes(self) -> Mapping[str, int]:  # type: ignore[override]
        """Rows of each part."""
        return {"train": len(self.train), "validation": len(self.validation), "test": len(self.test) if self.test else 0}

    def parts(self) -> dict[str, PreparedPart]:
        """Return the parts that there are, by name."""
        found = {"train": self.train, "validation": self.validation}
        return found | ({"test": self.test} if self.test else {})

    def decisions(self) -> tuple[Decision, ...]:
        """Return what was decided about the data: task, rows, preprocessing, the role of each column."""
        rows = ", ".join(f"{count:,} {name}" for name, count in self.sizes.items())
        from_source = self.collected.test is not None
        cut_from = "as the source has them" if from_source else "the test part is cut at random, by the seed"
        prepare = f"{getattr(self.prepare, 'kind', '')}: {self.fitted.say()}"
        return (
            Decision(key="task", value=self.task_kind, reason=self.task_reason),
            Decision(key="split", value=rows, reason=f"{cut_from}; validation is always cut from train"),
            Decision(key="prepare", value=prepare, reason="fitted on train rows only"),
            *(Decision(key=key, value=value, reason=reason) for key, value, reason in self.fitted.decisions()),
        )

    def facts(self, machine: Machine, *, task: str, is_own_model: bool) -> Facts:
        """Return what decisions depend on."""
        codes = self.train.truth if self.target is not None and self.target.classes else None
        counts = () if codes is None or self.target is None else np.bincount(codes, minlength=len(self.target.classes))
        return Facts(
            modality=self.train.part.kind,
            shape=self.fitted.shape,
            num_train=len(self.train),
            num_validation=len(self.validation),
            num_test=len(self.test) if self.test else 0,
            task=task,
            class_counts=tuple(int(count) for count in counts),
            machine=machine,
            is_own_model=is_own_model,
            traits=self.fitted.traits(self.train.rows, codes),
        )

    def describe(self) -> dict[str, Any]:
        """Return target, classes, columns and sample pictures, as far as there are such."""
        record: dict[str, Any] = {"target": self.train.part.target}
        examples: dict[str, list[int]] = {}
        classes = self.target.classes if self.target is not None else ()
        if classes and self.train.truth is not None:
            codes = {name: prepared.truth for name, prepared in self.parts().items() if prepared.truth is not None}
            counts = {name: np.bincount(code, minlength=len(classes)) for name, code in codes.items()}
            record["classes"] = {
                str(label): {name: int(counts[name][number]) for name in counts} for number, label in enumerate(classes)
            }
            examples = {
                str(label): np.flatnonzero(self.train.truth == number)[:EXAMPLES_PER_CLASS].tolist()
                for number, label in enumerate(classes)
            }
        return record | self.fitted.summary(self.train.part) | self.train.part.summary(examples)


def split_rows(collected: Collected, recipe: Recipe, *, classes: np.ndarray | None) -> SplitParts:
    """Cut the test part, if the source has none, and the validation part.

    Args:
        collected: Parts made of rows.
        recipe: Its `split` and `seed` count.
        classes: Class numbers int64 [N] of the train part, kept in proportion; None where there are none.

    Raises:
        DataError: Too few rows.
        RecipeError: A fraction out of range.
    """
    train, test = collected.train, collected.test
    assert isinstance(train, RowsPart)
    assert test is None or isinstance(test, RowsPart)
    test_fraction = choose_fraction(recipe, "test", TEST_FRACTION)
    if test is None and test_fraction > 0:
        stay, gone = cut(classes, num_rows=len(train), fraction=test_fraction, seed=recipe.seed, purpose="test")
        train, test = train.select(stay), train.select(gone)
        classes = None if classes is None else classes[stay]
    else:
        test_fraction = 0.0
    usual = SMALL_VALIDATION_FRACTION if len(train) < SMALL_SET else VALIDATION_FRACTION
    fraction = choose_fraction(recipe, "validation", usual)
    stay, gone = cut(classes, num_rows=len(train), fraction=fraction, seed=recipe.seed, purpose="validation")
    if not len(stay) or not len(gone):
        rows = f"{len(train)} rows are too few to cut a validation part from"
        raise DataError([DataProblem(collected.train.name, rows, "Give at least 10 rows, and several of each class.")])
    plan = SplitPlan(validation=fraction, test=test_fraction, seed=recipe.seed)
    return SplitParts(train.select(stay).renamed("train"), train.select(gone).renamed("validation"), test, plan)


def choose_fraction(recipe: Recipe, part: Literal["validation", "test"], usual: float) -> float:
    """Return which fraction of the data is kept apart for a part, as wished or as usual; only the test part may be empty.

    Raises:
        RecipeError: It is out of range.
    """
    wish = recipe.split.validation if part == "validation" else recipe.split.test
    fraction = usual if wish == "auto" else float(wish)
    if not 0 <= fraction <= MAX_FRACTION or (part == "validation" and fraction == 0):
        expected = f"must be a fraction of the data, at most {MAX_FRACTION}"
        raise RecipeError(f"recipe: split.{part} = {fraction} {expected}. Typical: 0.1 to 0.2.")
    return fraction


def planned_stream(rows: Rows, plan: Plan, *, finisher: nn.Module, rank: int, world: int) -> FiniteStream:
    """Return the batches of a plan: its size, seed, device and augmentation.

    Args:
        rows: Prepared train rows, with what the loss needs beside them.
        plan: Everything decided.
        finisher: Turns a compact batch into what the network takes.
        rank: Number of this process among those that train together.
        world: How many there are.
    """
    return FiniteStream(
        rows,
        batch_size=plan.batch_size,
        seed=plan.seed,
        device=plan.device,
        finish=finisher,
        augment=plan.augment,
        rank=rank,
        world=world,
    )


def choose_prepare(recipe: Recipe, part: Part) -> Prepare:
    """Return the preprocessing that suits the data, adjusted as wished.

    Raises:
        RecipeError: Roles of columns for rows without columns.
    """
    kind: type[Prepare] = catalog.load("prepare", part.suits)
    settings: dict[str, Any] = {}
    if recipe.columns:
        if "columns" not in kind.model_fields:
            raise RecipeError(f"recipe: columns = {recipe.columns} are for tables, and these are not.")
        settings["columns"] = recipe.columns
    chosen = grant(recipe.prepare, kind(**settings))
    assert isinstance(chosen, Prepare)
    return chosen


def prepare_rows(part: RowsPart, fitted: Fitted, *, target: Target | None) -> PreparedPart:
    """Apply preprocessing and target encoding to one part.

    Raises:
        DataError: Rows or labels that do not fit, all of them.
    """
    rows = fitted.apply(part)
    if target is None or part.labels is None:
        return PreparedPart(part, rows)
    encoded = np.ascontiguousarray(target.encode(part.labels, locate=part.locate))
    truth = encoded if target.classes else target.truth(part.labels, locate=part.locate)
    return PreparedPart(part, rows, torch.from_numpy(encoded), truth)


def rows_data(
    split: SplitParts, *, collected: Collected, recipe: Recipe, target: Target | None, task: tuple[str, str]
) -> RowsData:
    """Fit the preprocessing on train rows and apply it to all parts.

    Args:
        split: The parts.
        collected: What the source gave.
        recipe: What the user wants.
        target: What labels mean; None where there are none.
        task: The task's kind and why it was chosen.
    """
    prepare = choose_prepare(recipe, split.train)
    fitted = prepare.fit(split.train)
    return RowsData(
        task_kind=task[0],
        task_reason=task[1],
        collected=collected,
        target=target,
        prepare=prepare,
        fitted=fitted,
        train=prepare_rows(split.train, fitted, target=target),
        validation=prepare_rows(split.validation, fitted, target=target),
        test=None if split.test is None else prepare_rows(split.test, fitted, target=target),
        split=split.plan,
    )
