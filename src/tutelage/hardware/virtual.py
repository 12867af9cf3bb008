"""Whether this machine shares its processor with others: a virtual machine, whose cores are lent."""

from tutelage.hardware.fingerprint import CPU_FILE

__all__ = ["is_virtual"]

FLAG = "hypervisor"
"""A bit that a processor shows to whatever runs under a hypervisor (AMD and Intel: CPUID 1, ECX, bit 31)."""


def is_virtual() -> bool:
    """Tell whether the processor says that a hypervisor lends it; False where the system does not tell its flags."""
    try:
        with open(CPU_FILE, encoding="utf-8") as file:  # noqa: PTH123 - a device file, read once
            flags = next((line.partition(":")[2].split() for line in file if line.startswith("flags")), [])
    except OSError:
        return False
    return FLAG in flags
