"""`tutelage ensemble RUN RUN ... --out FOLDER`: several runs' models as one, the mean of their answers."""

import argparse
from typing import Any

from tutelage.core.outlet import one_line, say, say_json, tell, warn
from tutelage.report.page import write_report
from tutelage.run.ensemble import make_ensemble
from tutelage.track.score import say_decimals

__all__ = ["run"]

LOSS = "/loss"
"""End of the names of what is the smaller, the better, and says how honest probabilities are."""


def run(arguments: argparse.Namespace) -> int:
    """Make the folder, and tell how good the mean is beside each of its members."""
    made = make_ensemble(arguments.runs, arguments.out, weigh=arguments.weights)
    result = made.result
    told = result["ensemble"]
    report = write_report(made.path, tell=warn)
    warnings = _worse(told["members"], result["metrics"])
    for text in warnings:
        warn(text)
    if arguments.json:
        kept = {key: result[key] for key in ("metrics", "intervals", "num_parameters")}
        say_json({"run": str(made.path), **told, **kept, "warnings": warnings, "report": str(report)})
        return 0
    say(f"{one_line(str(made.path))}: the mean of {len(told['members'])} runs, weights {told['weights']}")
    _say_members(told, result["metrics"])
    if not result["metrics"] or told["measured"].startswith("the runs"):
        tell(f"Note: {one_line(told['measured'])}")
    tell(f"report   {one_line(str(report))}")
    return 0


def _worse(members: list[dict[str, Any]], metrics: dict[str, float]) -> list[str]:
    """Warn where the mean has a larger loss than one of those that it is made of."""
    found = []
    for name, whole in metrics.items():
        if not name.endswith(LOSS):
            continue
        best = min(members, key=lambda member: member["metrics"][name])
        alone = best["metrics"][name]
        if alone < whole:
            found.append(
                f"{name} of the mean is {say_decimals(whole)}, of {one_line(best['run'])} alone {say_decimals(alone)}: leave out "
                "members that are much worse, or let held-out rows weigh them (--weights validation)."
            )
    return found


def _say_members(told: dict[str, Any], metrics: dict[str, float]) -> None:
    """Write scores and costs of each member, and of the mean, a line each."""
    sizes = list(told["latency_ms"])
    names = [*metrics, "bytes", *(f"ms for {size}, {name}" for size in sizes for name in ("p50", "p95"))]
    wide = max(len(one_line(member["run"])) for member in told["members"])
    say("  ".join([" " * (wide + 8), *(f"{name:>{max(14, len(name))}}" for name in names)]))
    whole = {**told, "run": "ensemble", "weight": 1.0, "metrics": metrics}
    for member in [*told["members"], whole]:
        times = member.get("latency_ms", {})
        cells = [
            *(say_decimals(member["metrics"][name]) for name in metrics),
            f"{member['size_bytes']:,}",
            *(f"{times[size][name]:.3f}" if times else "" for size in sizes for name in ("p50", "p95")),
        ]
        aligned = (f"{cell:>{max(14, len(name))}}" for cell, name in zip(cells, names, strict=True))
        say("  ".join([f"{one_line(member['run']):<{wide}}  {member['weight']:>6.2f}", *aligned]).rstrip())
