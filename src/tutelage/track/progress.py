"""The text of the live progress bar: as many facts as the width allows, the least needed dropped first."""

from dataclasses import dataclass

from tutelage.core.amount import say_seconds
from tutelage.core.events import Logged

__all__ = ["Standing", "progress_line", "progress_text", "say_metric"]

LONGEST_BAR = 24
SHORTEST_BAR = 8
"""Characters of the bar itself; facts give way before it gets shorter than this."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the bar shows.

    Attributes:
        logged: The latest progress.
        best: The best validation score so far, such as `best accuracy 0.912`, or "".
    """

    logged: Logged
    best: str


def progress_line(standing: Standing, *, width: int, plain: bool) -> str:
    """Return one line of at most `width` characters: share done, a bar, and the facts that fit.

    Args:
        standing: What to show.
        width: Characters available.
        plain: Use ASCII only.
    """
    logged = standing.logged
    share = min(logged.step / logged.total_steps, 1.0) if logged.total_steps else 0.0
    head = f"{share:4.0%} "
    shown = _facts(standing)
    while shown and len(head) + SHORTEST_BAR + len(_joined(shown)) > width:
        shown.remove(max(shown, key=lambda fact: fact[1]))
    tail = _joined(shown)
    cells = max(min(LONGEST_BAR, width - len(head) - len(tail)), 0)
    return (head + _bar(share, cells=cells, plain=plain) + tail)[:width]


def progress_text(standing: Standing) -> str:
    """Return all facts on one line, without the bar."""
    return _joined(_facts(standing)).strip()


def say_metric(value: float) -> str:
    """Write a metric with four significant digits, such as `0.9312`, `68,420`, `1.2e-05`."""
    if value != value or abs(value) == float("inf"):
        return "not finite"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value and abs(value) < 0.001:
        return f"{value:.2e}"
    return f"{value:#.4g}".removesuffix(".")


def _facts(standing: Standing) -> list[tuple[str, int]]:
    """Return each fact with its rank; the highest rank gives way first."""
    logged = standing.logged
    facts = [
        (f"step {logged.step:,}/{logged.total_steps:,}", 1),
        (f"epoch {logged.epoch:.1f}" if logged.epoch else "", 5),
        (f"loss {say_metric(logged.metrics['train/loss'])}" if "train/loss" in logged.metrics else "", 2),
        (f"lr {logged.metrics['lr']:.1e}" if "lr" in logged.metrics else "", 6),
        (standing.best, 3),
        (f"{logged.steps_per_second:.3g} steps/s" if logged.steps_per_second else "", 4),
        (f"{say_seconds(logged.remaining_seconds)} left" if logged.remaining_seconds else "", 0),
    ]
    return [fact for fact in facts if fact[0]]


def _joined(facts: list[tuple[str, int]]) -> str:
    return "".join(f"  {text}" for text, _ in facts)


def _bar(share: float, *, cells: int, plain: bool) -> str:
    done = round(share * cells)
    if plain:
        return "#" * done + "-" * (cells - done)
    return "\u2501" * done + "\u2500" * (cells - done)
