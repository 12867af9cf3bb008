"""What a model answers and what it costs: scores, parameters, operations, memory and latency, measured alike for each model."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
from tutelage.task.modes import evaluation_mode

__all__ = ["LATENCY_SIZES", "Cost", "answers_of", "cost_of", "scores_of"]

LATENCY_SIZES = (1, 32)
"""Rows that are answered at a time."""
MEMORY_SIZE = 32
WARM_UPS, MOST_CALLS, MOST_SECONDS = 3, 100, 2.0
"""Of each size: calls before the clock counts, and calls and seconds at most."""


@dataclass(frozen=True)
class Cost:
    """What answering costs.

    Attributes:
        num_parameters: Learned numbers.
        flops: Floating-point operations of products and convolutions for one row; None where they cannot be counted.
        memory_bytes: Weights, and what the largest layer takes and gives for 32 rows.
        latency_ms: Of the network, by rows at a time: `p50` and `p95` milliseconds.
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


def cost_of(predictors: Sequence[Predictor]) -> Cost:
    """Return what the answers of one model cost, or those of several together."""
    each = [_cost(predictor) for predictor in predictors]
    flops = [cost.flops for cost in each]
    return Cost(
        sum(cost.num_parameters for cost in each),
        None if None in flops else sum(filter(None, flops)),
        sum(cost.memory_bytes for cost in each),
        {
            size: {name: sum(cost.latency_ms[size][name] for cost in each) for name in ("p50", "p95")}
            for size in each[0].latency_ms
        },
    )


def answers_of(predictors: Sequence[Predictor], part: RowsPart) -> np.ndarray:
    """Return the mean answers of models for a part, in the user's unit."""
    return np.asarray(np.mean([predictor.answers(part) for predictor in predictors], axis=0))


def scores_of(answers: np.ndarray, truth: np.ndarray, *, names: Sequence[str], part: str) -> dict[str, float]:
    """Return each named metric of answers, by its key such as `test/accuracy`."""
    outcome = Outcome(answers, truth)
    return {f"{part}/{name}": float(catalog.load("metric", name)().compute(outcome)) for name in names}


@torch.no_grad()
def _cost(predictor: Predictor) -> Cost:
    """Measure one model."""
    with evaluation_mode(predictor.module):
        return Cost(
            sum(parameter.numel() for parameter in predictor.network.parameters()),
            _flops(predictor),
            _memory(predictor),
            {str(size): _latency(predictor, size) for size in LATENCY_SIZES},
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
        return sum(int(count) for count in counter.get_flop_counts()["Global"].values())
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


def _latency(predictor: Predictor, size: int) -> dict[str, float]:
    """Return how long the network takes for so many rows, in milliseconds."""
    batch = _batch(predictor, size)
    found: list[float] = []
    device = torch.device(predictor.device)
    end = time.perf_counter() + MOST_SECONDS
    while len(found) < MOST_CALLS + WARM_UPS and (time.perf_counter() < end or len(found) <= WARM_UPS):
        start = time.perf_counter()
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=predictor.precision == "bfloat16"):
            predictor.module.of_finished(batch)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        found.append(1000 * (time.perf_counter() - start))
    counted = found[WARM_UPS:]
    return {"p50": float(np.percentile(counted, 50)), "p95": float(np.percentile(counted, 95))}
