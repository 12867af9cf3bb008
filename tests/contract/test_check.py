"""Every check of the data finds the fault it is for, has nothing to say of clean data, and never stops a training."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.contract.examples import SOURCES
from tutelage.core import catalog
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.part.corpus import CorpusPart
from tutelage.data.part.image import ImagePart
from tutelage.data.part.table import TablePart
from tutelage.data.quality.base import Check
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding
from tutelage.data.quality.look import look_all
from tutelage.data.source.base import Collected

KINDS = catalog.names("check")


def pictures(content: list[int], labels: list[str] | None, *, name: str = "train") -> ImagePart:
    """Pictures of one grey each."""
    pixels = np.array(content, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 4, 4, 1), dtype=np.uint8)
    names = tuple(f"{name}/{row}.png" for row in range(len(content)))
    return ImagePart(name, (), pixels, None if labels is None else np.array(labels, dtype=object), names, name)


def clean() -> Collected:
    test = pictures([100, 101], ["a", "b"], name="test")
    return Collected(name="clean", train=pictures(list(range(10)), ["a", "b"] * 5), test=test)


def planted(content: list[int], labels: list[str], test: list[int] | None = None) -> Collected:
    part = None if test is None else pictures(test, ["a", "b"][: len(test)] if len(test) < 3 else ["a"] * len(test), name="test")
    return Collected(name="planted", train=pictures(content, labels), test=part)


FAULTS: dict[str, Callable[[], Collected]] = {
    "conflicting_labels": lambda: planted([*range(10), 3], [*["a", "b"] * 5, "a"]),
    "double_spellings": lambda: planted(list(range(15)), ["yes", "no", "Yes."] * 5),
    "leaked_rows": lambda: planted(list(range(10)), ["a", "b"] * 5, test=[100, 3]),
    "rare_classes": lambda: planted(list(range(11)), [*["a", "b"] * 5, "c"]),
    "repeated_rows": lambda: planted([*range(10), 3], [*["a", "b"] * 5, "b"]),
}
"""For each check a small data set with its fault."""


def sheet(**columns: list[object]) -> Collected:
    """A table of 60 rows with a target that nothing tells of, and some columns more."""
    random = np.random.default_rng(0)
    own = {"size": random.normal(size=60), "answer": random.permutation(["a", "b"] * 30).tolist()}
    table = pa.table({**own, **columns})
    return Collected(name="sheet", train=TablePart("train", table, "t.csv", np.arange(2, 62), "answer", "t"))


def with_code() -> Collected:
    collected = sheet()
    assert isinstance(collected.train, TablePart)
    return sheet(code=[{"a": 3, "b": 7}[label] for label in collected.train.column("answer").to_pylist()])


def copied() -> Collected:
    """A long text of random letters, and a test text that is a stretch of it."""
    letters = "".join(np.random.default_rng(0).choice(list("abcdefgh "), 2_000))
    train, test = (CorpusPart(name, text, "x.txt", name) for name, text in (("train", letters), ("test", letters[700:1_300])))
    return Collected(name="copied", train=train, test=test)


FAULTS |= {
    "copied_text": copied,
    "constant_column": lambda: sheet(unit=["cm"] * 60),
    "missing_class": lambda: planted(list(range(10)), ["a", "b"] * 5, test=list(range(100, 110))),
    "rows_in_groups": lambda: sheet(patient=[f"P{row % 12:02}" for row in range(60)]),
    "rows_in_time": lambda: sheet(day=[date(2024, 1, 1) + timedelta(days=row) for row in range(60)]),
    "running_number": lambda: sheet(nr=list(range(60))),
    "target_copies": with_code,
}


class Opaque(Part):
    """A part that is not made of rows."""

    kind = "opaque"
    name = "train"
    fingerprint = ""


class Silent(RowsPart):
    """Rows that know neither labels nor content."""

    kind = "silent"
    suits = "array"
    name = "train"
    fingerprint = ""
    labels = None
    target = ""

    def __len__(self) -> int:
        return 3


def labels_of(part: Part) -> list[object]:
    return list(part.labels) if isinstance(part, RowsPart) and part.labels is not None else []


def check(kind: str) -> Check:
    component: Check = catalog.load("check", kind)()
    return component


def collect(source: str, folder: Path) -> Collected:
    collected: Collected = catalog.load("source", source)(path=SOURCES[source](folder)).collect()
    return collected


def test_every_check_has_a_fault_to_find() -> None:
    assert set(KINDS) == set(FAULTS), "add a small data set with the fault of the new check to FAULTS"


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_finds_its_fault_and_no_other_one_does(kind: str) -> None:
    found = look_all(FAULTS[kind]()).findings
    assert [finding.check for finding in found] == [kind]


def test_a_column_without_any_value_is_told_at_once_and_one_of_one_value_in_the_report() -> None:
    empty = sheet(review=pa.nulls(60, pa.string()), unit=["cm"] * 60)
    found = {finding.where: finding for finding in look_all(empty).findings}
    assert {where: finding.severity for where, finding in found.items()} == {
        "train, column review": "warning",
        "train, column unit": "note",
    }
    assert found["train, column review"].found == "it has no value in any row"


@pytest.mark.parametrize("kind", KINDS)
def test_clean_data_have_nothing_to_tell(kind: str) -> None:
    assert check(kind).look(clean()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_changes_nothing_and_finds_the_same_again(kind: str) -> None:
    collected = FAULTS[kind]()
    before = labels_of(collected.train)
    assert check(kind).look(collected) == check(kind).look(collected)
    assert labels_of(collected.train) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_finding_says_what_where_and_what_to_do_as_json(kind: str) -> None:
    for finding in check(kind).look(FAULTS[kind]()):
        record = json.loads(json.dumps(finding.record(), allow_nan=False))
        assert Finding(**{**record, "examples": tuple(record["examples"])}) == finding
        assert finding.check == kind
        assert finding.where
        assert finding.found
        assert finding.remedy.endswith(".")
        assert finding.severity in ("note", "warning")
        assert len(finding.examples) <= MAX_EXAMPLES
        assert finding.count is None or finding.count > 0
        assert "\n" not in str(finding)


@pytest.mark.parametrize("part", [Opaque(), Silent(), pictures([], []), pictures([200], None)], ids=["0", "1", "2", "3"])
@pytest.mark.parametrize("kind", KINDS)
def test_parts_that_do_not_know_are_passed_over(kind: str, part: Part) -> None:
    assert check(kind).look(Collected(name="x", train=part)) == []
    assert check(kind).look(Collected(name="x", train=part, test=clean().train)) == []
    assert check(kind).look(Collected(name="x", train=clean().train, test=part)) == []


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_the_example_of_every_source_is_looked_at_and_needs_no_warning(source: str, tmp_path: Path) -> None:
    collected = look_all(collect(source, tmp_path))
    json.dumps([finding.record() for finding in collected.findings], allow_nan=False)
    assert not [finding for finding in collected.findings if finding.severity == "warning"]
