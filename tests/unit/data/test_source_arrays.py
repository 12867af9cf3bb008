"""Data from Python becomes images, a table or plain arrays, and what is wrong with it is told."""

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from tutelage.core.errors import DataError, TutelageError, UsageError
from tutelage.data.part.array import ArrayPart
from tutelage.data.part.image import ImagePart
from tutelage.data.part.series import SeriesPart
from tutelage.data.part.table import TablePart
from tutelage.data.source.arrays import collect_arrays
from tutelage.data.source.base import Collected
from tutelage.data.source.pixel_arrays import find_range, to_pixels, with_channels_last
from tutelage.data.source.python_values import to_columns

LABELS = np.array([0, 1, 2, 0, 1, 2])


def told(found: Collected) -> list[tuple[str, int]]:
    """Return where each problem is, and its item."""
    return [(problem.where, problem.item) for problem in found.problems]


def image_pixels(inputs: Any, labels: Any = LABELS) -> np.ndarray:
    """Return the pixels that arrays become."""
    part = collect_arrays((inputs, labels)).train
    assert isinstance(part, ImagePart)
    assert part.pixels is not None
    return part.pixels


def refusal(*data: Any, **settings: Any) -> str:
    """Return what is said of data of which nothing can be made."""
    with pytest.raises(TutelageError) as caught:
        collect_arrays(*data, **settings)
    return str(caught.value)


def test_whole_number_images_stay_as_they_are() -> None:
    pixels = np.arange(6 * 5 * 4, dtype=np.uint8).reshape(6, 5, 4)
    assert np.array_equal(image_pixels(pixels)[..., 0], pixels)
    assert np.array_equal(image_pixels(pixels.astype(np.int64))[..., 0], pixels)
    assert np.array_equal(image_pixels(pixels > 60)[..., 0], (pixels > 60) * 255)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (0, 255)])
def test_float_images_are_brought_to_0_to_255_from_any_usual_range(low: float, high: float) -> None:
    shares = np.linspace(0, 1, 6 * 5 * 4).reshape(6, 5, 4)
    expected = np.rint(shares * 255)
    assert np.array_equal(image_pixels((low + shares * (high - low)).astype(np.float32))[..., 0], expected)


def test_channels_may_come_first_or_last() -> None:
    last = np.random.default_rng(0).integers(0, 256, (6, 8, 9, 3), dtype=np.uint8)
    assert np.array_equal(image_pixels(last), last)
    assert np.array_equal(image_pixels(torch.from_numpy(last).permute(0, 3, 1, 2)), last)
    for shape, expected in {(2, 1, 8, 8): (2, 8, 8, 1), (2, 8, 8, 1): (2, 8, 8, 1), (2, 3, 32, 3): None}.items():
        view = with_channels_last(np.zeros(shape))
        assert (None if view is None else view.shape) == expected


def test_pixels_are_scaled_alike_in_chunks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((7, 8, 8, 1))
    known = find_range(values)
    assert known is not None
    whole = to_pixels(values, known)
    monkeypatch.setattr("tutelage.data.source.pixel_arrays.CHUNK_BYTES", 1)
    assert np.array_equal(to_pixels(values, known), whole)


def test_test_images_are_scaled_like_train_images() -> None:
    random = np.random.default_rng(0)
    train, dark = random.uniform(0, 255, (6, 5, 5)), random.uniform(0, 1, (6, 5, 5))
    found = collect_arrays((train, LABELS), test=(dark, LABELS))
    assert isinstance(found.test, ImagePart)
    assert found.test.pixels is not None
    assert found.test.pixels.max() == 1
    assert told(collect_arrays((dark, LABELS), test=(train, LABELS))) == [("test", -1)]


def test_rows_of_numbers_become_a_table() -> None:
    found = collect_arrays(([[1, 2.5], [3, 4], [5, 6]], ["a", "b", "a"])).train
    assert isinstance(found, TablePart)
    assert found.table.to_pydict() == {"x0": [1, 3, 5], "x1": [2.5, 4, 6], "target": ["a", "b", "a"]}
    assert found.target == "target"
    assert found.locate(1) == "train data row 1"


def test_in_tables_nan_is_missing_and_inf_a_problem() -> None:
    inputs = np.random.default_rng(0).normal(size=(6, 2))
    inputs[2, 0], inputs[4, 1] = np.nan, -np.inf
    found = collect_arrays((inputs, LABELS))
    assert told(found) == [("train data row 4, column x1", 4)]
    assert isinstance(found.train, TablePart)
    assert found.train.table.column("x0").null_count == 1


def test_other_shapes_and_arrays_for_an_own_model_are_passed_on() -> None:
    series = np.random.default_rng(0).normal(0, 9, (6, 50, 7)).astype(np.float32)
    for data, settings in (
        (series, {}),
        (np.zeros((6, 2)), {"as_given": True}),
        (np.zeros((6, 8, 8), np.uint8), {"as_given": True}),
    ):
        found = collect_arrays((data, LABELS), **settings).train
        assert isinstance(found, ArrayPart)
        assert np.array_equal(found.inputs, data)
        assert found.inputs.dtype == data.dtype


def test_rows_with_nan_or_inf_are_left_out_of_arrays_and_images() -> None:
    for inputs in (np.random.default_rng(0).random((6, 8, 8)), np.random.default_rng(0).normal(0, 9, (6, 8, 8))):
        inputs[1, 0, 0], inputs[3, 7, 7] = np.nan, np.inf
        found = collect_arrays((inputs, LABELS))
        assert told(found) == [("train row 1", 1), ("train row 3", 3)]
        assert found.train.labels is not None
        assert found.train.labels.tolist() == [0, 2, 1, 2]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0, 1, 2], [0, 1, 2]),
        (torch.tensor([0, 1, 2]), [0, 1, 2]),
        (np.array([[0], [1], [2]]), [0, 1, 2]),
        ([0.5, 1, 2], [0.5, 1.0, 2.0]),
        (("a", "b", "c"), ["a", "b", "c"]),
        (np.array(["a", "b", "c"]), ["a", "b", "c"]),
        ([True, False, True], [True, False, True]),
    ],
)
def test_labels_come_in_any_form(labels: Any, expected: list[Any]) -> None:
    found = collect_arrays((np.zeros((3, 8, 8), np.uint8), labels)).train
    assert found.labels is not None
    assert found.labels.tolist() == expected


def test_labels_that_are_missing_are_told_and_their_rows_left_out() -> None:
    for labels in (["a", None, "b"], [1.0, float("nan"), 2.0], [1.0, float("inf"), 2.0]):
        found = collect_arrays((np.zeros((3, 8, 8), np.uint8), labels))
        assert told(found) == [("train labels row 1", 1)]
        assert len(found.train) == 2
        assert told(collect_arrays((np.zeros((3, 2)), labels))) == [("train data row 1, column target", 1)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("photos", "'photos' is not data"),
        (np.zeros((3, 2)), "labels are missing"),
        ((np.zeros((3, 2)), [0, 1]), "labels of shape (2,) for 3 rows"),
        ((np.zeros((3, 2)), np.eye(3)), "labels of shape (3, 3) for 3 rows"),
        ((np.zeros((3, 2)), [0, "a", 1]), "labels of these kinds: int, str"),
        ((np.zeros(3), [0, 1, 2]), "an array of shape (3,)"),
        ((np.zeros((0, 2)), []), "an empty array of shape (0, 2)"),
        (([[1, 2], [3]], [0, 1]), "rows of different lengths"),
        (([["a", "b"], ["c", "d"]], [0, 1]), "an array of <U1 values"),
        ((np.array([[1, "a"], [None, 2]], dtype=object), [0, 1]), "an array of object values"),
        ({"a": [1, 2], "b": [1]}, "columns of different lengths (a 2, b 1)"),
        ({"a": [1, "x"], "b": [1, {}]}, "column b: values that make no column"),
        ({"a": "text", "b": [1]}, "'text' is one text"),
    ],
)
def test_data_of_which_nothing_can_be_made_is_refused_with_its_reason(data: Any, words: str) -> None:
    assert words in refusal(data)


def test_one_label_is_a_problem() -> None:
    assert told(collect_arrays((np.zeros((3, 8, 8), np.uint8), [7, 7, 7]))) == [("train labels", -1)]


def test_test_classes_are_matched_and_unknown_ones_told() -> None:
    images = np.zeros((3, 8, 8), np.uint8)
    found = collect_arrays((images, ["Cat", "dog", "Cat"]), test=(images, ["cat ", "bird", "dog"]))
    assert told(found) == [("test image 1", 1)]
    assert found.test is not None
    assert found.test.labels is not None
    assert found.test.labels.tolist() == ["Cat", "dog"]
    assert "'cat ' was read as the class 'Cat'" in found.warnings[0]


def test_a_test_part_of_another_shape_is_refused() -> None:
    images = np.zeros((3, 8, 8), np.uint8)
    assert "images of shape (9, 8, 1), but images of shape (8, 8, 1)" in refusal(
        (images, [0, 1, 2]), test=(np.zeros((3, 9, 8), np.uint8), [0, 1, 2])
    )


@pytest.mark.parametrize("make", [dict, pa.table])
def test_named_columns_hold_their_target(make: Any) -> None:
    columns = make({"n": [1, 2, 3], "word": ["x", None, "y"], "label": [0, 1, 0]})
    found = collect_arrays(columns, test=columns)
    assert isinstance(found.train, TablePart)
    assert found.train.target == "label"
    assert found.train.table.column("word").to_pylist() == ["x", None, "y"]
    assert len(found.test or ()) == 3
    with pytest.raises(UsageError, match="did you mean 'word'"):
        collect_arrays(columns, target="words")


def test_a_pandas_frame_keeps_its_types() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "n": [1.5, None],
            "whole": pandas.array([1, None], dtype="Int64"),
            "group": pandas.Categorical(["u", "v"]),
            "day": pandas.to_datetime(["2024-01-01", None]),
            "y": ["a", "b"],
        },
        index=[7, 9],
    )
    found = collect_arrays(frame, target="y").train
    assert isinstance(found, TablePart)
    assert found.table.to_pylist() == [
        {"n": 1.5, "whole": 1, "group": "u", "day": datetime(2024, 1, 1), "y": "a"},
        {"n": None, "whole": None, "group": "v", "day": None, "y": "b"},
    ]
    apart = collect_arrays((frame.drop(columns="y"), frame["y"])).train
    assert isinstance(apart, TablePart)
    assert apart.labels is not None
    assert apart.labels.tolist() == ["a", "b"]
    assert "column mixed: values that make no column" in refusal(frame.assign(mixed=[1, "a"]), target="y")
    frame.columns = ["n", "n", "group", "day", "y"]
    assert "two columns have one name" in refusal(frame, target="y")


def test_input_needs_no_labels() -> None:
    for data, kind in (
        (np.zeros((1, 4)), TablePart),
        (np.zeros((1, 8, 8), np.uint8), ImagePart),
        ({"n": [1], "word": ["x"]}, TablePart),
    ):
        found = collect_arrays(data, target="y", is_input=True)
        assert isinstance(found.train, kind)
        assert (found.train.name, found.train.labels, found.problems) == ("input", None, ())
    labelled = collect_arrays({"n": [1, 2], "y": ["a", None]}, target="y", is_input=True).train.labels
    assert labelled is not None
    assert labelled.tolist() == ["a", None]


def test_the_fingerprint_follows_inputs_and_labels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
    for inputs in (images, images[:, 0].astype(float)):
        prints = {collect_arrays((inputs, labels)).train.fingerprint for labels in (LABELS, LABELS.copy(), LABELS[::-1].copy())}
        assert len(prints) == 2


def test_all_problems_are_told_when_no_row_is_left() -> None:
    with pytest.raises(DataError) as caught:
        collect_arrays((np.full((3, 2), np.inf), [0, 1, 2]))
    assert len(caught.value.problems) >= 3


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "15m", "s", "ms", "us", "ns"])
def test_dates_of_every_unit_of_numpy_are_dates(unit: str) -> None:
    days = np.array(["2020-01-01", "2021-05-06"], dtype=f"datetime64[{unit}]")
    found = to_columns({"when": days}, what="input").column("when").cast(pa.timestamp("us")).to_numpy()
    np.testing.assert_array_equal(found, days.astype("datetime64[us]"))


def test_text_from_python_is_read_as_text_of_a_file_is() -> None:
    days = ["31/12/2020", "01/01/2021", "?"]
    columns = {"day": days, "size": ["1", "2.5", "NA"], "code": ["007", "012", "013"], "word": [" x", "", "y "], "y": [0, 1, 0]}
    found = collect_arrays(columns).train
    assert isinstance(found, TablePart)
    read = found.table.to_pydict()
    assert read["day"] == [datetime(2020, 12, 31), datetime(2021, 1, 1), None]
    assert (read["size"], read["code"], read["word"]) == ([1.0, 2.5, None], ["007", "012", "013"], ["x", None, "y"])
    assert found.dates == {"day": "%d/%m/%Y"}


def test_categories_from_python_stay_words_though_they_are_numbers() -> None:
    codes = pa.array(["1", "2", "1"]).dictionary_encode()
    found = collect_arrays(pa.table({"code": codes, "y": [0, 1, 0]})).train
    assert isinstance(found, TablePart)
    assert found.table.column("code").to_pylist() == ["1", "2", "1"]


def test_text_to_answer_for_is_read_as_in_training() -> None:
    reading = {"kinds": {"code": "text", "day": "date", "size": "number"}, "dates": {"day": "%d/%m/%Y"}}
    data = {"code": ["12", "13"], "day": ["01/02/2021", "02/02/2021"], "size": ["3", "4"]}
    found = collect_arrays(data, is_input=True, reading=reading).train
    assert isinstance(found, TablePart)
    days = [datetime(2021, 2, 1), datetime(2021, 2, 2)]
    assert found.table.to_pydict() == {"code": ["12", "13"], "day": days, "size": [3.0, 4.0]}


def waves(count: int, *, unequal: bool) -> list[np.ndarray]:
    """Return waves of two values at a time, float64 [T, 2] each."""
    random = np.random.default_rng(0)
    lengths = random.integers(20, 40, count) if unequal else np.full(count, 30)
    phases = random.uniform(0, 6, count)
    return [
        np.stack([np.sin(np.arange(n) / 3 + p), np.cos(np.arange(n) / 5 + p)], 1) for n, p in zip(lengths, phases, strict=True)
    ]


def test_arrays_of_unequal_lengths_are_series() -> None:
    found = collect_arrays((waves(6, unequal=True), LABELS), test=(waves(3, unequal=False), LABELS[:3]))
    assert isinstance(found.train, SeriesPart)
    assert isinstance(found.test, SeriesPart)
    assert found.train.labels is not None
    assert found.train.labels.tolist() == LABELS.tolist()
    assert "taken as 6 series of " in found.notes[0]
    assert "series of 1 values at a time, but series of 2" in refusal(
        (waves(6, unequal=True), LABELS), test=([wave[:, 0] for wave in waves(3, unequal=True)], LABELS[:3])
    )


def test_lists_of_unequal_lengths_are_series_where_that_is_said() -> None:
    lists = [wave.tolist() for wave in waves(6, unequal=True)]
    assert "kind='series'" in refusal((lists, LABELS))
    assert isinstance(collect_arrays((lists, LABELS), reading={"kind": "series"}).train, SeriesPart)


def test_numbers_whose_neighbors_in_time_are_alike_are_series_unless_it_is_said_otherwise() -> None:
    whole = np.stack(waves(6, unequal=False)).astype(np.float32) * 9
    assert isinstance(collect_arrays((whole, LABELS)).train, SeriesPart)
    assert isinstance(collect_arrays((whole, LABELS), reading={"kind": "array"}).train, ArrayPart)
    assert isinstance(collect_arrays((whole, LABELS), as_given=True).train, ArrayPart)
    mixed_up = np.random.default_rng(0).permuted(whole, axis=1)
    assert isinstance(collect_arrays((mixed_up, LABELS)).train, ArrayPart)
    assert isinstance(collect_arrays((mixed_up, LABELS), reading={"kind": "series"}).train, SeriesPart)
    with pytest.raises(UsageError, match="kind='serie': of data from Python it is one of auto, series, array"):
        collect_arrays((whole, LABELS), reading={"kind": "serie"})


def test_a_series_that_cannot_stand_is_left_out_with_its_label() -> None:
    series = waves(6, unequal=True)
    series[1] = series[1][:1]
    found = collect_arrays((series, LABELS))
    assert told(found) == [("train row 1", 1)]
    assert found.train.labels is not None
    assert found.train.labels.tolist() == [0, 2, 0, 1, 2]


def test_arrays_need_no_labels_where_nothing_is_to_be_predicted() -> None:
    points = np.arange(20, dtype=np.float32).reshape(10, 2)
    found = collect_arrays(points, target="none")
    assert isinstance(found.train, TablePart)
    assert found.train.labels is None
    assert found.train.columns == ("x0", "x1")
    pictures = np.random.default_rng(0).integers(0, 256, (6, 9, 13), dtype=np.uint8)
    images = collect_arrays(pictures, target="none", test=pictures)
    assert isinstance(images.train, ImagePart)
    assert images.train.labels is None
    assert images.test is not None
    assert not collect_arrays((points, np.zeros(10)), target="none").problems


def test_rows_of_numbers_that_are_to_be_made_have_no_nan() -> None:
    points = np.arange(20, dtype=np.float32).reshape(10, 2)
    points[3, 0], points[5, 1] = np.nan, np.inf
    found = collect_arrays(points, target="none")
    assert sorted(problem.item for problem in found.problems) == [3, 5]
    assert len(found.train) == 8


def test_a_test_part_without_labels_is_read_like_the_train_part() -> None:
    points = np.arange(20, dtype=np.float32).reshape(10, 2)
    spoiled = points.copy()
    spoiled[2, 1] = np.nan
    found = collect_arrays(points, target="none", test=spoiled)
    assert isinstance(found.test, TablePart)
    assert len(found.test) == 9
    assert [problem.where for problem in found.problems] == ["test row 2"]
    table = collect_arrays({"a": [1.0, None, 2.5, 3.0], "label": ["x", "y", "x", "y"]}, target="none").train
    assert isinstance(table, TablePart)
    assert (table.target, len(table)) == ("", 4)
