"""From a recipe to prepared data: read, split, learn the target and the preprocessing from train rows, apply to all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from tutelage.core.errors import DataError, Problem, RecipeError
from tutelage.core.events import Event, Noted, Warned
from tutelage.core.schema import ImageShape, TableShape
from tutelage.core.spec import Component, grant
from tutelage.data.augment.symmetry import try_mirror
from tutelage.data.prepare.array import Array
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.prepare.image import Image
from tutelage.data.prepare.table import FittedTable, Table
from tutelage.data.prepare.target import ClassTarget, TargetEncoder, fit_target
from tutelage.data.part.array import ArrayPart
from tutelage.data.part.image import ImagePart
from tutelage.data.part.base import Part
from tutelage.data.part.table import TablePart
from tutelage.data.source.base import Collected
from tutelage.data.split import cut
from tutelage.plan.facts import Facts, Machine
from tutelage.plan.plan import Decision
from tutelage.plan.recipe import Recipe

__all__ = ["Gathered", "Prepared", "gather"]

MAX_SHOWN_COLUMNS = 40
"""Columns that are told one by one."""
MANY_CLASSES = 100
"""Classes up to which nobody wonders."""
SMALL_SET = 500
"""Rows below which a larger share is needed for a validation score to mean something."""


@dataclass(frozen=True)
class Prepared:
    """One part, ready for batches.

    Attributes:
        part: Its rows as they were read.
        tensors: Compact inputs, first dimension N.
        target: Class numbers int64 [N], or standardized numbers float32 [N].
        truth: Class numbers int64 [N], or numbers float64 [N] in the user's unit.
    """

    part: Part
    tensors: dict[str, Tensor]
    target: Tensor
    truth: np.ndarray

    def __len__(self) -> int:
        return len(self.part)


@dataclass(frozen=True)
class Gathered:
    """Everything about the data that a training needs.

    Attributes:
        collected: What the source gave.
        target: Class names, or mean and deviation; learned from train rows.
        prepare: The preprocessing's settings.
        fitted: The preprocessing, fitted on train rows.
        train: Rows to learn from.
        validation: Rows that early stopping watches.
        test: Rows opened once, at the end; None where the user wanted none.
        fingerprint: Hash of all rows.
    """

    collected: Collected
    target: TargetEncoder
    prepare: Prepare
    fitted: Fitted
    train: Prepared
    validation: Prepared
    test: Prepared | None
    fingerprint: str

    @property
    def events(self) -> list[Event]:
        """Notes and warnings about the data."""
        left_out = len(self.collected.problems)
        told = [f"{left_out} bad item{'s' * (left_out != 1)} left out; the report lists them"] if left_out else []
        if isinstance(self.target, ClassTarget) and len(self.target.classes) > max(MANY_CLASSES, len(self.train) // 20):
            told.append(
                f"{len(self.target.classes):,} classes, most with a few rows each: are these amounts? Then: --task regress"
            )
        warnings = [*self.collected.warnings, *told]
        return [*(Noted(message=note) for note in self.collected.notes), *(Warned(message=text) for text in warnings)]

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What was decided about the data: task, rows, preprocessing, the role of each column."""
        rows = f"{len(self.train):,} train, {len(self.validation):,} validation, {len(self.test) if self.test else 0:,} test"
        cut_from = "as the source has them" if self.collected.test is not None else "the test part is cut at random, by the seed"
        made = [
            Decision(key="task", value=self.target.task, reason=self.target.reason),
            Decision(key="split", value=rows, reason=f"{cut_from}; validation is always cut from train"),
            Decision(key="prepare", value=_say_prepare(self.prepare, self.fitted), reason="fitted on train rows only"),
        ]
        columns = self.fitted.columns if isinstance(self.fitted, FittedTable) else ()
        if len(columns) <= MAX_SHOWN_COLUMNS:
            return (*made, *(Decision(key=f"columns.{c.name}", value=c.role, reason=c.reason) for c in columns))
        counts = Counter(column.role for column in columns)
        text = ", ".join(f"{count} {role}" for role, count in counts.most_common())
        return (*made, Decision(key="columns", value=text, reason="each with its reason in data.json"))

    def facts(self, machine: Machine, *, is_own_model: bool) -> Facts:
        """Return what decisions depend on."""
        modality: dict[type, Literal["image", "table", "array"]] = {ImagePart: "image", TablePart: "table", ArrayPart: "array"}
        is_class = isinstance(self.target, ClassTarget)
        counts = (
            tuple(int(count) for count in self.target.count(self.train.truth)) if isinstance(self.target, ClassTarget) else ()
        )
        return Facts(
            modality=modality[type(self.train.part)],
            shape=self.fitted.shape,
            num_train=len(self.train),
            num_validation=len(self.validation),
            num_test=len(self.test) if self.test else 0,
            task="classify" if is_class else "regress",
            class_counts=counts,
            machine=machine,
            is_own_model=is_own_model,
            mirror=_ask_mirror(self.train) if is_class else "",
        )


def gather(recipe: Recipe, collected: Collected) -> Gathered:
    """Split, fit and prepare what a source has collected.

    Raises:
        DataError: Bad items that may not be skipped, or nothing to learn; all of them at once.
        RecipeError: A wish that does not fit the data.
    """
    if collected.problems and (recipe.on_bad_data == "fail" or any(problem.item < 0 for problem in collected.problems)):
        raise DataError(collected.problems)
    labels = collected.train.labels
    if labels is None:
        raise DataError([Problem(collected.train.name, "there is no target to learn", "Name it: --target COLUMN.")])
    task = _wished_task(recipe)
    whole = fit_target(labels, task=task, locate=collected.train.locate)
    classes = whole.encode(labels) if isinstance(whole, ClassTarget) else None
    train, validation, test = _split(recipe, collected, classes)
    train_labels = train.labels
    assert train_labels is not None
    target = whole
    if not isinstance(whole, ClassTarget):
        target = replace(fit_target(train_labels, task="regress", locate=train.locate), reason=whole.reason)
    prepare = _choose_prepare(recipe, train)
    fitted = prepare.fit(train)
    parts = [train, validation] + ([test] if test is not None else [])
    ready = [_prepare(part, fitted, target) for part in parts]
    return Gathered(
        collected,
        target,
        prepare,
        fitted,
        ready[0],
        ready[1],
        ready[2] if test is not None else None,
        fingerprint="-".join(part.fingerprint[:16] for part in parts),
    )


def _ask_mirror(train: Prepared) -> Literal["yes", "no", ""]:
    """Ask the train images whether mirror images keep their meaning."""
    if "image" not in train.tensors:
        return ""
    return "yes" if try_mirror(train.tensors["image"].numpy(), train.truth).keeps_meaning else "no"


def _say_prepare(prepare: Prepare, fitted: Fitted) -> str:
    """Write the preprocessing for people."""
    shape = fitted.shape
    kind = getattr(prepare, "kind", "")
    if isinstance(shape, ImageShape):
        color = "color" if shape.channels == 3 else "grey"
        return f"{kind}: {shape.height}x{shape.width} {color}, normalized"
    if isinstance(shape, TableShape):
        return f"{kind}: {shape.numbers} numbers, {len(shape.cardinalities)} categories"
    return f"{kind}: {'x'.join(map(str, shape.sizes)) or 'one number'}, as given"


def _wished_task(recipe: Recipe) -> Literal["auto", "classify", "regress"]:
    """Return the kind of the wished task.

    Raises:
        RecipeError: A task that does not learn from rows with a target.
    """
    if recipe.task == "auto" or not isinstance(recipe.task, Component):
        return "auto"
    kind: Any = getattr(recipe.task, "kind", "")
    if kind not in ("classify", "regress"):
        raise RecipeError(f"recipe: task = {kind!r} does not learn from rows with a target. Here: classify or regress.")
    wished: Literal["classify", "regress"] = kind
    return wished


def _split(recipe: Recipe, collected: Collected, classes: np.ndarray | None) -> tuple[Part, Part, Part | None]:
    """Cut the test part, if the source has none, and the validation part."""
    train, test = collected.train, collected.test
    share = _share(recipe.split.test, 0.2, smallest=0.0, key="split.test")
    if test is None and share > 0:
        stay, gone = cut(classes, num_rows=len(train), share=share, seed=recipe.seed, purpose="test")
        train, test = train.select(stay), train.select(gone)
        classes = None if classes is None else classes[stay]
    usual = 0.15 if len(train) < SMALL_SET else 0.1
    share = _share(recipe.split.validation, usual, smallest=1e-9, key="split.validation")
    stay, gone = cut(classes, num_rows=len(train), share=share, seed=recipe.seed, purpose="validation")
    if not len(stay) or not len(gone):
        rows = f"{len(train)} rows are too few to cut a validation part from"
        raise DataError([Problem(collected.train.name, rows, "Give at least 10 rows.")])
    return _named(train.select(stay), "train"), _named(train.select(gone), "validation"), test


def _share(wish: float | str, usual: float, *, smallest: float, key: str) -> float:
    """Return a share as wished or as usual."""
    share = usual if wish == "auto" else float(wish)
    if not smallest <= share <= 0.5:
        raise RecipeError(f"recipe: {key} = {share} must be a share of the rows, at most 0.5. Typical: 0.1 to 0.2.")
    return share


def _named(part: Part, name: str) -> Part:
    """Return a part under another name."""
    return replace(part, name=name)


def _choose_prepare(recipe: Recipe, part: Part) -> Prepare:
    """Return the preprocessing that fits the rows, adjusted as wished."""
    default: Prepare = Image() if isinstance(part, ImagePart) else Array()
    if isinstance(part, TablePart):
        columns: Any = recipe.columns
        default = Table(columns=columns)
    elif recipe.columns:
        raise RecipeError(f"recipe: columns = {recipe.columns} are for tables, and these are not.")
    chosen = grant(recipe.prepare, default)
    assert isinstance(chosen, Prepare)
    return chosen


def _prepare(part: Part, fitted: Fitted, target: TargetEncoder) -> Prepared:
    """Apply preprocessing and target encoding to one part."""
    labels = part.labels
    assert labels is not None
    encoded = target.encode(labels, locate=part.locate)
    truth = encoded if isinstance(target, ClassTarget) else np.array([float(label) for label in labels])
    return Prepared(part, fitted.apply(part), torch.from_numpy(np.ascontiguousarray(encoded)), truth)


def class_weights(target: Tensor, weights: Sequence[float]) -> Tensor:
    """Return float32 [N]: each row's weight by its class."""
    return torch.tensor(list(weights), dtype=torch.float32)[target]
