"""Whether a processor is lent by a hypervisor, as its flags say."""

from pathlib import Path

import pytest

from tutelage.hardware import virtual


@pytest.mark.parametrize(("flags", "expected"), [("fpu hypervisor sse", True), ("fpu sse", False), (None, False)])
def test_the_flags_say_it(flags: str | None, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cpuinfo"
    if flags is not None:
        file.write_text(f"model name\t: Some processor\nflags\t\t: {flags}\nbugs\t: hypervisor\n")
    monkeypatch.setattr(virtual, "CPU_FILE", str(file))
    assert virtual.is_virtual() is expected
