"""What `tutelage estimate` says of a training: one object, with a record for programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from tutelage.core.errors import UsageError
from tutelage.foresight.cost import cost
from tutelage.foresight.energy import Power, energy
from tutelage.foresight.interval import Interval
from tutelage.foresight.run_time import RunTime
from tutelage.foresight.shorter import Shorter, shortening
from tutelage.foresight.textbook import ideal_seconds
from tutelage.hardware.catalog import Device, find_device
from tutelage.planning.plan import Plan
from tutelage.run.elsewhere import elsewhere
from tutelage.run.estimating import Tried
from tutelage.training.room import device_bytes

__all__ = ["Estimate", "Wanted", "estimate_of"]


@dataclass(frozen=True)
class Estimate:
    """How long a training takes, and what that is made of.

    Attributes:
        plan: Everything decided.
        time: Wall time of the whole command with its intervals.
        steps: Optimizer steps that are left; of a time budget, as many as fit into it.
        epochs: The same as passes over the train rows; 0 where data have no end.
        budget_seconds: The time budget; 0 where there is none.
        ideal_seconds: FLOPs x steps / measured FLOP/s; None where the FLOPs are not known.
        flops: Of the whole run; None where not known.
        bytes: Moved to and from memory by the whole run; None where not known.
        coverage: Share of the operators whose FLOPs are known; None where nothing was counted.
        memory_bytes: At the peak of a step; None where not known.
        fits: Whether that fits; None where not known.
        energy_joules: At the wall, low and high, four of five cases within; None where no power is known.
        energy_from: Where that comes from.
        cost: In the currency of the price; None where none is given.
        cost_80: Low and high, four of five cases within.
        hardware: What it is forecast for; "" = this machine.
        devices: How many.
        assumptions: What a forecast for other hardware stands on.
        shorter: What would shorten the run, the most first.
        seconds_spent: What finding all this out took.
        details: What was measured on the way.
    """

    plan: Plan
    time: RunTime
    steps: int
    epochs: float
    budget_seconds: float = 0.0
    ideal_seconds: float | None = None
    flops: float | None = None
    bytes: float | None = None
    coverage: float | None = None
    memory_bytes: int | None = None
    fits: bool | None = None
    energy_joules: Sequence[float] | None = None
    energy_from: str = ""
    cost: float | None = None
    cost_80: Sequence[float] | None = None
    hardware: str = ""
    devices: int = 1
    assumptions: Sequence[str] = ()
    shorter: Sequence[Shorter] = ()
    seconds_spent: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Wall time of the whole command, the median."""
        return self.time.seconds

    @property
    def causes(self) -> dict[str, float]:
        """Why it takes longer than the ideal: for each part, its share of the time beyond."""
        beyond = {name: seconds for name, seconds in self.time.parts.items() if name != "steps"}
        beyond["steps, beyond the ideal"] = max(self.time.parts.get("steps", 0.0) - (self.ideal_seconds or 0.0), 0.0)
        whole = sum(beyond.values()) or 1.0
        return dict(sorted(((name, seconds / whole) for name, seconds in beyond.items()), key=lambda pair: -pair[1]))

    def record(self) -> dict[str, Any]:
        """Return JSON values; intervals as [low, high]."""
        return {
            "ideal_seconds": self.ideal_seconds,
            **self.time.record(),
            "steps": self.steps,
            "epochs": round(self.epochs, 3),
            "budget_seconds": self.budget_seconds,
            "flops": self.flops,
            "bytes": self.bytes,
            "coverage": self.coverage,
            "memory_bytes": self.memory_bytes,
            "fits": self.fits,
            "energy_joules": None if self.energy_joules is None else list(self.energy_joules),
            "energy_from": self.energy_from,
            "cost": self.cost,
            "cost_80": None if self.cost_80 is None else list(self.cost_80),
            "hardware": self.hardware,
            "devices": self.devices,
            "assumptions": list(self.assumptions),
            "causes": {name: round(share, 4) for name, share in self.causes.items()},
            "shorter": [{"what": each.what, "seconds": round(each.seconds, 2)} for each in self.shorter],
            "seconds_spent": round(self.seconds_spent, 2),
            "details": self.details,
        }


@dataclass(frozen=True)
class Wanted:
    """What an estimate is for.

    Attributes:
        hardware: Name of a device of the catalogue; "" = this machine.
        devices: How many of it.
        price: For one device and hour; None = no cost is told.
    """

    hardware: str = ""
    devices: int = 1
    price: float | None = None

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: Unknown hardware, or several devices of none.
        """
        if self.hardware:
            find_device(self.hardware)
        elif self.devices != 1:
            raise UsageError(f"--devices {self.devices}: of which? Name it: --hardware NAME (tutelage hardware --list).")


def estimate_of(tried: Tried, wanted: Wanted = Wanted()) -> Estimate:
    """Return what a trial says of the whole run, here or on other hardware.

    Raises:
        UsageError: Unknown hardware, several devices of none, or a price that is none.
    """
    wanted.check()
    found = _here(tried)
    if not wanted.hardware:
        device = _known(str(tried.machine.get("machine", "")))
        return _priced(replace(found, hardware=""), wanted.price, device=device)
    other = elsewhere(tried, found.time, hardware=wanted.hardware, devices=wanted.devices)
    moved = replace(
        found,
        time=_within(other.time, found.budget_seconds) if found.budget_seconds else other.time,
        ideal_seconds=other.ideal_seconds,
        memory_bytes=other.memory_bytes,
        fits=other.fits,
        shorter=(),
        hardware=other.device.name,
        devices=other.devices,
        assumptions=other.assumptions,
    )
    return _priced(moved, wanted.price, device=other.device)


def _known(name: str) -> Device | None:
    """Return what the catalogue says of a device; None where it does not have it."""
    try:
        return find_device(name)
    except UsageError:
        return None


def _priced(found: Estimate, price: float | None, *, device: Device | None) -> Estimate:
    """Return an estimate with its energy, where the power is known, and its cost, where a price is given."""
    time = found.time
    if device is not None and device.tdp_w:
        spent = energy(Power(device.tdp_w), device_seconds=time.seconds * found.devices, sd_seconds=time.spread)
        found = replace(found, energy_joules=(spent.wall_80.low, spent.wall_80.high), energy_from=spent.provenance)
    if price is None:
        return found
    paid = cost(price, devices=found.devices, seconds=time.seconds, seconds_80=Interval(*time.interval_80))
    return replace(found, cost=paid.expected, cost_80=(paid.in_80.low, paid.in_80.high))


def _here(tried: Tried) -> Estimate:
    """Return what a trial says of the whole run on this machine."""
    plan, apart, steps = tried.plan, tried.pilot.apart, tried.schedule.steps
    time = tried.run_time()
    if plan.time_seconds:
        time = _within(time, plan.time_seconds)
    work, needed = tried.pilot.work, _memory(tried)
    flops = None if work is None else work.per_step(lambda each: each.flops) * steps
    return Estimate(
        plan=plan,
        time=time,
        steps=steps,
        epochs=steps * plan.batch_size / plan.num_train if plan.num_train else 0.0,
        budget_seconds=plan.time_seconds,
        ideal_seconds=_ideal(tried),
        flops=flops,
        bytes=None if work is None else work.per_step(lambda each: each.bytes) * steps,
        coverage=None if work is None else work.whole_rhythm.coverage,
        memory_bytes=needed,
        fits=None if needed is None else needed <= device_bytes(plan.device),
        shorter=shortening(
            time.parts,
            steps=steps,
            watched=plan.num_validation,
            fixed=0.0 if apart is None else apart.fixed,
            loader=0.0 if apart is None else apart.loader,
        ),
        seconds_spent=tried.seconds,
        details=tried.pilot.record(),
    )


EARLIEST = 0.93
"""Share of a time budget at which a training ends at the earliest that neither stops early nor is corrected."""


def _ideal(tried: Tried) -> float | None:
    """Return FLOPs x steps / FLOP/s of this machine's products in the plan's precision; None where either is not known."""
    work, machine = tried.pilot.work, tried.machine
    if work is None or not machine.get("matmul_gflops"):
        return None
    speedup = float(machine.get("bf16_speedup") or 1.0) if tried.plan.precision == "bfloat16" else 1.0
    speed = float(machine["matmul_gflops"]) * 1e9 * max(speedup, 1.0)
    flops = work.per_step(lambda each: each.flops)
    return ideal_seconds(flops_per_iteration=flops, iterations=tried.schedule.steps, flops_per_second=speed) if flops else 0.0


def _memory(tried: Tried) -> int | None:
    """Return the most memory that the training holds: this process as it was tried, or a step on a card of its own."""
    if torch.device(tried.plan.device).type == "cuda":
        return None if tried.pilot.work is None else tried.pilot.work.memory.expected
    # What the trial took is what the training takes: its data, its libraries, its steps.
    return tried.peak_bytes


def _within(time: RunTime, budget: float) -> RunTime:
    """Return the time of a run that keeps a budget: it is the budget, whatever its steps take."""
    low = min(time.interval_80[0], EARLIEST * budget)
    parts = {"interval_50": (min(time.interval_50[0], 0.97 * budget), budget), "interval_80": (low, budget)}
    return RunTime(time.costs, min(time.seconds, budget), **parts, spread=time.spread, contributors=time.contributors)
