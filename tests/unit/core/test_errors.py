"""Errors say what to do in the words of the command line and of Python, and with the right article."""

import pytest

from tutelage.core import catalog
from tutelage.core.amount import parse_seconds
from tutelage.core.errors import DataError, DataProblem, RecipeError, UsageError, say_problems
from tutelage.core.shape.latent import LatentShape


def test_how_to_leave_bad_items_out_is_told_for_both_ways_of_asking() -> None:
    told = str(DataError([DataProblem("row 1", "empty", "Fill it.", item=0)]))
    assert "--on-bad-data skip" in told
    assert 'on_bad_data="skip"' in told
    alone = DataProblem("file", "empty", "Fill it.")
    assert "on_bad_data" not in str(DataError([alone]))
    assert "has to be mended first" not in told
    assert "has to be mended first" in str(DataError([DataProblem("row 1", "empty", "Fill it.", item=0), alone]))


def test_many_problems_of_one_cause_are_one_line_and_few_or_different_ones_a_line_each() -> None:
    where = "x.csv row {}, column age"
    odd = [DataProblem(where.format(row), f"'{row}x' is no number", "Mend it.", row, cause="age") for row in range(90)]
    other = DataProblem("x.csv row 7, column size", "'?' is no number", "Mend it.", 7, cause="size")
    told = str(DataError([*odd, other])).splitlines()
    assert told[:3] == [
        "91 problems found in the data, before anything was done with it:",
        "  x.csv row 0, column age: '0x' is no number, and 89 more alike (x.csv row 1, x.csv row 2, x.csv row 3, ...). Mend it.",
        "  x.csv row 7, column size: '?' is no number. Mend it.",
    ]
    assert [str(problem) for problem in odd[:3]] == say_problems(odd[:3])
    alone = [DataProblem(f"{number}.jpg", "cut off", "Mend it.", number) for number in range(9)]
    assert say_problems(alone) == [str(problem) for problem in alone]


def test_a_column_after_time_is_told_where_columns_of_times_are_named() -> None:
    with pytest.raises(UsageError, match=r"--time-column \(in Python time_column\)"):
        parse_seconds("t")
    with pytest.raises(UsageError) as told:
        parse_seconds("3 weeks")
    assert "time-column" not in str(told.value)


@pytest.mark.parametrize("kind", catalog.names("model"))
def test_what_an_architecture_takes_is_said_in_words(kind: str) -> None:
    model = catalog.load("model", kind)()
    try:
        model.require(LatentShape())
    except RecipeError as error:
        told = str(error)
        assert f"model = '{kind}' takes " in told
        assert not any(f" a {noun}" in told for noun in ("tokens", "texts", "series,", "columns"))
