"""Puts the sections together into one HTML file that needs nothing else: no network, no library, no second file."""

import base64
import hashlib
from importlib import resources
from pathlib import Path

from tutelage.core import catalog, layout
from tutelage.core.durable import write_durably
from tutelage.core.memory import memory_told
from tutelage.report.headline import show_headline, title
from tutelage.report.html import join, raw, tag
from tutelage.report.record import RunRecord, read_run
from tutelage.report.sections.base import Section

__all__ = ["sections", "write_report"]


def sections() -> tuple[Section, ...]:
    """Return one section of each kind, in the order of the page."""
    found: list[Section] = [catalog.load("section", kind)() for kind in catalog.names("section")]
    return tuple(sorted(found, key=lambda section: (section.order, section.anchor)))


@memory_told("writing the report")
def write_report(folder: Path) -> Path:
    """Write `report.html` into a run folder, from nothing but the files in it.

    Args:
        folder: The run folder; files that a cut-off run lacks are named in the report.

    Returns:
        The path of the report.

    Raises:
        RunError: `folder` is not a folder.
    """
    path = folder / layout.REPORT
    write_durably(path, _page(read_run(folder)).encode())
    return path


def _page(run: RunRecord) -> str:
    """Return the whole page."""
    style, script = _resource("page.css"), _resource("page.js")
    # Made from the bottom up: the warnings, on top, name what the sections below could not read.
    made = [(section, content) for section in reversed(sections()) if (content := section.show(run)) is not None]
    shown = made[::-1]
    links = [tag("a", section.menu, href=f"#{section.anchor}") for section, _ in shown if section.menu]
    menu = tag("nav", links, aria_label="Sections")
    # Even if a hostile name slipped through the escaping, the browser would run and load nothing.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title(run)} - training report"),
        tag("style", raw(style)),
    )
    foot = tag(
        "footer", "Written by tutelage from the files of this run. Click a column title to sort; hover a chart for its values."
    )
    main = tag("main", show_headline(run), menu, [content for _, content in shown], foot)
    tip = tag("div", id="tip", role="tooltip", hidden="")
    body = tag("body", main, tip, tag("script", raw(script)))
    return join(raw("<!doctype html>\n"), tag("html", head, body, lang="en"), raw("\n")).text


def _resource(name: str) -> str:
    """Read a file that lies beside this one in the package."""
    return resources.files("tutelage.report").joinpath(name).read_text(encoding="utf-8").strip()
