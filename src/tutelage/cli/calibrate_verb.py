"""`tutelage calibrate RUN`: fit anew what makes a run's answers honest."""

import argparse

from tutelage.core.outlet import one_line, say, say_json, tell, warn
from tutelage.report.page import write_report
from tutelage.run.run import Run

__all__ = ["run"]

KEYS = ("method", "loss_before", "loss_after", "ece_before", "ece_after")
COVERAGE = 0.9
"""Of the sets or intervals that are named as the next step."""


def run(arguments: argparse.Namespace) -> int:
    """Calibrate, and tell what it changed on rows that were not fitted to."""
    opened = Run.open(arguments.run, tell=warn)
    record = opened.calibrate(arguments.data, method=arguments.method, target=arguments.target, on_bad_data=arguments.on_bad_data)
    told = {key: record.get(key) for key in (*KEYS, "rows", "source", "reason")}
    report = write_report(opened.path, tell=warn)
    warnings = [record["warning"]] if "warning" in record else []
    for text in warnings:
        warn(text)
    if arguments.json:
        say_json({"run": arguments.run, **told, "warnings": warnings, "report": str(report)})
        return 0
    if "reason" in record:
        say(one_line(str(record["reason"])))
    has_classes = bool(opened.classes)
    say(f"{'' if has_classes else 'intervals '}fitted to {one_line(str(record['source']))}")
    for name, title in (("loss", "log loss"), ("ece", "calibration error")):
        before, after = record.get(f"{name}_before"), record.get(f"{name}_after")
        if before is not None and after is not None:
            say(f"  {title:<20} {before:.4f} before   {after:.4f} after")
    around, needed = _sets_told(has_classes=has_classes)
    if record["rows"] < needed:
        say(f"{around} that hold the truth 9 times of 10 need {needed} held-out rows, and these are {record['rows']}")
    else:
        asked = f"tutelage predict {one_line(arguments.run)} INPUT --coverage {COVERAGE:g}"
        say(f"{around} that hold the truth 9 times of 10: {asked}")
    tell(f"report   {one_line(str(report))}")
    return 0


def _sets_told(*, has_classes: bool) -> tuple[str, int]:
    """Return what answers with a coverage are called, and how many held-out rows they need."""
    from tutelage.calibrate.intervals import ConformalIntervals
    from tutelage.calibrate.sets import ConformalSets

    made: type[ConformalSets] | type[ConformalIntervals] = ConformalSets if has_classes else ConformalIntervals
    return ("sets of classes" if has_classes else "intervals"), made.rows_needed(COVERAGE)
