"""Classification: one of two or more classes for each row, as probabilities.

Use it where the target is a word, a truth value or one of a few codes. For quantities use `regress`.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.errors import RecipeError
from tutelage.core.spec import Component, Pick
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.target.base import Target, check_labels
from tutelage.data.target.classes import Classes, fit_classes
from tutelage.data.target.meaning import are_amounts
from tutelage.defaults.base import Suggestion
from tutelage.loss.binary_cross_entropy import BinaryCrossEntropy
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.loss.shape import class_scores
from tutelage.metric.base import Outcome
from tutelage.metric.confusion import confusion
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.recipe import Recipe
from tutelage.task.base import OPTIONAL, Claim
from tutelage.task.evaluation import CommonAnswer
from tutelage.task.supervised import SupervisedSpec, by_member

__all__ = ["Classify"]

SMALLEST_PROBABILITY = 1e-12
WATCHED = {"decisions": "accuracy", "probabilities": "loss", "refinement": "refined_loss"}
"""The metric for what early stopping had better judge."""


class Classify(SupervisedSpec):
    """Settings of classification."""

    kind: Literal["classify"] = "classify"
    mistake_noun: ClassVar[str] = "log loss"
    noun: ClassVar[str] = "classification"
    answers: ClassVar[str] = "classes"
    uses: ClassVar[frozenset[str]] = frozenset(OPTIONAL)
    telling: ClassVar[tuple[str, ...]] = ("accuracy", "loss", "ece")
    loss: Pick("loss") = Field("cross_entropy", validate_default=True, description="Loss per sample.")  # type: ignore[valid-type]
    ema: float = Field(0.0, ge=0, lt=1, description="Decay of the weight average used for evaluation; 0 keeps none.")

    def claims(self, part: Part) -> Claim | None:
        """Claim rows whose labels are names."""
        if not isinstance(part, RowsPart) or part.labels is None:
            return None
        is_amounts, reason = are_amounts(check_labels(part.labels, locate=part.locate))
        return None if is_amounts else Claim(reason)

    def fit_target(self, labels: np.ndarray, *, reason: str, locate: Callable[[int], str] | None = None) -> Target:
        """Learn the class names."""
        return fit_classes(labels, reason=reason, locate=locate)

    def default_loss(self, facts: Facts, *, auto: Suggestion, wish: object) -> tuple[Component, str]:
        """Choose one output with a sigmoid for two classes, softmax else."""
        # An own module may return one output or two, and cross-entropy takes either as what softmax or sigmoid then answer.
        is_pair = len(facts.class_counts) == 2 and not auto.label_smoothing and not facts.is_own_model
        if is_pair and not isinstance(wish, dict):
            return BinaryCrossEntropy(), "two classes: one output with a sigmoid"
        return CrossEntropy(label_smoothing=auto.label_smoothing), "the usual loss for classes"

    def with_loss(self, loss: Component, ema: float) -> "Classify":
        """Return these settings with loss and average decided."""
        return Classify(loss=loss, ema=ema)

    def count_outputs(self, facts: Facts) -> int:
        """Return one output per class, or what the loss needs."""
        loss: Any = self.loss
        count: int = loss.count_outputs(len(facts.class_counts))
        return count

    def metrics(self, facts: Facts) -> tuple[str, ...]:
        """Return hits and log loss; for two classes how well they are ranked too."""
        return ("accuracy", "loss", "auroc") if len(facts.class_counts) == 2 else ("accuracy", "loss")

    def watched(self, facts: Facts, *, auto: Suggestion) -> tuple[str, str]:
        """Return what suits the kind of data."""
        return WATCHED[auto.judge], auto.why.get("judge", "")

    def weigh_classes(self, recipe: Recipe, facts: Facts, *, made: Decisions) -> tuple[float, ...]:
        """Return a factor per class with a mean of 1 over the rows, or nothing."""
        if recipe.class_weights != "balanced":
            return ()
        total, classes = sum(facts.class_counts), len(facts.class_counts)
        if not all(facts.class_counts):
            raise RecipeError("recipe: class_weights = 'balanced' needs train rows of every class; one has none. Leave it out.")
        weights = tuple(total / (classes * count) for count in facts.class_counts)
        made.choose("class_weights", "balanced", weights)
        return weights

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return probabilities float32 [B, C] of logits [B, C]; of members [B, M, C] the mean of their probabilities.

        A last dimension of 1 is the logit of the second of two classes (sigmoid).
        """
        if outputs.dim() == 1:
            outputs = outputs[:, None]
        if outputs.shape[-1] == 1:
            probabilities = torch.sigmoid(torch.cat([-outputs, outputs], dim=-1))
        else:
            probabilities = torch.softmax(outputs, dim=-1)
        return probabilities.mean(dim=1) if num_members > 1 else probabilities

    def compared(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return logits [M, B, C]; of a single output, the first class has the logit 0."""
        logits_MBC = by_member(outputs)
        scores_NC = class_scores(logits_MBC.flatten(0, 1))
        return scores_NC.view(*logits_MBC.shape[:2], scores_NC.shape[1])

    def lesson(self, answers: Tensor) -> Tensor:
        """Return the logarithms of probabilities [B, C]: logits up to a constant in each row."""
        return answers.float().clamp_min(SMALLEST_PROBABILITY).log()

    def pooled(self, answers: Sequence[Tensor]) -> Tensor:
        """Return mean probabilities [B, C]."""
        return torch.stack(list(answers)).mean(dim=0)

    def agreement(self, answers: np.ndarray, others: np.ndarray) -> float:
        """Return the share of rows with the same most probable class."""
        return float((answers.argmax(axis=1) == others.argmax(axis=1)).mean())

    def baseline(self, train_truth: np.ndarray, target: Target, *, size: int) -> tuple[np.ndarray, str]:
        """Return the fractions of the classes in train."""
        counts = np.bincount(train_truth, minlength=len(target.classes))
        return np.tile(counts / len(train_truth), (size, 1)), "the fractions of the classes in train, for every row"

    def mistakes(self, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        """Return the log loss of each row, and whether another class was more probable."""
        rows = np.arange(len(outcome.target))
        loss = -np.log(np.maximum(outcome.prediction[rows, outcome.target], SMALLEST_PROBABILITY))
        return loss, outcome.prediction.argmax(axis=1) != outcome.target

    def say_mistake(self, outcome: Outcome, row: int, *, target: Target) -> dict[str, Any]:
        """Return the true and the predicted class, and how sure the model was."""
        guess = int(outcome.prediction[row].argmax())
        names = target.classes
        record: dict[str, Any] = {"target": str(names[outcome.target[row]]), "prediction": str(names[guess])}
        return record | {"confidence": float(outcome.prediction[row, guess])}

    def shown(self, target: Target) -> "_Confusions":
        """Collect the confusion matrix."""
        assert isinstance(target, Classes)
        return _Confusions(target)


class _Confusions:
    """Adds up confusion matrices."""

    def __init__(self, target: Classes) -> None:
        self._names = [str(name) for name in target.names]
        self._counts = np.zeros((len(self._names), len(self._names)))

    def add(self, outcome: Outcome) -> None:
        """Take a batch."""
        self._counts += confusion(outcome)

    def record(self, sample: Outcome) -> dict[str, Any]:
        """Return the matrix and its labels."""
        answered, true = self._counts.sum(axis=0), self._counts.sum(axis=1)
        most, total = int(answered.argmax()), max(float(self._counts.sum()), 1.0)
        common = CommonAnswer(repr(self._names[most]), float(answered[most] / total), float(true[most] / total))
        return {"labels": self._names, "confusion": self._counts.tolist(), "common_answer": asdict(common)}
