"""Regression: a number for each row, such as a price or a temperature.

The model learns the standardized target (mean 0, standard deviation 1 on the train rows); results are in its own unit.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.errors import DataError
from tutelage.core.spec import Component, Pick
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.target.base import Target, check_labels
from tutelage.data.target.meaning import are_amounts
from tutelage.data.target.numbers import Numbers, fit_numbers
from tutelage.defaults.base import Suggestion
from tutelage.loss.mse import SquaredError
from tutelage.metric.base import Outcome
from tutelage.planning.facts import Facts
from tutelage.task.base import OPTIONAL, Claim
from tutelage.task.supervised import SupervisedSpec, by_member

__all__ = ["Regress"]

MAX_RESIDUALS = 2_000


class Regress(SupervisedSpec):
    """Settings of regression."""

    kind: Literal["regress"] = "regress"
    mistake_noun: ClassVar[str] = "absolute error"
    noun: ClassVar[str] = "regression"
    answers: ClassVar[str] = "numbers"
    uses: ClassVar[frozenset[str]] = frozenset(OPTIONAL) - {"class_weights"}
    telling: ClassVar[tuple[str, ...]] = ("rmse", "mae", "r2")
    loss: Pick("loss") = Field("mse", validate_default=True, description="Loss per sample.")  # type: ignore[valid-type]
    ema: float = Field(0.0, ge=0, lt=1, description="Decay of the weight average used for evaluation; 0 keeps none.")

    def claims(self, part: Part) -> Claim | None:
        """Claim rows whose labels are amounts."""
        if not isinstance(part, RowsPart) or part.labels is None:
            return None
        is_amounts, reason = are_amounts(check_labels(part.labels, locate=part.locate))
        return Claim(reason) if is_amounts else None

    def refusal(self, part: Part) -> str:
        """Refuse labels that are no numbers."""
        lack = super().refusal(part)
        if lack or not isinstance(part, RowsPart) or part.labels is None:
            return lack
        try:
            Numbers().truth(part.labels, locate=part.locate)
        except DataError as error:
            return f"not all labels can be learned as numbers. {error.problems[0]} Or choose another task or target."
        return ""

    def fit_target(self, labels: np.ndarray, *, reason: str, locate: Callable[[int], str] | None = None) -> Target:
        """Learn mean and standard deviation."""
        return fit_numbers(labels, reason=reason, locate=locate)

    def suggest(self, facts: Facts) -> Suggestion:
        """Return the data's defaults, with reasons that speak of numbers."""
        why = {"loss": "the usual loss for numbers", "judge": "the error itself"}
        return super().suggest(facts).but(label_smoothing=0.0, why=why)

    def default_loss(self, facts: Facts, *, auto: Suggestion, wish: object) -> tuple[Component, str]:
        """Choose squared error."""
        return SquaredError(), "the usual loss for numbers"

    def with_loss(self, loss: Component, ema: float) -> "Regress":
        """Return these settings with loss and average decided."""
        return Regress(loss=loss, ema=ema)

    def count_outputs(self, facts: Facts) -> int:
        """Return one."""
        return 1

    def metrics(self, facts: Facts) -> tuple[str, ...]:
        """Return errors in the target's unit and the explained variance."""
        return ("rmse", "mae", "r2")

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return standardized numbers float32 [B] of outputs [B, 1] or [B]; of members [B, M, 1] their mean."""
        outputs = outputs.squeeze(-1) if outputs.dim() > 1 else outputs
        return outputs.mean(dim=1) if num_members > 1 else outputs

    def compared(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return standardized numbers [M, B, 1]."""
        return by_member(outputs)

    def lesson(self, answers: Tensor) -> Tensor:
        """Return standardized numbers [B, 1]."""
        return answers.float()[:, None]

    def pooled(self, answers: Sequence[Tensor]) -> Tensor:
        """Return mean numbers [B]."""
        return torch.stack(list(answers)).mean(dim=0)

    def agreement(self, answers: np.ndarray, others: np.ndarray) -> float:
        """Return the correlation of the numbers; NaN where one model always says the same."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(np.corrcoef(answers, others)[0, 1])

    def baseline(self, train_truth: np.ndarray, target: Target, *, size: int) -> tuple[np.ndarray, str]:
        """Return the mean of train."""
        return np.full(size, train_truth.mean()), "the mean of train, for every row"

    def mistakes(self, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        """Return the size of each error; every row counts."""
        return np.abs(outcome.prediction - outcome.target), np.ones(len(outcome.target), dtype=bool)

    def say_mistake(self, outcome: Outcome, row: int, *, target: Target) -> dict[str, Any]:
        """Return the true and the predicted number."""
        return {"target": f"{outcome.target[row]:g}", "prediction": f"{outcome.prediction[row]:g}"}

    def shown(self, target: Target) -> "_Residuals":
        """Collect true and predicted numbers."""
        return _Residuals()


class _Residuals:
    """Shows predictions beside the truth."""

    def add(self, outcome: Outcome) -> None:
        """Take a batch: the sample holds all that is needed."""

    def record(self, sample: Outcome) -> dict[str, Any]:
        """Return evenly spaced rows of the sample."""
        rows = np.linspace(0, len(sample.target) - 1, min(MAX_RESIDUALS, len(sample.target))).astype(np.int64)
        return {"residuals": {"target": sample.target[rows].tolist(), "prediction": sample.prediction[rows].tolist()}}
