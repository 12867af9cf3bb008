"""Checks of the data on small hand-made parts: what is told, how much it weighs, and what it costs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pytest

from tutelage.data.part.base import RowsPart
from tutelage.data.part.image import ImagePart
from tutelage.data.quality.conflicting_labels import ConflictingLabels
from tutelage.data.quality.double_spellings import DoubleSpellings
from tutelage.data.quality.equal_rows import group_rows, row_keys
from tutelage.data.quality.finding import Finding
from tutelage.data.quality.leaked_rows import LeakedRows
from tutelage.data.quality.look import look_all
from tutelage.data.quality.rare_classes import RareClasses
from tutelage.data.quality.repeated_rows import RepeatedRows
from tutelage.data.source.base import Collected


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

    @property
    def columns(self) -> tuple[str, ...]:
        return ("number", self.target)

    def __len__(self) -> int:
        return len(self.content)

    def locate(self, index: int) -> str:
        return f"{self.name}.csv row {index}"

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


def test_pixels_of_another_shape_are_other_content_and_selected_rows_keep_theirs() -> None:
    flat = ImagePart("train", (), np.zeros((1, 2, 6, 1), dtype=np.uint8), None, ("a",), "")
    tall = ImagePart("train", (), np.zeros((1, 6, 2, 1), dtype=np.uint8), None, ("a",), "")
    assert flat.row_digests() != tall.row_digests()
    part = images([5, 6, 7])
    digests = part.row_digests() or []
    assert len(set(digests)) == 3
    assert part.select(np.array([2, 0])).row_digests() == [digests[2], digests[0]]


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
