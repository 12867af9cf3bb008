"""Parts of tables: selected and packed without a trace, and equal rows have equal hashes."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from tutelage.data.part.packed import pack, type_of, unpack
from tutelage.data.part.row_digest import LONG_TEXT
from tutelage.data.part.table import TablePart


def part_of(target: str = "y", **columns: object) -> TablePart:
    """Return a train part."""
    table = pa.table(columns)
    return TablePart("train", table, "t.csv", np.arange(2, len(table) + 2), target, "f")


def hashes(part: TablePart) -> list[int]:
    """Return the hash of each row."""
    digests = part.row_digests()
    assert digests is not None
    return digests.tolist()  # type: ignore[no-any-return]


def mixed(count: int) -> dict[str, pa.Array]:
    """Return columns of all types, with missing cells."""
    random = np.random.default_rng(0)
    missing = random.random(count) < 0.1
    return {
        "number": pa.array(random.normal(size=count), mask=missing),
        "word": pa.array(np.array(["x", "yé", "", "z z"])[random.integers(0, 4, count)], mask=missing),
        "day": pa.array((np.datetime64("2020-01-01", "us") + random.integers(0, 50, count) * 86_400_000_000), mask=missing),
        "flag": pa.array(random.random(count) < 0.5, mask=missing),
        "whole": pa.array(random.integers(0, 5, count), mask=missing),
        "y": pa.array(np.array(["a", "b"])[random.integers(0, 2, count)]),
    }


def test_selections_of_selections_are_rows_of_the_whole_table() -> None:
    whole = part_of(**mixed(50))
    first = whole.select(np.arange(1, 50, 2))
    second = first.select(np.array([3, 0, 7]))
    assert second.table.equals(whole.table.take(pa.array([7, 1, 15])))
    assert second.lines.tolist() == [9, 3, 17]
    assert second.locate(2) == "t.csv row 17"
    assert second.show(0) == whole.show(7)
    assert second.labels is not None
    assert second.labels.tolist() == whole.table.column("y").take(pa.array([7, 1, 15])).to_pylist()
    assert len({whole.fingerprint, first.fingerprint, second.fingerprint}) == 3
    assert len(first.renamed("validation")) == 25


def test_labels_are_made_once_and_equal_ones_are_one_object() -> None:
    part = part_of(y=["".join(["a", "b"]), None, "ab"], n=[1, 2, 3])
    labels = part.labels
    assert labels is part.labels
    assert labels is not None
    assert labels.tolist() == ["ab", None, "ab"]
    assert labels[0] is labels[2]
    assert part_of(y=[1.5, 2.0]).labels.dtype == np.float64  # type: ignore[union-attr]
    assert part_of(y=[1, None]).labels.tolist() == [1, None]  # type: ignore[union-attr]
    assert part_of(target="", y=[1]).labels is None


def test_packing_changes_nothing_but_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = mixed(2000)
    whole = part_of(**columns)
    monkeypatch.setattr("tutelage.data.part.packed.MIN_ROWS", 1)
    packed = {name: pack(pa.chunked_array([column[:700], column[700:]])) for name, column in columns.items()}
    assert [name for name, column in packed.items() if pa.types.is_dictionary(column.type)] == [
        "number",
        "word",
        "day",
        "whole",
        "y",
    ]
    assert all(unpack(column).equals(whole.column(name)) for name, column in packed.items())
    assert all(type_of(column.type) == whole.types[name] for name, column in packed.items())
    assert sum(column.nbytes for column in packed.values()) < 0.7 * whole.table.nbytes
    part = part_of(**packed)
    rows = np.array([5, 1, 900])
    assert part.table.equals(whole.table)
    assert part.types == whole.types
    assert part.select(rows).table.equals(whole.select(rows).table)
    assert part.show(3) == whole.show(3)
    assert part.labels.tolist() == whole.labels.tolist()  # type: ignore[union-attr]
    assert hashes(part) == hashes(whole)


def test_equal_rows_have_equal_hashes_and_others_have_not() -> None:
    part = part_of(**mixed(3000))
    digests = hashes(part)
    cells = part.table.drop_columns("y").to_pylist()
    assert len(digests) == 3000
    assert len(set(digests)) == len({tuple(row.values()) for row in cells})
    assert hashes(part.select(np.array([7, 3]))) == [digests[7], digests[3]]


def test_hashes_go_by_value_whatever_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    part = part_of(n=[3, 0, None], w=["ab", "c", None], d=pa.array([datetime(2020, 1, 1)] * 2 + [None], pa.timestamp("us")))
    columns = {
        "d": pa.array([datetime(2020, 1, 1)] * 2 + [None], pa.timestamp("ms")),
        "w": pa.array(["ab", "c", None], pa.large_string()).dictionary_encode(),
        "n": pa.array([3.0, -0.0, None], pa.float32()),
        "empty": pa.array([None] * 3, pa.float64()),
        "y": pa.array([1, 2, 3]),
    }
    assert hashes(part_of(**columns)) == hashes(part)
    monkeypatch.setattr("tutelage.data.part.row_digest.PIECE_BYTES", 2)
    monkeypatch.setattr("tutelage.data.part.row_digest.PIECE_ROWS", 1)
    assert hashes(part_of(**columns)) == hashes(part)


def test_the_place_of_a_value_counts() -> None:
    pairs = part_of(a=["x", "y", "xy", "", "x\0"], b=["y", "x", "", "xy", ""])
    numbers = part_of(a=[1.0, 2.0, 0.5, None], b=[2.0, 1.0, None, 0.5])
    assert len(set(hashes(pairs))) == 5
    assert len(set(hashes(numbers))) == 4


def test_texts_of_any_length_are_hashed_by_what_they_say_and_wherever_they_stand() -> None:
    lengths = [0, 1, 50, *range(LONG_TEXT - 2, LONG_TEXT + 3), 1000]
    texts = [letter * length + "!" for letter in "ab\u00e9" for length in lengths]
    mixed, alone = hashes(part_of(a=texts)), [hashes(part_of(a=[text]))[0] for text in texts]
    assert mixed == alone == hashes(part_of(a=texts[::-1]))[::-1]
    assert len(set(mixed)) == len(set(texts))
