"""A measured time moved to hardware that is not at hand, by what the datasheets of both say.

Use it where the model ran on some device. The time follows peak and bandwidth less than in proportion; how much was learned from
workloads that were measured on many devices. Where nothing was measured, see `prior`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tutelage.core.errors import UsageError
from tutelage.foresight.coefficients import fitted
from tutelage.foresight.evidence import Evidence, Observation, Parts
from tutelage.foresight.interval import Interval, Scale, interval, largest
from tutelage.hardware.catalog import Device, find_device

__all__ = ["Moved", "Reference", "effects_between", "move"]

REFERENCE_PEAK, REFERENCE_BANDWIDTH = 312e12, 2e12
"""Only keep logarithms small; nothing depends on them."""
WITHOUT_TF32 = ("kepler", "maxwell", "pascal", "volta", "turing")
"""Generations whose matrix units do not take float32, so that the float32 parts of mixed precision run beside them."""
SAID = {
    "compute": "how far the time follows the peak",
    "bandwidth": "how far the time follows the bandwidth",
    "float32 on matrix units": "float32 parts on matrix units",
    "devices": "many devices: communication, the slowest",
    "compute here": "how far this workload follows the peak",
    "bandwidth here": "how far this workload follows the bandwidth",
    "float32 here": "how far this workload's float32 parts matter",
    "devices here": "how this workload takes many devices",
    "device": "what is special about the device",
    "device here": "what is special about this workload on it",
    "devices of this kind here": "what is special about so many of this device",
    "setup": "who set it up",
    "level": "the measured time itself",
    "noise": "what differs from run to run",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A workload, measured somewhere.

    Attributes:
        hardware: Name of the device, or the device itself where the catalogue does not have it.
        device_seconds: Seconds times devices, for one unit of work.
        devices: How many.
        precision: Number format of the matrix products.
    """

    hardware: str | Device
    device_seconds: float
    devices: int = 1
    precision: str = "bf16"


@dataclass(frozen=True, slots=True)
class Moved:
    """A time on other hardware.

    Attributes:
        seconds: Expected, for one unit of work on all its devices.
        interval_50, interval_80: In half, and in four of five cases.
        contributors: What the uncertainty comes from: the two largest shares of the variance.
    """

    seconds: float
    interval_50: Interval
    interval_80: Interval
    contributors: Mapping[str, float]


def move(references: Sequence[Reference], *, hardware: str | Device, devices: int = 1, precision: str = "bf16") -> Moved:
    """Forecast a workload on other hardware from where it was measured.

    Raises:
        UsageError: There is no reference, or a device is unknown.

    Example:
        >>> found = move([Reference("V100", 1.0)], hardware="A100 80GB")
        >>> found.interval_80.low < found.seconds < 1.0
        True
    """
    if not references:
        raise UsageError("nothing was measured anywhere. Give at least one measured time, or forecast from the model's size.")
    coefficients = fitted("moved")
    seen = [
        Observation(
            math.log(item.device_seconds),
            effects_between(_device(item.hardware), workload="this", devices=item.devices, precision=item.precision),
        )
        for item in references
    ]
    evidence = Evidence(seen, effects=coefficients.effects, noise=coefficients.noise)
    belief = evidence.predict(effects_between(_device(hardware), workload="this", devices=devices, precision=precision))
    seconds = math.exp(belief.mean) / devices
    scale = coefficients.scales.get("one workload, another device", Scale())
    return Moved(
        seconds,
        interval(seconds, sd=belief.sd, half=scale.half_50),
        interval(seconds, sd=belief.sd, half=scale.half_80),
        {SAID[name]: share for name, share in largest(belief.variances).items()},
    )


def _device(named: str | Device) -> Device:
    """Return the device that is named, or that is one already."""
    return find_device(named) if isinstance(named, str) else named


def effects_between(device: Device, *, workload: str, devices: float, precision: str, setup: str = "") -> Parts:
    """Return the effects that a device has on a workload's device-seconds, for `evidence`.

    Args:
        device: What it runs on.
        workload: What is run.
        devices: How many.
        precision: Number format of the matrix products.
        setup: Who set it up: the same workload comes in other versions and batch sizes elsewhere.
    """
    compute = -math.log(device.peak(precision) / REFERENCE_PEAK)
    bandwidth = -math.log(device.bandwidth / REFERENCE_BANDWIDTH)
    on_units = -1.0 if precision != "fp32" and device.generation not in WITHOUT_TF32 else 0.0
    doublings = math.log2(devices)
    return {
        "level": (workload, 1.0),
        "compute": ("", compute),
        "bandwidth": ("", bandwidth),
        "float32 on matrix units": ("", on_units),
        "devices": ("", doublings),
        "compute here": (workload, compute),
        "bandwidth here": (workload, bandwidth),
        "float32 here": (workload, on_units),
        "devices here": (workload, doublings),
        "device": (device.key, 1.0),
        "device here": (f"{workload} {device.key}", 1.0),
        "devices of this kind here": (f"{workload} {devices:g} {device.key}", 1.0),
        "setup": (f"{workload} {setup}", 1.0),
    }
