"""`tutelage evaluate RUN [SOURCE]`: measure a run's model."""

import argparse

from tutelage.core.errors import RunError
from tutelage.core.outlet import one_line, say, say_json, tell, warn
from tutelage.run.run import Run

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Measure on SOURCE, or tell the final scores on the run's own test part."""
    opened = Run.open(arguments.run, tell=warn)
    if arguments.source:
        scores = opened.scores(arguments.source, target=arguments.target, on_bad_data=arguments.on_bad_data)
    elif opened.result:
        scores = {key: opened.result[key] for key in ("metrics", "intervals")}
    else:
        raise RunError(f"{arguments.run}: its test part was not opened yet. Finish the run: tutelage resume {arguments.run}.")
    record = {"run": str(opened.path), "source": arguments.source or "the run's own parts", **scores}
    if arguments.json:
        say_json(record)
        return 0
    for note in scores.get("notes", ()):
        tell(f"Note: {one_line(note)}")
    for warning in scores.get("warnings", ()):
        warn(warning)
    say(one_line(str(record["source"])))
    for name, value in scores["metrics"].items():
        low, high = scores["intervals"].get(name) or (None, None)
        between = (
            f"   95 % interval {low:.4f} to {high:.4f}"
            if isinstance(low, float) and isinstance(high, float) and low == low
            else ""
        )
        say(f"  {one_line(name):<20} {'not defined' if value is None or value != value else f'{value:.4f}'}{between}")
    return 0
