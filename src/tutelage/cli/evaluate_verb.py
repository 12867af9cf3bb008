"""`tutelage evaluate RUN [SOURCE]`: measure a run's model."""

import argparse
from pathlib import Path
from typing import Any

from tutelage.core.errors import RunError, UsageError
from tutelage.core.outlet import one_line, say, say_json, tell, warn
from tutelage.run.run import Run
from tutelage.run.survey import PREDICTORS, damaged_weights
from tutelage.track.score import say_decimals

__all__ = ["run"]

STORED = "the run's own parts, as measured at the end of training"
DEFAULT_EPISODES = 100
HONESTY = "test/ece"
"""The metric that --json also tells as `ece`."""
NAME_WIDTH = 20
"""Characters of a metric's name, at least."""


def run(arguments: argparse.Namespace) -> int:
    """Measure on SOURCE, or tell the final scores on the run's own test part."""
    opened = Run.open(arguments.run, tell=warn)
    if arguments.episodes is not None or arguments.seed is not None:
        scores = _played(opened, arguments)
    elif arguments.source:
        scores = opened.scores(arguments.source, target=arguments.target, on_bad_data=arguments.on_bad_data)
    elif opened.result:
        scores = {key: opened.result[key] for key in ("metrics", "intervals")}
        scores["warnings"] = [*opened.result.get("warnings", ()), *_lost(opened.path)]
        scores["figures"] = opened.result.get("figures", {})
    else:
        raise RunError(f"{arguments.run}: its test part was not opened yet. Finish the run: tutelage resume {arguments.run}.")
    figures = scores.pop("figures", {})
    record = {"run": str(opened.path), "source": arguments.source or STORED, **scores}
    record["metrics"] = {**scores["metrics"], **figures}
    if HONESTY in record["metrics"]:
        record["ece"] = record["metrics"][HONESTY]
    if arguments.json:
        say_json(record)
        return 0
    for note in scores.get("notes", ()):
        tell(f"Note: {one_line(note)}")
    for warning in scores.get("warnings", ()):
        warn(warning)
    say(one_line(str(record["source"])))
    _say_scores(scores)
    return 0


def _played(opened: Run, arguments: argparse.Namespace) -> dict[str, Any]:
    """Play new episodes."""
    from tutelage.run.play import measure_episodes

    if arguments.source:
        raise UsageError(f"{arguments.source}: --episodes are played in the run's own environment. Leave SOURCE out.")
    episodes = DEFAULT_EPISODES if arguments.episodes is None else arguments.episodes
    scores = measure_episodes(opened, episodes, seed=arguments.seed)
    return {**scores, "source": f"{episodes:,} new episodes, with the best actions"}


def _say_scores(scores: dict[str, Any]) -> None:
    """Write a line for each metric, in columns."""
    names = {name: one_line(name) for name in scores["metrics"]}
    values = {name: _said(value) for name, value in scores["metrics"].items()}
    wide, long = max([NAME_WIDTH, *map(len, names.values())]), max([0, *map(len, values.values())])
    for name, value in values.items():
        low, high = scores["intervals"].get(name) or (None, None)
        between = (
            f"   95 % interval {say_decimals(low)} to {say_decimals(high)}"
            if isinstance(low, float) and isinstance(high, float) and low == low
            else ""
        )
        say(f"  {names[name]:<{wide}} {value:<{long}}{between}".rstrip())


def _said(value: float | None) -> str:
    """Write a score."""
    return "not defined" if value is None or value != value else say_decimals(value)


def _lost(folder: Path) -> list[str]:
    """Return a warning where the model that was measured cannot be read any more."""
    damaged = damaged_weights(folder, only=PREDICTORS[0])
    return [f"{text} The numbers are those stored at the end of training." for text in damaged]
