"""Refuses numbers of an environment that are not finite, before anything is learned from them: what they spoil stays spoilt."""

from collections.abc import Mapping

import torch
from torch import Tensor

from tutelage.core.errors import UsageError

__all__ = ["check_finite"]

NAMES = {"observation": "observations", "final": "observations", "reward": "rewards"}


def check_finite(steps: Mapping[str, Tensor]) -> None:
    """Look at steps of an environment, as they are remembered.

    Args:
        steps: `observation`, `final` (what a step led to), `reward` and `action`, of any shape; whole numbers pass.

    Raises:
        UsageError: A number is not finite, and it was no such action that led there.
    """
    bad = [name for name in NAMES if _is_bad(steps[name])]
    if bad and not _is_bad(steps["action"]):
        found = steps[bad[0]]
        which = found[~found.isfinite()][0].item()
        told = f"the environment gives {NAMES[bad[0]]} that are not finite ({which})"
        raise UsageError(f"{told}, and nothing can be learned from them. Mend it.")


def _is_bad(numbers: Tensor) -> bool:
    """Tell whether a number is not finite."""
    return torch.is_floating_point(numbers) and not bool(numbers.isfinite().all())
