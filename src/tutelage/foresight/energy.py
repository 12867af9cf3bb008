"""Energy of a run, with where the figure comes from and how far it may be off.

Measured power goes before everything; without it the accelerator's share of its rated power is a prior. Energy at the wall adds
the rest of the node and, if the user gives it, the building (PUE).
"""

from dataclasses import dataclass

from tutelage.core.errors import UsageError
from tutelage.foresight.interval import NORMAL_80, Interval, interval

__all__ = ["Energy", "Power", "energy"]

SHARE_OF_RATED = 0.85
"""Of its rated power that an accelerator draws while it trains: 0.70 over a whole run (StarCoder paper, 2023, section 5.7),
close to 1 in a short one without pauses."""
NODE_FACTOR = 1.3
"""The node at the wall over its accelerators: 7.10 kW for eight of 700 W that run at their limit (MLPerf Training 4.1, power)."""
SD_SHARE, SD_NODE, SD_MEASURED = 0.2, 0.1, 0.05
"""Spreads of logarithms; the two whole runs above lie 0.36 apart."""


@dataclass(frozen=True, slots=True)
class Power:
    """What is known of the power drawn.

    Attributes:
        rated_w: Rated power of one device (TDP).
        measured_w: Mean power of one device while it trained; 0 where it was not measured.
        pue: Power of the building over that of its computers; at least 1.
    """

    rated_w: float
    measured_w: float = 0.0
    pue: float = 1.0


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of a run.

    Attributes:
        device_j: Joules of the devices alone.
        wall_j: Joules at the wall: devices, the rest of the node, the building.
        wall_80: Joules at the wall, in four of five cases.
        provenance: Where the figure comes from.
    """

    device_j: float
    wall_j: float
    wall_80: Interval
    provenance: str


def energy(power: Power, *, device_seconds: float, sd_seconds: float = 0.0) -> Energy:
    """Return the energy of a run.

    Args:
        power: What is known of the power drawn.
        device_seconds: Devices times seconds.
        sd_seconds: Spread of the logarithm of the time.

    Raises:
        UsageError: Neither rated nor measured power is known, or the PUE is below 1.
    """
    if power.pue < 1:
        raise UsageError(f"PUE = {power.pue:g}: must be at least 1. Typical: 1.1 to 1.6.")
    if power.measured_w <= 0 and power.rated_w <= 0:
        raise UsageError("no rated power (TDP) is published for this device. Measure its power, or leave the energy out.")
    is_measured = power.measured_w > 0
    watts = power.measured_w if is_measured else power.rated_w * SHARE_OF_RATED
    said = f"measured, {watts:.0f} W" if is_measured else f"prior: {SHARE_OF_RATED:.0%} of {power.rated_w:.0f} W rated"
    device_j = watts * device_seconds
    wall_j = device_j * NODE_FACTOR * power.pue
    sd = (sd_seconds**2 + (SD_MEASURED if is_measured else SD_SHARE) ** 2 + SD_NODE**2) ** 0.5
    provenance = f"{said} a device; the node at the wall {NODE_FACTOR:g} times that (prior); PUE {power.pue:g}"
    return Energy(device_j, wall_j, interval(wall_j, sd=sd, half=NORMAL_80), provenance)
