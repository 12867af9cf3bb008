"""What repeats a run exactly: its command, with a time budget turned into steps, and the corrections of such a budget."""

import shlex
from typing import Any

from tutelage.planning.plan import Plan
from tutelage.training.control import Control

__all__ = ["RepeatCorrections", "repeat_command"]


def repeat_command(command: str, plan: Plan, control: Control) -> str:
    """Return the command that repeats a run exactly, in a new folder; a time budget becomes steps and corrections."""
    if not command.startswith("tutelage train"):
        return command
    words = [word for word in shlex.split(command) if word not in ("--quiet", "--json")]
    words = _without(words, "--out")
    if plan.time_seconds:
        # A budget that came from a recipe or --set gives way to --steps as well.
        words = [*_without(words, "--time"), "--steps", str(control.initial_steps)]
        if plan.patience < 1:
            # Of a number of steps, auto would make other things.
            words += ["--set", f"stopping.patience={plan.patience:g}", "--set", f"stopping.cooldown={plan.cooldown:g}"]
        if control.corrections:
            pairs = ",".join(f"[{step},{total}]" for step, total in control.corrections)
            words += ["--set", f"budget.corrections=[{pairs}]"]
    return shlex.join(words)


class RepeatCorrections:
    """Repeats a time budget's corrections at the same steps."""

    def __init__(self, corrections: tuple[tuple[int, int], ...], *, step: int) -> None:
        """Wait for the first correction after `step`."""
        self._left = [pair for pair in corrections if pair[0] > step]
        self.next_step = self._next()

    def run(self, state: Any) -> None:
        """Apply the one that is due."""
        step, total = self._left.pop(0)
        state.control = state.control.corrected(step, total)
        self.next_step = self._next()

    def _next(self) -> int:
        return self._left[0][0] if self._left else 2**62


def _without(words: list[str], option: str) -> list[str]:
    """Leave out an option and its value, in both spellings: `--out DIR` and `--out=DIR`."""
    kept = [word for word in words if not word.startswith(f"{option}=")]
    if option in kept:
        at = kept.index(option)
        kept[at : at + 2] = []
    return kept
