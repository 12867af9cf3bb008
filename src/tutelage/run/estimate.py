"""What `tutelage estimate` says of a training: one object, with a record for programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tutelage.foresight.endings import Endings
from tutelage.foresight.run_time import RunTime, as_expected, share_used, within
from tutelage.foresight.shorter import Shorter, shortening
from tutelage.foresight.textbook import ideal_seconds
from tutelage.hardware.catalog import Device
from tutelage.planning.plan import Plan
from tutelage.run.elsewhere import FORMATS, Where, device_of, energy_of, moved, price_of
from tutelage.run.estimating import Tried
from tutelage.training.room import device_bytes

__all__ = ["Estimate", "estimate_of"]

HERE = Where()


@dataclass(frozen=True)
class Estimate:
    """How long a training takes, and what that is made of.

    Attributes:
        plan: Everything decided.
        time: Wall time of the whole command with its intervals.
        steps: Optimizer steps that are left; of a time budget, as many as fit into it.
        epochs: The same as passes over the train rows; 0 where data have no end.
        budget_seconds: The time budget; 0 where there is none.
        ideal_seconds: These FLOPs / FLOP/s, measured here, of the data sheet elsewhere; None where the FLOPs are not known.
        flops: Of all steps that are expected, of a run that may stop early fewer than `steps`; None where not known.
        bytes: Moved to and from memory by these; None where not known.
        coverage: Share of the operators whose FLOPs are known; None where nothing was counted.
        memory_bytes: At the peak of a step, of one device; None where not known.
        fits: Whether that fits, the batch as a whole; None where not known.
        largest_batch: Rows of the largest batch that fits here; None where not known.
        energy_joules: Low and high; None where not known.
        cost: In the currency of the price; None where none is given.
        hardware: What it runs on.
        devices: How many of it.
        endings: How it may end, in steps from its beginning; None where only its budget ends it.
        shorter: What would shorten the run, the most first.
        seconds_spent: What finding all this out took.
        details: What was measured on the way.
        warnings: What makes it less sure than its interval says, and why numbers are not known.
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
    largest_batch: int | None = None
    energy_joules: Sequence[float] | None = None
    cost: float | None = None
    hardware: str = ""
    devices: int = 1
    endings: Endings | None = None
    shorter: Sequence[Shorter] = ()
    seconds_spent: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()

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
            "largest_batch": self.largest_batch,
            "energy_joules": None if self.energy_joules is None else list(self.energy_joules),
            "cost": self.cost,
            "hardware": self.hardware,
            "devices": self.devices,
            "endings": None if self.endings is None else self.endings.record(),
            "causes": {name: round(share, 4) for name, share in self.causes.items()},
            "shorter": [{"what": each.what, "seconds": round(each.seconds, 2)} for each in self.shorter],
            "seconds_spent": round(self.seconds_spent, 2),
            "details": self.details,
            "warnings": list(self.warnings),
        }


def estimate_of(tried: Tried, where: Where = HERE) -> Estimate:
    """Return what a trial says of the whole run.

    Args:
        tried: The trial.
        where: On what it is to run.

    Raises:
        UsageError: The catalogue has no such hardware.
    """
    tried = moved(tried, where)
    plan, steps, time = tried.plan, tried.schedule.steps, tried.run_time()
    apart = None if where.hardware else tried.pilot.apart
    if plan.time_seconds:
        time = within(time, plan.time_seconds, is_filled=tried.pilot.total_steps != plan.useful_steps)
    whole, used = time.parts, share_used(tried.schedule.stops)
    if plan.time_seconds or tried.endings is not None:
        time = as_expected(time)
    work, device = tried.pilot.work, device_of(tried, where)
    needed = _memory(tried, is_card=not device.is_processor, devices=where.devices)
    # A batch that does not fit is trained in parts: the trial has done so too.
    is_cut = not where.hardware and tried.pilot.num_micro > plan.num_micro
    return Estimate(
        plan=plan,
        time=time,
        steps=steps,
        epochs=steps * plan.batch_size / plan.num_train if plan.num_train else 0.0,
        budget_seconds=plan.time_seconds,
        ideal_seconds=_ideal(tried, device, devices=where.devices, steps=used * steps),
        flops=None if work is None else work.per_step(lambda each: each.flops) * used * steps,
        bytes=None if work is None else work.per_step(lambda each: each.bytes) * used * steps,
        coverage=None if work is None else work.whole_rhythm.coverage,
        memory_bytes=needed,
        fits=None if needed is None else needed <= (device.memory_bytes or device_bytes(plan.device)) and not is_cut,
        largest_batch=_largest_batch(tried, device, devices=where.devices) if where.hardware else tried.pilot.largest_batch,
        energy_joules=energy_of(time, device, devices=where.devices),
        cost=price_of(time, where),
        hardware=device.name,
        devices=where.devices,
        endings=tried.endings,
        shorter=shortening(
            whole,
            steps=steps,
            watched=plan.num_validation,
            **({} if apart is None else {"fixed": apart.fixed, "loader": apart.loader}),
        ),
        seconds_spent=tried.seconds,
        details=tried.pilot.record() | ({} if tried.many is None else {"devices": tried.many.record()}),
        warnings=_warnings(tried),
    )


def _warnings(tried: Tried) -> list[str]:
    """Return what makes a forecast less sure, or less complete, than it looks."""
    crowd, uncounted = tried.crowd, tried.pilot.uncounted
    found = [f"{crowd}: what is told here was measured beside that, and the training is faster without."] if crowd else []
    return [*found, *([f"FLOPs, ideal and largest batch are not told: {uncounted}."] if uncounted else [])]


def _ideal(tried: Tried, device: Device, *, devices: int, steps: float) -> float | None:
    """Return FLOPs x steps / FLOP/s of the devices in the plan's precision; None where the FLOPs are not known."""
    work = tried.pilot.work
    if work is None:
        return None
    flops = work.per_step(lambda each: each.flops)
    if not flops:
        return 0.0
    speed = device.peak(FORMATS[tried.plan.precision]) * devices
    return ideal_seconds(flops_per_iteration=flops, iterations=steps, flops_per_second=speed)


def _memory(tried: Tried, *, is_card: bool, devices: int) -> int | None:
    """Return the most memory that the training holds: this process as it was tried, or what each of some cards gives."""
    if is_card:
        work = tried.pilot.work
        return None if work is None else work.course.on_card(share=1 / devices).expected
    # What the trial took is what the training takes: its data, its libraries, its steps.
    return tried.peak_bytes


def _largest_batch(tried: Tried, device: Device, *, devices: int) -> int | None:
    """Return the rows of the largest batch that fits cards that share it, by a line through two sizes; None where not known."""
    work, rows, most = tried.pilot.work, tried.plan.batch_size, tried.plan.num_train
    if work is None or device.is_processor or not most:
        return None
    one, two = (work.course.on_card(share=times / devices).expected for times in (1, 2))
    each, left = max(two - one, 1) / rows, device.memory_bytes - one
    return max(min(int(rows + left / each), most), 0)
