"""The whole report: complete, self-contained, well-formed, and deaf to hostile names."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tutelage.core import layout
from tutelage.core.errors import DiskError, RunError
from tutelage.core.events import Noted, Warned
from tutelage.report import write_report
from tutelage.track.jsonl import JsonlSink

OPEN = {"meta", "img", "br"}
SECTIONS = {
    "warnings", "scores", "curves", "confusion", "residuals", "mistakes", "decisions", "data", "repeat", "story", "environment",
    "files",
}  # fmt: skip
"""Sections of a run that learns classes or numbers."""


class Page(HTMLParser):
    """Reads a page and refuses elements that are closed in the wrong order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: dict[str, int] = {}
        self.attributes: list[tuple[str, str, str]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in OPEN:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    @property
    def anchors(self) -> set[str]:
        return {value for tag, name, value in self.attributes if name == "id" and tag == "section"}


def page_of(folder: Path) -> Page:
    return Page(write_report(folder).read_text(encoding="utf-8"))


def change(folder: Path, name: str, **values: Any) -> None:
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    (folder / name).write_text(json.dumps(content | values), encoding="utf-8")


def test_a_report_on_pictures_has_every_section_but_residuals(picture_run: Path) -> None:
    page = page_of(picture_run)
    assert page.anchors == SECTIONS - {"residuals"}
    for words in ("93.6 %", "93.2 % to 94.1 %", "10.0 %", "3 min 01 s", "1,242,000 parameters", "budget used up", "step 2,160"):
        assert words in page.words
    for words in (
        "shirt taken for T-shirt",
        "98 times",
        "tutelage train data/fashion-mnist --time 3m --seed 0",
        "a decompression bomb",
    ):
        assert words in page.words
    assert page.tags["img"] == 16 + 60


def test_a_report_on_numbers_has_every_section_but_the_confusion(table_run: Path) -> None:
    page = page_of(table_run)
    assert page.anchors == SECTIONS - {"confusion"}
    for words in (
        "0.521",
        "0.380 to 0.620",
        "early stopping",
        "Half of the predictions are within",
        "an id tells nothing about new rows",
    ):
        assert words in page.words
    assert "img" not in page.tags
    assert page.tags["circle"] > 800


def test_a_report_needs_no_network_and_no_other_file(picture_run: Path, table_run: Path) -> None:
    for folder in (picture_run, table_run):
        page = page_of(folder)
        assert not page.tags.keys() & {
            "link",
            "iframe",
            "object",
            "embed",
            "base",
            "form",
            "video",
            "audio",
            "use",
            "image",
            "foreignobject",
        }
        assert page.tags["script"] == page.tags["style"] == 1
        for tag, name, value in page.attributes:
            assert "http:" not in value
            assert "https:" not in value
            assert not name.startswith("on")
            if name == "src":
                assert value.startswith("data:image/png;base64,")
            if name == "href":
                assert value.startswith(("#", "./")), f"{tag} {value}"


def test_links_lead_to_files_that_are_there_and_to_sections_of_the_page(picture_run: Path) -> None:
    page = page_of(picture_run)
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert {link[1:] for link in links if link.startswith("#")} <= page.anchors
    assert all((picture_run / link).exists() for link in links if link.startswith("./"))
    assert "./metrics.jsonl" in links


def test_the_same_folder_gives_the_same_bytes(picture_run: Path) -> None:
    first = write_report(picture_run).read_bytes()
    assert write_report(picture_run).read_bytes() == first
    assert [path.name for path in picture_run.iterdir() if "tmp" in path.name] == []


def test_a_folder_that_may_only_be_read_is_not_waited_for(picture_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise DiskError("report.html: Permission denied.")

    def slept(seconds: float) -> None:
        pytest.fail(f"slept for {seconds} s")

    monkeypatch.setattr("tutelage.report.page._write", refused)
    monkeypatch.setattr("tutelage.report.page.os.access", lambda *_: False)
    monkeypatch.setattr("tutelage.core.patience.time.sleep", slept)
    with pytest.raises(DiskError, match="tutelage report"):
        write_report(picture_run, patience_seconds=600.0)


def hostile_strings() -> Iterator[str]:
    """Yield strings that break out of pages that were glued together carelessly."""
    payloads = (
        "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=x>",
        "javascript:alert(1)", "</style><style>*{display:none}</style>", "<!--", "-->", "<![CDATA[", "]]>", "</title><b>",
        "</main></body></html>", "<iframe src=//evil>", "&lt;b&gt;", "&#60;b&#62;", "<base href=//evil>",
        "<meta http-equiv=refresh content=0>", "<a href=x>", "{{7*7}}", "${x}", "`x`", "\\u003cb\\u003e", "<b", "b>", "<\x00b>",
        "\x00", "\u202egnp.tac", "\ufeff<b>", "\ud800", "%3Cb%3E", "<details open ontoggle=x>", "<table><td>",
        "<math><mi//xlink:href=data:x>",
    )  # fmt: skip
    for payload in payloads:
        yield from (payload, f'"{payload}', f"'{payload}", f'">{payload}', f"' onmouseover='{payload}", f'x" data-tip="{payload}')
    yield from ("a" * 5000, "\n" * 50, " " * 50, "../../etc/passwd")


def poisoned(value: Any, words: Iterator[str]) -> Any:
    """Put a hostile string in the place of every text of a JSON value, keys included."""
    if isinstance(value, str):
        return next(words)
    if isinstance(value, list):
        return [poisoned(item, words) for item in value]
    if isinstance(value, dict):
        return {key: poisoned(item, words) for key, item in value.items()}
    return value


def test_two_hundred_hostile_strings_create_no_markup(picture_run: Path, table_run: Path) -> None:
    strings = list(hostile_strings())
    assert len(strings) >= 200
    for folder in (picture_run, table_run):
        clean = page_of(folder)
        number = 0

        def words() -> Iterator[str]:
            nonlocal number
            while True:
                number += 1
                yield strings[number % len(strings)]

        sink = JsonlSink(folder)
        for text in strings:
            sink.take(Warned(message=text))
            sink.take(Noted(message=text))
        sink.close()
        for name in (layout.DATA, layout.PLAN, layout.ENV, layout.RESULT):
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            (folder / name).write_text(json.dumps(poisoned(content, words())), encoding="utf-8")
        change(
            folder,
            layout.RESULT,
            metrics=dict.fromkeys(strings, 0.5) | {"test/accuracy": 0.5},
            stopped="<b>",
            command="</pre><b>",
        )
        change(folder, layout.DATA, classes={text: {"train": 3} for text in strings}, notes=strings, warnings=strings)
        change(folder, layout.ENV, **dict.fromkeys(strings, "<b>"))
        (folder / layout.RECIPE).write_text("</code></pre><script>alert(1)</script>", encoding="utf-8")
        page = page_of(folder)
        assert number > 20
        assert set(page.tags) <= set(clean.tags) | {"img", "circle", "ul", "li", "h3"}
        assert page.tags["script"] == page.tags["style"] == page.tags["title"] == page.tags["body"] == 1
        names = {name for _, name, _ in page.attributes}
        assert names <= {name for _, name, _ in clean.attributes} | {"data-tip", "style"}
        assert not any(name.startswith("on") for name in names)
        assert "alert(1)" in page.words


def test_hostile_file_names_are_only_listed(picture_run: Path) -> None:
    for name in ("<img src=x onerror=alert(1)>", '" onclick="x', "a&b.txt", "javascript:alert(1)", "#top", "odd\udcff.bin"):
        (picture_run / name).write_text("", encoding="utf-8")
    page = page_of(picture_run)
    assert all(value.startswith(("#", "./")) for _, name, value in page.attributes if name == "href")
    assert "onclick" not in {name for _, name, _ in page.attributes}
    assert "<img src=x onerror=alert(1)>" in page.words


def test_a_run_that_was_cut_off_says_so_and_shows_what_is_known(picture_run: Path) -> None:
    (picture_run / layout.RESULT).unlink()
    events = picture_run / layout.EVENTS
    events.write_bytes(events.read_bytes()[:-700])
    page = page_of(picture_run)
    assert "Not finished." in page.words
    assert re.search(r"It reached step 2,\d\d0 of 2,400", page.words)
    assert {"curves", "decisions", "data"} <= page.anchors


@pytest.mark.parametrize(
    "kept",
    [(), (layout.RECIPE,), (layout.EVENTS,), (layout.METRICS,), (layout.DATA,), (layout.RESULT,), (layout.PLAN,), (layout.ENV,)],
)
def test_any_file_may_be_missing(picture_run: Path, kept: tuple[str, ...]) -> None:
    for name in (layout.RECIPE, layout.PLAN, layout.ENV, layout.DATA, layout.EVENTS, layout.METRICS, layout.RESULT):
        if name not in kept:
            (picture_run / name).unlink()
    assert "fashion-mnist-1" in page_of(picture_run).words


def test_any_key_may_be_missing(picture_run: Path) -> None:
    for name in (layout.RESULT, layout.DATA):
        content = json.loads((picture_run / name).read_text(encoding="utf-8"))
        for key in content:
            (picture_run / name).write_text(
                json.dumps({other: content[other] for other in content if other != key}), encoding="utf-8"
            )
            page_of(picture_run)
        (picture_run / name).write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"metrics": "many", "confusion": 3, "worst": [1]}', "[" * 100_000])
def test_a_damaged_file_is_named_and_the_report_still_opens(picture_run: Path, text: str) -> None:
    (picture_run / layout.RESULT).write_text(text, encoding="utf-8")
    page = page_of(picture_run)
    assert "Learning curves" in page.words
    if text not in ("", "null"):
        assert "result.json" in page.words.partition("Learning curves")[0]


def test_values_that_do_not_fit_cost_only_their_own_key(picture_run: Path) -> None:
    change(picture_run, layout.RESULT, confusion="none", seconds="soon")
    page = page_of(picture_run)
    assert "result.json: not as expected and left out: confusion, seconds." in page.words
    assert "93.6 %" in page.words
    assert "confusion" not in page.anchors


def test_scores_that_are_not_defined_are_shown_as_such(picture_run: Path) -> None:
    change(
        picture_run,
        layout.RESULT,
        metrics={"test/accuracy": None, "test/auroc": None},
        intervals={"test/auroc": [None, None], "test/accuracy": None},
    )
    assert "not defined" in page_of(picture_run).words


def test_a_damaged_line_of_events_is_reported_with_its_number(picture_run: Path) -> None:
    lines = (picture_run / layout.EVENTS).read_text(encoding="utf-8").splitlines()
    lines[4] = "nonsense"
    (picture_run / layout.EVENTS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "events.jsonl line 5: not JSON" in page_of(picture_run).words


def test_a_hundred_classes_are_listed_instead_of_drawn(picture_run: Path) -> None:
    counts = [[10 if true == said else 0 for said in range(100)] for true in range(100)]
    counts[3][4] = 7
    change(picture_run, layout.RESULT, confusion=counts, labels=[f"kind {n}" for n in range(100)])
    page = page_of(picture_run)
    assert "With 100 classes the matrix is too large to read" in page.words
    assert "kind 3 taken for kind 4" in page.words


def test_the_script_is_allowed_by_its_hash_alone(picture_run: Path) -> None:
    text = write_report(picture_run).read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "default-src &#x27;none&#x27;" in policy[1]
    assert "script-src &#x27;sha256-" in policy[1]


def test_a_report_stays_small(picture_run: Path, table_run: Path) -> None:
    for folder in (picture_run, table_run):
        assert write_report(folder).stat().st_size < 400_000


def test_something_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a folder"):
        write_report(tmp_path / "missing")
