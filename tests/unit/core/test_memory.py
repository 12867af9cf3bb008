"""How much memory there is: whatever limits it most, the machine, its container or the process's own limit."""

import resource
from pathlib import Path

import pytest

from tutelage.core import memory
from tutelage.core.memory import memory_bytes


@pytest.mark.parametrize("said", ["3000\n", "max\n", ""])
@pytest.mark.parametrize("soft", [2000, 4000, resource.RLIM_INFINITY])
def test_the_tightest_limit_counts(said: str, soft: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text(said)
    monkeypatch.setattr(memory, "CONTAINER_LIMITS", (str(tmp_path / "memory.max"), str(tmp_path / "none")))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    limits = ([3000] if said == "3000\n" else []) + ([] if soft == resource.RLIM_INFINITY else [soft])
    assert memory_bytes() == min(limits) if limits else memory_bytes() > 4000
