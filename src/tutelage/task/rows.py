"""Data made of rows: split, preprocessing fitted on train rows, every part prepared; what most tasks train on."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.spec import grant
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.rows.base import Rows
from tutelage.data.rows.labelled import LabelledRows
from tutelage.data.rows.selected import SelectedRows
from tutelage.data.rows.stacked import StackedRows
from tutelage.data.source.base import Collected
from tutelage.data.stream import FiniteStream
from tutelage.data.target.base import Target
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Decision, Plan, SplitPlan
from tutelage.planning.recipe import Recipe
from tutelage.task.base import Data
from tutelage.task.parts import SplitParts

__all__ = [
    "PreparedPart",
    "RowsData",
    "choose_prepare",
    "planned_stream",
    "prepare_rows",
    "rows_data",
]

EXAMPLES_PER_CLASS = 4
MAX_CLASSES_TOLD = 5
LARGEST = float(torch.finfo(torch.float32).max)


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

    def some(self, count: int) -> "PreparedPart":
        """Return at most `count` of the rows, evenly spaced."""
        if len(self) <= count:
            return self
        return self.take(np.linspace(0, len(self) - 1, count).astype(np.int64))

    def take(self, numbers: np.ndarray, *, name: str = "") -> "PreparedPart":
        """Return the rows with these numbers, int64 [N], as a part of another name, or of its own."""
        target = None if self.target is None else self.target[torch.from_numpy(numbers)]
        truth = None if self.truth is None else self.truth[numbers]
        part = self.part.select(numbers)
        return PreparedPart(part.renamed(name) if name else part, SelectedRows(self.rows, numbers), target, truth)

    def weighted(self, class_weights: Sequence[float]) -> dict[str, Tensor]:
        """Return the weight of each row by its class; nothing where classes, or rows, have none."""
        if not class_weights or self.target is None:
            return {}
        return {"weight": torch.tensor(list(class_weights), dtype=torch.float32)[self.target]}

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
        extra: Further rows to learn from, of which a teacher tells; None where there are none.
        row_weights: How much each train row counts in the loss, float32 [N]; None where all count alike.
        split_reason: How the parts were cut, and why so.
        split_warnings: What the user should know of them.
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
    split_reason: str = ""
    split_warnings: tuple[str, ...] = ()
    unit: str = "rows"
    extra: PreparedPart | None = None
    row_weights: Tensor | None = None

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Hash of all rows."""
        parts = [*self.parts().values(), *([self.extra] if self.extra is not None else [])]
        weights = [] if self.row_weights is None else [hashlib.sha256(self.row_weights.numpy().tobytes()).hexdigest()[:16]]
        return "-".join([*(prepared.part.fingerprint[:16] for prepared in parts), *weights])

    @property
    def sizes(self) -> Mapping[str, int]:  # type: ignore[override]
        """Rows of each part."""
        return {"train": len(self.train), "validation": len(self.validation), "test": len(self.test) if self.test else 0}

    def parts(self) -> dict[str, PreparedPart]:
        """Return the parts that there are, by name."""
        found = {"train": self.train, "validation": self.validation}
        return found | ({"test": self.test} if self.test else {})

    def with_validation(self, count: int) -> Self:
        """Return the same with at most so many validation rows, evenly spaced."""
        return replace(self, validation=self.validation.some(count))

    def taught_parts(self) -> tuple[RowsPart, ...]:
        """Return the rows that the stream serves, in its order: those that a teacher answers for."""
        return (self.train.part,) if self.extra is None else (self.train.part, self.extra.part)

    def served(self, class_weights: Sequence[float] = ()) -> Rows:
        """Return the rows that the stream serves: the train rows with target and weight, and the further rows after them.

        Args:
            class_weights: A factor for each class, or nothing.
        """
        weighted = self.train.weighted(class_weights)
        if self.row_weights is not None:
            weighted = {"weight": self.row_weights * weighted.get("weight", 1.0)}
        if self.extra is None:
            return self.train.labelled(**weighted)
        own = {"weight": torch.ones(len(self.train)), **weighted}
        further = {"weight": torch.ones(len(self.extra)), **self.extra.weighted(class_weights)}
        if self.extra.target is None:
            assert self.train.target is not None
            # A row without a label counts for the teacher alone, and what stands for its target is never looked at.
            blank = torch.zeros(len(self.extra), dtype=self.train.target.dtype)
            further = {"target": blank, "weight": torch.zeros(len(self.extra))}
        soft = torch.ones(len(self.extra)) if self.extra.target is None else further["weight"]
        return StackedRows(
            self.train.labelled(**own, soft_weight=own["weight"]), self.extra.labelled(**further, soft_weight=soft)
        )

    def say_row(self, row: int) -> str:
        """Name a train row, with the cells whose numbers a float32 cannot hold."""
        part = self.train.part
        cells = part.show(row).get("row", {})
        odd = [f"{name} = {value:g}" for name, value in cells.items() if isinstance(value, float) and not abs(value) <= LARGEST]
        return ", ".join([part.locate(row), *odd])

    def decisions(self) -> tuple[Decision, ...]:
        """Return what was decided about the data: task, rows, preprocessing, the role of each column."""
        rows = ", ".join(f"{count:,} {name}" for name, count in self.sizes.items())
        prepare = f"{self.prepare.restored_by}: {self.fitted.say()}"
        return (
            Decision(key="task", value=self.task_kind, reason=self.task_reason),
            Decision(key="split", value=rows, reason=self.split_reason),
            Decision(key="prepare", value=prepare, reason=self.prepare.reason),
            *self._say_extra(),
            *(Decision(key=key, value=value, reason=reason) for key, value, reason in self.fitted.decisions()),
        )

    def _say_extra(self) -> tuple[Decision, ...]:
        """Return what is decided of further rows."""
        if self.extra is None:
            return ()
        reason = "without labels: for the teachers alone" if self.extra.target is None else "with labels: for the loss too"
        return (Decision(key="distill.extra", value=f"{len(self.extra):,} further rows", reason=reason),)

    def warnings(self) -> tuple[str, ...]:
        """Return what is odd about the parts and spoils their preprocessing, and the classes that one of them lacks.

        These are looked for where whole stretches or groups were cut.
        """
        lacking = () if self.split.by == "random" or self.target is None else _lacking(self.parts(), self.target)
        odd = [said for prepared in self.parts().values() for said in self.fitted.odd_rows(prepared.part)]
        return (*self.split_warnings, *lacking, *self.fitted.warnings(self.train.part), *odd)

    def facts(self, machine: Machine, *, task: str, is_own_model: bool) -> Facts:
        """Return what decisions depend on."""
        codes = self.train.truth if self.target is not None and self.target.classes else None
        counts = () if codes is None or self.target is None else np.bincount(codes, minlength=len(self.target.classes))
        return Facts(
            modality=self.train.part.kind,
            shape=self.fitted.shape,
            num_train=len(self.train) + (len(self.extra) if self.extra is not None else 0),
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


def choose_prepare(
    recipe: Recipe, part: Part, *, group: str = "", suits: str = "", suggested: Mapping[str, Any] | None = None
) -> Prepare:
    """Return the preprocessing that suits the data, adjusted as wished.

    Args:
        recipe: Its `prepare` and `columns` count.
        part: Train rows.
        group: The column that names groups of rows, or "".
        suits: The usual preprocessing, where it is not what suits the content.
        suggested: Settings that the usual preprocessing has where nobody asks for others.

    Raises:
        RecipeError: Roles of columns for rows without columns.
    """
    kind: type[Prepare] = catalog.load("prepare", suits or part.suits)
    settings: dict[str, Any] = {}
    if recipe.columns:
        if "columns" not in kind.model_fields:
            raise RecipeError(f"recipe: columns = {recipe.columns} are for tables, and these are not.")
        settings["columns"] = recipe.columns
    if group and "group" in kind.model_fields:
        settings["group"] = group
    known = {key: value for key, value in (suggested or {}).items() if key in kind.model_fields}
    chosen = grant(recipe.prepare, kind(**settings, **known))
    assert isinstance(chosen, Prepare)
    # A preprocessing that is named with its settings takes over the rest too.
    lacking = {key: value for key, value in settings.items() if key in type(chosen).model_fields and not getattr(chosen, key)}
    return chosen.but(**lacking) if lacking else chosen


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
    split: SplitParts,
    *,
    collected: Collected,
    recipe: Recipe,
    target: Target | None,
    task: tuple[str, str],
    usual: tuple[str, Mapping[str, Any]] = ("", {}),
) -> RowsData:
    """Fit the preprocessing on train rows and apply it to all parts.

    Args:
        split: The parts.
        collected: What the source gave.
        recipe: What the user wants.
        target: What labels mean; None where there are none.
        task: The task's kind and why it was chosen.
        usual: The usual preprocessing and its settings, where they are not what suits the content.
    """
    group = split.plan.column if split.plan.by == "group" else ""
    prepare = choose_prepare(recipe, split.train, group=group, suits=usual[0], suggested=usual[1])
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
        split_reason=split.reason,
        split_warnings=split.warnings,
        row_weights=None if split.weights is None else torch.from_numpy(split.weights.astype(np.float32)),
    )


def _lacking(parts: Mapping[str, PreparedPart], target: Target) -> list[str]:
    """Tell which parts have no row of some classes."""
    told = []
    for name, prepared in parts.items():
        if not target.classes or prepared.truth is None:
            continue
        counts = np.bincount(prepared.truth, minlength=len(target.classes))
        absent = [repr(target.classes[number]) for number in np.flatnonzero(counts == 0)]
        if absent:
            shown = ", ".join(absent[:MAX_CLASSES_TOLD]) + (", ..." if len(absent) > MAX_CLASSES_TOLD else "")
            means = "so the model cannot learn it" if name == "train" else "so its score says nothing of it"
            told.append(f"the {name} part has no row of class {shown}, {means}. Another fraction or split.by may mend it")
    return told
