"""What a forecast has to beat: simple rules, each given the same rows without the one that it is about.

All give the logarithm of device-seconds. Where a rule has a choice, it is given the better one.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bench.published.rows import WorkloadRow, WorkRow

__all__ = ["MOVED_RULES", "WORK_RULES", "flops_and_bytes", "log_linear", "reference"]

FEWEST_DEVICES = 4
"""Rows of one workload from which a line with two slopes can be drawn."""


def _ideal(row: WorkRow) -> float:
    """Return the textbook rule: the peak of bfloat16 also for float8, as utilization is usually told."""
    return math.log(row.demand.flops / row.device.peak("bf16" if row.wish.precision == "fp8" else row.wish.precision))


def _constant(row: WorkRow, rest: Sequence[WorkRow], *, middle: Callable[[list[float]], float]) -> float:
    """Return the textbook rule times one constant for all."""
    return _ideal(row) + middle([math.log(item.seconds) - _ideal(item) for item in rest])


WORK_RULES: Mapping[str, Callable[[WorkRow, Sequence[WorkRow]], float]] = {
    "textbook: peak": lambda row, rest: _ideal(row),
    "FLOPs x constant (constant MFU), geometric mean": lambda row, rest: _constant(row, rest, middle=statistics.fmean),
    "FLOPs x constant (constant MFU), median": lambda row, rest: _constant(row, rest, middle=statistics.median),
}
"""Rules for work of known size."""


def flops_and_bytes(row: WorkRow, rest: Sequence[WorkRow]) -> float:
    """Return a x FLOPs/peak + b x bytes/bandwidth, a and b fitted to the others."""

    def terms(item: WorkRow) -> tuple[float, float]:
        return item.demand.flops / item.device.peak(item.wish.precision), item.demand.num_bytes / item.device.bandwidth

    known = np.array([terms(item) for item in rest])
    truth = np.log([item.seconds for item in rest])
    shares = np.linspace(0, 1, 201)
    scaled = known / known.mean(axis=0)
    logs = [np.log(share * scaled[:, 0] + (1 - share) * scaled[:, 1] + 1e-12) for share in shares]
    best = min(range(len(shares)), key=lambda index: float(np.var(truth - logs[index])))
    own = np.array(terms(row)) / known.mean(axis=0)
    middle = float(np.mean(truth - logs[best]))
    return middle + math.log(shares[best] * own[0] + (1 - shares[best]) * own[1] + 1e-12)


def _same(row: WorkloadRow, rest: Sequence[WorkloadRow]) -> list[WorkloadRow]:
    """Return the other rows of a workload."""
    return [item for item in rest if item.workload == row.workload]


def _peak(row: WorkloadRow) -> float:
    """Return the logarithm of seconds in proportion to the peak alone."""
    return -math.log(row.device.peak(row.precision))


def _bandwidth(row: WorkloadRow) -> float:
    """Return the logarithm of seconds in proportion to the bandwidth alone."""
    return -math.log(row.device.bandwidth)


def _between(row: WorkloadRow) -> float:
    """Return the geometric mean of both."""
    return (_peak(row) + _bandwidth(row)) / 2


def _from_nearest(row: WorkloadRow, rest: Sequence[WorkloadRow], *, rule: Callable[[WorkloadRow], float]) -> float:
    """Return the time on the nearest measured device, moved by a rule."""

    def unlike(item: WorkloadRow) -> tuple[float, float, float]:
        far = abs(_between(item) - _between(row))
        return (abs(math.log2(item.devices / row.devices)), float(item.precision != row.precision), far)

    near = min(_same(row, rest), key=unlike)
    return math.log(near.seconds) + rule(row) - rule(near)


def _from_all(row: WorkloadRow, rest: Sequence[WorkloadRow], *, rule: Callable[[WorkloadRow], float]) -> float:
    """Return what a rule says with one efficiency for all measured devices."""
    return rule(row) + statistics.fmean(math.log(item.seconds) - rule(item) for item in _same(row, rest))


MOVED_RULES: Mapping[str, Callable[[WorkloadRow, Sequence[WorkloadRow]], float]] = {
    "peak-FLOPS ratio, nearest device": lambda row, rest: _from_nearest(row, rest, rule=_peak),
    "bandwidth ratio, nearest device": lambda row, rest: _from_nearest(row, rest, rule=_bandwidth),
    "geometric mean of both, nearest device": lambda row, rest: _from_nearest(row, rest, rule=_between),
    "peak, one efficiency from all devices": lambda row, rest: _from_all(row, rest, rule=_peak),
    "bandwidth, one efficiency from all devices": lambda row, rest: _from_all(row, rest, rule=_bandwidth),
    "geometric mean, one efficiency from all devices": lambda row, rest: _from_all(row, rest, rule=_between),
}
"""Rules for workloads that were measured elsewhere; device-seconds do not change with the number of devices."""


def reference(model: str, *, rule: str) -> Callable[[WorkloadRow, Sequence[WorkloadRow]], float]:
    """Return the ratio rule from one named device."""
    chosen = {"peak": _peak, "bandwidth": _bandwidth, "both": _between}[rule]

    def guess(row: WorkloadRow, rest: Sequence[WorkloadRow]) -> float:
        named = [item for item in _same(row, rest) if item.device.key == model]
        return _from_all(row, named or _same(row, rest), rule=chosen)

    return guess


def log_linear(row: WorkloadRow, rest: Sequence[WorkloadRow]) -> float:
    """Return a line in the logarithms of peak and bandwidth, fitted to each workload alone."""
    same = _same(row, rest)
    if len({item.device.key for item in same}) < FEWEST_DEVICES:
        return _from_all(row, rest, rule=_between)
    known = np.array([[1.0, _peak(item) + 33.0, _bandwidth(item) + 28.0] for item in same])
    slopes = np.linalg.lstsq(known, np.log([item.seconds for item in same]), rcond=None)[0]
    return float(slopes @ np.array([1.0, _peak(row) + 33.0, _bandwidth(row) + 28.0]))
