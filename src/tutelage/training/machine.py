"""The machine that a training runs on: looked at and measured before, so that deciding is pure.

What a run may say about repeating itself is decided here too: on a CPU the same bits follow from the same machine, threads
and versions; on a graphics card only in deterministic mode, since many of its kernels add in any order.
"""

import functools
import importlib.util
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from tutelage.core.allocator import is_scarce
from tutelage.core.errors import RecipeError
from tutelage.core.names import shorten
from tutelage.planning.facts import Machine

__all__ = [
    "SURE",
    "bits_depend_on",
    "check_device",
    "choose_device",
    "deterministic",
    "device_refusal",
    "environment",
    "exactness",
    "machine_facts",
    "matmul_speeds",
    "measure_matmul",
]

VERSIONS = ("tutelage", "numpy", "pyarrow", "pillow")
"""Besides torch: a resumed run reads the data and fits the preprocessing anew."""
MATMUL_SIZE = {"cpu": 1024, "cuda": 4096}
"""Rows of the measured matrices: a graphics card needs large ones to be busy, and takes milliseconds for them."""
ROUNDS, MOST_ROUNDS, SURE = 3, 15, 2.0
"""Times that each precision is measured, at least and at most; a bfloat16 so many times as fast needs no further look."""
FEW_ADDRESSES = "where addresses are limited (ulimit -v), torch's rounded products may end the process and not say why"
"""oneDNN, which makes them, does not look whether its memory was there: signal 11 within some MiB of the limit (docs/LOG.md)."""
PAUSE_SECONDS = 0.02
"""Between further looks: who keeps the machine busy may have had enough by then."""
CUBLAS_CONFIG = ":4096:8"
"""The workspace with which cuBLAS repeats itself (torch's notes on reproducibility)."""


def machine_facts(device: str = "auto", *, speeds: tuple[float, float] | None = None) -> Machine:
    """Look at the machine and measure its matrix products, in a fraction of a second; a process measures once.

    Args:
        device: Where training will run.
        speeds: Of matrix products in float32 and in bfloat16, in GFLOP/s, where they are known; None measures them.

    Raises:
        RecipeError: This machine has no such device.
    """
    device = choose_device(device)
    refused = FEW_ADDRESSES if torch.device(device).type == "cpu" and is_scarce() else ""
    bf16, num_threads = "" if refused else _bf16_hardware(device), torch.get_num_threads()
    plain, half = speeds or matmul_speeds(device, has_bf16=bool(bf16), num_threads=num_threads)
    speedup, gflops = round(half / plain, 1), round(plain)
    return Machine(device, _device_name(device), num_threads, bf16, speedup, gflops, _compiler(device), bf16_refused=refused)


@functools.cache
def matmul_speeds(device: str, *, has_bf16: bool, num_threads: int) -> tuple[float, float]:
    """Return the speeds of matrix products in float32 and in bfloat16, in GFLOP/s, as first measured in this process.

    A process that trains many models measures once: each further look would take as long as a small training.

    Args:
        device: Where to measure.
        has_bf16: Whether the hardware has bfloat16; its speed is 0 otherwise.
        num_threads: How many threads torch uses now; other numbers are measured anew.
    """
    # In turn, the best of each: a machine that is busy for a moment must not decide.
    # Where bfloat16 looks slow though the hardware has it, more looks are taken: the same machine has to give the same plan.
    plain = half = 0.0
    for number in range(MOST_ROUNDS if has_bf16 else ROUNDS):
        if number >= ROUNDS:
            if half >= SURE * plain:
                break
            time.sleep(PAUSE_SECONDS)
        plain = max(plain, measure_matmul(torch.float32, device=device))
        half = max(half, measure_matmul(torch.bfloat16, device=device)) if has_bf16 else 0.0
    return plain, half


def _compiler(device: str) -> str:
    """Return what torch compiles with on a device; "" where it is not there."""
    if torch.device(device).type == "cuda":
        return "triton" if importlib.util.find_spec("triton") else ""
    wanted = (os.environ.get("CXX", ""), "g++", "clang++")
    return next((Path(name).name for name in wanted if name and shutil.which(name)), "")


def choose_device(wish: str) -> str:
    """Return the device that is wished for, the kind that is best where `auto` is; nothing is started on it yet.

    Raises:
        RecipeError: This machine has no such device.
    """
    device = ("cuda" if torch.cuda.is_available() else "cpu") if wish == "auto" else wish
    check_device(device)
    return device


def _bf16_hardware(device: str) -> str:
    """Return what the device has for bfloat16: `cuda`, `amx`, `avx512`, or "" for nothing that would be faster."""
    if torch.device(device).type != "cuda":
        return "amx" if torch.cpu._is_amx_tile_supported() else "avx512" if torch.cpu._is_avx512_bf16_supported() else ""
    with torch.cuda.device(device):
        # Cards before Ampere (T4, V100) only emulate it, slower than float32; torch counts that as support unless asked.
        return "cuda" if torch.cuda.is_bf16_supported(including_emulation=False) else ""


def check_device(device: str) -> None:
    """Refuse a device that this machine does not have.

    Raises:
        RecipeError: The name is not a device's, or there is no such graphics card here.
    """
    refusal = device_refusal(device)
    if refusal:
        raise RecipeError(f"recipe: device = {shorten(device)}: {refusal} Use cpu or auto.")


def device_refusal(device: str) -> str:
    """Return why nothing can be computed on a device, as a sentence; "" where it can."""
    try:
        place = torch.device(device)
    except RuntimeError:
        return "no such device. Known: cpu, cuda, cuda:1 ..."
    num_cards = torch.cuda.device_count()
    if place.type not in ("cpu", "cuda"):
        return "models are trained on cpu and cuda only."
    if place.type == "cuda" and (place.index or 0) >= num_cards:
        return f"torch finds {num_cards} CUDA cards on this machine."
    return ""


def measure_matmul(dtype: torch.dtype, *, device: str = "cpu", size: int = 0, repeats: int = 3) -> float:
    """Return the speed of a square matrix product in GFLOP/s, the best of a few.

    Args:
        dtype: Of both matrices.
        device: Where to measure; the clock is read when the device is done.
        size: Rows of a matrix; 0 for as many as keep the device busy.
        repeats: Counted products, after one that is not.
    """
    kind = torch.device(device).type
    size = size or MATMUL_SIZE.get(kind, 1024)
    left, right = torch.ones(size, size, dtype=dtype, device=device), torch.ones(size, size, dtype=dtype, device=device)
    best = float("inf")
    for _ in range(repeats + 1):
        if kind == "cuda":
            torch.cuda.synchronize(device)
        began = time.perf_counter()
        left @ right
        if kind == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best / 1e9


def bits_depend_on(device: str, *, num_processes: int = 1) -> dict[str, Any]:
    """Return what has to be equal for a resumed run to give the same bits: this machine's kind, its threads, versions."""
    depends = {
        "machine": _device_name(device),
        "device": device,
        "num_processes": num_processes,
        "num_threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "float32_matmul": torch.get_float32_matmul_precision(),
        "torch": torch.__version__,
        **{name: _version(name) for name in VERSIONS},
    }
    if torch.device(device).type == "cuda":
        depends |= {
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "deterministic": torch.are_deterministic_algorithms_enabled(),
        }
    return depends


def exactness(device: str) -> str:
    """Return why trainings on this device do not repeat bit for bit, as this process is set; "" where they do."""
    if torch.device(device).type != "cuda":
        return ""
    if not torch.are_deterministic_algorithms_enabled():
        return "CUDA kernels without deterministic mode"
    if torch.is_deterministic_algorithms_warn_only_enabled():
        return "CUDA kernels in deterministic mode that only warns"
    return "cuDNN chooses kernels by the clock (benchmark mode)" if torch.backends.cudnn.benchmark else ""


@contextmanager
def deterministic(device: str, *, is_wished: bool) -> Iterator[None]:
    """Let trainings on this device repeat bit for bit while entered; nothing to do on a CPU, which repeats itself anyway.

    On a graphics card this costs speed, and operations that have no deterministic kernel (such as the backward pass of
    max-pooling) then fail with torch's message: so it is never done unasked, and a run without it says that it is not exact.
    What is set in this process already stays as it is where nothing is wished.

    Raises:
        RecipeError: CUDA is already in use in this process: cuBLAS has read its settings.
    """
    if not is_wished or torch.device(device).type != "cuda":
        yield
        return
    _tell_cublas(device)
    before = torch.backends.cudnn.benchmark, torch.are_deterministic_algorithms_enabled()
    warns_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark, was_on = before
        torch.use_deterministic_algorithms(was_on, warn_only=warns_only)


def _tell_cublas(device: str) -> None:
    """Ask cuBLAS, by the environment that it reads when it starts, for a workspace with which it repeats itself."""
    if "CUBLAS_WORKSPACE_CONFIG" not in os.environ and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        raise RecipeError(
            f"deterministic training on {device}: CUDA is already in use in this process, too late to tell cuBLAS. "
            f"Set CUBLAS_WORKSPACE_CONFIG={CUBLAS_CONFIG} in the environment before starting."
        )
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", CUBLAS_CONFIG)


def environment(machine: Machine, *, num_processes: int = 1) -> dict[str, Any]:
    """Return what bit-exactness depends on, and what readers want to know, for `env.json`."""
    return {
        **bits_depend_on(machine.device, num_processes=num_processes),
        "not_exact": exactness(machine.device),
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


@functools.cache
def _version(name: str) -> str:
    """Return the version of an installed package, "" where it is used from its source without being installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
