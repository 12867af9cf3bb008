"""What the small verbs print: lines that can be searched, and columns that line up."""

import argparse
import io
import os
from pathlib import Path

import pytest

from tutelage.cli import list_verb, runs_verb
from tutelage.cli.main import main
from tutelage.core import catalog, layout
from tutelage.core.manifest import Manifest


def test_a_list_that_goes_to_a_file_has_one_line_for_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    list_verb.run(argparse.Namespace(part="metric", json=False))
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(catalog.names("metric"))


def test_a_list_on_a_terminal_is_wrapped_to_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            return 1

    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((60, 24)))
    list_verb.run(argparse.Namespace(part="metric", json=False))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert "  brier               Brier score: squared distance between" in lines


def test_the_end_of_a_training_is_told_in_lines_whatever_the_folder_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "sklearn:iris", "--steps", "1", "--quiet", "--set", "model.members=1", "--out", "two\nlines"]
    assert main(words) == 0
    told = capsys.readouterr().err
    assert "report   two\\nlines/report.html\n" in told
    assert "predict  tutelage predict two\\nlines INPUT...\n" in told


def test_runs_line_up_with_the_score_that_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = {"test/loss": 0.25, "test/r2": 0.875}
    for name, result in (
        ("first", {"task": "regress", "metrics": metrics, "headline": "test/r2", "seconds": 41.0, "stopped": "budget"}),
        ("sec\x1bond", {"task": "classify", "metrics": metrics, "seconds": 200.0, "stopped": "patience"}),
    ):
        (tmp_path / name).mkdir()
        Manifest(tmp_path / name).put_json(layout.RESULT, {**result, "intervals": {}})
        Manifest(tmp_path / name).put_json(layout.PLAN, {})
    runs_verb.run(argparse.Namespace(folder=str(tmp_path), json=False))
    lines = {line.split()[0].rpartition("/")[2]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert lines["first"] == ["regress", "test/r2", "0.8750", "41", "s", "budget"]
    assert lines["sec\\x1bond"] == ["classify", "test/loss", "0.2500", "3", "min", "20", "s", "patience"]


def test_runs_follow_no_link_out_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "elsewhere.json").write_text('{"format": "result-2", "task": "secret"}')
    (tmp_path / "runs" / "one").mkdir(parents=True)
    Manifest(tmp_path / "runs" / "one").put_json(layout.PLAN, {})
    (tmp_path / "runs" / "one" / layout.RESULT).symlink_to(tmp_path / "elsewhere.json")
    runs_verb.run(argparse.Namespace(folder=str(tmp_path / "runs"), json=False))
    told = capsys.readouterr()
    assert "damaged" in told.out
    assert "secret" not in told.out
    assert "is a symbolic link" in told.err
