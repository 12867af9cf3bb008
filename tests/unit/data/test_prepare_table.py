"""Preprocessing of tables and arrays: fitted on train rows, applied to any, saved as JSON."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from tutelage.core.border import BorderError
from tutelage.core.errors import DataError
from tutelage.core.shape.array import ArrayShape
from tutelage.core.shape.table import TableShape
from tutelage.data.part.array import ArrayPart
from tutelage.data.part.table import TablePart
from tutelage.data.prepare.array import Array
from tutelage.data.prepare.encode import restore_encoder
from tutelage.data.prepare.encode_numbers import date_parts
from tutelage.data.prepare.scaling import fit_quantile, fit_standard
from tutelage.data.prepare.table import FittedTable, Table
from tutelage.data.source.table import TableSource as TableSource

DATA = Path(__file__).parents[3].parent / "shared" / "data"


def part_of(target: str = "", **columns: Any) -> TablePart:
    table = pa.table(columns)
    return TablePart("train", table, "t.csv", np.arange(2, len(table) + 2), target, "f")


def mixed(num_rows: int = 200, *, seed: int = 0) -> TablePart:
    draw = np.random.default_rng(seed)
    missing = draw.random(num_rows) < 0.1
    days = np.datetime64("2020-01-01") + draw.integers(0, 900, num_rows)
    return part_of(
        "y",
        size=pa.array(draw.lognormal(size=num_rows), mask=missing),
        count=draw.integers(0, 9, num_rows),
        city=pa.array(draw.choice(["Rome", "Oslo", "Bonn"], num_rows), pa.string(), mask=missing[::-1].copy()),
        open=draw.random(num_rows) < 0.5,
        day=pa.array(days.astype("datetime64[D]")),
        name=[f"{'Mr' if i % 3 else 'Mrs'} {i}" for i in range(num_rows)],
        y=draw.choice(["a", "b"], num_rows),
    )


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def test_a_mixed_table_becomes_numbers_and_codes_of_the_promised_shape() -> None:
    fitted = Table().fit(mixed())
    batch = fitted.finisher()(fitted.apply(mixed(50, seed=1)).tensors)
    numbers, codes = fitted.feature_names
    assert batch["number"].shape == (50, len(numbers))
    assert batch["number"].dtype == torch.float32
    assert batch["category"].shape == (50, len(codes))
    assert batch["category"].dtype == torch.int64
    assert fitted.shape == TableShape(numbers=len(numbers), cardinalities=(2, 5, 3, 2, 2))
    assert codes == ("size is missing", "city", "open", "name has 'mr'", "name has 'mrs'")
    assert (batch["category"] < torch.tensor(fitted.shape.cardinalities)).all()
    assert batch["number"].isfinite().all()


@pytest.mark.parametrize("scale", ["quantile", "standard"])
def test_saved_and_restored_preprocessing_gives_the_same_bits(scale: Any) -> None:
    prepare = Table(scale=scale)
    fitted = prepare.fit(mixed())
    restored = prepare.restore(json.loads(json.dumps(fitted.state())))
    assert restored == fitted
    assert equal(restored.apply(mixed(seed=3)).tensors, fitted.apply(mixed(seed=3)).tensors)


def test_each_row_is_encoded_by_itself_and_the_target_is_not_needed() -> None:
    fitted, part = Table().fit(mixed()), mixed(40, seed=2)
    order = np.random.default_rng(0).permutation(40)
    whole = fitted.apply(part).tensors
    without = part_of(**{name: part.table.column(name) for name in part.table.column_names if name != "y"})
    assert equal(fitted.apply(part.select(order)).tensors, {key: rows[order] for key, rows in whole.items()})
    assert equal(fitted.apply(without).tensors, whole)


def test_words_get_codes_by_count_with_rare_missing_and_unseen_apart() -> None:
    train = part_of(city=["Rome"] * 6 + ["Oslo"] * 8 + ["Bonn"] + [None])
    fitted = Table(rare=2).fit(train)
    codes = fitted.apply(part_of(city=["Oslo", "Rome", "Bonn", "Paris", None])).tensors["category"][:, 0]
    assert codes.tolist() == [2, 3, 0, 0, 1]
    assert fitted.shape.cardinalities == (4,)


def test_a_cell_missing_only_later_counts_as_none_of_the_known() -> None:
    fitted = Table().fit(part_of(city=["Rome", "Oslo"] * 5, ok=[True, False] * 5, size=[1.0, 2.0] * 5))
    batch = fitted.apply(part_of(city=[None], ok=pa.array([None], pa.bool_()), size=pa.array([None], pa.float64()))).tensors
    assert batch["category"].tolist() == [[0, 0]]
    assert batch["number"].tolist() == [[0.0]]


def test_whole_numbers_as_categories_match_their_float_and_text_forms() -> None:
    fitted = Table(columns={"grade": "category"}).fit(part_of(grade=[1, 2, 3] * 5))
    forms = [pa.array([3, 1]), pa.array([3.0, 1.0]), pa.array(["3", "1"])]
    codes = [fitted.apply(part_of(grade=form)).tensors["category"][:, 0].tolist() for form in forms]
    assert codes == [[3, 1]] * 3


def test_standard_scaling_equals_sklearn_where_nothing_is_clipped() -> None:
    values = np.random.default_rng(0).normal(7, 3, 300)
    expected = StandardScaler().fit_transform(values[:, None])[:, 0]
    # Both in float64, rounded once to float32.
    np.testing.assert_allclose(fit_standard(values, clip=50.0).apply(values), expected, rtol=1e-6, atol=1e-6)


def test_quantile_scaling_equals_sklearn_ties_included() -> None:
    draw = np.random.default_rng(0)
    # A tie at the minimum is left out: sklearn sends it to the clip, here it stays in the middle of its ranks.
    values = np.where(draw.random(3000) < 0.6, 1.0, draw.lognormal(size=3000))
    later = np.concatenate([values[:500], draw.lognormal(size=500)])
    reference = QuantileTransformer(n_quantiles=100, output_distribution="normal", subsample=None).fit(values[:, None])
    expected = reference.transform(later[:, None])[:, 0]
    np.testing.assert_allclose(fit_quantile(values, clip=5.0).apply(later), np.clip(expected, -5, 5), atol=1e-6)


def test_outliers_are_held_in_and_missing_becomes_the_middle() -> None:
    for fit in (fit_standard, fit_quantile):
        scale = fit(np.array([1.0, 2.0, 3.0, np.nan]), clip=4.0)
        assert scale.apply(np.array([1e300, -np.inf, np.nan])).tolist() == [4.0, -4.0, 0.0]
        assert fit(np.full(3, np.nan), clip=4.0).apply(np.array([np.nan])).tolist() == [0.0]


def test_dates_agree_with_the_calendar() -> None:
    moments = np.array(["1969-12-31T23:00", "2000-02-29T06:00", "2024-03-04T00:00"], dtype="datetime64[m]")
    parts = date_parts(moments.astype(np.int64) / 1440)
    assert parts["year"].tolist() == [1969, 2000, 2024]
    month = np.round(np.arctan2(parts["month sin"], parts["month cos"]) / (2 * np.pi) * 12) % 12 + 1
    assert month.tolist() == [12, 2, 3]
    weekday = np.round(np.arctan2(parts["weekday sin"], parts["weekday cos"]) / (2 * np.pi) * 7) % 7
    assert weekday.tolist() == [2, 1, 0]  # Wednesday, Tuesday, Monday
    hour = np.round(np.arctan2(parts["hour sin"], parts["hour cos"]) / (2 * np.pi) * 24) % 24
    assert hour.tolist() == [23, 6, 0]


def test_dates_written_as_text_read_alike() -> None:
    typed = pa.array(["2020-01-05", "2021-07-01", "2020-11-30"] * 4).cast(pa.date32())
    fitted = Table().fit(part_of(day=typed))
    assert equal(fitted.apply(part_of(day=typed)).tensors, fitted.apply(part_of(day=typed.cast(pa.string()))).tensors)
    with pytest.raises(DataError, match=r"'2020-02-31' is not a date"):
        _ = fitted.apply(part_of(day=["2020-01-05", "2020-02-31"])).tensors


def test_missing_columns_are_all_named_with_the_nearest_one() -> None:
    fitted = Table().fit(mixed())
    part = mixed()
    kept = part_of(**{name.replace("count", "counts"): part.table.column(name) for name in ("count", "open", "day", "name")})
    with pytest.raises(DataError) as error:
        _ = fitted.apply(kept).tensors
    assert [problem.where for problem in error.value.problems] == [
        "t.csv, column size",
        "t.csv, column count",
        "t.csv, column city",
    ]
    assert "Is it 'counts'?" in str(error.value)


def test_every_cell_that_does_not_fit_is_reported_with_its_row() -> None:
    fitted = Table().fit(part_of(size=[1.5, 2.5, 4.0], ok=[True, False, True]))
    with pytest.raises(DataError) as error:
        _ = fitted.apply(part_of(size=["1.5", "big", None, "huge"], ok=["yes", "no", "maybe", None])).tensors
    assert [(problem.where, problem.item) for problem in error.value.problems] == [
        ("t.csv row 3, column size", 1),
        ("t.csv row 5, column size", 3),
        ("t.csv row 4, column ok", 2),
    ]
    assert "'big' is not a number" in str(error.value)


def test_words_that_meant_missing_in_training_mean_it_later_and_others_do_not() -> None:
    fitted = Table().fit(part_of(charge=[f"{i}.5" for i in range(39)] + ["unknown"]))
    batch = fitted.apply(part_of(charge=["unknown", "19.5"])).tensors
    assert batch["category"][:, 0].tolist() == [1, 0]
    with pytest.raises(DataError, match="'free' is not a number"):
        _ = fitted.apply(part_of(charge=["free"])).tensors


def test_a_table_with_nothing_to_learn_from_is_refused_with_all_reasons() -> None:
    with pytest.raises(DataError) as error:
        Table().fit(part_of("y", id=np.arange(30), same=["x"] * 30, y=[0, 1] * 15))
    assert "column id: dropped: an id" in str(error.value)
    assert "column same: dropped: the same value everywhere" in str(error.value)


def test_a_table_of_empty_cells_is_refused_once_and_the_target_is_no_problem() -> None:
    nothing = pa.nulls(4, pa.string())
    with pytest.raises(DataError) as error:
        Table().fit(part_of("y", a=nothing, b=nothing, y=["p", "q", "p", "q"]))
    (problem,) = error.value.problems
    assert problem.found == "every cell of every column but the target is empty, in all 4 train rows. Columns: a, b"
    with pytest.raises(DataError) as error:
        Table().fit(part_of("y", a=pa.nulls(30, pa.string()), one=[1] * 30, **{"nr (cm)": range(30)}, y=["p", "q"] * 15))
    assert [problem.remedy for problem in error.value.problems] == [
        "Fill it in.",
        "Nothing can be learned from one value: give columns that differ from row to row.",
        "Give it another role: --set 'columns.\"nr (cm)\"=category'.",
    ]
    with pytest.raises(DataError, match="there is no column but the target 'y'"):
        Table().fit(part_of("y", y=["p", "q"]))


def test_of_several_columns_of_texts_the_remedy_names_the_one_to_learn_from_also_where_its_texts_repeat() -> None:
    said = [f"a review of many words that goes on and on for {number} pages, and then some, and on" for number in range(30)]
    often = [f"a headline of more than eight words that is there thrice, {number // 3}" for number in range(30)]
    with pytest.raises(DataError) as error:
        Table().fit(part_of("y", said=said, **{"the head": often}, y=["p", "q"] * 15))
    assert [problem.remedy for problem in error.value.problems] == [
        "Learn from its words: --text said. Or give it another role: --set columns.said=category.",
        "Learn from its words: --text 'the head'. Or give it another role: --set 'columns.\"the head\"=category'.",
    ]


def test_a_role_that_does_not_fit_is_refused_with_a_setting_that_a_shell_takes() -> None:
    part = part_of("y", **{"a (cm)": ["x", "z", "x", "z"]}, y=["p", "q", "p", "q"])
    with pytest.raises(DataError, match=r"--set 'columns\.\"a \(cm\)\"=category'\."):
        Table(columns={"a (cm)": "number"}).fit(part)


def test_a_missing_column_is_told_with_the_columns_of_the_file() -> None:
    fitted = Table().fit(mixed())
    with pytest.raises(DataError, match=r"The model was trained with it\. Columns of t\.csv: zz\."):
        fitted.apply(part_of(zz=[1, 2]))


def test_a_category_without_a_common_word_is_dropped_with_a_reason() -> None:
    fitted = Table().fit(part_of(size=[1.0, 2.0, 3.0] * 4, word=[f"w{i}" for i in range(12)]))
    assert [(column.role, column.reason) for column in fitted.columns][1] == (
        "dropped",
        "nothing in it is common enough to learn from",
    )


def test_texts_can_be_left_out() -> None:
    fitted = Table(text="drop").fit(mixed())
    assert not any(name.startswith("name") for name in fitted.feature_names[1])


def test_numbers_are_scaled_by_rank_only_where_there_are_many_rows() -> None:
    few, many = (
        Table().fit(part_of(x=np.random.default_rng(0).random(n))).state()["encoders"][0]["scale"] for n in (9_999, 10_000)
    )
    assert (few["scale"], many["scale"]) == ("standard", "quantile")


def test_adult_is_prepared_in_under_a_second() -> None:
    folder = DATA / "adult"
    if not folder.exists():
        pytest.skip("the adult data set is not here")
    part = TableSource(path=str(folder / "train.csv"), target="income").collect().train
    assert isinstance(part, TablePart)
    Table().fit(part.select(np.arange(100)))
    began = time.process_time()
    fitted = Table().fit(part)
    batch = fitted.apply(part).tensors
    assert time.process_time() - began < 1.0
    assert fitted.shape == TableShape(numbers=6, cardinalities=(10, 17, 8, 16, 7, 6, 3, 42))
    assert batch["number"].abs().max() <= 5


def test_titanic_uses_titles_and_decks_and_drops_the_id() -> None:
    folder = DATA / "titanic"
    if not folder.exists():
        pytest.skip("the titanic data set is not here")
    part = TableSource(path=str(folder / "titanic.csv"), target="Survived").collect().train
    fitted = Table().fit(part)
    assert isinstance(fitted, FittedTable)
    roles = {column.name: column.role for column in fitted.columns}
    assert roles["PassengerId"] == "dropped"
    assert roles["Survived"] == "target"
    assert {"Name has 'master'", "Cabin has 'b'", "Cabin is missing", "Age is missing"} <= set(fitted.feature_names[1])


def array_part(inputs: np.ndarray) -> ArrayPart:
    return ArrayPart("train", inputs, None, "f")


def test_arrays_pass_as_they_are_and_whole_numbers_stay_whole() -> None:
    inputs = np.random.default_rng(0).normal(size=(6, 2, 3))
    fitted = Array().fit(array_part(inputs))
    batch = fitted.finisher()(fitted.apply(array_part(inputs)).tensors)
    assert fitted.shape == ArrayShape(sizes=(2, 3))
    assert torch.equal(batch["x"], torch.from_numpy(inputs).float())
    tokens = Array(standardize="feature").fit(array_part(np.array([[1, 2], [3, 4]], dtype=np.int32)))
    assert tokens.finisher()(tokens.apply(array_part(np.array([[5, 6]]))).tensors)["x"].dtype == torch.int64


def test_pixels_given_as_bytes_stay_bytes_until_they_are_used() -> None:
    inputs = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    fitted = Array().fit(array_part(inputs))
    assert fitted.apply(array_part(inputs)).tensors["x"].dtype == torch.uint8
    assert torch.equal(fitted.finisher()(fitted.apply(array_part(inputs)).tensors)["x"], torch.from_numpy(inputs).float())


def test_standardized_arrays_have_mean_0_and_deviation_1_after_json_too() -> None:
    inputs = np.random.default_rng(0).normal(5, 3, size=(500, 4)).astype(np.float32)
    inputs[:, 3] = 7.0
    prepare = Array(standardize="feature")
    fitted = prepare.restore(json.loads(json.dumps(prepare.fit(array_part(inputs)).state())))
    x = fitted.finisher()(fitted.apply(array_part(inputs)).tensors)["x"]
    assert torch.allclose(x.mean(0), torch.zeros(4), atol=1e-5)
    assert torch.allclose(x.std(0, unbiased=False), torch.tensor([1.0, 1.0, 1.0, 0.0]), atol=1e-5)


def test_arrays_of_another_shape_or_kind_are_refused() -> None:
    fitted = Array().fit(array_part(np.zeros((2, 3))))
    with pytest.raises(DataError, match=r"shape \[4\]"):
        _ = fitted.apply(array_part(np.zeros((2, 4)))).tensors
    with pytest.raises(DataError, match="fractions"):
        Array().fit(array_part(np.zeros((2, 3), dtype=np.int64))).apply(array_part(np.full((2, 3), 0.5)))


def test_arrays_that_are_split_are_shared_and_neither_copied_nor_written() -> None:
    inputs = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    before = inputs.copy()
    inputs.flags.writeable = False
    part = array_part(inputs).select(np.arange(0, 20, 2)).select(np.array([4, 1]))
    assert part.held is inputs
    assert np.array_equal(part.inputs, before[[8, 2]])
    fitted = Array().fit(part)
    rows = fitted.apply(part)
    batch = rows.take(torch.tensor([1, 0, 1]))["x"]
    assert np.array_equal(batch.numpy(), before[[2, 8, 2]])
    batch.zero_()
    assert np.array_equal(inputs, before)
    assert len(rows) == 2
    halved = Array().fit(array_part(before.astype(np.float16))).apply(array_part(before.astype(np.float64)[::-1]))
    assert np.array_equal(halved.take(torch.arange(20))["x"].numpy(), before[::-1])


def test_codes_wait_in_few_bytes_and_are_finished_as_int64() -> None:
    for num_words, kind in ((5, torch.uint8), (300, torch.int16)):
        words = [f"w{index % num_words}" for index in range(5 * num_words)]
        part = part_of(word=words, y=[index % 2 for index in range(len(words))])
        fitted = Table().fit(part)
        rows = fitted.apply(part)
        batch = rows.take(torch.arange(len(words)))
        assert batch["category"].dtype == kind
        assert fitted.finisher()(batch)["category"].dtype == torch.int64
        assert len(batch["category"].unique()) == num_words


def test_rows_are_encoded_alike_in_pieces_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    days = np.datetime64("2020-01-01", "us") + random.integers(0, 900, 500) * 86_400_000_000
    part = part_of(
        number=pa.array(random.lognormal(size=500), mask=random.random(500) < 0.1),
        word=random.choice(["x", "y", "z"], 500),
        day=days,
        y=random.integers(0, 2, 500),
    )
    for scale in ("quantile", "standard"):
        fitted = Table(scale=scale).fit(part)
        whole = fitted.apply(part).take(torch.arange(500))
        with monkeypatch.context() as patched:
            patched.setattr("tutelage.data.prepare.table.PIECE_ROWS", 7)
            pieces = fitted.apply(part).take(torch.arange(500))
        assert all(torch.equal(whole[name], pieces[name]) for name in whole)


@pytest.mark.parametrize(
    "state",
    [
        {"encoder": "category", "words": ["a", "\ud800"]},
        {"encoder": "words", "words": ["\ud800"]},
        {
            "encoder": "number",
            "missing_words": ["\udfff"],
            "scale": {"scale": "standard", "mean": 0.0, "deviation": 1.0, "clip": 5.0},
        },
    ],
)
def test_a_stored_word_that_no_cell_can_hold_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(BorderError, match="a part of a character"):
        restore_encoder({"name": "x", "has_missing": False, **state})
