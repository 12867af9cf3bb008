"""Metrics of a task on a part of the data, in the user's units."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from tutelage.metric.base import Metric, Outcome
from tutelage.task.base import Task
from tutelage.task.prediction import predict_rows

__all__ = ["Evaluator"]


@dataclass(frozen=True)
class Evaluator:
    """One part of the data with the metrics to compute on it.

    Attributes:
        name: Part's name, which begins the metrics' names, such as `val`.
        tensors: Prepared inputs, first dimension N.
        target: Class numbers int64 [N], or numbers float64 [N] in the user's unit.
        input_names: The tensors that the model takes, in order.
        finish: Turns gathered rows into what the model takes.
        decode: Turns answers into predictions in the user's unit.
        metrics: What to compute.
        device: Where the task is.
        precision: How it computes.
        batch_size: Rows at a time.
    """

    name: str
    tensors: Mapping[str, Tensor]
    target: np.ndarray
    input_names: tuple[str, ...]
    finish: Callable[[dict[str, Tensor]], dict[str, Tensor]]
    decode: Callable[[np.ndarray], np.ndarray]
    metrics: Sequence[Metric]
    device: str = "cpu"
    precision: str = "float32"
    batch_size: int = 512

    def __len__(self) -> int:
        return len(self.target)

    def outcome(self, task: Task) -> Outcome:
        """Return predictions beside the truth."""
        answers = predict_rows(
            task,
            task.predict,
            self.tensors,
            input_names=self.input_names,
            finish=self.finish,
            batch_size=self.batch_size,
            device=self.device,
            precision=self.precision,
        )
        return Outcome(prediction=self.decode(answers.double().numpy()), target=self.target)

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/accuracy`."""
        outcome = self.outcome(task)
        return {f"{self.name}/{metric.kind}": metric.compute(outcome) for metric in self.metrics}  # type: ignore[attr-defined]
