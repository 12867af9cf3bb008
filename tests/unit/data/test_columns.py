"""Roles of table columns: what each is taken for, and why, in words."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tutelage.core.errors import RecipeError
from tutelage.data.part.table import TablePart
from tutelage.data.prepare.columns import infer_columns, is_text


def part_of(target: str = "", **columns: Any) -> TablePart:
    table = pa.table(columns)
    return TablePart("train", table, "t.csv", np.arange(2, len(table) + 2), target, "f")


def say(part: TablePart, **overrides: str) -> dict[str, str]:
    return {column.name: f"{column.role}: {column.reason}" for column in infer_columns(part, overrides)}


def test_each_kind_of_column_gets_its_role_and_a_reason() -> None:
    rows = range(40)
    part = part_of(
        "y",
        age=[i % 7 for i in rows],
        height=[1.5 + i / 100 for i in rows],
        city=["Rome", "Oslo"] * 20,
        smoker=[True, False] * 20,
        flag=[0, 1] * 20,
        born=pa.array([f"1990-01-{i % 28 + 1:02d}" for i in rows], pa.string()).cast(pa.date32()),
        y=[i % 2 for i in rows],
    )
    assert say(part) == {
        "age": "number: whole numbers, 7 distinct",
        "height": "number: 40 distinct",
        "city": "category: 2 distinct words",
        "smoker": "boolean: yes or no",
        "flag": "boolean: 0 or 1",
        "born": "date: 28 distinct",
        "y": "target: what is to be predicted",
    }


def test_ids_constants_and_empty_columns_are_dropped_with_a_reason() -> None:
    shuffled = np.random.default_rng(0).permutation(60)
    part = part_of(
        PassengerId=shuffled + 1,
        running=np.arange(60) * 2 + 7,
        order_id=[f"A{i}" for i in range(60)],
        same=["x"] * 60,
        empty=pa.nulls(60),
        measured=shuffled,
    )
    assert say(part) == {
        "PassengerId": "dropped: an id, all 60 values differ",
        "running": "dropped: an id, all 60 values differ",
        "order_id": "dropped: an id, 60 of 60 values differ",
        "same": "dropped: the same value everywhere: 'x'",
        "empty": "dropped: no value in any row",
        "measured": "number: whole numbers, 60 distinct",
    }


def test_a_running_number_is_recognized_in_shuffled_rows_too() -> None:
    part = part_of(n=np.arange(50) + 1).select(np.random.default_rng(1).permutation(50)[:30])
    assert say(part)["n"].startswith("dropped: an id")


@pytest.mark.parametrize(
    ("name", "is_id"),
    [
        ("id", True),
        ("user_id", True),
        ("customerID", True),
        ("Unnamed: 0", True),
        ("paid", False),
        ("humid", False),
        ("Ideal", False),
    ],
)
def test_only_names_that_say_id_count_as_ids(name: str, is_id: bool) -> None:
    values = np.random.default_rng(2).permutation(100)
    assert say(part_of("", **{name: values}))[name].startswith("dropped" if is_id else "number")


def test_one_value_or_none_tells_something_and_is_kept() -> None:
    assert say(part_of(pool=["yes", None] * 10))["pool"] == "category: one value or none: 'yes', 50 % missing"


def test_numbers_with_a_few_words_among_them_stay_numbers() -> None:
    part = part_of(charge=[f"{i}.5" for i in range(39)] + ["unknown"])
    assert say(part)["charge"] == "number: 40 distinct; counted as missing: 'unknown' (1 cell)"


def test_short_texts_count_by_word_and_long_ones_are_dropped() -> None:
    part = part_of(
        name=[f"Mr. Number{i}" for i in range(50)],
        review=[f"{i} " + "quite a long story " * 10 for i in range(50)],
        cabin=["C1", None] * 25,
    )
    said = say(part)
    assert said["name"] == "category: 50 of 50 texts differ, so single words in them count"
    assert said["review"].startswith("dropped: free text, 19")
    assert said["cabin"].startswith("category: one value or none")
    assert is_text(part.table.column("name"))
    assert not is_text(part.table.column("cabin"))


def test_overrides_win_and_wrong_ones_are_all_named() -> None:
    part = part_of(year=[1, 2, 3], city=["a", "b", "a"])
    assert say(part, year="category")["year"] == "category: as you said"
    with pytest.raises(RecipeError) as error:
        infer_columns(part, {"citi": "category", "year": "numbr"})
    assert "columns.citi: no such column; did you mean 'city'?" in str(error.value)
    assert "columns.year = 'numbr': unknown role; did you mean 'number'?" in str(error.value)


def test_dictionary_encoded_words_read_like_plain_ones() -> None:
    words = pa.array(["a", "b", "a"])
    assert say(part_of(x=words.dictionary_encode())) == say(part_of(x=words))


def test_cells_of_other_types_are_dropped_not_fatal() -> None:
    part = part_of(
        pairs=pa.array([[1, 2], [3], []]),
        at=pa.array([1, 2, 3], pa.time64("us")),
        raw=pa.array([b"a", b"b", b"c"]),
        x=[1.5, 2.5, 4.0],
    )
    said = say(part)
    assert [said[name].split(":")[0] for name in said] == ["dropped", "dropped", "dropped", "number"]
    assert "cannot be used yet" in said["pairs"]
