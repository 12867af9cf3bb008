"""A command that is done ends at once: nothing is looked for in memory that the system takes back anyway."""

import subprocess
import sys

COMMAND = (
    # What is registered first runs last.
    "import atexit, gc; atexit.register(lambda: print('frozen', gc.get_freeze_count() > 1000)); "
    "from tutelage.cli.main import main; main(['list', 'optim'])"
)


def test_no_cycles_are_looked_for_when_a_command_is_done() -> None:
    done = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "frozen True"
