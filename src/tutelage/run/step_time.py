"""How long a step of a training takes on this machine, from its machine file: the model is counted and does not run.

What comes before a step is no part of the model: reading rows is timed by itself, environments are stepped a few times.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from tutelage.hardware.calibration import Calibration, features_of, spread_of
from tutelage.hardware.device_model import DeviceModel, Operation, StepTime, Style
from tutelage.hardware.measured import MachineFile
from tutelage.run.compose import Composed
from tutelage.run.work import TrainingWork, count_training_step
from tutelage.work.result import Counted, Work

__all__ = ["Foreseen", "StepModel"]

ENVIRONMENT_STEPS = 10
STREAM_BATCHES = 3


@dataclass(frozen=True)
class Foreseen:
    """What is said of a training before it runs.

    Attributes:
        style: How its gradients come about.
        features: What a step consists of.
        time: The forecast of a step, data included.
        data_seconds: Its share for reading rows, timed by itself; 0 where an agent acts.
    """

    style: str
    features: Mapping[str, float]
    time: StepTime
    data_seconds: float


class StepModel:
    """Device model and calibration of one machine."""

    def __init__(self, machine: MachineFile) -> None:
        """Draw the curves, and fit each style's weights to the steps of that style; these say too how unsure forecasts are."""
        self._device = DeviceModel(machine)
        self._spread = spread_of(machine.own_steps)
        styles = {step.style for step in machine.own_steps}
        self._calibrations = {
            style: Calibration.fit([step for step in machine.own_steps if step.style == style]) for style in styles
        }

    def foresee(self, composed: Composed) -> Foreseen:
        """Return the forecast of a step; the training is left as it was."""
        stream, task = composed.state.stream, composed.state.task
        snapshot = composed.state.snapshot()
        batch = stream.next()
        counted = count_training_step(composed.state, batch)
        style, features = self.features(composed, counted)
        data = 0.0 if hasattr(stream, "environment") else _stream_seconds(stream)
        composed.state.restore(snapshot)
        task.train()
        calibration = self._calibrations.get(style) or Calibration.fit([])
        parts = calibration.parts(features) | {"data": data}
        return Foreseen(style, features, StepTime(sum(parts.values()), self._spread, parts), data)

    def features(self, composed: Composed, counted: TrainingWork) -> tuple[str, dict[str, float]]:
        """Return how gradients come about, and what a step consists of."""
        options, stream = composed.state.step.options, composed.state.stream
        is_closed = bool(counted.closed)
        style: Style = "plain" if is_closed else "compiled" if options.compile != "none" else "autograd"
        time_of = self._device.step(_operations(counted.whole_rhythm), style=style)
        share = 1 / len(counted.rhythm)
        parts = {name: seconds * share for name, seconds in time_of.parts.items()}
        if is_closed:
            # The ordinary objective was counted in their place: its products are theirs, its calls are not.
            parts = {name: seconds for name, seconds in parts.items() if name != "calls"}
        others: dict[str, float] = {"rows": float(counted.rows)} if is_closed else {}
        environment = getattr(stream, "environment", None)
        if environment is not None:
            acts = stream.acts_per_batch  # type: ignore[attr-defined]
            others |= {"acts": acts, "environment": acts * _environment_seconds(environment)}
        # What a task does by itself is its own: each such task has weights of its own.
        is_own = is_closed or environment is not None
        return (type(composed.state.task).__name__ if is_own else style), features_of(parts, **others)


def _operations(work: Work) -> Iterator[Operation]:
    """Yield what was counted as a device model takes it."""
    return (_operation(op) for op in work.ops)


def _operation(op: Counted) -> Operation:
    """Return equal calls of one operator."""
    return Operation(
        op=op.op,
        category=op.kind,
        dtype=op.dtype,
        phase=op.part,
        flops=float(op.products + op.others),
        num_bytes=float(op.read + op.written),
        dims=op.sizes,
        count=op.num,
    )


def _stream_seconds(stream: Any) -> float:
    """Return the seconds of a batch, rows read and prepared, without the first one; the stream goes on."""
    stream.next()
    found = []
    for _ in range(STREAM_BATCHES):
        began = time.perf_counter()
        stream.next()
        found.append(time.perf_counter() - began)
    return min(found)


def _environment_seconds(environment: Any) -> float:
    """Return the seconds of a step of all copies with actions at random; the environment is put back."""
    state, generator = environment.state(), torch.Generator().manual_seed(0)
    found = []
    for _ in range(ENVIRONMENT_STEPS):
        action = environment.actions.sample(environment.num_envs, generator)
        began = time.perf_counter()
        environment.step(action)
        found.append(time.perf_counter() - began)
    environment.restore(state)
    return sorted(found)[len(found) // 2]
