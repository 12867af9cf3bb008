"""What a model answers and what it costs: scores, parameters, operations, memory and latency, measured alike for each model."""

import time
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
from tutelage.task.modes import evaluation_mode

__all__ = ["LATENCY_SIZES", "Cost", "answers_of", "costs_of", "scores_of"]

LATENCY_SIZES = (1, 32)
"""Rows that are answered at a time."""
MEMORY_SIZE = 32
WARM_UPS, MOST_CALLS, MOST_SECONDS = 3, 100, 2.0
"""Of each size and model: calls before the clock counts, and calls and seconds at most."""


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


@torch.no_grad()
def costs_of(models: Mapping[str, Sequence[Predictor]]) -> dict[str, Cost]:
    """Return what the answers of each model cost; of a model that is several predictors, all of them together."""
    with ExitStack() as modes:
        for predictor in (predictor for predictors in models.values() for predictor in predictors):
            modes.enter_context(evaluation_mode(predictor.module))
        latencies = {str(size): _latencies(models, size) for size in LATENCY_SIZES}
        return {
            name: _cost(predictors, {size: found[name] for size, found in latencies.items()})
            for name, predictors in models.items()
        }


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
        sum(parameter.numel() for predictor in predictors for parameter in predictor.network.parameters()),
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


def _latencies(models: Mapping[str, Sequence[Predictor]], size: int) -> dict[str, dict[str, float]]:
    """Return how long the networks of each model take for so many rows, in milliseconds.

    The models take turns, so that whatever else the machine does meets all of them alike.
    """
    batches = {name: [_batch(predictor, size) for predictor in predictors] for name, predictors in models.items()}
    found: dict[str, list[float]] = {name: [] for name in models}
    end, calls = time.perf_counter() + MOST_SECONDS * len(models), 0
    while calls < MOST_CALLS + WARM_UPS and (time.perf_counter() < end or calls <= WARM_UPS):
        for name, predictors in models.items():
            start = time.perf_counter()
            for predictor, batch in zip(predictors, batches[name], strict=True):
                _run(predictor, batch)
            found[name].append(1000 * (time.perf_counter() - start))
        calls += 1
    return {
        name: {f"p{share}": float(np.percentile(each[WARM_UPS:], share)) for share in (50, 95)} for name, each in found.items()
    }


def _run(predictor: Predictor, batch: dict[str, Tensor]) -> None:
    """Let a network answer, and wait until it has."""
    device = torch.device(predictor.device)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=predictor.precision == "bfloat16"):
        predictor.module.of_finished(batch)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
