"""How long a training step takes, from the machine file alone: the model that is asked about has never run.

Each operator takes what its curve says at its size; what calling it costs depends on who calls, Python forward, autograd
backward, or nobody where all of it is one compiled graph. What remains, our own loop around a step, is known from steps of
ours that were measured whole (`calibration.py`).

Not for many devices: what they tell each other comes on top.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tutelage.core.errors import UsageError
from tutelage.hardware.curve import Curve, roof_of
from tutelage.hardware.measured import MachineFile
from tutelage.hardware.point import Point

__all__ = ["DeviceModel", "Operation", "StepTime", "Style"]

Style = Literal["autograd", "compiled", "plain"]
"""Who calls the operators: Python with autograd, one compiled graph, Python without autograd (gradients in closed form)."""
VIEW, MEMORY, DISPATCH = "view", "triad", "dispatch"
FUSED = ("elementwise", "copy", "normalization", "reduction")
"""Classes that a compiler joins with their neighbours, so that numbers between them never reach the memory."""
FUSED_SHARE = 0.35
"""Share of the bytes of fused operators that remains: of a chain of about three, the first reads and the last writes."""
COMPILED_CALL = 0.15
"""Cost of calling a kernel inside a compiled graph, over that of an operator from Python."""
SPREAD = 0.12
"""Standard deviation of the logarithm of what is forecast over what was measured: bench/machine_model.py."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Equal calls of one operator in a step.

    Attributes:
        op: Its name, such as `mm`.
        category: Its class, such as `matmul`.
        dtype: What it computes in.
        phase: `forward`, `backward` or `update`.
        flops: Floating-point operations of one call.
        num_bytes: Bytes that one call reads and writes.
        dims: Its dimensions, as its class counts them.
        count: Calls in a step.
    """

    op: str
    category: str
    dtype: str
    phase: str
    flops: float
    num_bytes: float
    dims: tuple[int, ...] = ()
    count: float = 1.0


@dataclass(frozen=True)
class StepTime:
    """The forecast of a step.

    Attributes:
        seconds: Expected.
        spread: Standard deviation of its logarithm.
        parts: Seconds by class of operators; `calls` is what calling them costs.
        num_calls: Operators called.
    """

    seconds: float
    spread: float
    parts: Mapping[str, float] = field(default_factory=dict)
    num_calls: float = 0.0

    @property
    def low(self) -> float:
        """Lower end of the interval of 80 %."""
        return self.seconds * math.exp(-1.2816 * self.spread)

    @property
    def high(self) -> float:
        """Upper end of the interval of 80 %."""
        return self.seconds * math.exp(1.2816 * self.spread)


class DeviceModel:
    """What a machine file says of operators that were not measured."""

    def __init__(self, machine: MachineFile) -> None:
        """Draw the curves.

        Raises:
            UsageError: The file holds no points to draw them through.
        """
        self._points = [point for point in machine.points if point.category != DISPATCH]
        self._memory = [point for point in self._points if point.op == MEMORY]
        if not self._memory:
            raise UsageError(
                "the machine file holds no measurement of the memory, expected some. Measure anew: tutelage hardware --again"
            )
        self._calls = {point.op: point.seconds for point in machine.points if point.category == DISPATCH}
        self._is_apart = machine.fingerprint.get("device", "cpu") != "cpu"
        self._curves: dict[tuple[str, str, str, int], Curve] = {}

    def kernel_seconds(self, operation: Operation) -> float:
        """Return how long one call takes on the device, without what calling it costs."""
        if operation.category == VIEW:
            return 0.0
        curve = self._curve(operation)
        dims = operation.dims if curve.takes(operation.dims) else ()
        found = curve.seconds(flops=operation.flops, num_bytes=operation.num_bytes, dims=dims)
        # On a graphics card the calls of a sample follow one another, and it is the device that is waited for.
        return found if self._is_apart else max(found - self._calls.get("call_operator", 0.0), 0.0)

    def call_seconds(self, operation: Operation, style: Style) -> float:
        """Return what one call costs the host."""
        is_view, is_learning = operation.category == VIEW, style == "autograd" and operation.phase != "update"
        if style == "compiled" and operation.phase != "update":
            joined = is_view or operation.category in FUSED
            return 0.0 if joined else COMPILED_CALL * self._calls.get("call", 0.0)
        name = "call_view" if is_view else "call"
        if is_learning:
            name += "_learning" if operation.phase == "forward" else "_backward"
        # The node of a view in the graph is counted with the operator that it leads to.
        return self._calls.get("call_view" if is_view and operation.phase == "backward" else name, 0.0)

    def step(self, operations: Iterable[Operation], *, style: Style = "autograd") -> StepTime:
        """Return how long a step takes that consists of these operations, without the loop around it."""
        parts: dict[str, float] = defaultdict(float)
        host = num_calls = 0.0
        for operation in operations:
            share = FUSED_SHARE if style == "compiled" and operation.category in FUSED else 1.0
            parts[operation.category] += share * operation.count * self.kernel_seconds(operation)
            host += operation.count * self.call_seconds(operation, style)
            num_calls += operation.count
        device = sum(parts.values())
        if self._is_apart:
            # The host runs ahead: only what it takes longer than the device is waited for.
            parts["calls"] = max(host - device, 0.0)
        else:
            parts["calls"] = host
        return StepTime(device + parts["calls"], SPREAD, dict(parts), num_calls)

    def _curve(self, operation: Operation) -> Curve:
        """Return the curve that fits an operation best: of the operator itself, else of its class, else of all."""
        key = (operation.op, operation.category, operation.dtype, len(operation.dims))
        if key not in self._curves:
            points = self._nearest(operation)
            self._curves[key] = Curve(points, roof_of(points, self._memory))
        return self._curves[key]

    def _nearest(self, operation: Operation) -> Sequence[Point]:
        """Return the points that say most of an operation."""
        usual = [point for point in self._points if len(point.dims) == len(operation.dims)]
        anywhere = [point for point in self._points if point.category == "elementwise"]
        for pool in (usual, [point for point in self._points if not point.dims]):
            for wanted in (
                {"op": operation.op, "dtype": operation.dtype},
                {"op": operation.op.removesuffix("_"), "dtype": operation.dtype},
                {"op": operation.op},
                {"category": operation.category, "phase": operation.phase, "dtype": operation.dtype},
                {"category": operation.category, "dtype": operation.dtype},
                {"category": operation.category},
            ):
                found = [point for point in pool if all(getattr(point, name) == value for name, value in wanted.items())]
                if found:
                    return found
        return anywhere or self._memory
