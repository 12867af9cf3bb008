"""A forecast with nothing measured: from what a user knows of a run to its wall time, with intervals and reasons.

Use it for hardware that is not at hand and models that cannot be run here. Where the model runs here, probe it; where it ran on
another device, `move` its time. The main unknown is the software, not the chip: intervals are wide, and honest.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tutelage.foresight.coefficients import fitted
from tutelage.foresight.demand import Demand, demand_of
from tutelage.foresight.evidence import Belief, Evidence
from tutelage.foresight.interval import Interval, Scale, interval, largest
from tutelage.foresight.physics import FP8_GAIN, SCENARIO, Physics, effects_of, physics_of
from tutelage.foresight.wish import RunWish
from tutelage.hardware.catalog import Device, find_device

__all__ = ["Forecast", "forecast"]

SAID = {
    "source": "how good the software is, and what else differs between runs",
    "whole run": "evaluation, restarts and waiting",
    "course": "interruptions of this very run",
    "devices": "many devices: communication, the slowest, failures",
    "context": "long sequences",
    "float32": "float32 comes closer to its peak",
    "transformer": "what transformers reach in general",
    "images": "what image models reach in general",
}
OWN = ("source", "course")
"""Effects of one source, or one run, alone: nothing is known of them beforehand but how large they may be."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long a run will take.

    Attributes:
        ideal_s: The textbook rule: all operations at the full peak of all devices.
        seconds: Expected wall time.
        interval_50, interval_80: Wall time in half, and in four of five cases.
        device_hours: Expected, all devices together.
        samples_per_second: Expected, all devices together.
        flops: Of the whole run.
        num_bytes: To and from memory, of the whole run.
        parts: Where the time goes: seconds by part, adding up to `seconds`.
        causes: Why it is not ideal: factors whose product is `seconds` over `ideal_s`.
        contributors: What the uncertainty comes from: the two largest shares of the variance.
        sd: Standard deviation of the logarithm of the time, scaled by earlier misses.
        assumptions: What had to be guessed, and what it stands on.
        device: What it was forecast for.
    """

    ideal_s: float
    seconds: float
    interval_50: Interval
    interval_80: Interval
    device_hours: float
    samples_per_second: float
    flops: float
    num_bytes: float
    parts: Mapping[str, float]
    causes: Mapping[str, float]
    contributors: Mapping[str, float]
    sd: float
    assumptions: tuple[str, ...]
    device: Device


def forecast(wish: RunWish) -> Forecast:
    """Forecast a run of which nothing has been measured.

    Raises:
        UsageError: The hardware or the model is unknown, or the size of the work is not said.

    Example:
        >>> found = forecast(RunWish(hardware="A100 80GB", devices=8, model="gpt2", samples=1e10))
        >>> found.ideal_s < found.interval_80.low < found.seconds < found.interval_80.high
        True
    """
    device, demand = find_device(wish.hardware), demand_of(wish)
    coefficients = fitted("work")
    physics = physics_of(demand, device=device, precision=wish.precision)
    parts = effects_of(wish, demand=demand, device=device)
    belief = Evidence([], effects=coefficients.effects, noise=coefficients.noise).predict(parts)
    means = {name: coefficients.effects[name].mean * times for name, (_, times) in parts.items() if name not in OWN}
    scale = coefficients.scales.get(SCENARIO, Scale())
    return _forecast(wish, demand=demand, on=(device, physics), belief=belief, how=(means, scale))


def _forecast(
    wish: RunWish,
    *,
    demand: Demand,
    on: tuple[Device, Physics],
    belief: Belief,
    how: tuple[Mapping[str, float], Scale],
) -> Forecast:
    """Put the pieces together."""
    (device, physics), (means, scale) = on, how
    each = wish.samples / wish.devices
    seconds = each * physics.seconds * math.exp(belief.mean)
    return Forecast(
        ideal_s=each * physics.ideal_s,
        seconds=seconds,
        interval_50=interval(seconds, sd=belief.sd, half=scale.half_50),
        interval_80=interval(seconds, sd=belief.sd, half=scale.half_80),
        device_hours=seconds * wish.devices / 3600,
        samples_per_second=wish.samples / seconds,
        flops=demand.flops * wish.samples,
        num_bytes=demand.num_bytes * wish.samples,
        parts=_parts(physics, each=each, means=means),
        causes=_causes(physics, means=means),
        contributors={SAID[name]: share for name, share in largest(_spreads(belief)).items()},
        sd=belief.sd * scale.half_80 / Scale().half_80,
        assumptions=_assumptions(wish, demand=demand, device=device),
        device=device,
    )


def _spreads(belief: Belief) -> dict[str, float]:
    """Return the variances; what differs between sources and between their runs is one thing to a user."""
    spreads = dict(belief.variances)
    spreads["source"] += spreads.pop("noise")
    return spreads


def _parts(physics: Physics, *, each: float, means: Mapping[str, float]) -> dict[str, float]:
    """Return where the time goes: each effect adds to the time that the ones before it made."""
    parts = {"compute": each * physics.compute_s, "memory": each * physics.memory_s}
    so_far = each * physics.seconds
    for name, mean in means.items():
        longer = so_far * math.exp(mean)
        parts["software" if name in ("transformer", "images") else name] = longer - so_far
        so_far = longer
    return parts


def _causes(physics: Physics, *, means: Mapping[str, float]) -> dict[str, float]:
    """Return the factors between the textbook rule and the forecast."""
    causes = {
        "no matrix product reaches the peak, or work is done again": physics.compute_s / physics.ideal_s,
        "traffic to and from memory": physics.seconds / physics.compute_s,
    }
    return causes | {SAID[name]: math.exp(mean) for name, mean in means.items()}


def _assumptions(wish: RunWish, *, demand: Demand, device: Device) -> tuple[str, ...]:
    """Return what the forecast stands on."""
    said = [f"hardware: {device.name} ({device.source}{'' if device.is_verified else '; not read again'})"]
    used = device.computed_in(wish.precision)
    if used != wish.precision:
        said.append(f"{device.name} has no {wish.precision}: {used} instead")
    if used == "fp8":
        said.append(f"float8 makes a step {FP8_GAIN:g} times as fast as bfloat16")
    return (*said, *demand.assumptions, "nothing measured: fitted to published runs of others")
