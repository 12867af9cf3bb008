"""Runs and tables whose names are no Unicode, and workbooks: every verb takes them, also where training was paused."""

import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tutelage.cli.main import main
from tutelage.run import training
from tutelage.training.state import TrainState

ODD = os.fsdecode(b"caf\xe9")
SMALL = ["--target", "answer", "--steps", "6", "--set", "model.members=1", "--set", "model.hidden=[4]", "--quiet"]
ROWS = [("size", "answer"), *((str(place % 7), ("yes", "no")[place % 2]) for place in range(60))]


class Pauses(training.SaveJob):
    """Asks the process to end in the middle."""

    def run(self, state: TrainState) -> None:
        super().run(state)
        if state.clock.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)


def csv_file(path: Path) -> Path:
    path.write_text("\n".join([*map(",".join, ROWS), ""]), encoding="utf-8")
    return path


def workbook(path: Path) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.save(path)
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that has such a name itself."""
    if sys.platform == "darwin":
        pytest.skip("its file systems take Unicode only")
    folder = tmp_path / ODD
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


needs_excel = pytest.mark.skipif(importlib.util.find_spec("openpyxl") is None, reason="needs the extra excel")
SOURCES = [(csv_file, f"{ODD}.csv"), pytest.param(workbook, f"{ODD}.xlsx", marks=needs_excel)]


@pytest.mark.parametrize(("make", "name"), SOURCES, ids=["csv", "xlsx"])
def test_every_verb_takes_an_odd_name(make: Callable[[Path], Path], name: str, place: Path) -> None:
    source = make(place / name).name
    assert main(["train", source, *SMALL, "--out", ODD]) == 0
    for words in (["resume"], ["report"], ["verify"], ["evaluate"], ["evaluate", source], ["predict", source]):
        assert main([words[0], ODD, *words[1:]]) == 0, words
    assert main(["predict", ODD, source, "--out", f"{ODD}.answers.csv"]) == 0
    assert len((place / f"{ODD}.answers.csv").read_text(encoding="utf-8").splitlines()) == len(ROWS)


@pytest.mark.parametrize(("make", "name"), SOURCES, ids=["csv", "xlsx"])
def test_a_paused_run_of_an_odd_name_goes_on(
    make: Callable[[Path], Path], name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(place / name).name
    with monkeypatch.context() as patch:
        patch.setattr(training, "SaveJob", Pauses)
        assert main(["train", source, *SMALL, "--out", ODD]) == 128 + signal.SIGTERM
    for words in (["report"], ["verify"], ["predict", source], ["resume"], ["verify"], ["report"]):
        assert main([words[0], ODD, *words[1:]]) == 0, words
    assert (place / ODD / "result.json").is_file()
