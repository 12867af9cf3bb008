"""`tutelage train SOURCE --seeds 5`: the same training with several seeds, told as one."""

import argparse
import copy
from collections.abc import Mapping
from pathlib import Path

from tutelage.cli.next_verb import tell_next
from tutelage.cli.wishes import make_request
from tutelage.core.errors import UsageError
from tutelage.core.outlet import say, say_json, tell, warn
from tutelage.report.diverged import reporting_divergence
from tutelage.report.page import write_report
from tutelage.run.run import Run
from tutelage.run.several import combined
from tutelage.run.start import start_training
from tutelage.track.score import say_decimals

__all__ = ["train_several"]

MOST_SEEDS = 1000
PAUSED = {"interrupted": 130, "terminated": 143}
"""128 + the signal's number, as shells expect."""


def train_several(arguments: argparse.Namespace) -> int:
    """Train one run for each seed, from the one that is asked for on, and tell the interquartile mean of all."""
    first, count = _number("seed", arguments.seed or "0", least=0), _number("seeds", arguments.seeds, least=1)
    folders: list[str] = []
    scores: list[dict[str, float]] = []
    for seed in range(first, first + count):
        one = copy.copy(arguments)
        one.seed, one.out = str(seed), str(Path(arguments.out) / f"seed-{seed}") if arguments.out else ""
        if one.out:
            Path(arguments.out).mkdir(parents=True, exist_ok=True)
        with reporting_divergence():
            folder = start_training(make_request(one, is_quiet=arguments.quiet or arguments.json))
        done = Run.open(folder, tell=warn)
        write_report(folder, tell=warn, patience_seconds=done.decided.save_patience_seconds)
        if str(done.result.get("stopped")) in PAUSED:
            tell(f"paused   go on with: tutelage resume {folder}")
            return PAUSED[str(done.result["stopped"])]
        folders.append(str(folder))
        scores.append({**done.metrics, **done.result.get("figures", {})})
    means, intervals = combined(scores, seed=first)
    if arguments.json:
        metrics = {**means, **_own_ends(intervals)}
        say_json({"runs": folders, "metrics": metrics, "intervals": intervals, "of_each_run": scores})
        return 0
    say(f"interquartile mean of {count} runs, 95 % interval")
    for name, value in means.items():
        low, high = intervals[name]
        say(f"  {name:<28} {say_decimals(value):>12}   {say_decimals(low)} to {say_decimals(high)}")
    tell_next(Run.open(folders[0], tell=warn))
    return 0


def _own_ends(intervals: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return the ends of intervals over runs as numbers of their own, without those of ends."""
    own = {name: both for name, both in intervals.items() if not name.endswith(("_low", "_high"))}
    return {f"{name}_low": low for name, (low, _) in own.items()} | {f"{name}_high": high for name, (_, high) in own.items()}


def _number(key: str, text: str, *, least: int) -> int:
    """Read a whole number."""
    if not text.isdecimal() or not least <= int(text) <= (MOST_SEEDS if key == "seeds" else 2**62):
        raise UsageError(f"--{key} {text!r}: expected a whole number >= {least}. Typical: 5 seeds.")
    return int(text)
