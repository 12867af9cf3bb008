"""How much memory a training on a large table takes: `python -m bench.table_memory [MEGABYTES [WORDS OF THE COMMAND]]`.

Makes a CSV file of 12 mixed columns (numbers, categories, one date, missing cells) in a temporary folder, trains on it for 50
steps with the real command, and looks at the process 50 times a second. Goal: a file of 2 GB within three times its size.
"""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from bench.measure import machine
from bench.memory import watch

__all__ = ["make_table", "run"]

MEGABYTES, STEPS = 200, 50
ROWS_AT_A_TIME = 100_000
GOAL_RATIO = 3.0


def make_rows(random: np.random.Generator, count: int) -> pa.Table:
    """Return rows of 12 columns, the target `y` last."""
    amount = np.round(random.lognormal(3, 1, count), 2)
    age = random.integers(18, 90, count)
    days = np.datetime64("2015-01-01") + random.integers(0, 3000, count)
    jobs = np.array(["clerk", "driver", "nurse", "cook", "teacher", "smith"])[random.integers(0, 6, count)]
    return pa.table(
        {
            "number": random.integers(0, 10**9, count),
            "age": age,
            "amount": pa.array(amount, mask=random.random(count) < 0.05),
            "rate": np.round(random.normal(size=count), 4),
            "score": np.round(random.random(count), 6),
            "city": np.char.add("city ", random.integers(0, 300, count).astype(str)),
            "job": pa.array(jobs, mask=random.random(count) < 0.1),
            "member": np.array(["yes", "no"])[random.integers(0, 2, count)],
            "day": days.astype(str),
            "latitude": np.round(random.uniform(-90, 90, count), 5),
            "code": np.char.add("A", random.integers(0, 50, count).astype(str)),
            "y": np.round(amount * 0.3 + age + random.normal(size=count), 3),
        }
    )


def make_table(path: Path, megabytes: float) -> int:
    """Write a table of about this size, and return its size in bytes."""
    random = np.random.default_rng(0)
    rows = make_rows(random, ROWS_AT_A_TIME)
    with pyarrow.csv.CSVWriter(path, rows.schema) as writer:
        while path.stat().st_size < megabytes * 1e6:
            writer.write_table(rows)
            rows = make_rows(random, ROWS_AT_A_TIME)
    return path.stat().st_size


def run(megabytes: float = MEGABYTES, words: Sequence[str] = ()) -> dict[str, Any]:
    """Return the figures of one training."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        size_bytes = make_table(path, megabytes)
        command = [sys.executable, "-m", "tutelage", "train", str(path), "--target", "y", "--steps", str(STEPS)]
        figures = watch([*command, "--quiet", "--out", f"{folder}/run", *words], environ=dict(os.environ))
    ratio = figures["peak_all_mb"] / (size_bytes / 1e6)
    return {"file_mb": round(size_bytes / 1e6), **figures, "ratio": round(ratio, 2), "goal_ratio_at_2_gb": GOAL_RATIO}


if __name__ == "__main__":
    size = float(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES
    print(json.dumps({"benchmark": "table_memory", "machine": machine(), "result": run(size, sys.argv[2:])}, indent=1))
