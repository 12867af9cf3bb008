"""A training that begins beside others tells it, unless one thread is all that it has."""

from pathlib import Path

import pytest

import tutelage
from tutelage.run import start


@pytest.mark.parametrize(("threads", "is_told"), [("auto", True), (1, False)])
def test_others_are_told_of(threads: str | int, is_told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "crowded", lambda device, *, num_threads: "others compute here")
    tutelage.train("sklearn:iris", model="linear", steps=2, quiet=True, out=tmp_path / "run", threads=threads)
    assert ("others compute here" in (tmp_path / "run" / "events.jsonl").read_text(encoding="utf-8")) == is_told
