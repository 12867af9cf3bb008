"""What is printed in columns or as CSV is in line, and reads back as it was."""

import csv
import io

import pytest

from tutelage.cli.evaluate_verb import _say_scores
from tutelage.cli.predict_verb import _as_csv


def test_scores_and_intervals_are_in_line_however_long_names_are(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = {"test/mae": 1234.5, "test/a_name_of_a_metric_that_is_long": 0.5, "test/coverage_80": float("nan")}
    intervals = {"test/mae": [1.0, 2.0], "test/a_name_of_a_metric_that_is_long": [0.25, 0.75]}
    _say_scores({"metrics": metrics, "intervals": intervals})
    lines = capsys.readouterr().out.splitlines()
    assert len({line.index(said) for line, said in zip(lines, ("1234.5", "0.5000", "not defined"), strict=True)}) == 1
    assert len({line.index("95 %") for line in lines[:2]}) == 1
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize("name", ["plain", "a,b", "two\nlines", "two\r\nlines", "ends\r", 'a "quote"'])
def test_csv_ends_its_lines_by_one_sign_and_keeps_cells_as_they_are(name: str) -> None:
    rows = [{"row": name, "prediction": "x"}, {"row": "2", "prediction": "y"}]
    text = _as_csv(rows)
    assert text.startswith("row,prediction\n")
    assert text.endswith("2,y\n")
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == rows
