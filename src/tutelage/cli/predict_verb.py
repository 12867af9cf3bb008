"""`tutelage predict RUN INPUT...`: answer for new data."""

import argparse
import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

from tutelage.cli.warn import warn
from tutelage.cli.wishes import print_json
from tutelage.core.durable import write_durably
from tutelage.core.errors import UsageError
from tutelage.run.run import Run

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Write one line per row: its name, the prediction, and the probability of each class."""
    if arguments.out and Path(arguments.out).suffix not in (".csv", ".json"):
        raise UsageError(f"--out {arguments.out}: expected a name that ends in .csv or .json.")
    prediction = Run.open(arguments.run, tell=warn).prediction(arguments.inputs, on_bad_data=arguments.on_bad_data)
    records = prediction.records()
    for note in prediction.notes:
        sys.stderr.write(f"Note: {note}\n")
    for problem in prediction.problems:
        sys.stderr.write(f"left out: {problem}\n")
    if arguments.out:
        text = json.dumps(records, indent=1) + "\n" if arguments.out.endswith(".json") else _as_csv(records)
        write_durably(Path(arguments.out), text.encode())
        sys.stderr.write(f"{len(records):,} predictions in {arguments.out}\n")
    if arguments.json:
        left_out = [problem.record() for problem in prediction.problems]
        print_json({"run": arguments.run, "num_rows": len(records), "predictions": records, "left_out": left_out})
    elif not arguments.out:
        sys.stdout.write(_as_csv(records))
    return 0


def _as_csv(records: list[dict[str, Any]]) -> str:
    """Return records as CSV text."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(records[0]) if records else ["row", "prediction"])
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue()
