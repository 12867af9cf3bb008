"""`tutelage quantize RUN`: a run's model in int8, measured, and refused where it answers worse than allowed."""

import argparse

from tutelage.cli.lost import say_lost
from tutelage.core.outlet import one_line, say, say_json, tell, warn
from tutelage.report.page import write_report
from tutelage.run.quantize import make_int8

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Make the folder, and tell what was lost and what was gained."""
    made = make_int8(arguments.run, arguments.out, method=arguments.method, most_loss=arguments.most_loss, tell=tell)
    told = made.result["int8"]
    report = write_report(made.path, tell=warn)
    if arguments.json:
        say_json({"run": str(made.path), **told, "metrics": made.metrics, "report": str(report)})
        return 0
    lost = say_lost(told)
    say(f"{one_line(str(made.path))}: int8 ({told['method']}), {lost}, {told['agreement']:.2%} of the answers agree")
    if told["warning"]:
        warn(told["warning"])
    sizes = told["size_bytes"]
    say(f"size            {sizes['float32']:>12,} bytes -> {sizes['int8']:,}")
    for size, own in told["latency_ms"]["int8"].items():
        others = {"torch": told["latency_ms"]["float32"][size], "ONNX Runtime": told["latency_ms"]["float32_onnx"][size]}
        say(f"batch of {size:<6} {own['p50']:>9.3f} ms (p95 {own['p95']:.3f})")
        for name, other in others.items():
            say(f"  float32, {name:<12} {other['p50']:>9.3f} ms (p95 {other['p95']:.3f}): {other['p50'] / own['p50']:.1f}x")
    tell(f"report   {one_line(str(report))}")
    return 0
