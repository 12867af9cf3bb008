"""What a model answers and what it costs: scores, parameters, operations, memory and latency, measured alike for each model."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tutelage.core import catalog
from tutelage.data.part.base import RowsPart
from tutelage.metric.base import Outcome
from tutelage.model.example import example_batch
from tutelage.predictor.predictor import Predictor
from tutelage.run.latency import Timed, made_up_batches, measure_models
from tutelage.task.modes import evaluation_mode

__all__ = ["Cost", "answers_of", "costs_of", "scores_of"]

MEMORY_SIZE = 32
"""Rows for which the memory is told."""


@dataclass(frozen=True)
class Cost:
    """What answering costs.

    Attributes:
        num_parameters: Learned numbers.
        flops: Floating-point operations of products and convolutions for one row; None where they cannot be counted.
        memory_bytes: Weights, and what the largest layer takes and gives for 32 rows.
        latency_ms: By rows at a time: `p50` and `p95` milliseconds.
    """

    num_parameters: int
    flops: int | None
    memory_bytes: int
    latency_ms: Mapping[str, Mapping[str, float]]

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "num_parameters": self.num_parameters,
            "flops": self.flops,
            "memory_bytes": self.memory_bytes,
            "latency_ms": {size: dict(found) for size, found in self.latency_ms.items()},
        }


@torch.no_grad()
def costs_of(models: Mapping[str, Sequence[Predictor]]) -> dict[str, Cost]:
    """Return what the answers of each model cost; of a model that is several predictors, all of them together."""
    with ExitStack() as modes:
        for predictor in (predictor for predictors in models.values() for predictor in predictors):
            modes.enter_context(evaluation_mode(predictor.module))
        latency_ms = measure_models(
            {name: [Timed(one, made_up_batches(one)) for one in predictors] for name, predictors in models.items()}
        )
        return {name: _cost(predictors, latency_ms[name]) for name, predictors in models.items()}


def answers_of(predictors: Sequence[Predictor], part: RowsPart) -> np.ndarray:
    """Return the mean answers of models for a part, in the user's unit."""
    return np.asarray(np.mean([predictor.answers(part) for predictor in predictors], axis=0))


def scores_of(answers: np.ndarray, truth: np.ndarray, *, names: Sequence[str], part: str) -> dict[str, float]:
    """Return each named metric of answers, by its key such as `test/accuracy`."""
    outcome = Outcome(answers, truth)
    return {f"{part}/{name}": float(catalog.load("metric", name)().compute(outcome)) for name in names}


def _cost(predictors: Sequence[Predictor], latency_ms: Mapping[str, Mapping[str, float]]) -> Cost:
    """Return what one model costs."""
    flops = [_flops(predictor) for predictor in predictors]
    return Cost(
        sum(predictor.num_parameters for predictor in predictors),
        None if None in flops else sum(filter(None, flops)),
        sum(_memory(predictor) for predictor in predictors),
        latency_ms,
    )


def _batch(predictor: Predictor, size: int) -> dict[str, Tensor]:
    """Return made-up inputs as the network takes them."""
    return example_batch(predictor.shape, size, device=predictor.device)


def _flops(predictor: Predictor) -> int | None:
    """Return the operations for one row."""
    counter = FlopCounterMode(display=False)
    # The border: kernels that the counter does not know.
    with suppress(RuntimeError, NotImplementedError, TypeError), counter:
        predictor.module.of_finished(_batch(predictor, 1))
        # Of a network that ONNX Runtime computes, nothing is seen.
        return sum(int(count) for count in counter.get_flop_counts().get("Global", {}).values()) or None
    return None


def _memory(predictor: Predictor) -> int:
    """Return the bytes of the weights, and of what the largest layer takes and gives."""
    largest = 0

    def look(_module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal largest
        tensors = [value for value in (*inputs, output) if isinstance(value, Tensor)]
        largest = max(largest, sum(tensor.nbytes for tensor in tensors))

    leaves = [module for module in predictor.network.modules() if not any(module.children())]
    hooks = [module.register_forward_hook(look) for module in leaves]
    try:
        predictor.module.of_finished(_batch(predictor, MEMORY_SIZE))
    finally:
        for hook in hooks:
            hook.remove()
    return largest + sum(int(value.nbytes) for value in predictor.network.state_dict().values())
