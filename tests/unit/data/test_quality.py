"""Checks of the data on small hand-made parts: what is told, how much it weighs, and what it costs."""

import re
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest

from tutelage.data.part.base import RowsPart
from tutelage.data.part.corpus import CorpusPart
from tutelage.data.part.image import ImagePart
from tutelage.data.part.table import TablePart
from tutelage.data.quality.conflicting_labels import ConflictingLabels
from tutelage.data.quality.copied_text import CopiedText
from tutelage.data.quality.double_spellings import DoubleSpellings
from tutelage.data.quality.equal_rows import group_rows, row_keys
from tutelage.data.quality.finding import Finding
from tutelage.data.quality.leaked_rows import LeakedRows
from tutelage.data.quality.look import look_all
from tutelage.data.quality.missing_class import MissingClass
from tutelage.data.quality.rare_classes import RareClasses
from tutelage.data.quality.repeated_rows import RepeatedRows
from tutelage.data.quality.rows_in_groups import RowsInGroups
from tutelage.data.quality.rows_in_time import RowsInTime
from tutelage.data.quality.target_copies import TargetCopies
from tutelage.data.source.base import Collected
from tutelage.data.split_keys import By, SplitKeys
from tutelage.planning.recipe import Recipe, merge, parse_setting, recipe_from


@dataclass(frozen=True)
class Cells(RowsPart):
    """Rows with columns, each row's content one number."""

    kind: ClassVar[str] = "cells"
    suits: ClassVar[str] = "table"
    name: str
    content: Sequence[int]
    labels: np.ndarray | None
    target: str = "answer"
    fingerprint: str = ""
    chance: float = 1.0

    @property
    def columns(self) -> tuple[str, ...]:
        return ("number", self.target)

    def __len__(self) -> int:
        return len(self.content)

    def locate(self, index: int) -> str:
        return f"{self.name}.csv row {index}"

    def select(self, indices: np.ndarray) -> "Cells":
        return replace(
            self, content=np.array(self.content)[indices], labels=None if self.labels is None else self.labels[indices]
        )

    def chance_of_equal(self) -> float:
        return self.chance

    def row_digests(self) -> list[bytes]:
        return self._digests

    @cached_property
    def _digests(self) -> list[bytes]:
        return [int(number).to_bytes(16, "little") for number in self.content]


def cells(content: Sequence[int], labels: Sequence[Any] | None = None, *, name: str = "train") -> Cells:
    return Cells(name, content, None if labels is None else np.array(labels, dtype=object))


def images(content: Sequence[int], labels: Sequence[Any] | None = None, *, name: str = "train") -> ImagePart:
    pixels = np.array(content, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), dtype=np.uint8)
    names = tuple(f"{name} {row}" for row in range(len(content)))
    return ImagePart(name, (), pixels, None if labels is None else np.array(labels, dtype=object), names, "")


def both(train: RowsPart, test: RowsPart | None = None) -> Collected:
    return Collected(name="x", train=train, test=test)


def test_pictures_in_both_parts_are_a_warning_however_few() -> None:
    (found,) = LeakedRows().look(both(images(range(100)), images([200, 7, 201, 7], name="test")))
    assert (found.where, found.count, found.severity) == ("test", 2, "warning")
    assert found.examples == ("test 1 = train 7", "test 3 = train 7")


def test_rows_that_are_in_both_parts_as_often_as_by_chance_are_a_note() -> None:
    train = cells([*range(50), *range(50), *range(100, 200)])  # half of them repeat
    (by_chance,) = LeakedRows().look(both(train, cells([0, 1000, 1001], name="test")))
    assert by_chance.severity == "note"
    assert "within which 50% repeat as well" in by_chance.found
    (leaked,) = LeakedRows().look(both(train, cells([0, 1, 2, 1000], name="test")))
    assert leaked.severity == "warning"
    (rare,) = LeakedRows().look(both(cells(range(200)), cells([0, *range(1000, 1200)], name="test")))
    assert rare.severity == "note"


def test_the_same_picture_under_two_labels_is_a_warning_with_both_named() -> None:
    (found,) = ConflictingLabels().look(both(images([1, 2, 1, 1, 3], ["a", "b", "b", "a", "b"])))
    assert (found.count, found.severity) == (3, "warning")
    assert found.examples == ("train 0 is 'a', train 2 is 'b'",)


def test_equal_rows_of_a_table_with_two_labels_are_a_note_and_amounts_are_none_of_its_business() -> None:
    (found,) = ConflictingLabels().look(both(cells([1, 1, 2], ["a", "b", "b"])))
    assert found.severity == "note"
    assert ConflictingLabels().look(both(cells([1, 1, 2], [0.5, 0.7, 0.1]))) == []


def test_copies_are_told_with_their_originals_and_other_labels_are_no_copies() -> None:
    (found,) = RepeatedRows().look(both(images([1, 2, 1, 2], ["a", "a", "a", "b"])))
    assert (found.count, found.examples, found.severity) == (2, ("train 2 = train 0",), "warning")
    assert RepeatedRows().look(both(images([1, 2, 1], ["a", "a", "b"]))) == []
    assert len(RepeatedRows().look(both(images([1, 1])))) == 1
    assert RepeatedRows().look(both(cells([0, 0, *range(1, 300)]))) == [], "fewer than 1 % of a table's rows repeat by chance"


def test_spellings_and_rare_classes_are_counted() -> None:
    part = cells(range(20), ["Dog"] * 8 + ["dog "] * 2 + ["cat"] * 9 + ["cow"])
    (spelled,) = DoubleSpellings().look(both(part))
    assert (spelled.where, spelled.count, spelled.examples) == ("train, column answer", 2, ("'Dog' and 'dog '",))
    (rare,) = RareClasses().look(both(part))
    assert (rare.count, rare.examples) == (3, ("cow (1)", "dog  (2)"))
    assert "2 of 4 classes have fewer than 5 rows" in rare.found
    assert RareClasses(min_rows=1).look(both(part)) == []
    assert RareClasses().look(both(cells(range(4), [0.1, 0.2, 0.3, 0.4]))) == [], "amounts are no classes"


def test_one_number_in_several_spellings_is_told() -> None:
    (spelled,) = DoubleSpellings().look(both(cells(range(12), ["1"] * 6 + ["01"] * 2 + ["1.0"] + ["2"] * 3)))
    assert (spelled.count, spelled.examples) == (3, ("'01' and '1' and '1.0'",))
    assert DoubleSpellings().look(both(cells(range(4), ["1", "10", "1e1", "x1"]))) == []


def test_findings_of_weight_are_told_once_in_one_line_each_and_all_are_kept() -> None:
    collected = Collected("x", images([1, 2, 1] * 5, ["a", "b", "b"] * 5), images([2], ["a"], name="test"), warnings=("first",))
    seen = look_all(collected)
    assert [finding.check for finding in seen.findings] == ["conflicting_labels", "leaked_rows", "repeated_rows"]
    assert seen.warnings == ("first", *map(str, seen.findings))
    assert all("\n" not in warning for warning in seen.warnings)
    notes = look_all(both(cells([1, 1, 2] * 5, ["a", "b", "b"] * 5)))
    assert (len(notes.findings), notes.warnings) == (2, ())


def test_a_finding_is_said_with_a_few_examples() -> None:
    finding = Finding("x", "train", "wrong", "Mend it.", 9, ("a", "b", "c", "d"))
    assert str(finding) == "train: wrong (a; b; c; ...). Mend it."
    assert str(Finding("x", "train", "wrong", "Mend it.")) == "train: wrong. Mend it."


def keys_of(part: ImagePart) -> list[int]:
    keys = row_keys(part)
    assert keys is not None
    return [int(key) for key in keys]


def test_pixels_of_another_shape_are_other_content_and_selected_rows_keep_theirs() -> None:
    flat = ImagePart("train", (), np.zeros((1, 2, 6, 1), dtype=np.uint8), None, ("a",), "")
    tall = ImagePart("train", (), np.zeros((1, 6, 2, 1), dtype=np.uint8), None, ("a",), "")
    assert keys_of(flat) != keys_of(tall)
    part = images([5, 6, 7])
    keys = keys_of(part)
    assert len(set(keys)) == 3
    assert keys_of(part.select(np.array([2, 0]))) == [keys[2], keys[0]]


def test_rows_are_grouped_by_content_and_label() -> None:
    keys = row_keys(cells([7, 8, 7, 7]))
    assert keys is not None
    assert group_rows(keys).group.tolist() == [0, 1, 0, 0]
    groups = group_rows(keys, ["a", "a", "b", "a"])
    assert groups.num_repeated == 2
    assert groups.first_like(np.arange(4)).tolist() == [0, 1, 2, 0]


@pytest.mark.slow
def test_a_million_rows_are_looked_at_in_seconds() -> None:
    random = np.random.default_rng(0)
    train = cells(random.integers(0, 3_000_000, 1_000_000), np.array(["a", "b", "c"])[random.integers(0, 3, 1_000_000)])
    collected = both(train, cells(random.integers(0, 3_000_000, 200_000), name="test"))
    train.row_digests()
    start_s = time.perf_counter()
    look_all(collected)
    # About 4 s on one quiet core; the bound leaves room for a machine that does other things too.
    assert time.perf_counter() - start_s < 30


def sheet(test: TablePart | None = None, *, by: By = "auto", target: str = "answer", **columns: Any) -> Collected:
    return Collected(name="x", train=table(target=target, **columns), test=test, split=SplitKeys(by))


def table(*, name: str = "train", target: str = "answer", **columns: Any) -> TablePart:
    made = pa.table(columns)
    return TablePart(name, made, f"{name}.csv", np.arange(2, made.num_rows + 2), target, name)


def random_answers(count: int = 100, *, seed: int = 0) -> list[str]:
    return [["no", "yes"][draw] for draw in np.random.default_rng(seed).integers(0, 2, count)]


def noise(count: int = 100, *, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count)


CODES: dict[str, Callable[[list[str]], list[Any]]] = {
    "equal": list,
    "another name": lambda answers: [{"no": "n", "yes": "j"}[answer] for answer in answers],
    "a number": lambda answers: [{"no": 17, "yes": 4}[answer] for answer in answers],
    "a truth value": lambda answers: [answer == "yes" for answer in answers],
    "a finer code": lambda answers: [f"{answer}-{row % 4}" for row, answer in enumerate(answers)],
    "empty for one": lambda answers: [row * 0.5 if answer == "yes" else None for row, answer in enumerate(answers)],
    "a size": lambda answers: [(answer == "yes") * 10 + row * 0.01 for row, answer in enumerate(answers)],
    "one slip in 200": lambda answers: ["no" if row == 7 else answer for row, answer in enumerate(answers)],
}


@pytest.mark.parametrize("how", CODES)
def test_a_feature_that_gives_the_class_away_is_a_warning(how: str) -> None:
    answers = random_answers(250)
    (found,) = TargetCopies().look(sheet(x=noise(250), code=CODES[how](answers), answer=answers))
    assert (found.where, found.severity) == ("train, column code", "warning")
    assert "--set columns.code=dropped" in found.remedy
    assert found.examples[0].startswith("train.csv row ")


@pytest.mark.parametrize("how", ["equal", "thousandths", "fahrenheit", "logarithm", "falling", "rounded", "label"])
def test_a_feature_that_gives_the_amount_away_is_a_warning(how: str) -> None:
    amounts = np.exp(noise(100))
    copies = {
        "equal": amounts,
        "thousandths": amounts * 1000,
        "fahrenheit": amounts * 1.8 + 32,
        "logarithm": np.log(amounts),
        "falling": 1 / amounts,
        "rounded": amounts.round(3),
        "label": None,
    }
    if how == "label":
        amounts = np.repeat(amounts[:10], 10)
    code = [f"{amount:.6f}" for amount in amounts] if how == "label" else copies[how]
    (found,) = TargetCopies().look(sheet(x=noise(100, seed=2), code=code, answer=amounts))
    assert (found.where, found.severity) == ("train, column code", "warning")


def test_what_few_rows_show_by_chance_and_what_only_helps_is_no_copy() -> None:
    assert TargetCopies().look(sheet(x=[1, 1, 2, 2, 2], y=[1, 2, 3, 4, 5], answer=["a", "a", "b", "b", "b"])) == []
    answers = random_answers()
    names = [f"N{row}" for row in range(100)]  # each tells its own row alone
    slips = [answer if row % 10 else "no" for row, answer in enumerate(answers)]
    assert TargetCopies().look(sheet(name=names, hint=slips, x=noise(), answer=answers)) == []
    rare = ["no"] * 98 + ["yes"] * 2
    assert TargetCopies().look(sheet(x=noise(), y=[answer == "yes" for answer in rare], answer=rare)) == [], (
        "two rows prove nothing"
    )
    amounts = noise()
    assert TargetCopies().look(sheet(x=amounts + 0.1 * noise(seed=3), nr=np.arange(100), answer=np.sort(amounts))) == []


def test_copies_in_a_large_table_are_found_in_evenly_spaced_rows_and_that_is_said() -> None:
    answers = random_answers(60_000)
    (found,) = TargetCopies().look(sheet(x=noise(60_000), code=CODES["a number"](answers), answer=answers))
    assert "seen in 20,000 of 60,000 rows, evenly spaced" in found.found


def test_many_copies_are_told_by_a_few() -> None:
    answers = random_answers()
    found = TargetCopies().look(sheet(answer=answers, **{f"c{number:02}": answers for number in range(20)}))
    assert len(found) == 6
    assert "these 15 give the target away too" in found[-1].found


def test_a_table_that_was_put_in_twice_is_told_though_its_rows_are_numbered_anew() -> None:
    x, answers = noise(), random_answers()
    columns = {"id": np.arange(200), "x": np.tile(x, 2), "answer": answers * 2}
    (found,) = RepeatedRows().look(sheet(**columns))
    assert (found.count, found.severity) == (200, "warning")
    assert "as if all had been put in twice" in found.found
    few = {"sex": [row % 2 for row in range(200)], "class": [row % 3 for row in range(200)], "answer": random_answers(200)}
    (by_chance,) = RepeatedRows().look(sheet(**few))
    assert by_chance.severity == "note", "six different rows repeat by chance"


def test_test_rows_of_a_table_that_are_in_train_are_a_warning_though_they_are_numbered() -> None:
    x, answers = noise(1_000), random_answers(1_000)
    test = table(name="test", id=np.arange(5_000, 5_200), x=x[:200], answer=answers[:200])
    (found,) = LeakedRows().look(sheet(test, id=np.arange(1_000), x=x, answer=answers))
    assert (found.count, found.severity, found.examples[0]) == (200, "warning", "test.csv row 2 = train.csv row 2")


def test_the_same_row_of_a_table_under_two_labels_is_a_warning_where_it_is_no_chance() -> None:
    x = np.append(noise(), noise()[:3])
    answers = random_answers()
    others = ["no" if answer == "yes" else "yes" for answer in answers[:3]]
    (found,) = ConflictingLabels().look(sheet(x=x, answer=answers + others))
    assert (found.count, found.severity) == (6, "warning")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("caf\u00e9", "cafe\u0301"),
        ("Dog", "dog"),
        ("dog", " dog"),
        ("a b", "a\u00a0b"),
        ("dog", "dog\u200b"),
        ("stra\u00dfe", "STRASSE"),
    ],
)
def test_classes_that_look_the_same_are_told(one: str, other: str) -> None:
    (found,) = DoubleSpellings().look(both(images(range(20), [one, other] * 10)))
    shown = found.examples[0].split(" and ")
    assert shown[0] != shown[1]
    assert found.examples[0].replace("\u00df", "").replace("\u00e9", "").isascii(), "what cannot be seen is written out"


def test_classes_that_only_resemble_each_other_are_not_mixed_up() -> None:
    for one, other in (("10\u00b2", "102"), ("\u2460", "1"), ("a", "b"), ("resume", "r\u00e9sum\u00e9")):
        assert DoubleSpellings().look(both(images(range(20), [one, other] * 10))) == []


def test_a_class_that_the_test_part_lacks_is_told_where_it_could_be_expected() -> None:
    train = images(range(100), ["a"] * 60 + ["b"] * 37 + ["c"] * 3)
    (found,) = MissingClass().look(both(train, images(range(200, 240), ["a"] * 40, name="test")))
    assert (found.severity, found.examples) == ("warning", ("'b' (37 train rows)", "'c' (3 train rows)"))
    assert MissingClass().look(both(train, images([200, 201], ["a", "b"], name="test"))) == []


DAYS = [datetime(2024, 1, 1) + timedelta(hours=row) for row in range(100)]


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("day", DAYS),
        ("day", DAYS[::-1]),
        ("day", [DAYS[row] for row in np.random.default_rng(0).permutation(100)]),
        ("sold on", [DAYS[row - row % 4] for row in range(100)]),
        ("time", np.sort(np.random.default_rng(0).integers(0, 10_000, 100))),
        ("year", np.arange(1900, 2000)),
        ("panel", DAYS[:50] * 2),
    ],
)
def test_rows_that_follow_each_other_in_time_are_told_with_the_words_that_mend_it(name: str, times: Any) -> None:
    (found,) = RowsInTime().look(sheet(x=noise(), **{name: times}, answer=random_answers()))
    assert found.severity == "warning"
    words = shlex.split(found.remedy[found.remedy.index("--set") :].rstrip("."))
    assert recipe_of(words).split.by == "time"
    assert recipe_of(words).split.column == name
    (asked,) = RowsInTime().look(sheet(by="random", x=noise(), **{name: times}, answer=random_answers()))
    assert asked.severity == "note"
    assert RowsInTime().look(sheet(by="time", **{name: times}, answer=random_answers())) == []


def test_dates_that_order_nothing_are_only_dates() -> None:
    random = np.random.default_rng(0)
    births = [datetime(1950, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 20_000, 100)]
    assert RowsInTime().look(sheet(born=births, month=random.integers(1, 13, 100), answer=random_answers())) == []
    assert RowsInTime().look(sheet(x=np.sort(noise()), answer=random_answers())) == [], "sorted numbers are no times"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("patient", [f"P{row // 5}" for row in range(100)]),
        ("patientId", [row // 5 for row in range(100)]),
        ("User ID", [row % 20 for row in range(100)]),
        ("subject", [row % 4 for row in range(100)]),
        ("author", ["abcdefghijklm"[row % 13] * 3 for row in range(100)]),
    ],
)
def test_an_id_that_repeats_is_told_with_the_words_that_mend_it(name: str, values: list[Any]) -> None:
    (found,) = RowsInGroups().look(sheet(x=noise(), **{name: values}, answer=random_answers()))
    assert (found.where, found.severity) == (f"train, column {name}", "warning")
    words = shlex.split(found.remedy[found.remedy.index("--set") :].rstrip("."))
    assert recipe_of(words).split.column == name
    (asked,) = RowsInGroups().look(sheet(by="random", **{name: values}, answer=random_answers()))
    assert asked.severity == "note"
    assert RowsInGroups().look(sheet(by="group", **{name: values}, answer=random_answers())) == []


def test_an_id_of_anything_is_told_loudly_only_where_other_columns_belong_to_it() -> None:
    shop = [row % 10 for row in range(100)]
    (note,) = RowsInGroups().look(sheet(shop_id=shop, x=noise(), answer=random_answers()))
    assert note.severity == "note"
    (found,) = RowsInGroups().look(sheet(shop_id=shop, town=[f"T{number // 2}" for number in shop], answer=random_answers()))
    assert found.severity == "warning"
    assert "town belong to it" in found.found


def test_a_category_is_no_id_and_a_class_is_no_group() -> None:
    answers = random_answers()
    devices = [["mobile", "desktop", "tablet"][row % 3] for row in range(100)]
    assert RowsInGroups().look(sheet(device=devices, student=[row % 2 for row in range(100)], answer=answers)) == []
    assert RowsInGroups().look(sheet(user=list(range(100)), answer=answers)) == []
    people = [f"p{row % 5}" for row in range(100)]
    assert RowsInGroups().look(sheet(person=[name.upper() for name in people], answer=people)) == []


def test_patients_in_file_names_are_told_with_a_pattern() -> None:
    part = images(range(40), ["a", "b"] * 20)
    named = replace(part, names=tuple(f"{'ab'[row % 2]}/Patient_{row // 4}_{row}.png" for row in range(40)))
    (found,) = RowsInGroups().look(both(named))
    words = shlex.split(found.remedy[found.remedy.index("--set") :].rstrip("."))
    pattern = recipe_of(words).split.pattern
    assert re.search(pattern, named.names[39])[1] == "9"  # type: ignore[index]
    assert RowsInGroups().look(both(part)) == []


ODD_CELLS: dict[str, Any] = {
    "lists": [[1, 2]] * 60,
    "records": [{"a": 1}] * 60,
    "bytes": [b"\xff"] * 60,
    "huge": [1.7e308, -1.7e308] * 30,
    "nothing": [None] * 60,
    "largest": pa.array([2**64 - 1 - row for row in range(60)], pa.uint64()),
}


@pytest.mark.parametrize("name", ODD_CELLS)
def test_cells_of_any_kind_are_looked_at(name: str) -> None:
    columns = {"x": noise(60), "time": ODD_CELLS[name], "answer": random_answers(60)}
    found = look_all(sheet(table(name="test", **columns), **columns)).findings
    assert "leaked_rows" in [finding.check for finding in found], "the same table as train and test"


def recipe_of(words: list[str]) -> Recipe:
    """Read settings as the command line does."""
    values: dict[str, Any] = {}
    for word in words:
        if word != "--set":
            values = merge(values, *parse_setting(word))
    return recipe_from(values, where="test")


def letters(count: int, seed: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("abcdefgh "), count))


def texts_apart(train: str, test: str) -> Collected:
    parts = (CorpusPart(name, text, "x.txt", name) for name, text in (("train", train), ("test", test)))
    return Collected("x", *parts)


def test_a_test_text_that_is_in_the_train_text_is_told_with_its_share() -> None:
    train, other = letters(4_000, 0), letters(1_000, 1)
    (found,) = CopiedText().look(texts_apart(train, train[313:1_313] + other))
    assert found.severity == "warning"
    assert re.match(r"(48|49|50)% of its characters stand in stretches of 50 that are also in the train text", found.found)
    assert found.examples[0] in {repr(train[begin : begin + 40]) for begin in range(313, 363)}
    assert not CopiedText().look(texts_apart(train, other))


def test_copies_are_a_note_in_a_text_that_repeats_itself_as_much() -> None:
    refrain = letters(200, 0)
    train = "".join(letters(200, seed) + refrain for seed in range(1, 11))
    (found,) = CopiedText().look(texts_apart(train, letters(400, 20) + refrain))
    assert found.severity == "note"
    assert "repeats itself as much" in found.found
