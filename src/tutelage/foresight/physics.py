"""What a device lets expect of a sample before anything is fitted: operations over achievable peak, plus bytes over bandwidth.

Source: Williams et al., Roofline, 2009, section 3. Differs from the paper: the two times are added, not the larger one taken,
since in a training step products and passes over memory follow one another.
"""

import math
from dataclasses import dataclass

from tutelage.foresight.demand import Demand
from tutelage.foresight.evidence import Parts
from tutelage.foresight.wish import RunWish
from tutelage.hardware.catalog import Device

__all__ = ["SCENARIO", "Physics", "effects_of", "physics_of"]

MATMUL_SHARE = 0.8
"""Largest matrix product as a share of the peak where none is published for the device; 0.51 to 0.99 where one is."""
FP8_GAIN = 1.2
"""Of float8 over bfloat16 for a whole step; published steps gain 1.0 to 1.35 where the peak says 2."""
SCENARIO = "runs of known work"
"""Whose misses the intervals are scaled by."""
FEW_DEVICES, SHORT_CONTEXT = 8.0, 8192.0
"""Up to here more devices, or longer sequences, cost nothing of their own."""


@dataclass(frozen=True, slots=True)
class Physics:
    """Seconds of one sample on one device.

    Attributes:
        ideal_s: At the full peak, as the textbook rule has it.
        compute_s: Of the operations, at what the largest matrix product reaches.
        memory_s: Of the traffic to and from memory.
    """

    ideal_s: float
    compute_s: float
    memory_s: float

    @property
    def seconds(self) -> float:
        """Both, one after the other."""
        return self.compute_s + self.memory_s


def physics_of(demand: Demand, *, device: Device, precision: str) -> Physics:
    """Return what the datasheet lets expect of one sample."""
    share = device.matmul_share or MATMUL_SHARE
    rate = device.peak(precision)
    if precision == "fp8":
        has_fp8 = device.computed_in("fp8") == "fp8"
        rate = device.peak("bf16") * (FP8_GAIN if has_fp8 else 1.0)
    ideal_s = demand.flops / device.peak(precision)
    return Physics(ideal_s, demand.executed / (rate * share), demand.num_bytes / device.bandwidth)


def effects_of(wish: RunWish, *, demand: Demand, device: Device, source: str = "", name: str = "") -> Parts:
    """Return the effects that a run has beyond physics, for `evidence`.

    Args:
        wish: The run.
        demand: What one sample costs.
        device: What it runs on.
        source: Whose run it is.
        name: The run itself: each whole run has a course of its own.
    """
    parts = {
        demand.kind: ("", 1.0),
        "float32": ("", 1.0 if device.computed_in(wish.precision) == "fp32" else 0.0),
        "source": (source, 1.0),
        "whole run": ("", 1.0 if wish.is_whole else 0.0),
        "course": (name, 1.0 if wish.is_whole else 0.0),
        "devices": ("", math.log2(max(wish.devices, FEW_DEVICES) / FEW_DEVICES)),
        "context": ("", math.log2(max(demand.context, SHORT_CONTEXT) / SHORT_CONTEXT)),
    }
    return {name: (group, times) for name, (group, times) in parts.items() if times}
