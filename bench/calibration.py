"""Whether calibration by default ever hurts: log loss and calibration error of our own classifiers on test rows.

`TUTELAGE_DATA=FOLDER python -m bench calibration` adds the tables and images below a folder of public data sets.
Goals: over at least 12 classifiers the log loss is never worse by more than its standard error.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import tutelage
from bench.classifiers import CLASSIFIERS, Classifier, here

__all__ = ["run"]


def run() -> dict[str, Any]:
    """Train each, and return what calibration did to it."""
    rows = [_measure(each, source) for each in CLASSIFIERS if (source := here(each))]
    worse = [row["name"] for row in rows if row["loss_gain"] < -row["loss_gain_error"]]
    return {"classifiers": rows, "num_classifiers": len(rows), "worse_by_more_than_a_standard_error": worse}


def _measure(each: Classifier, source: str) -> dict[str, Any]:
    """Train one classifier in a folder that is removed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            trained = tutelage.train(source, out=Path(folder) / "run", quiet=True, **each.wishes)
        except tutelage.TutelageError as error:
            raise SystemExit(f"{each.name}: {error}") from error
        result = trained.result
    found, chosen = result["reliability"], result["calibration"]
    before, after = (found[when]["measures"] for when in ("before", "after"))
    row = {
        "name": each.name,
        "method": chosen["method"],
        "rows": chosen["rows"],
        "test_rows": found["rows"],
        "accuracy": result["metrics"]["test/accuracy"],
        "loss_before": before["loss"],
        "loss_after": after["loss"],
        "loss_gain": found["loss_gain"],
        "loss_gain_error": found["loss_gain_error"],
        "ece_before": before["ece"],
        "ece_after": after["ece"],
        "smooth_ece_before": before["smooth_ece"],
        "smooth_ece_after": after["smooth_ece"],
    }
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row
