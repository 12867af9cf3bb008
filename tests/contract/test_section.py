"""Every section of the report: shows what it has, keeps silent where it has nothing, and survives any damage to the files.

A new section is judged from its first day: what it reads is found through the `Record` classes of its file.
"""

import importlib
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutelage.core import catalog, events, layout
from tutelage.core.journal import Entry
from tutelage.core.manifest import Manifest, hash_file
from tutelage.report.html import Html
from tutelage.report.page import sections, write_report
from tutelage.report.record import DataSummary, Record, Result, read_run
from tutelage.report.sections.base import Section

KINDS = catalog.names("section")
FILES = (layout.PLAN, layout.ENV, layout.DATA, layout.RESULT)
EVENTS = (*(name for name in events.__all__ if name[0].isupper()), "Sampled")
PAYLOAD = '<script>alert(1)</script>"><b onclick=x>'
SHARED = tuple(dict.fromkeys([*DataSummary.model_fields, *Result.model_fields]))
IN_LINES = ("step", "seconds", "metrics", "message", "reason", "exact", "is_best", "total_steps", "score", "train/x", "lr")
VOID = {"img", "br"}
HOSTILE: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 10**400, -(10**400), 1e308, -1e308, 5e-324, float("nan"), float("inf"), "", "\x00", "\ud800",
    PAYLOAD, [], {}, [None], [[]], [[], [1]], [[1, -1], [0, 0]], [{}], {"": None}, {"train": -1}, [1e308, -1e308],
    {"returns": [1e308, None, "x"], "lengths": 3}, {"target": [1e308, -1e308], "prediction": [-1e308, 1e308]},
    [{"step": -1, "png": "AAAA", "row": {"a": [[[[[[]]]]]]}, "top": [["a"]]}],
)  # fmt: skip
HUGE: tuple[Any, ...] = (
    "9" * 50_000, ["a"] * 20_000, [[1] * 200] * 200, list(range(20_000)), {str(number): number for number in range(5_000)},
    [{"name": "x", "label": "y", "text": "z"}] * 5_000,
)  # fmt: skip
DEEP = "[" * 400 + "]" * 400


def section(kind: str) -> Section:
    found: Section = catalog.load("section", kind)()
    return found


def records(kind: str) -> list[type[Record]]:
    """What a section reads, found in its file."""
    found = vars(importlib.import_module(f"tutelage.report.sections.{kind}")).values()
    ours = [item for item in found if isinstance(item, type) and issubclass(item, Record) and item is not Record]
    return list(dict.fromkeys([*ours, DataSummary, Result]))


def keys(kind: str) -> list[str]:
    return list(dict.fromkeys(key for record in records(kind) for key in record.model_fields))


def example(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """A value that fits a JSON schema, with the payload for every text."""
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            return example(option, definitions)
    match schema.get("type"):
        case "object" if "properties" in schema:
            return {key: example(inner, definitions) for key, inner in schema["properties"].items()}
        case "object":
            inner = schema.get("additionalProperties")
            return {key: example(inner if isinstance(inner, dict) else {}, definitions) for key in ("train", "test/" + PAYLOAD)}
        case "array":
            entries = schema.get("prefixItems") or [schema.get("items", {})] * 3
            return [example(entry, definitions) for entry in entries]
        case "integer":
            return 3
        case "number":
            return 0.5
        case _:
            return PAYLOAD


def filled(kind: str) -> dict[str, Any]:
    """All that a section reads, with the payload for every text."""
    content: dict[str, Any] = {}
    for record in records(kind):
        schema = record.model_json_schema()
        content |= example(schema, schema.get("$defs", {}))
    return content


def write(folder: Path, content: dict[str, Any], *, lines: list[dict[str, Any]]) -> Path:
    """Write the same content into every file of a run folder, and lines into those that hold lines."""
    folder.mkdir(exist_ok=True)
    whole, line_by_line = json.dumps(content), "".join(json.dumps(line) + "\n" for line in lines)
    for name in FILES:
        (folder / name).write_text(whole, encoding="utf-8")
    for name in (layout.EVENTS, layout.METRICS):
        (folder / name).write_text(line_by_line, encoding="utf-8")
    return folder


def full_folder(folder: Path, kind: str) -> Path:
    """A run folder in which there is something for every section."""
    content = filled(kind)
    lines = [{**content, "event": name, "message": "again " + PAYLOAD, "step": 3, "train/" + PAYLOAD: 0.5} for name in EVENTS]
    (write(folder, content, lines=lines) / layout.RECIPE).write_text(PAYLOAD, encoding="utf-8")
    Manifest(folder).rewrite([Entry(path.name, path.stat().st_size, hash_file(path)) for path in folder.iterdir()])
    return folder


class Elements(HTMLParser):
    """Reads a piece of a page and refuses elements that are closed in the wrong order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shown(kind: str, folder: Path) -> Html | None:
    """What a section shows of a folder; checked to be one well-formed, harmless element where it shows anything."""
    content = section(kind).show(read_run(folder))
    assert content is None or isinstance(content, Html)
    if content is not None:
        elements = Elements(content.text).found
        name, attributes = elements[0]
        assert (name, attributes.get("id")) == ("section", kind)
        assert not {tag for tag, _ in elements} & {"script", "style", "iframe", "object", "form"}
        assert not [key for _, found in elements for key in found if key.startswith("on")]
    return content


@pytest.mark.parametrize("kind", KINDS)
def test_a_section_says_its_place_and_its_title(kind: str) -> None:
    assert section(kind).order > 0
    assert section(kind).anchor == kind
    assert section(kind).menu == section(kind).menu.strip()


def test_no_two_sections_share_a_place_or_a_title() -> None:
    orders = [one.order for one in sections()]
    assert orders == sorted(set(orders))
    titles = [one.menu for one in sections() if one.menu]
    assert len(titles) == len(set(titles))
    assert {one.anchor for one in sections()} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_folder_has_nothing_to_show(kind: str, tmp_path: Path) -> None:
    assert shown(kind, tmp_path) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_section_shows_what_it_reads_and_escapes_every_text(kind: str, tmp_path: Path) -> None:
    folder = full_folder(tmp_path / "run-1", kind)
    content = shown(kind, folder)
    assert content is not None
    assert "<script" not in content.text
    assert read_run(folder).problems == ()


@pytest.mark.parametrize("kind", KINDS)
def test_no_damaged_value_stops_a_section(kind: str, tmp_path: Path) -> None:
    good = filled(kind)
    inner = {name for record in records(kind) for name in record.model_json_schema().get("$defs", {})}
    own = [key for record in records(kind) if record.__name__ not in inner for key in record.model_fields if key not in SHARED]
    for value in HOSTILE:
        for content in ({**good, **dict.fromkeys(SHARED, value)}, *({**good, key: value} for key in own)):
            write(tmp_path, content, lines=[{"event": "Warned"}])
            shown(kind, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_no_damaged_line_stops_a_section(kind: str, tmp_path: Path) -> None:
    for value in HOSTILE:
        damaged = dict.fromkeys([*filled(kind), *IN_LINES], value)
        lines = [{**damaged, "event": name, **fixed} for name in EVENTS for fixed in ({}, {"step": 3}, {"message": "m"})]
        write(tmp_path, {}, lines=lines)
        shown(kind, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_huge_values_do_not_stop_a_section(kind: str, tmp_path: Path) -> None:
    for value in HUGE:
        content = {**filled(kind), **{key: value for key in filled(kind) if key not in SHARED}}
        write(tmp_path, content, lines=[{"event": "Sampled", "step": 1, "texts": value, "points": value}, {"event": value}])
        shown(kind, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_deeply_nested_values_do_not_stop_a_section(kind: str, tmp_path: Path) -> None:
    text = "{" + ", ".join(f'"{key}": {DEEP}' for key in keys(kind)) + "}"
    for name in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in (layout.EVENTS, layout.METRICS):
        lines = ['{"event": "%s", "message": %s, "step": %s, %s\n' % (word, DEEP, DEEP, text[1:]) for word in EVENTS]  # noqa: UP031
        (tmp_path / name).write_text("".join(lines), encoding="utf-8")
    shown(kind, tmp_path)


def json_values(names: list[str]) -> st.SearchStrategy[Any]:
    """Any JSON value, with keys that sections know."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(PAYLOAD)
    words = st.sampled_from([*names, "train", "test/x"])
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=12
    )


def all_keys() -> list[str]:
    return sorted({key for kind in KINDS for key in keys(kind)})


def contents() -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(all_keys()), json_values(all_keys()), max_size=12)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=contents(), line=contents(), event=st.sampled_from(EVENTS))
def test_no_json_at_all_stops_a_section(tmp_path: Path, content: dict[str, Any], line: dict[str, Any], event: str) -> None:
    write(tmp_path, content, lines=[{"step": 1, **line, "event": event}])
    for kind in KINDS:
        shown(kind, tmp_path)


def ids(text: str) -> Iterator[str]:
    return (found["id"] or "" for _, found in Page(text).found if "id" in found)


class Page(Elements):
    """A whole page, whose head has elements without an end."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        if tag == "meta":
            self.open.pop()


def together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return both contents: sections may read different things of one object; where only one has an object, that one."""
    shared = [key for key in one.keys() & other.keys() if isinstance(one[key], dict)]
    both = {key: together(one[key], other[key]) if isinstance(other[key], dict) else one[key] for key in shared}
    return {**one, **other, **both}


def test_every_section_has_its_own_id_on_the_page(tmp_path: Path) -> None:
    content: dict[str, Any] = {}
    for kind in KINDS:
        content = together(content, filled(kind))
    lines = [{**content, "event": name, "message": "again " + PAYLOAD, "step": 3, "train/loss": 0.5} for name in EVENTS]
    folder = write(tmp_path / "run-1", content, lines=lines)
    (folder / layout.RECIPE).write_text(PAYLOAD, encoding="utf-8")
    found = list(ids(write_report(folder).read_text(encoding="utf-8")))
    assert len(found) == len(set(found))
    assert set(KINDS) <= set(found)
