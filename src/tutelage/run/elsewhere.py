"""A training that was tried here, forecast for hardware that is not at hand: other devices, and more of them.

What the device does (steps, evaluations) moves: operations over what its largest matrix product reaches plus bytes over its
bandwidth, times what training software makes of that in general; never less than the host needs to call the operators. What the
host does (starting, reading, preparing, scoring, the report) stays as it was measured here. With several devices each takes its
share of the batch, so that a step learns the same.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tutelage.core.errors import UsageError
from tutelage.foresight.coefficients import fitted
from tutelage.foresight.evidence import Evidence
from tutelage.foresight.interval import NORMAL_80, Scale, interval, largest
from tutelage.foresight.many import Step, on_many
from tutelage.foresight.run_time import Cost, RunTime
from tutelage.foresight.textbook import ideal_seconds
from tutelage.hardware.catalog import Device, find_device
from tutelage.run.estimating import Tried
from tutelage.run.work import TrainingWork

__all__ = ["Elsewhere", "elsewhere"]

CALL_SECONDS = 6e-6
"""That a usual host takes to call an operator without compiling: 4 to 10 are measured."""
CALL_SD = 0.4
"""Spread of its logarithm between hosts."""
GRADIENT_BYTES = 4
MOVED = ("steps", "evaluations", "warm-up")
"""Parts that the device does."""
CONVOLUTIONS = ("convolution", "depthwise convolution")
PRECISION = {"float32": "tf32", "bfloat16": "bf16"}
"""How a graphics card computes matrix products of each type; older ones, and processors, what they have in its place."""


@dataclass(frozen=True)
class Elsewhere:
    """A training on other hardware.

    Attributes:
        device: What it is forecast for.
        devices: How many.
        time: Wall time of the whole command.
        ideal_seconds: FLOPs x steps / peak of all devices.
        step_seconds: Expected.
        memory_bytes: Of a step on one device, at its peak.
        assumptions: What it stands on.
    """

    device: Device
    devices: int
    time: RunTime
    ideal_seconds: float
    step_seconds: float
    memory_bytes: int
    assumptions: tuple[str, ...]

    @property
    def fits(self) -> bool | None:
        """Whether the memory of a device is enough; None where it has none of its own."""
        return self.memory_bytes <= self.device.memory_bytes if self.device.memory_bytes else None


def elsewhere(tried: Tried, time: RunTime, *, hardware: str, devices: int = 1) -> Elsewhere:
    """Forecast a training for other hardware.

    Args:
        tried: What trying it here has shown.
        time: Its wall time here.
        hardware: Name of a device of the catalogue, such as `A100 80GB`.
        devices: How many.

    Raises:
        UsageError: The device is unknown, or the work of a step could not be counted.
    """
    if devices < 1:
        raise UsageError(f"--devices {devices}: must be at least 1.")
    device, work, steps = find_device(hardware), tried.pilot.work, tried.schedule.steps
    if work is None:
        found = "the work of a step could not be counted without running it, so nothing can be said of other hardware"
        raise UsageError(f"--hardware {hardware}: {found}. Measure there: tutelage estimate on that machine.")
    precision = PRECISION.get(tried.plan.precision, "tf32")
    seconds, sd, spreads = _step(work, device=device, devices=devices, precision=precision)
    gradients = GRADIENT_BYTES * _parameters(tried)
    many = on_many(Step(seconds, gradients, sd), device=device, devices=devices)
    here = max(tried.measured.pace.seconds, 1e-9)
    ideal = ideal_seconds(
        flops_per_iteration=work.per_step(lambda each: each.flops) or 1.0,
        iterations=max(steps, 1),
        flops_per_second=device.peak(precision) * devices,
    )
    return Elsewhere(
        device=device,
        devices=devices,
        time=_moved(time, factor=many.seconds / here, sd=_sd(many.seconds, many.interval_80.high), spreads=spreads),
        ideal_seconds=ideal,
        step_seconds=many.seconds,
        memory_bytes=work.memory.expected,
        assumptions=(
            f"{device.name}: {device.peak(precision) / 1e12:,.0f} TFLOP/s in {precision}, {device.bandwidth / 1e9:,.0f} GB/s "
            f"({device.source})",
            "starting, reading, preparing and scoring as measured here",
            *((f"{devices} devices share each batch; gradients are exchanged",) if devices > 1 else ()),
        ),
    )


def _step(work: TrainingWork, *, device: Device, devices: int, precision: str) -> tuple[float, float, dict[str, float]]:
    """Return the seconds of a step on one of the devices, the spread of their logarithm, and what that comes from."""
    kinds = work.whole_rhythm.by("kind")
    products = {name: each.matmul_flops for (name,), each in kinds.items()}
    is_images = sum(products.get(kind, 0) for kind in CONVOLUTIONS) > sum(products.values()) / 2
    share = device.matmul_share or 0.8
    compute = work.per_step(lambda each: each.matmul_flops) / (device.peak(precision) * share)
    memory = work.per_step(lambda each: each.bytes) / device.bandwidth
    coefficients = fitted("work")
    parts = {"images" if is_images else "transformer": ("", 1.0), "source": ("", 1.0)}
    belief = Evidence([], effects=coefficients.effects, noise=coefficients.noise).predict(parts)
    scale = coefficients.scales.get("training alone", Scale())
    on_device = (compute + memory) * math.exp(belief.mean) / devices
    host = CALL_SECONDS * work.per_step(lambda each: each.num_ops)
    sd_device = belief.sd * scale.half_80 / NORMAL_80
    if device.form == "cpu" or on_device >= host:
        return on_device, sd_device, {"how good the software is there": sd_device**2}
    return host, CALL_SD, {"how fast the host there calls operators": CALL_SD**2}


def _moved(time: RunTime, *, factor: float, sd: float, spreads: Mapping[str, float]) -> RunTime:
    """Return the wall time with what the device does taking so many times as long."""
    costs = tuple(
        Cost(cost.name, factor * cost.seconds, sd * factor * cost.seconds) if cost.name in MOVED else cost for cost in time.costs
    )
    moved = sum(cost.seconds for cost in costs if cost.name in MOVED)
    stays = max(time.seconds - sum(cost.seconds for cost in time.costs if cost.name in MOVED), 0.0)
    whole = moved + stays
    share = moved / whole if whole else 0.0
    spread = math.hypot(share * sd, (1 - share) * time.spread)
    halves = {name: interval(whole, sd=spread, half=half) for name, half in (("50", 0.6745), ("80", NORMAL_80))}
    contributors = {name: (share**2) * value for name, value in spreads.items()}
    contributors["what the host does"] = ((1 - share) * time.spread) ** 2
    return RunTime(
        costs,
        whole,
        (halves["50"].low, halves["50"].high),
        (halves["80"].low, halves["80"].high),
        spread,
        tuple(largest(contributors).items()),
    )


def _sd(middle: float, high: float) -> float:
    """Return the spread of a logarithm from the upper end of the middle 80 percent."""
    return math.log(high / middle) / NORMAL_80


def _parameters(tried: Tried) -> int:
    """Return how many numbers are learned."""
    return int(tried.result.get("num_parameters", 0))
