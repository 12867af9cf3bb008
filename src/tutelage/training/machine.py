"""The machine that a training runs on: looked at and measured before, so that deciding is pure."""

import os
import platform
import time
from typing import Any

import torch

from tutelage.core.errors import RecipeError
from tutelage.planning.facts import Machine

__all__ = ["bits_depend_on", "check_device", "environment", "machine_facts", "measure_matmul"]


def machine_facts(device: str = "auto") -> Machine:
    """Look at the machine and measure its matrix products, in a fraction of a second.

    Raises:
        RecipeError: This machine has no such device.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    check_device(device)
    if torch.device(device).type == "cuda":
        name = _device_name(device)
        bf16 = "cuda" if torch.cuda.is_bf16_supported() else ""
        return Machine(device, name, torch.get_num_threads(), bf16, 0.0, 0.0)
    bf16 = "amx" if torch.cpu._is_amx_tile_supported() else "avx512" if torch.cpu._is_avx512_bf16_supported() else ""
    plain = measure_matmul(torch.float32)
    speedup = measure_matmul(torch.bfloat16) / plain if bf16 else 0.0
    return Machine(device, _device_name(device), torch.get_num_threads(), bf16, round(speedup, 1), round(plain))


def check_device(device: str) -> None:
    """Refuse a device that this machine does not have.

    Raises:
        RecipeError: The name is not a device's, or there is no such graphics card here.
    """
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise RecipeError(f"recipe: device = {device!r} is no device. Known: cpu, cuda, cuda:1 ...") from error
    num_cards = torch.cuda.device_count()
    if place.type == "cuda" and (place.index or 0) >= num_cards:
        raise RecipeError(f"recipe: device = {device!r}: torch finds {num_cards} CUDA cards on this machine. Use cpu or auto.")


def measure_matmul(dtype: torch.dtype, *, size: int = 1024, repeats: int = 3) -> float:
    """Return the speed of a square matrix product on the CPU in GFLOP/s, the best of a few."""
    left, right = torch.ones(size, size, dtype=dtype), torch.ones(size, size, dtype=dtype)
    best = float("inf")
    for _ in range(repeats + 1):
        began = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best / 1e9


def bits_depend_on(device: str) -> dict[str, Any]:
    """Return what has to be equal for a resumed run to give the same bits: this machine's kind, its threads, torch."""
    return {
        "machine": _device_name(device),
        "device": device,
        "num_threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
    }


def environment(machine: Machine) -> dict[str, Any]:
    """Return what bit-exactness depends on, and what readers want to know, for `env.json`."""
    return {
        **bits_depend_on(machine.device),
        "num_cores": os.cpu_count(),
        "bf16": machine.bf16,
        "bf16_speedup": machine.speedup,
        "matmul_gflops": machine.gflops,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _device_name(device: str) -> str:
    """Return the name of the graphics card or, for the CPU, of the processor."""
    return torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else _processor()


def _processor() -> str:
    """Return the processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - a device file, read once
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
