"""Memory: large tables and arrays are not held again and again; measured in processes of their own.

Peaks of a training on much data are compared with those of one on next to none, so that what Python, torch and the model take
does not count.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

COMMAND = """
import resource, sys
from tutelage.cli.main import main
assert main(sys.argv[1:]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
ARRAYS = """
import resource, sys
import numpy as np, torch, tutelage
x = np.ones((int(sys.argv[1]), 100), dtype=np.float32)
x[:, 0] = np.arange(len(x)) % 2
tutelage.train((x, x[:, 0] > 0), model=torch.nn.Linear(100, 2), steps=2, quiet=True, out=sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system counts."""


def peak_of(program: str, *words: str) -> int:
    """Return the largest memory of a process, in bytes."""
    done = subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) * UNIT


def write_table(path: Path, num_rows: int) -> int:
    """Write a table of 12 mixed columns and return its size in bytes."""
    random = np.random.default_rng(0)
    days = np.datetime64("2015-01-01") + random.integers(0, 3000, num_rows)
    numbers = {f"n{place}": np.round(random.normal(size=num_rows), 6) for place in range(6)}
    words = {name: np.char.add("city ", random.integers(0, 300, num_rows).astype(str)) for name in ("a", "b", "c")}
    gaps = pa.array(random.integers(0, 10**9, num_rows), mask=random.random(num_rows) < 0.05)
    table = pa.table(
        {**numbers, **words, "day": days.astype(str), "gaps": gaps, "y": numbers["n0"] + random.normal(size=num_rows)}
    )
    pyarrow.csv.write_csv(table, path)
    return path.stat().st_size


@pytest.mark.slow
def test_a_table_takes_less_than_three_times_its_size(tmp_path: Path) -> None:
    sizes = {name: write_table(tmp_path / f"{name}.csv", count) for name, count in (("small", 1000), ("large", 250_000))}
    settings = ("--target", "y", "--steps", "2", "--set", "model=linear", "--quiet")
    peaks = {
        name: peak_of(COMMAND, "train", f"{tmp_path}/{name}.csv", *settings, "--out", f"{tmp_path}/{name}") for name in sizes
    }
    assert sizes["large"] > 25e6
    # Beside that Arrow's read-ahead and what allocators keep, which do not grow with the file.
    assert peaks["large"] - peaks["small"] < 3 * sizes["large"] + 100e6


@pytest.mark.slow
def test_an_array_is_held_once(tmp_path: Path) -> None:
    peaks = [peak_of(ARRAYS, str(count), str(tmp_path / str(count))) for count in (1000, 250_000)]
    assert peaks[1] - peaks[0] < 2 * 250_000 * 400  # the user's own array is one of the two
