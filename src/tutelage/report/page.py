"""Puts the sections together into one HTML file that needs nothing else: no network, no library, no second file."""

import base64
import hashlib
from importlib import resources
from pathlib import Path

from tutelage.core import layout
from tutelage.core.durable import write_durably
from tutelage.report.facts import Facts, read
from tutelage.report.html import join, raw, tag
from tutelage.report.sections import (
    alerts,
    confusion,
    curves,
    data,
    decisions,
    environment,
    files,
    headline,
    mistakes,
    repeat,
    residuals,
    scores,
    story,
)  # fmt: skip

__all__ = ["write_report"]

SECTIONS = (
    ("warnings", "", alerts.show),
    ("scores", "Scores", scores.show),
    ("curves", "Curves", curves.show),
    ("confusion", "Confusion", confusion.show),
    ("residuals", "Predictions", residuals.show),
    ("mistakes", "Mistakes", mistakes.show),
    ("decisions", "Decisions", decisions.show),
    ("data", "Data", data.show),
    ("repeat", "Do it again", repeat.show),
    ("story", "", story.show),
    ("environment", "", environment.show),
    ("files", "", files.show),
)
"""Anchor, title in the menu ("" for none) and maker of each section, in the order of the page."""


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
    write_durably(path, _page(read(folder)).encode())
    return path


def _page(facts: Facts) -> str:
    """Return the whole page."""
    style, script = _resource("page.css"), _resource("page.js")
    shown = [(anchor, name, content) for anchor, name, show in SECTIONS if (content := show(facts)) is not None]
    menu = tag("nav", [tag("a", name, href=f"#{anchor}") for anchor, name, _ in shown if name], aria_label="Sections")
    # Even if a hostile name slipped through the escaping, the browser would run and load nothing.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{headline.title(facts)} - training report"),
        tag("style", raw(style)),
    )
    foot = tag(
        "footer", "Written by tutelage from the files of this run. Click a column title to sort; hover a chart for its values."
    )
    main = tag("main", headline.show(facts), menu, [content for _, _, content in shown], foot)
    tip = tag("div", id="tip", role="tooltip", hidden="")
    body = tag("body", main, tip, tag("script", raw(script)))
    return join(raw("<!doctype html>\n"), tag("html", head, body, lang="en"), raw("\n")).text


def _resource(name: str) -> str:
    """Read a file that lies beside this one in the package."""
    return resources.files("tutelage.report").joinpath(name).read_text(encoding="utf-8").strip()
