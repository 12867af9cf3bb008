"""Numbers as the world has them: huge, tiny, forced, out of every range; learned from at scale, or refused with their place."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from tutelage.core.errors import DataError, RecipeError
from tutelage.data.part.array import ArrayPart
from tutelage.data.part.table import TablePart
from tutelage.data.prepare.array import Array
from tutelage.data.prepare.scaling import FIT_SCALE, restore_scale
from tutelage.data.prepare.table import Table
from tutelage.data.source.arrays import collect_arrays
from tutelage.data.source.arrow_types import plain_columns
from tutelage.data.source.class_names import natural_key
from tutelage.data.source.dates import ISO, read_dates
from tutelage.data.source.pixel_arrays import find_range
from tutelage.data.target.classes import fit_classes
from tutelage.data.target.meaning import are_amounts
from tutelage.data.target.numbers import fit_numbers

DRAWN = np.random.default_rng(0).normal(size=400)


def part_of(**columns: Any) -> TablePart:
    table = pa.table(columns)
    return TablePart("train", table, "t.csv", np.arange(2, len(table) + 2), "y", "f")


@pytest.mark.parametrize("kind", ["standard", "quantile"])
@pytest.mark.parametrize("unit", [2.0**1010, 2.0**-1060, 2.0**600, 2.0**-600])
def test_a_scale_is_the_same_in_every_unit(kind: str, unit: float) -> None:
    plain, odd = FIT_SCALE[kind](DRAWN, clip=5.0), FIT_SCALE[kind](DRAWN * unit, clip=5.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = restore_scale(odd.state()).apply(np.append(DRAWN, [3e2, -3e2, np.nan]) * unit)
    tolerance = 1e-3 if unit == 2.0**-1060 else 1e-6  # such small numbers have few digits
    assert np.allclose(found, plain.apply(np.append(DRAWN, [3e2, -3e2, np.nan])), atol=tolerance)
    assert found.std() > 0.5


@pytest.mark.parametrize("values", [DRAWN * 1e300, DRAWN * 1e-310, 1e16 + np.arange(9) * 2.0, np.append(DRAWN, 1e300)])
def test_a_target_that_cannot_be_measured_is_refused(values: np.ndarray) -> None:
    assert are_amounts(values.tolist())[0]
    with pytest.raises(DataError, match=r"line \d+.*(too large|too close|differ by)"):
        fit_numbers(values, reason="", locate="line {}".format)


def test_a_target_that_is_too_large_is_one_problem_of_all_its_rows() -> None:
    with pytest.raises(DataError) as error:
        fit_numbers(np.append(DRAWN, [1e300, 2e300]), reason="", locate="line {}".format)
    (problem,) = error.value.problems
    assert problem.items == (400, 401)
    assert str(problem).startswith("line 400: 2 labels are too large to learn from")


@pytest.mark.parametrize("unit", [1e90, 1e-90])
def test_a_target_in_an_odd_unit_is_learned_at_scale(unit: float) -> None:
    target = fit_numbers(DRAWN * unit, reason="")
    assert np.isclose(target.encode(DRAWN * unit).std(), 1, atol=1e-5)
    assert np.allclose(target.decode(target.encode(DRAWN * unit)), DRAWN * unit, rtol=1e-5)


def test_a_label_far_from_all_train_labels_is_named() -> None:
    target = fit_numbers(DRAWN, reason="")
    with pytest.raises(DataError, match=r"line 1: 1e\+40 is more than 1e\+15 standard deviations"):
        target.encode(np.array([1.0, 1e40]), locate="line {}".format)


@pytest.mark.parametrize("labels", [[2**70, 2**71, 2**72 + 1], [1e300, 2.5, 1e-320], [10**400, 1, 2], [np.inf, 1.0, 2.0]])
def test_what_labels_mean_is_told_of_any_number(labels: list[Any]) -> None:
    assert isinstance(are_amounts(labels)[0], bool)


@pytest.mark.parametrize(
    "names", [("10\u00b2", "10\u00b3"), ("\u2460", "\u2461"), ("\u0663", "\u0664"), ("9" * 5000, "8" * 5000)]
)
def test_names_of_digits_that_are_no_numbers_are_classes(names: tuple[str, str]) -> None:
    assert set(fit_classes(np.array([*names, *names], dtype=object), reason="").names) == set(names)
    assert len(sorted([f"a{name}" for name in names], key=natural_key)) == 2


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2020-01-01T00:00+99:99"])
def test_dates_that_leave_the_calendar_are_odd_cells(text: str) -> None:
    assert read_dates(pa.chunked_array([[text, "2020-01-01"]]), ISO).null_count == 1


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_moments_outside_of_the_years_that_can_be_shown_are_told_of(unit: str) -> None:
    column = pa.array([2**62, -(2**62), 0, None], pa.timestamp(unit))
    columns, notes = plain_columns(pa.table({"a": column}), file="x")
    assert columns["a"].null_count == 3
    assert "2 dates outside of the years 1 to 9999" in notes[0]
    columns["a"].to_pylist()


@pytest.mark.parametrize(
    ("role", "cells", "told"),
    [
        ("number", ["low", "high", "7", "8"] * 5, r"10 of 20 cells are no number.*'low', 'high' \(first in row 2\)"),
        ("number", [None] * 20, "no value in any row"),
        ("date", ["yesterday", "2020-01-01"] * 10, "10 of 20 cells are no date"),
        ("boolean", ["yes", "no", "perhaps", "so"] * 5, "10 of 20 cells are no boolean"),
    ],
)
def test_a_column_that_is_not_what_it_is_said_to_be_is_refused(role: Any, cells: list[str], told: str) -> None:
    part = part_of(a=pa.array(cells, pa.string()), b=list(range(20)), y=[0, 1] * 10)
    with pytest.raises(DataError, match=told):
        Table(columns={"a": role}).fit(part)


def test_a_few_words_in_a_column_of_numbers_are_named_and_counted() -> None:
    part = part_of(a=[str(number) for number in range(29)] + ["none?"], b=list(range(30)), y=[0, 1] * 15)
    reasons = [column.reason for column in Table(columns={"a": "number"}).fit(part).columns]
    assert reasons[0] == "as you said; counted as missing: 'none?' (1 cell)"


def test_the_target_takes_no_role() -> None:
    with pytest.raises(RecipeError, match="it is the target"):
        Table(columns={"y": "number"}).fit(part_of(b=list(range(30)), y=[0, 1] * 15))


@pytest.mark.parametrize("unit", [1e300, 1e-310, 1e-42])
@pytest.mark.parametrize("standardize", ["none", "feature"])
def test_arrays_that_no_float32_holds_are_refused(unit: float, standardize: Any) -> None:
    part = ArrayPart("train", DRAWN.reshape(100, 4) * unit, None, "")
    with pytest.raises(DataError, match="float32"):
        Array(standardize=standardize).fit(part)


def test_a_row_that_does_not_fit_the_type_is_named() -> None:
    fitted = Array().fit(ArrayPart("train", DRAWN.reshape(100, 4), None, ""))
    with pytest.raises(DataError, match=r"inputs row 1: holds 1e\+300"):
        fitted.apply(ArrayPart("test", np.array([[1.0] * 4, [1, 2, 3, 1e300]]), None, ""))
    whole = Array().fit(ArrayPart("train", np.arange(8, dtype=np.uint64).reshape(2, 4), None, ""))
    with pytest.raises(DataError, match="inputs row 0: holds 9223372036854775808"):
        whole.apply(ArrayPart("test", np.full((1, 4), 2**63, dtype=np.uint64), None, ""))


X, Y = DRAWN.reshape(100, 4), np.arange(100) % 2
REFUSED = {
    "complex": X.astype(complex), "objects": np.array([[1, "a"]] * 100, dtype=object), "0-d": np.array(3.0), "empty": X[:0],
    "no columns": X[:, :0], "structured": np.zeros(100, dtype=[("a", "f8")]),
    "moments": np.full((100, 2), np.datetime64("NaT", "s")),
    "sparse tensor": torch.tensor(X).to_sparse(), "meta tensor": torch.empty(100, 4, device="meta"), "ragged": [[1], [1, 2]] * 50,
    "no dict columns": {}, "two of one name": {1: X[:, 0], "1": X[:, 1]}, "no unicode": {"\udce9": X[:, 0]},
    "huge whole numbers": {"a": [2**70] * 100}, "a column of rows": {"a": X}, "one value": {"a": 5}, "a set": {1, 2},
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_data_is_refused_in_words(name: str) -> None:
    with pytest.raises(DataError):
        collect_arrays((REFUSED[name], Y))


@pytest.mark.parametrize(
    "labels", [["\udce9", "b"] * 50, [1j, 2] * 50, [10**400, 1] * 50, [{}, {1: 2}] * 50, "ab" * 50, np.array(1)]
)
def test_what_are_no_labels_is_refused_in_words(labels: Any) -> None:
    with pytest.raises(DataError):
        collect_arrays((X, labels))


@pytest.mark.parametrize("kind", ["longdouble", "float16", ">f8", ">i4", "bool", "masked", "read-only", "backwards"])
def test_arrays_of_any_making_are_read(kind: str) -> None:
    array: Any = X.copy()
    if kind == "masked":
        array = np.ma.masked_array(X, X > 1)
    elif kind == "backwards":
        array = X[::-1, ::-1]
    elif kind == "read-only":
        array.setflags(write=False)
    else:
        array = X.astype({"longdouble": "g"}.get(kind, kind))
    part = collect_arrays((array, Y)).train
    assert isinstance(part, TablePart)
    assert part.column("x0").null_count == (int((X[:, 0] > 1).sum()) if kind == "masked" else 0)


def test_whole_numbers_beyond_64_bits_are_labels_all_the_same() -> None:
    part = collect_arrays((X, [2**70, 2**71] * 50)).train
    assert isinstance(part, TablePart)
    assert fit_classes(part.labels, reason="").names == (2**70, 2**71)  # type: ignore[arg-type]


def test_values_too_small_for_any_grey_are_no_images() -> None:
    assert find_range(np.full((3, 8, 8), 1e-5)) is None
    assert find_range(np.zeros((3, 8, 8))) is not None


def test_a_huge_whole_number_in_a_table_ends_in_words(tmp_path: Path) -> None:
    from tutelage.cli.main import main

    rows = "".join(f"{i % 7 * 1.5},{2**70 + i * 2**60}\n" for i in range(60))
    (tmp_path / "t.csv").write_text(f"a,y\n{rows}")
    assert main(["plan", str(tmp_path / "t.csv"), "--quiet"]) == 0


@pytest.mark.parametrize("far", [1e300, -1.79e308, 1e12])
def test_a_number_that_flattens_its_column_is_told_with_column_and_row(far: float) -> None:
    values = np.random.default_rng(0).normal(size=200)
    zeros = np.where(np.arange(200) % 20, 0.0, values)
    table = pa.table({"even": values, "odd": np.where(np.arange(200) == 7, far, values), "rare": zeros})
    part = TablePart("train", table, "sheet.csv", np.arange(2, 202), "", "")
    (told,) = Table().fit(part).warnings(part)
    assert told.startswith("sheet.csv, column odd: most numbers lie between -1.")
    assert f"row 9 has {far:g}" in told
    assert "--set columns.odd=dropped" in told
    assert Table(scale="quantile").fit(part).warnings(part) == []
