"""Tables stay readable at any width."""

import io

import pytest
from rich.table import Table

from tutelage.track.score import Scores
from tutelage.track.table import decision_table, score_table
from tutelage.track.terminal import open_terminal


def drawn(table: Table, *, width: int = 110) -> list[str]:
    stream = io.StringIO()
    open_terminal(stream, environment={}).print(table, width=width)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 110, 120, 200])
def test_decisions_line_up_and_fit_the_width(width: int) -> None:
    rows = [("model", "cnn (stem 16, widths [48, 96, 128], depth 2)", "few pictures " * 12), ("stopping.patience", "0.5", "safe")]
    lines = drawn(decision_table(rows, width=width), width=width)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("  model              cnn (stem 16")
    assert lines[-1].startswith("  stopping.patience  0.5")
    assert lines[0].index("few pictures") == lines[-1].index("safe") >= 30


def test_a_narrow_terminal_shows_reasons_below() -> None:
    rows = [("optim", "adamw, lr 0.001", "a safe default for networks of this size")]
    assert drawn(decision_table(rows, width=40), width=40) == [
        "  optim: adamw, lr 0.001",
        "      a safe default for networks of",
        "      this size",
    ]


def test_scores_are_a_line_for_each_metric_and_a_column_for_each_part() -> None:
    scores = {"val/coverage": 0.5, "val/error": 12.5, "test/coverage": 0.25, "own": 1.0}
    assert drawn(score_table(scores, Scores(forms={"coverage": "percent"}))) == [
        "            validation     test",
        "  coverage     50.00 %  25.00 %      -",
        "  error          12.50        -      -",
        "  own                -        -  1.000",
    ]
