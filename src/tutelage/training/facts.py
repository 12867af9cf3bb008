"""What the plan is decided from: facts about the data and the machine, measured before, so that deciding is pure."""

import os
import platform
import time
from dataclasses import dataclass
from typing import Any, Literal

import torch

from tutelage.core.errors import RecipeError
from tutelage.core.schema import InputShape

__all__ = ["Facts", "Machine", "bits_depend_on", "check_device", "environment", "machine_facts", "measure_matmul"]


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine a plan is for.

    Attributes:
        device: Where training will run.
        name: Processor's name.
        num_threads: Threads that torch uses.
        bf16: What the hardware has for bfloat16, such as `amx`, `avx512`, `cuda`, or "" for none.
        speedup: Measured speed of bfloat16 over float32 matrix products; 0 where not measured.
        gflops: Measured float32 matrix product, GFLOP/s.
    """

    device: str
    name: str
    num_threads: int
    bf16: str
    speedup: float
    gflops: float


@dataclass(frozen=True, slots=True)
class Facts:
    """The data and the machine, as far as decisions depend on them.

    Attributes:
        modality: What the rows are.
        shape: What a model receives.
        num_train: Rows to learn from, without the validation split.
        num_validation: Rows that early stopping watches.
        num_test: Rows opened once, at the end.
        task: What is learned.
        class_counts: Train rows of each class; empty for regression.
        machine: Where.
        is_own_model: The user passes an own module.
        mirror: Whether mirror images keep their meaning, asked of the train images; "" where that was not asked.
    """

    modality: Literal["image", "table", "array"]
    shape: InputShape
    num_train: int
    num_validation: int
    num_test: int
    task: Literal["classify", "regress"]
    class_counts: tuple[int, ...]
    machine: Machine
    is_own_model: bool = False
    mirror: Literal["yes", "no", ""] = ""


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
