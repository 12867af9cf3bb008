"""What early stopping saves and costs: each task once to the end of its budget, and once with the patience that is the default.

    python -m bench.stopping [NAME ...] [--wishes JSON]

Without names the first ten of `bench.classifiers` that are here; TUTELAGE_DATA=FOLDER adds the tables and images below a folder
of public data sets. `--wishes '{"stopping": {"cooldown": 0.1}}'` tries other settings than the defaults.
Goals: over 10 tasks at most 65 % of the full compute, for at most 0.3 points of accuracy on average.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tutelage
from bench.classifiers import CLASSIFIERS, Classifier, here

__all__ = ["run"]

NUM_TASKS = 10
LONGER = 4
"""Times the usual epochs: a budget that is generous, as people give where they do not know what is needed."""


def run(names: Sequence[str] = (), wishes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Train each task twice, and return compute and accuracy of both.

    Args:
        names: Of tasks; none = the first ten that are here.
        wishes: What the training that stops early differs by from the defaults.
    """
    found = [(each, source) for each in CLASSIFIERS if (source := here(each)) and (not names or each.name in names)]
    rows = [_measure(each, source, wishes or {}) for each, source in (found if names else found[:NUM_TASKS])]
    return {
        "tasks": rows,
        "compute": sum(row["steps"] / row["full_steps"] for row in rows) / len(rows),
        "points_lost": 100 * sum(row["full_accuracy"] - row["accuracy"] for row in rows) / len(rows),
    }


def _measure(each: Classifier, source: str, tried: Mapping[str, Any]) -> dict[str, Any]:
    """Train one task with and without early stopping."""
    wishes = {**each.wishes, "epochs": LONGER * each.wishes["epochs"]}
    full = _train(source, {**wishes, "stopping": {"patience": 1}})
    early = _train(source, {**wishes, **tried})
    row = {
        "name": each.name,
        "steps": early["last_step"],
        "full_steps": full["last_step"],
        "accuracy": early["metrics"]["test/accuracy"],
        "full_accuracy": full["metrics"]["test/accuracy"],
        "stopped": early["stopped"],
    }
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def _train(source: str, wishes: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a training in a folder that is removed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return tutelage.train(source, out=Path(folder) / "run", quiet=True, **wishes).result
        except tutelage.TutelageError as error:
            raise SystemExit(f"{source}: {error}") from error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--wishes", default="{}", help="settings of the training that stops early, as JSON")
    asked = parser.parse_args()
    print(json.dumps(run(asked.names, json.loads(asked.wishes)), indent=1))
