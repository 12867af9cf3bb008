"""`tutelage ensemble RUN RUN ... --out FOLDER`: several runs' models as one, the mean of their answers."""

import argparse

from tutelage.core.outlet import one_line, say, say_json, tell
from tutelage.run.ensemble import make_ensemble
from tutelage.track.score import say_decimals

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Make the folder, and tell how good the mean is beside each of its members."""
    made = make_ensemble(arguments.runs, arguments.out, weigh=arguments.weights)
    result = made.result
    told = result["ensemble"]
    if arguments.json:
        kept = {key: result[key] for key in ("metrics", "intervals", "num_parameters")}
        say_json({"run": str(made.path), **told, **kept})
        return 0
    say(f"{one_line(str(made.path))}: the mean of {len(told['members'])} runs, weights {told['weights']}")
    names = list(result["metrics"])
    if not names:
        tell(f"Note: {one_line(told['measured'])}")
        return 0
    wide = max(len(one_line(member["run"])) for member in told["members"])
    say("  ".join([" " * (wide + 8), *(f"{name:>14}" for name in names)]))
    for member in [*told["members"], {"run": "ensemble", "weight": 1.0, "metrics": result["metrics"]}]:
        scores = (f"{say_decimals(member['metrics'][name]):>14}" for name in names)
        say("  ".join([f"{one_line(member['run']):<{wide}}  {member['weight']:>6.2f}", *scores]))
    if told["measured"].startswith("the runs"):
        tell(f"Note: {one_line(told['measured'])}")
    return 0
