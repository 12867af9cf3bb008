"""A sample of each kind of attack that has no test of its own elsewhere; all of them: `python -m tests.attack`."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.attack.__main__ import attacks
from tests.fork_server import start

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "divergence": "tests/attack/test_divergence.py",
    "memory": "tests/attack/test_memory.py",
    "power_loss": "tests/e2e/test_power_loss.py",
    "tables": "tests/unit/data/test_table_attack.py",
}
"""Kinds whose sample is a test in this file; whatever forks is not among them: torch's threads do not survive it."""
KINDS = sorted(set(attacks()) - set(ELSEWHERE))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are copies")
@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_ends_well(kind: str) -> None:
    # Beside pytest's own folders, which a user who is nobody may not enter.
    place = os.environ.get("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "TMPDIR": place}
    attack = start("-m", "tests.attack", kind, "--sample", folder=ROOT, environment=environment)
    told, errors = attack.communicate(timeout=280)
    assert attack.returncode == 0, told + errors
    assert f"{kind}: " in told, told
    assert f"{kind}: 0 cases" not in told


def test_each_kind_has_a_sample() -> None:
    assert set(ELSEWHERE) <= set(attacks())
    assert all((ROOT / path).is_file() for path in ELSEWHERE.values())
