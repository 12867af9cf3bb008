"""The live progress bar and its text: as many facts as the width allows, the least needed dropped first."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table

from tutelage.core import catalog
from tutelage.core.amount import say_seconds
from tutelage.core.events import Logged
from tutelage.track.score import say_number
from tutelage.track.table import GAP
from tutelage.track.terminal import plain

__all__ = ["LEAST_EPOCH", "Progress"]

LONGEST_BAR = 24
SHORTEST_BAR = 8
"""Characters of the bar itself; facts give way before it gets shorter than this."""
LEAST_EPOCH = 0.05
"""Below this an epoch would be told as 0.0, and where data never end it is always 0."""
ECHO = "^C "
"""What a terminal itself writes behind the bar: it must not begin a line that is never removed."""
PERCENT = 4
"""Characters of the share done, such as `100%`."""

Fact = tuple[str, tuple[int, int]]
"""What is said, and its rank: the highest gives way first."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the bar shows; printed to a console it is the bar.

    Attributes:
        logged: The latest progress.
        best: The best validation score so far, such as `best accuracy 91.20 %`, or "".
    """

    logged: Logged
    best: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw one line: share done, a bar, and the facts that fit."""
        logged, width = self.logged, options.max_width - len(ECHO)
        facts = self.say(width - PERCENT - SHORTEST_BAR - 2 * len(GAP))
        cells = max(min(LONGEST_BAR, width - PERCENT - cell_len(facts) - 2 * len(GAP)), 1)
        share = f"{min(logged.step / logged.total_steps, 1.0):4.0%}" if logged.total_steps else "    "
        bar = ProgressBar(
            total=logged.total_steps or None,
            completed=logged.step,
            width=cells,
            style="dim",
            complete_style="green",
            finished_style="green",
        )
        line = Table.grid(padding=(0, len(GAP), 0, 0))
        line.add_row(share, bar, plain(facts))
        yield line

    def say(self, width: int) -> str:
        """Return the facts that fit into `width` characters, on one line."""
        shown = self._facts()
        while shown and cell_len(_joined(shown)) > width:
            shown.remove(max(shown, key=lambda fact: fact[1]))
        return _joined(shown)

    def _facts(self) -> list[Fact]:
        """Return all facts in the order in which they are said."""
        logged = self.logged
        steps = f"step {logged.step:,}/{logged.total_steps:,}" if logged.total_steps else f"step {logged.step:,}"
        facts = [
            (steps, (1, 0)),
            (f"epoch {logged.epoch:.1f}" if logged.epoch >= LEAST_EPOCH else "", (6, 0)),
            *_measured(logged.metrics),
            (_rates(logged.metrics), (8, 0)),
            (self.best, (3, 0)),
            (_speed(logged.steps_per_second), (5, 0)),
            (f"{say_seconds(logged.remaining_seconds)} left" if logged.remaining_seconds else "", (0, 0)),
        ]
        return [fact for fact in facts if fact[0]]


def _measured(metrics: Mapping[str, float]) -> list[Fact]:
    """Return what was measured in training: losses, then metrics in their own right, then what else there is."""
    names = [name for name in metrics if not _is_rate(name)]
    losses = [name for name in names if _last(name) == "loss"]
    known = [name for name in names if name not in losses and _last(name) in catalog.names("metric")]
    others = [name for name in names if name not in losses and name not in known]
    facts = [(f"{_short(name)} {say_number(metrics[name])}", (4, place)) for place, name in enumerate([*losses, *known])]
    if losses:
        facts[0] = (facts[0][0], (2, 0))
    return facts + [(f"{_short(name)} {say_number(metrics[name])}", (7, place)) for place, name in enumerate(others)]


def _rates(metrics: Mapping[str, float]) -> str:
    """Say the learning rate, of each phase where they differ."""
    rates = {name: f"{value:.1e}" for name, value in metrics.items() if _is_rate(name)}
    if len(set(rates.values())) == 1:
        return f"lr {next(iter(rates.values()))}"
    return GAP.join(f"{_short(name)} {rate}" for name, rate in rates.items())


def _speed(steps_per_second: float) -> str:
    """Say steps per second, or seconds per step where that is the larger number."""
    if not steps_per_second:
        return ""
    return f"{steps_per_second:.3g} steps/s" if steps_per_second >= 1 else f"{1 / steps_per_second:.3g} s/step"


def _is_rate(name: str) -> bool:
    return _last(name) == "lr"


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _short(name: str) -> str:
    """Return a name without its part of the data: `critic loss` for `train/critic/loss`."""
    return name.removeprefix("train/").replace("/", " ").replace("_", " ")


def _joined(facts: list[Fact]) -> str:
    return GAP.join(text for text, _ in facts)
