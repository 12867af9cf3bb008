"""How fast matrix products are on this machine, remembered from command to command: measuring takes 0.1 to 1.5 s.

It takes the longest where the machine is busy, since more looks are taken then.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tutelage.core.border import BorderError
from tutelage.core.cache_folder import cache_folder
from tutelage.core.typed import Positive, Size, take
from tutelage.foresight.history import History
from tutelage.planning.facts import Machine
from tutelage.training.machine import SURE, bits_depend_on, choose_device, machine_facts

__all__ = ["known_facts_of_machine"]

ENOUGH_LOOKS = 3
"""Commands that measure where bfloat16 looks slow though the hardware has it; the best of all counts, then and later."""
MOST_SPEEDUP = 1e3
"""Of bfloat16: what is beyond was written by another hand."""


def known_facts_of_machine(device: str) -> Machine:
    """Return the facts of this machine, its matrix products as they were measured by commands before; else they are measured.

    Raises:
        RecipeError: This machine has no such device.
    """
    device, history = choose_device(device), History(cache_folder())
    unmeasured = machine_facts(device, speeds=(1.0, 0.0))
    key = _key(unmeasured)
    before = _read(history.known(key))
    if before is not None and _is_settled(unmeasured, *before):
        return machine_facts(device, speeds=before[:2])
    found = machine_facts(device)
    speeds, looks = (found.gflops, found.speedup * found.gflops), 1
    if before is not None:
        speeds, looks = (max(speeds[0], before[0]), max(speeds[1], before[1])), before[2] + 1
    if speeds[0] > 0:
        history.add({"key": key, "measured": {"float32": speeds[0], "bfloat16": speeds[1], "looks": looks}})
    return found if before is None else machine_facts(device, speeds=speeds)


def _key(facts: Machine) -> str:
    """Name the machine: all that such products depend on."""
    words = [facts.name, facts.bf16, facts.compiler, bits_depend_on(facts.device)]
    return f"products {hashlib.sha256(json.dumps(words, sort_keys=True, default=str).encode()).hexdigest()[:32]}"


def _is_settled(facts: Machine, plain: float, half: float, looks: int) -> bool:
    """Tell whether nobody needs to look again."""
    return not facts.bf16 or half >= SURE * plain or looks >= ENOUGH_LOOKS


def _read(record: Mapping[str, Any] | None) -> tuple[float, float, int] | None:
    """Return the speeds in GFLOP/s and how often was measured; None where nothing was, or another hand wrote it."""
    if record is None:
        return None
    try:
        plain, half = take(record, "float32", Positive), float(record.get("bfloat16") or 0.0)
        looks = take(record, "looks", Size)
    except (BorderError, TypeError, ValueError):
        return None
    return (plain, half, looks) if 0 <= half <= MOST_SPEEDUP * plain else None
