"""Parts by time and by groups: nothing of the test is known to the model, sizes are near what was asked, mistakes are told."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import tutelage
from tests.fork_server import start
from tutelage.core.errors import DataError, RecipeError, TutelageError, UsageError
from tutelage.core.layout import RECIPE
from tutelage.data.split import cut_groups, cut_times
from tutelage.planning.recipe import read_recipe, recipe_from
from tutelage.run.collect import Gathered, collect, gather, one_mark
from tutelage.task.rows import RowsData

SMALL: dict[str, Any] = {"steps": 4, "model": {"kind": "linear"}, "quiet": True}


def rows(count: int = 200, *, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    days = random.permutation(count) // 3
    return {
        "day": [datetime(2024, 1, 1) + timedelta(days=int(day)) for day in days],
        "patient": [f"P{number:02}" for number in random.integers(0, 40, count)],
        "x": random.normal(size=count),
        "answer": [["no", "yes"][draw] for draw in random.integers(0, 2, count)],
    }


def prepared(data: object, split: Mapping[str, Any], *, test: object = None, marks: object = None, **wishes: Any) -> Gathered:
    recipe = recipe_from({"target": "answer", "split": dict(split), **wishes}, where="test")
    return gather(recipe, collect(recipe, data=data, test=test, marks=marks))


def column(gathered: Gathered, name: str) -> dict[str, list[Any]]:
    """Return a column by part."""
    data = gathered.data
    assert isinstance(data, RowsData)
    found = {}
    for part, rows_ in data.parts().items():
        cells = rows_.part.column(name)
        assert cells is not None
        found[part] = cells.to_pylist()
    return found


def reason(gathered: Gathered) -> str:
    return next(decision.reason for decision in gathered.data.decisions() if decision.key == "split")


@pytest.mark.parametrize("count", [30, 200, 1_000])
def test_by_time_train_is_before_validation_is_before_test(count: int) -> None:
    gathered = prepared(rows(count), {"by": "time"})
    days = column(gathered, "day")
    assert max(days["train"]) < min(days["validation"])
    assert max(days["validation"]) < min(days["test"])
    assert sum(map(len, days.values())) == count
    assert len(days["test"]) == pytest.approx(0.2 * count, abs=3)
    assert "split.column = day: the only column with dates" in gathered.collected.notes
    assert "by time, column day: train until 2024-" in reason(gathered)


@pytest.mark.parametrize("seed", range(5))
def test_by_group_no_patient_is_in_two_parts_and_is_no_feature(seed: int) -> None:
    gathered = prepared(rows(400, seed=seed), {"by": "group", "column": "patient"}, seed=seed)
    patients = {name: set(values) for name, values in column(gathered, "patient").items()}
    assert not patients["train"] & patients["validation"]
    assert not patients["train"] & patients["test"]
    assert not patients["validation"] & patients["test"]
    assert gathered.data.sizes["test"] == pytest.approx(80, abs=12)
    roles = {decision.key: decision for decision in gathered.data.decisions()}
    assert roles["columns.patient"].value == "dropped"
    assert "names the groups" in roles["columns.patient"].reason
    kept = prepared(rows(400), {"by": "group", "column": "patient"}, columns={"patient": "category"})
    assert {decision.key: decision.value for decision in kept.data.decisions()}["columns.patient"] == "category"


def test_the_named_preprocessing_drops_the_group_too_and_keeps_roles() -> None:
    gathered = prepared(
        rows(), {"by": "group", "column": "patient"}, prepare={"kind": "table", "rare": 2}, columns={"day": "dropped"}
    )
    roles = {decision.key: decision.value for decision in gathered.data.decisions()}
    assert (roles["columns.patient"], roles["columns.day"]) == ("dropped", "dropped")


def test_classes_keep_their_proportions_as_far_as_whole_groups_allow() -> None:
    random = np.random.default_rng(0)
    groups = random.integers(0, 100, 2_000)
    classes = (random.random(2_000) < 0.2).astype(np.int64)
    stay, gone = cut_groups(groups, classes, fraction=0.2, seed=0, purpose="test")
    assert sorted([*stay, *gone]) == list(range(2_000))
    assert not set(groups[stay]) & set(groups[gone])
    assert np.bincount(classes[gone]) == pytest.approx(0.2 * np.bincount(classes), abs=20)
    again = cut_groups(groups, classes, fraction=0.2, seed=0, purpose="test")
    other = cut_groups(groups, classes, fraction=0.2, seed=1, purpose="test")
    assert gone.tolist() == again[1].tolist() != other[1].tolist()


def test_a_class_of_one_group_stays_and_large_groups_are_cut_off_as_a_whole() -> None:
    groups = np.repeat([0, 1, 2, 3], 25)
    _, gone = cut_groups(groups, np.repeat([0, 1, 1, 1], 25), fraction=0.2, seed=0, purpose="test")
    assert len(gone) == 25
    assert 0 not in groups[gone]
    assert len(cut_groups(np.zeros(9, dtype=np.int64), None, fraction=0.2, seed=0, purpose="test")[1]) == 0
    huge = np.repeat([0, 1], [90, 10])
    assert set(huge[cut_groups(huge, None, fraction=0.2, seed=0, purpose="test")[1]]) == {1}


def test_equal_times_are_never_parted_and_a_gap_is_in_no_part() -> None:
    times = np.array([5, 1, 1, 2, 3, 3, 3, 4, 4, 0])
    for fraction in (0.1, 0.2, 0.3, 0.4, 0.5):
        stay, gone = cut_times(times, fraction=fraction)
        assert times[stay].max() < times[gone].min()
        assert len(stay) + len(gone) == 10
    stay, gone = cut_times(np.arange(100), fraction=0.2, gap=7)
    assert (len(stay), len(gone), stay.max(), gone.min()) == (73, 20, 72, 80)
    assert len(cut_times(np.ones(5), fraction=0.2)[1]) == 0
    gathered = prepared(rows(), {"by": "time", "gap": 6})
    assert sum(gathered.data.sizes.values()) < 200
    assert "rows of the gaps are in no part" in reason(gathered)


def test_a_given_test_part_is_compared_and_validation_follows_the_same_rule() -> None:
    both = rows()
    late = {**rows(30), "day": [datetime(2030, 1, 1)] * 30}
    gathered = prepared(both, {"by": "time", "column": "day"}, test=late)
    days = column(gathered, "day")
    assert max(days["train"]) < min(days["validation"])
    assert gathered.data.warnings() == ()
    early = prepared(both, {"by": "time", "column": "day"}, test=rows(30))
    assert any("of its rows are before the last of the train part" in text for text in early.data.warnings())
    mixed = prepared(both, {"by": "group", "column": "patient"}, test=rows(30))
    assert any("are of groups of the train part" in text for text in mixed.data.warnings())
    others = {**rows(30), "patient": [f"Q{row}" for row in range(30)]}
    assert prepared(both, {"by": "group", "column": "patient"}, test=others).data.warnings() == ()


def test_numbers_and_patterns_in_a_column_serve_as_well() -> None:
    data = rows()
    data["year"] = [when.year * 1000 + when.timetuple().tm_yday for when in data.pop("day")]
    years = column(prepared(data, {"by": "time", "column": "year"}), "year")
    assert max(years["train"]) < min(years["test"])
    data["file"] = [f"scans/{who}_{row}.png" for row, who in enumerate(data.pop("patient"))]
    files = column(prepared(data, {"by": "group", "column": "file", "pattern": r"(P\d+)_"}), "file")
    found = {name: {text[6:9] for text in texts} for name, texts in files.items()}
    assert not found["train"] & (found["test"] | found["validation"])


def test_classes_that_a_part_lacks_are_told() -> None:
    data = rows()
    data["answer"] = ["new" if when > datetime(2024, 2, 28) else "old" for when in data["day"]]
    warnings = prepared(data, {"by": "time"}).data.warnings()
    assert any("the train part has no row of class 'new'" in text for text in warnings)


def test_a_split_by_default_says_that_it_is_random_and_why() -> None:
    plain = {key: values for key, values in rows().items() if key in ("x", "answer")}
    assert "at random, by the seed: nothing says that rows hang together" in reason(prepared(plain, {}))
    assert "at random, by the seed, as you asked" in reason(prepared(rows(), {"by": "random"}))
    gathered = prepared({**rows(), "day": sorted(rows()["day"])}, {})
    assert "though rows seem to hang together" in reason(gathered)
    assert any("--set split.by=time --set split.column=day" in text for text in gathered.collected.warnings)
    days = np.datetime64("2024-01-01", "us") + 86_400_000_000 * np.arange(len(rows()["x"]))
    dated = prepared({**rows(), "day": days}, {})
    assert any("--task forecast --horizon N" in text for text in dated.collected.warnings)


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown column": ({"by": "time", "column": "dya"}, "did you mean 'day'?"),
    "target": ({"by": "group", "column": "answer"}, "is the target"),
    "text as time": ({"by": "time", "column": "patient"}, "holds neither dates nor numbers, such as 'P"),
    "no column for groups": ({"by": "group"}, "it is not said which column holds the groups"),
    "column alone": ({"column": "day"}, "Add split.by = 'time' or 'group'"),
    "gap alone": ({"gap": 3}, "Add split.by = 'time'"),
    "pattern that is none": ({"by": "group", "column": "patient", "pattern": "("}, "not a regular expression"),
    "pattern that finds nothing": ({"by": "group", "column": "patient", "pattern": "Q+"}, "finds nothing in patient, such as 'P"),
    "two groups": ({"by": "group", "column": "side"}, "2 groups, and each of 3 parts needs one of its own"),
    "misspelled": ({"by": "tiem"}, "split.by"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_remedy(name: str) -> None:
    split, told = MISTAKES[name]
    with pytest.raises(TutelageError, match=re.escape(told)):
        prepared({**rows(), "side": ["left", "right"] * 100}, split)


def test_two_columns_with_dates_are_not_guessed_between() -> None:
    with pytest.raises(RecipeError, match=r"several columns hold dates \(day, born\)"):
        prepared({**rows(), "born": rows()["day"]}, {"by": "time"})


def test_rows_without_a_time_are_refused_or_left_out_and_counted() -> None:
    data = rows()
    data["day"][3] = data["day"][8] = None
    with pytest.raises(DataError, match="2 rows have no time, by which the rows are to be parted, such as train data row 3"):
        prepared(data, {"by": "time"})
    gathered = prepared(data, {"by": "time"}, on_bad_data="skip")
    assert sum(gathered.data.sizes.values()) == 198
    assert any("2 bad items left out" in getattr(event, "message", "") for event in gathered.events)


def test_arrays_take_groups_or_times_beside_them(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, y, groups = random.normal(size=(120, 4, 3)).astype(np.float32), random.integers(0, 2, 120), random.integers(0, 15, 120)
    y_bad = x.copy()
    y_bad[5] = np.nan
    gathered = prepared((y_bad, y), {"by": "group"}, marks=groups, on_bad_data="skip", target="auto")
    data = gathered.data
    assert isinstance(data, RowsData)
    kept = {name: {int(groups[int(p.part.locate(row).split()[-1])]) for row in range(len(p))} for name, p in data.parts().items()}
    assert not kept["train"] & (kept["test"] | kept["validation"])
    for wrong, told in ((groups[:-1], "Give one value for each train row"), ([None] * 120, "no group")):
        with pytest.raises(DataError, match=told):
            prepared((x, y), {"by": "group"}, marks=wrong, target="auto")
    with pytest.raises(RecipeError, match=r"groups=\.\.\. with the arrays"):
        prepared((x, y), {"by": "group"}, target="auto")
    plan = tutelage.plan((x[:, 0], y), times=np.arange(120))
    assert plan.split is not None
    assert plan.split.by == "time"
    for wishes in ({"groups": groups, "times": groups}, {"groups": groups, "split": {"by": "time"}}):
        with pytest.raises(UsageError):
            tutelage.plan((x[:, 0], y), **wishes)
    with pytest.raises(UsageError, match="go with arrays"):
        tutelage.plan("sklearn:iris", groups=groups)


def test_a_run_by_groups_remembers_the_rule_and_reads_its_data_again(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, y, groups = random.normal(size=(120, 4)), random.integers(0, 2, 120), random.integers(0, 15, 120)
    run = tutelage.train((x, y), groups=groups, out=tmp_path / "run", **SMALL)
    assert read_recipe(tmp_path / "run" / RECIPE)["split"] == {"by": "group"}
    assert run.plan["split"]["by"] == "group"
    data = run.data((x, y), groups=groups)
    assert isinstance(data, RowsData)
    with pytest.raises(TutelageError, match="has changed"):
        run.data((x, y), groups=groups[::-1])
    with pytest.raises(RecipeError):
        run.data((x, y))
    assert len(run.predict(x[:3])) == 3


def test_a_run_by_patients_predicts_and_evaluates_on_tables_without_them(tmp_path: Path) -> None:
    run = tutelage.train(rows(), target="answer", split={"by": "group", "column": "patient"}, out=tmp_path / "run", **SMALL)
    new = {key: values for key, values in rows(20, seed=1).items() if key != "patient"}
    assert len(run.predict({key: values for key, values in new.items() if key != "answer"})) == 20
    assert "test/accuracy" in run.evaluate(new)


def test_photos_are_parted_by_patients_in_their_names(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for row in range(60):
        place = tmp_path / "photos" / "ab"[row % 2] / f"patient{row // 5:02}_{row}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(place)
    source = {"source": str(tmp_path / "photos"), "target": "auto"}
    warned = prepared(None, {}, **source).collected.warnings
    assert any("split.pattern=" in text and "patient" in text for text in warned)
    gathered = prepared(None, {"by": "group", "pattern": r"patient(\d+)"}, **source)
    data = gathered.data
    assert isinstance(data, RowsData)
    who = {name: {p.part.locate(row)[9:11] for row in range(len(p))} for name, p in data.parts().items()}
    assert not who["train"] & (who["test"] | who["validation"])
    with pytest.raises(RecipeError, match=r"split\.pattern=patient"):
        prepared(None, {"by": "group"}, **source)


@pytest.mark.parametrize(
    ("split", "sizes", "warning"),
    [
        ({}, (20, 6, 4), ""),
        ({"by": "random"}, (20, 6, 4), ""),
        ({"validation": 0.2}, (16, 4, 4), "left out: by split.validation"),
        ({"by": "group", "pattern": "p(.)"}, None, "left out: by split.by"),
    ],
)
def test_a_validation_part_of_the_source_is_used_unless_another_is_asked_for(
    split: dict[str, Any], sizes: tuple[int, int, int] | None, warning: str, tmp_path: Path
) -> None:
    shades = iter(range(255))
    for part, count in (("train", 10), ("val", 3), ("test", 2)):
        for label in ("cat", "dog"):
            (tmp_path / part / label).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (4, 4), (next(shades), 0, 0)).save(tmp_path / part / label / f"p{number}.png")
    recipe = recipe_from({"source": str(tmp_path), "split": split}, where="test")
    gathered = gather(recipe, collect(recipe))
    data = gathered.data
    assert isinstance(data, RowsData)
    if sizes is not None:
        assert tuple(data.sizes.values()) == sizes
    assert any(warning in text for text in data.warnings()) if warning else not data.warnings()
    names = [data.validation.part.locate(row).split("/")[0] for row in range(len(data.validation))]
    assert set(names) == {"train" if warning else "val"}
    assert data.split.validation == 0 or warning


def test_texts_have_no_groups() -> None:
    table = pa.table(rows())
    assert table.num_rows == 200
    with pytest.raises(RecipeError, match="is for rows, and these are environment data"):
        prepared(None, {"by": "group", "column": "patient"}, source="gym:CartPole-v1", target="auto")


def test_the_command_says_it_all(tmp_path: Path) -> None:
    lines = [
        f"{when:%Y-%m-%d},{x:.4f},{answer}"
        for when, x, answer in zip(sorted(rows()["day"]), rows()["x"], rows()["answer"], strict=True)
    ]
    (tmp_path / "sales.csv").write_text("\n".join(["day,x,answer", *lines, ""]))
    words = ("-m", "tutelage", "plan", str(tmp_path / "sales.csv"), "--target", "answer")
    wide = {"COLUMNS": "300", "PATH": ""}
    random, errors = start(*words, folder=tmp_path, environment=wide).communicate()
    assert "--set split.by=time --set split.column=day" in " ".join(random.split()), errors  # however its lines are broken
    by_time = start(*words, "--set", "split.by=time", "--set", "split.column=day", folder=tmp_path, environment=wide)
    told, errors = by_time.communicate()
    assert by_time.returncode == 0, errors
    assert "train until 2024-" in told
    assert "split.by=time" not in told


def test_rows_are_parted_by_groups_or_by_times() -> None:
    assert one_mark(None, None) is None
    assert (one_mark([1], None), one_mark(None, [2])) == ([1], [2])
    with pytest.raises(UsageError, match="were both given"):
        one_mark([1], [2])
