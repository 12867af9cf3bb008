"""`tutelage prune RUN`: a run's model without a share of its channels, trained on, measured, refused where it answers worse."""

import argparse

from tutelage.cli.lost import say_lost
from tutelage.core.outlet import one_line, say, say_json, tell, warn
from tutelage.report.page import write_report
from tutelage.run.prune import make_narrower

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Make the folder, and tell what was lost and what was gained."""
    made = make_narrower(
        arguments.run, arguments.out, share=arguments.share, epochs=arguments.epochs, most_loss=arguments.most_loss
    )
    told = made.result["pruned"]
    report = write_report(made.path, tell=warn)
    if arguments.json:
        say_json({"run": str(made.path), **told, "metrics": made.metrics, "report": str(report)})
        return 0
    lost = say_lost(told)
    say(f"{one_line(str(made.path))}: trained on for {told['steps']:,} steps, {lost}")
    for key, unit in (("num_parameters", "parameters"), ("size_bytes", "bytes")):
        say(f"{unit:<12} {told[key]['before']:>12,} -> {told[key]['after']:,}")
    for size, before in told["latency_ms"]["before"].items():
        after = told["latency_ms"]["after"][size]
        faster = before["p50"] / after["p50"]
        say(f"batch of {size:<3} {before['p50']:>12.3f} ms -> {after['p50']:.3f} ms (p95 {after['p95']:.3f}): {faster:.1f}x")
    tell(f"report   {one_line(str(report))}")
    return 0
