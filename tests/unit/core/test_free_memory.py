"""How much memory is left follows the limits that are set from outside."""

import json
import subprocess
import sys

from tutelage.core.free_memory import free_memory_bytes

ASK = "import json, resource; from tutelage.core.free_memory import free_memory_bytes; "
LIMIT = "resource.setrlimit(resource.RLIMIT_AS, (2**30, resource.RLIM_INFINITY)); "


def test_there_is_some_memory_and_less_than_the_machine_has() -> None:
    assert 0 < free_memory_bytes() < 2**50


def test_a_limit_on_addresses_leaves_what_is_not_taken_yet() -> None:
    told = f"{ASK}{LIMIT}print(json.dumps(free_memory_bytes()))"
    left = json.loads(subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout)
    assert 0 < left < 2**30
