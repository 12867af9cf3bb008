"""Errors say what to do in the words of the command line and of Python, and with the right article."""

import pytest

from tutelage.core import catalog
from tutelage.core.amount import parse_seconds
from tutelage.core.errors import DataError, DataProblem, RecipeError, UsageError
from tutelage.core.shape.latent import LatentShape


def test_how_to_leave_bad_items_out_is_told_for_both_ways_of_asking() -> None:
    told = str(DataError([DataProblem("row 1", "empty", "Fill it.", item=0)]))
    assert "--on-bad-data skip" in told
    assert 'on_bad_data="skip"' in told
    assert "on_bad_data" not in str(DataError([DataProblem("file", "empty", "Fill it.")]))


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
