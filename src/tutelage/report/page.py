"""Puts the sections together into one HTML file that needs nothing else: no network, no library, no second file."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tutelage.core import catalog, layout
from tutelage.core.durable import write_durably
from tutelage.core.journal import read_journal
from tutelage.core.manifest import Manifest
from tutelage.core.memory import memory_told
from tutelage.core.outlet import warn
from tutelage.core.patience import Patience
from tutelage.report.document import document
from tutelage.report.headline import show_headline, title
from tutelage.report.html import tag
from tutelage.report.record import RunRecord, read_run
from tutelage.report.sections.base import Section
from tutelage.run.files import tell_nobody

__all__ = ["sections", "write_report"]


def sections() -> tuple[Section, ...]:
    """Return one section of each kind, in the order of the page."""
    found: list[Section] = [catalog.load("section", kind)() for kind in catalog.names("section")]
    return tuple(sorted(found, key=lambda section: (section.order, section.anchor)))


@memory_told("writing the report")
def write_report(
    folder: Path,
    *,
    tell: Callable[[str], None] = tell_nobody,
    patience_seconds: float = 0.0,
    damaged: Sequence[str] = (),
) -> Path:
    """Write `report.html` into a run folder, from nothing but the files in it.

    Args:
        folder: The run folder; files that a cut-off run lacks are named in the report.
        tell: Takes what could not be read, which the report names too.
        patience_seconds: How long a full disk is waited for; a folder that may only be read is not.
        damaged: What was found of files that the report does not read itself, a sentence each.

    Returns:
        The path of the report.

    Raises:
        RunError: `folder` is not a folder, or the report cannot be written.
    """
    run = read_run(folder)
    run.found.files.extend(damaged)
    page = _page(run).encode()
    patience = Patience(
        patience_seconds if os.access(folder, os.W_OK) else 0.0,
        # The run's own sinks are closed by now.
        warn=warn,
        note=warn,
        meanwhile="The report waits for it; all else of the run is written.",
        remedy=f"All else of the run is written. Then write the report: tutelage report {folder}",
    )
    patience.insist(lambda: _write(folder, page), what=layout.REPORT)
    for problem in run.problems:
        tell(problem)
    return folder / layout.REPORT


def _write(folder: Path, page: bytes) -> None:
    """Write the page, vouched for by the manifest where there is one."""
    if read_journal(folder).num_lines:
        Manifest(folder).put(layout.REPORT, page)
    else:
        # One that vouched for the report alone would look like that of the run.
        write_durably(folder / layout.REPORT, page)


def _page(run: RunRecord) -> str:
    """Return the whole page."""
    # Made from the bottom up: the warnings, on top, name what the sections below could not read.
    made = [(section, content) for section in reversed(sections()) if (content := section.show(run)) is not None]
    shown = made[::-1]
    links = [tag("a", section.menu, href=f"#{section.anchor}") for section, _ in shown if section.menu]
    menu = tag("nav", links, aria_label="Sections")
    foot = tag(
        "footer", "Written by tutelage from the files of this run. Click a column title to sort; hover a chart for its values."
    )
    main = tag("main", show_headline(run), menu, [content for _, content in shown], foot)
    return document(f"{title(run)} - training report", main)
