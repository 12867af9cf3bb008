"""A step measured on one device, forecast for many: the exchange of gradients, the slowest of them, failures and checkpoints.

Use it for data parallelism, each device keeping its batch. Splitting a model over devices (tensors, stages) is another matter;
`prior` has what such runs reach.
"""

import math
from dataclasses import dataclass

from tutelage.core.errors import UsageError
from tutelage.foresight.communication import Exchange, Network, exchange
from tutelage.foresight.goodput import Reliability, goodput
from tutelage.foresight.interval import NORMAL_50, NORMAL_80, Interval, interval
from tutelage.hardware.catalog import Device

__all__ = ["Many", "Step", "on_many"]

BACKWARD_SHARE = 0.6
"""Of a step that the backward pass takes: twice the operations of the forward pass, and the update comes after it."""
NODE_SD = 0.02
"""Spread of the speed of equal devices; 0.1 to 3.5 % over twenty equal nodes are published, and the slowest decides."""
SD_EXPOSED = 0.7
"""Spread of the logarithm of what the exchange adds: published models of it miss by a tenth to a factor of four."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step on one device.

    Attributes:
        seconds: Of the step.
        gradient_bytes: Of all gradients.
        sd: Spread of the logarithm of the seconds.
    """

    seconds: float
    gradient_bytes: float
    sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Many:
    """A step on many devices.

    Attributes:
        seconds: Wall time for one step, what is lost to failures and checkpoints included.
        interval_50, interval_80: In half, and in four of five cases.
        exchange: The exchange of gradients alone.
        slowest: Factor by which the slowest device holds up the others.
        goodput: Share of the wall time that becomes progress.
        efficiency: Samples a second and device, over those of one device alone.
    """

    seconds: float
    interval_50: Interval
    interval_80: Interval
    exchange: Exchange
    slowest: float
    goodput: float
    efficiency: float

    def record(self) -> dict[str, float]:
        """Return JSON values."""
        return {
            "step_seconds": round(self.seconds, 6),
            "exchange_seconds": round(self.exchange.seconds, 6),
            "exposed_seconds": round(self.exchange.exposed_s, 6),
            "slowest": round(self.slowest, 4),
            "goodput": round(self.goodput, 6),
            "efficiency": round(self.efficiency, 4),
        }


def on_many(step: Step, *, device: Device, devices: int, reliability: Reliability | None = None) -> Many:
    """Return what a step takes on many devices, each with the batch that the one had.

    Args:
        step: Measured, or forecast, on one device.
        device: What each of them is.
        devices: How many.
        reliability: What interrupts the run; by default what is expected of so many devices.

    Raises:
        UsageError: The number of devices is not above 0.
    """
    if devices < 1:
        raise UsageError(f"devices = {devices}: must be at least 1.")
    network = Network.of(device, devices)
    traded = exchange(step.gradient_bytes, network=network, backward_s=BACKWARD_SHARE * step.seconds)
    # Largest of n normal values: sqrt(2 ln n) standard deviations, an upper bound that is close for many.
    slowest = math.exp(NODE_SD * math.sqrt(2 * math.log(devices)))
    share = goodput(reliability or Reliability.of_devices(devices)) if devices > 1 or reliability else 1.0
    whole = (step.seconds * slowest + traded.exposed_s) / share
    exposed = traded.exposed_s / share / whole
    sd = math.sqrt(step.sd**2 + (exposed * SD_EXPOSED) ** 2 + (math.log(slowest) / 2) ** 2)
    return Many(
        seconds=whole,
        interval_50=interval(whole, sd=sd, half=NORMAL_50),
        interval_80=interval(whole, sd=sd, half=NORMAL_80),
        exchange=traded,
        slowest=slowest,
        goodput=share,
        efficiency=step.seconds / whole,
    )
