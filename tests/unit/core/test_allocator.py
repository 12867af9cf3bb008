"""Under a limit on addresses, threads share one heap and freed memory goes back; without one nothing changes."""

import subprocess
import sys

import pytest

LIMITED = """
import resource, sys, threading
from tutelage.core.allocator import spare_addresses
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
assert spare_addresses()
import ctypes
malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
malloc.restype, malloc.argtypes, free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
before = held()
gate = threading.Barrier(5)
def work():
    free(malloc(1000))
    gate.wait()
    gate.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
gate.wait()
print((held() - before) // 2**20)
gate.wait()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's")
def test_threads_under_a_limit_reserve_no_heaps_of_their_own() -> None:
    command = [sys.executable, "-c", LIMITED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    # Four stacks of at most 8 MiB each; four heaps would be 64 MiB each and more.
    assert int(done.stdout) < 4 * 16


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's")
def test_without_a_limit_nothing_is_changed() -> None:
    code = "from tutelage.core.allocator import is_scarce, spare_addresses; print(is_scarce(), spare_addresses())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]
