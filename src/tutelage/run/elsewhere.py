"""A trial of this machine moved to hardware that is not at hand, and what it costs there in energy and money.

Between two cards, or two processors, steps and evaluations are moved by what both can do (`foresight/move.py`); from a processor
to a card by the work of a step, which was counted. Reading, preparing and reporting are the host's work and stay as they are; a
loader that is slower than the device there holds it up. Several devices share each batch.
"""

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from tutelage.core.errors import UsageError
from tutelage.foresight import cost as money
from tutelage.foresight.coefficients import fitted
from tutelage.foresight.energy import Power, energy
from tutelage.foresight.evidence import Evidence
from tutelage.foresight.interval import Interval, Scale
from tutelage.foresight.many import Step, on_many
from tutelage.foresight.move import Reference, move
from tutelage.foresight.pace import Pace
from tutelage.foresight.physics import MATMUL_SHARE, SCENARIO
from tutelage.foresight.run_time import RunTime
from tutelage.hardware.catalog import Device, Precision, find_device
from tutelage.run.estimating import Tried
from tutelage.run.work import TrainingWork
from tutelage.training.room import device_bytes

__all__ = ["FORMATS", "Where", "device_of", "energy_of", "moved", "price_of"]

SIGMAS_80 = 1.2816
"""Half width of an interval of 80 % in standard deviations."""
COPIED_BYTES, LEAST_COPIED_BYTES, COPIES = 2**28, 2**22, 3
"""What is copied to see how fast memory is, at least where there is little memory, and how often."""
MOST_DEVICES, MOST_PRICE = 1_000_000, 1e12
"""With more devices, failures leave no progress; the largest machines have a tenth of that."""
CALL_SECONDS = 5e-6
"""What calling a kernel of a card takes the host, about: torch's own figure for an operator is 5 to 10 microseconds."""
FORMATS: Mapping[str, Precision] = {"float32": "fp32", "bfloat16": "bf16"}
GRADIENT_BYTES = 4.0
CONVOLUTIONS = ("convolution", "depthwise convolution")


@dataclass(frozen=True, slots=True)
class Where:
    """On what a training is to run.

    Attributes:
        hardware: A name of the catalogue; "" = this machine.
        devices: How many.
        price: Of one device and hour; None where none is given.
    """

    hardware: str = ""
    devices: int = 1
    price: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is tried.

        Raises:
            UsageError: The catalogue has no such hardware, or a number is out of range.
        """
        if self.hardware:
            find_device(self.hardware)
        if not 1 <= self.devices <= MOST_DEVICES or self.devices != int(self.devices):
            raise UsageError(f"devices = {self.devices}: expected a whole number from 1 to {MOST_DEVICES:,}.")
        if self.price is not None and not 0 <= self.price <= MOST_PRICE:
            expected = f"expected a number from 0 to {MOST_PRICE:g}, for one device and hour. Typical: 1 to 4."
            raise UsageError(f"price = {self.price:g}: {expected}")


def moved(tried: Tried, where: Where) -> Tried:
    """Return the trial as it would have been on other hardware.

    Raises:
        UsageError: The catalogue has no such hardware, or a batch has fewer rows than devices would share it.
    """
    if not where.hardware and where.devices == 1:
        return tried
    rows = tried.plan.batch_size
    if where.devices > rows and not tried.plan.task.plays:
        raise UsageError(
            f"devices = {where.devices:,}: they share each batch, and one has {rows:,} rows. Take {rows:,} devices at most, or "
            "larger batches: --set batch_size=ROWS."
        )
    there, here = device_of(tried, where), home_device(tried, needs_bandwidth=bool(where.hardware))
    alone = _step(tried, here=here, there=there, where=where)
    seconds, spread, many = alone.seconds, alone.sd, None
    if where.devices > 1:
        many = on_many(alone, device=there, devices=where.devices)
        seconds, spread = many.seconds, _spread(many.interval_80)
    factor = seconds / max(tried.measured.pace.seconds, 1e-9)
    loader = 0.0 if tried.pilot.apart is None else tried.pilot.apart.loader
    pace = Pace(max(seconds, loader), 0.0, math.hypot(tried.measured.pace.spread, spread), 0.0, tried.measured.pace.num_steps)
    evaluation = tried.measured.evaluation * factor
    opening = tried.measured.opening
    measured = replace(
        tried.measured,
        pace=pace,
        opening=None if opening is None else replace(opening, seconds=opening.seconds * factor, warm_up_seconds=0.0),
        first_evaluation=evaluation,
        evaluation=evaluation,
        evaluation_spread=math.hypot(tried.measured.evaluation_spread, spread),
    )
    return replace(tried, measured=measured, many=many)


def _step(tried: Tried, *, here: Device, there: Device, where: Where) -> Step:
    """Return a step on one of the devices, with its share of the batch: what a step learns stays the same."""
    work, form = tried.pilot.work, FORMATS[tried.plan.precision]
    pace = _shared(tried, where.devices)
    if not where.hardware:
        seconds, spread = pace, 0.0
    elif work is None or here.is_processor == there.is_processor:
        found = move([Reference(here, 1.0, precision=form)], hardware=there, precision=form)
        seconds, spread = pace * found.seconds, _spread(found.interval_80)
    else:
        # What holds between cards says nothing of a card and a processor: there the work itself is what is known.
        seconds, spread = _by_work(work, there, form)
        seconds /= where.devices
    if not there.is_processor and work is not None:
        # A card that waits for the host is as fast as the host calls its kernels.
        seconds = max(seconds, CALL_SECONDS * work.per_step(lambda each: each.num_ops))
    return Step(seconds, GRADIENT_BYTES * float(tried.result.get("num_parameters") or 0), spread)


def _shared(tried: Tried, devices: int) -> float:
    """Return the seconds of a step here whose rows are shared by devices: what does not depend on rows is not."""
    pace, apart = tried.measured.pace.seconds, tried.pilot.apart
    fixed = 0.0 if apart is None else min(apart.fixed, pace)
    return fixed + (pace - fixed) / devices


def _by_work(work: TrainingWork, device: Device, form: Precision) -> tuple[float, float]:
    """Return the seconds of a step by its operations and bytes, and the spread of their logarithm."""
    products = {name: each.matmul_flops for (name,), each in work.whole_rhythm.by("kind").items()}
    is_images = sum(products.get(kind, 0) for kind in CONVOLUTIONS) > sum(products.values()) / 2
    compute = work.per_step(lambda each: each.matmul_flops) / (device.peak(form) * (device.matmul_share or MATMUL_SHARE))
    memory = work.per_step(lambda each: each.bytes) / device.bandwidth
    coefficients = fitted("work")
    parts = {"images" if is_images else "transformer": ("", 1.0), "source": ("", 1.0)}
    belief = Evidence([], effects=coefficients.effects, noise=coefficients.noise).predict(parts)
    wider = coefficients.scales[SCENARIO].half_80 / Scale().half_80
    return (compute + memory) * math.exp(belief.mean), belief.sd * wider


def device_of(tried: Tried, where: Where) -> Device:
    """Return the hardware that is asked about; of this machine what was measured, with what the catalogue knows of it."""
    return find_device(where.hardware) if where.hardware else home_device(tried)


def home_device(tried: Tried, *, needs_bandwidth: bool = False) -> Device:
    """Return this machine as a device: its measured products, and its memory where that is asked for, which takes a moment."""
    name, flops = str(tried.machine.get("machine", "")), 1e9 * float(tried.machine.get("matmul_gflops") or 100.0)
    peaks = {"fp32": flops, "bf16": flops * max(float(tried.machine.get("bf16_speedup") or 1.0), 0.1)}
    is_card = torch.device(tried.plan.device).type == "cuda"
    known: Device | None = None
    with suppress(UsageError):
        known = find_device(name)
    if known is not None and is_card:
        return known
    # A card that the catalogue lacks is one all the same: its memory is its own, and so is how fast that is.
    return Device(
        key="this-machine",
        name=name,
        model="",
        maker="",
        generation="" if known is None else known.generation,
        form="pcie" if is_card else "cpu",
        memory_bytes=device_bytes(tried.plan.device) if is_card else 0,
        bandwidth=_bandwidth(tried.plan.device) if needs_bandwidth else 0.0,
        tdp_w=0.0 if known is None else known.tdp_w,
        peaks=peaks,
        link=0.0 if known is None else known.link,
        network=1.25e9,
        per_node=1,
        matmul_share=1.0,
        source="measured",
        is_verified=True,
    )


def energy_of(time_: RunTime, device: Device, *, devices: int) -> tuple[float, float] | None:
    """Return joules at the wall, low and high in four of five cases; None where no power is published."""
    if device.tdp_w <= 0:
        return None
    found = energy(Power(device.tdp_w), device_seconds=devices * time_.seconds, sd_seconds=time_.spread)
    return found.wall_80.low, found.wall_80.high


def price_of(time_: RunTime, where: Where) -> float | None:
    """Return what it costs, in the currency of the price; None where none is given."""
    if where.price is None:
        return None
    interval = Interval(*time_.interval_80)
    return money.cost(where.price, devices=where.devices, seconds=time_.seconds, seconds_80=interval).expected


def _spread(interval: Interval) -> float:
    """Return the standard deviation of the logarithm that an interval of 80 % stands for."""
    return math.log(interval.high / interval.low) / 2 / SIGMAS_80


def _bandwidth(device: str) -> float:
    """Return how many bytes a second this machine, or its card, reads and writes, the best of a few copies."""
    size, is_card = COPIED_BYTES, torch.device(device).type == "cuda"
    while True:
        try:
            source = torch.ones(size // 4, device=device)
            target, best = torch.empty_like(source), float("inf")
            break
        except RuntimeError:
            if size <= LEAST_COPIED_BYTES:
                raise
            size //= 2
    for _ in range(COPIES):
        began = time.perf_counter()
        target.copy_(source)
        if is_card:
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - began)
    return 2 * size / best
