"""Where addresses are few, what libraries need to compute is taken at once, or refused in words: they end the process else."""

import subprocess
import sys

import pytest

from tutelage.hardware.held_memory import BUFFER_BYTES, hold_memory, needed_bytes

LIMITED = """
import resource, sys
import pyarrow.csv
import torch
from scipy.linalg import blas
from tutelage.core.errors import OutOfMemoryError
from tutelage.hardware.held_memory import hold_memory
torch.set_num_threads(1)
def limit(mebibytes):
    held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_STACK, (2**23, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_AS, (held + mebibytes * 2**20, resource.RLIM_INFINITY))
limit(20)
try:
    hold_memory()
except OutOfMemoryError as error:
    print(error)
limit(150)
print(hold_memory(), hold_memory())
limit(4)
square = torch.eye(200, dtype=torch.float64).numpy()
table = pyarrow.csv.open_csv(pyarrow.BufferReader(b"a" + b"\\n1" * 1000)).read_all()
print((square @ square).sum(), blas.dgemm(1.0, square, square).sum(), table.num_rows)
"""
UNLOADED = LIMITED.replace("from scipy.linalg import blas\n", "").partition("limit(150)")[0].replace("limit(20)", "limit(90)")
"""SciPy is not there yet, and loads for ever with so little left."""


def test_without_a_limit_nothing_is_taken() -> None:
    assert hold_memory() is False


def test_each_further_thread_of_torch_needs_a_stack() -> None:
    assert needed_bytes(1) > 2 * BUFFER_BYTES
    assert needed_bytes(3) - needed_bytes(2) == needed_bytes(2) - needed_bytes(1) > 0


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits on addresses, and glibc's heaps")
def test_under_a_limit_products_are_refused_in_words_or_computed_with_what_was_taken() -> None:
    # A new interpreter: in this one products may have been computed before.
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    refusal, held, sums = done.stdout.splitlines()
    assert refusal.startswith("out of memory while making room for products of matrices: 96 MiB are needed at once, and ")
    assert "ulimit -v" in refusal
    assert held.split() == ["True", "True"]
    assert sums.split() == ["200.0", "200.0", "1000"]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits on addresses")
def test_under_a_limit_a_library_is_not_loaded_that_would_not_come_back() -> None:
    done = subprocess.run([sys.executable, "-c", UNLOADED], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "196 MiB are needed at once" in done.stdout
