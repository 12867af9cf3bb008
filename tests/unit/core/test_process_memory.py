"""What a process holds grows with what it takes, and its peak stays when that is given back."""

import mmap
import sys

import pytest

from tutelage.core.process_memory import peak_bytes, resident_bytes

MIB = 2**20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says so")
def test_the_peak_of_a_process_stays() -> None:
    before = resident_bytes()
    # Pages of its own: what was given back to the heap before is resident anyway.
    taken = mmap.mmap(-1, 64 * MIB)
    taken.write(b"x" * (64 * MIB))
    during = resident_bytes()
    assert len(taken) == 64 * MIB
    taken.close()
    assert before is not None
    assert during is not None
    assert during - before > 60 * MIB
    peak = peak_bytes()
    assert peak is not None
    assert peak >= during
