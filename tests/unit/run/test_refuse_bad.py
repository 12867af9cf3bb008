"""Bad data are refused with all that is wrong; where bad items are left out, with what cannot be."""

import pytest

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.source.missing import say_missing
from tutelage.run.collect import refuse_bad

ITEM, WHOLE = DataProblem("1.jpg", "cut off", "Mend it.", item=1), DataProblem("bird", "no picture", "Take it away.")


def test_what_may_be_left_out_is_not_told_where_it_is() -> None:
    refuse_bad([ITEM], "skip")
    with pytest.raises(DataError) as found:
        refuse_bad([ITEM, WHOLE], "skip")
    assert found.value.problems == (WHOLE,)
    assert "on-bad-data" not in str(found.value)


def test_all_is_told_where_nothing_is_left_out() -> None:
    with pytest.raises(DataError) as found:
        refuse_bad([ITEM, WHOLE], "fail")
    assert found.value.problems == (ITEM, WHOLE)


def test_a_device_is_no_file_that_is_missing() -> None:
    assert say_missing("/dev/null") == "/dev/null: neither a file nor a folder, but a device or a pipe. Give a file or a folder."


@pytest.mark.parametrize("name", ["x" * 5_000, "a\0b"])
def test_what_cannot_be_a_name_is_missing(name: str) -> None:
    assert say_missing(name).endswith(": no such file or folder.")
