"""What a measurement of a machine holds for: processor, threads, instructions, card, version of torch."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping

import torch

__all__ = ["clock_megahertz", "fingerprint", "key_of", "processor_name"]

CPU_FILE = "/proc/cpuinfo"


def fingerprint(device: torch.device) -> dict[str, str]:
    """Return everything that has to be equal for the figures to hold."""
    found = {
        "processor": processor_name(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "amx": str(torch.cpu._is_amx_tile_supported()),
        "torch": torch.__version__,
        "device": device.type,
    }
    if device.type == "cuda":
        found |= {
            "card": torch.cuda.get_device_name(device),
            "cuda": str(torch.version.cuda),
            "float32_matmul": torch.get_float32_matmul_precision(),
        }
    return found


def key_of(found: Mapping[str, str]) -> str:
    """Return a short name that differs where anything differs."""
    return hashlib.sha256(json.dumps(dict(found), sort_keys=True).encode()).hexdigest()[:16]


def processor_name() -> str:
    """Return what the processor calls itself."""
    return _first_line("model name") or platform.processor() or platform.machine()


def clock_megahertz() -> float:
    """Return the processor's clock as the system tells it now; 0 where it does not."""
    told = _first_line("cpu MHz")
    return float(told) if told else 0.0


def _first_line(name: str) -> str:
    """Return what the system says first of its processors under a name."""
    try:
        with open(CPU_FILE, encoding="utf-8") as file:  # noqa: PTH123 - a device file, read once
            return next((line.partition(":")[2].strip() for line in file if line.startswith(name)), "")
    except OSError:
        return ""
