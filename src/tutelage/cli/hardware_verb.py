"""`tutelage hardware`: what this machine does, measured once and kept, and what is known of others."""

import argparse
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from tutelage.core.amount import say_seconds
from tutelage.core.errors import UsageError
from tutelage.core.names import shorten
from tutelage.core.outlet import say, say_json, tell, warn
from tutelage.hardware.catalog import Device, devices, find_device
from tutelage.hardware.measured import MachineFile
from tutelage.run.machine import Known, known_machine
from tutelage.training.machine import device_refusal

__all__ = ["run"]

SQUARE = (64, 256, 1024, 4096)
"""Sizes of matrices that are shown."""
SHOWN = (
    ("convolution", "convolutions"),
    ("depthwise_convolution", "depthwise convolutions"),
    ("attention", "attention"),
    ("recurrent", "recurrent layers"),
)
BUSY = 0.4
"""Speed of large products beside smaller ones, below which the machine was busy: less than half is not the processor's own."""
CALLS = (
    ("call", "an operator"),
    ("call_learning", "an operator that autograd follows"),
    ("call_backward", "its way back"),
    ("call_module", "a module"),
    ("call_accumulate", "a gradient for a parameter"),
)


def run(arguments: argparse.Namespace) -> int:
    """Show what is known of this machine, measuring it first where nothing is; with --list what is known of others."""
    if arguments.list:
        idle = ["--again"] * arguments.again + ["--device"] * (arguments.device != "auto")
        if idle:
            found = f"{' and '.join(idle)}: --list shows what is known of others, and measures nothing"
            raise UsageError(f"{found}. Leave {'them' if len(idle) > 1 else 'it'} out, or leave --list out.")
        return _show_catalog(as_json=arguments.json)
    refusal = "" if arguments.device == "auto" else device_refusal(arguments.device)
    if refusal:
        raise UsageError(f"--device {shorten(arguments.device)}: {refusal} Use cpu or auto.")
    known = known_machine(arguments.device, again=arguments.again, tell=_progress())
    if known.doubt:
        warn(known.doubt)
    if known.refusal:
        warn(f"{known.refusal} The machine is measured anew next time.")
    for doubt in _doubts(known.machine):
        warn(doubt)
    if arguments.json:
        say_json(_record(known))
        return 0
    for line in _lines(known):
        say(line)
    return 0


def _progress() -> Callable[[str, float], None]:
    """Return what tells on standard error how far measuring is, a line for each quarter."""
    told: dict[str, int] = {}

    def show(doing: str, share: float) -> None:
        quarter = int(share * 4)
        if quarter > told.get(doing, -1):
            told[doing] = quarter
            tell(f"measuring {doing}: {quarter * 25} %")

    return show


def _record(known: Known) -> dict[str, Any]:
    """Return all of it for programs."""
    machine = known.machine.model_dump(mode="json")
    sheet = _sheet(known.machine)
    return {
        "machine": machine,
        "path": str(known.path or ""),
        "measured_now": known.is_new,
        "datasheet": None if sheet is None else _sheet_record(sheet),
    }


def _lines(known: Known) -> Iterable[str]:
    """Yield what is shown to people."""
    machine, found = known.machine, known.machine.fingerprint
    yield f"{found.get('card') or found['processor']}: {found['threads']} threads, {found['capability']}, torch {found['torch']}"
    yield f"measured {machine.measured_at} UTC in {say_seconds(machine.seconds)}; kept in {known.path or 'no file'}"
    for dtype in dict.fromkeys(point.dtype for point in machine.points if point.category == "matmul"):
        yield from _products(machine, dtype)
    sheet = _sheet(machine)
    if sheet is not None:
        yield f"its data sheet ({sheet.name}): {_peaks(sheet)}, memory {sheet.bandwidth / 1e9:.0f} GB/s"
    for category, title in SHOWN:
        best = [(dtype, machine.best(category, dtype)) for dtype in ("float32", "bfloat16", "float16")]
        said = [f"{dtype} {_speed(point.flops_per_second)} ({point.sizes})" for dtype, point in best if point is not None]
        if said:
            yield f"{title}, the fastest: {', '.join(said)}"
    triads = [point for point in machine.points if point.op == "triad"]
    yield "memory: " + ", ".join(f"{point.sizes}: {point.bytes_per_second / 1e9:.1f} GB/s" for point in triads)
    calls = {point.op: point.seconds for point in machine.points if point.category == "dispatch"}
    yield "calling " + ", ".join(f"{title} {calls[op] * 1e6:.1f} us" for op, title in CALLS if op in calls)
    for step in machine.own_steps:
        yield f"a step of {step.name}: {step.seconds * 1e3:.2f} ms"


def _products(machine: MachineFile, dtype: str) -> Iterable[str]:
    """Yield the line of matrix products in one precision."""
    said = [f"{size}: {_speed(speed)}" for size, speed in machine.squares(dtype).items() if size in SQUARE]
    yield f"matrix products in {dtype}, by rows: {', '.join(said)}"


def _doubts(machine: MachineFile) -> Iterable[str]:
    """Yield what cannot be so on a machine that does nothing else: large products that are much slower than small ones."""
    for dtype in dict.fromkeys(point.dtype for point in machine.points if point.category == "matmul"):
        best, at = 0.0, 0
        for size, speed in machine.squares(dtype).items():
            if speed < BUSY * best:
                found = f"matrix products of {size} rows in {dtype} seem {best / speed:.0f} times as slow as those of {at}"
                yield f"{found}: the machine was busy meanwhile. Measure it anew when it is not: tutelage hardware --again"
                break
            if speed > best:
                best, at = speed, size


def _sheet(machine: MachineFile) -> Device | None:
    """Return what the catalogue knows of the chip; None where it does not know it."""
    try:
        return find_device(machine.fingerprint.get("card") or machine.fingerprint.get("processor", ""))
    except UsageError:
        return None


def _show_catalog(*, as_json: bool) -> int:
    """Show all chips that the catalogue knows."""
    if as_json:
        say_json({"devices": [_sheet_record(device) for device in devices()]})
        return 0
    width = max(len(device.key) for device in devices())
    for device in devices():
        memory = f"{device.memory_bytes / 1e9:.0f} GB, " if device.memory_bytes else ""
        power = f", {device.tdp_w:.0f} W" if device.tdp_w else ""
        doubt = "" if device.is_verified else " (as others list it; not compared with the source)"
        speeds = f"{_peaks(device)}; {memory}{device.bandwidth / 1e9:.0f} GB/s{power}"
        say(f"{device.key:<{width}}  {device.name}: {speeds}. {device.source}{doubt}")
    return 0


def _sheet_record(device: Device) -> dict[str, Any]:
    """Return an entry of the catalogue for programs; FLOP/s, bytes, bytes per second, watts."""
    return asdict(device) | {"peaks": dict(device.peaks)}


def _peaks(device: Device) -> str:
    """Write the peaks of a chip by number format."""
    return ", ".join(f"{precision} {_speed(speed)}" for precision, speed in device.peaks.items())


def _speed(flops_per_second: float) -> str:
    """Write a speed of computing."""
    for unit, factor in (("PFLOP/s", 1e15), ("TFLOP/s", 1e12)):
        if flops_per_second >= factor:
            return f"{flops_per_second / factor:.1f} {unit}"
    return f"{flops_per_second / 1e9:.0f} GFLOP/s"
