"""The few blocks every section is made of: a titled section, a table, a figure, a fact."""

from collections.abc import Sequence

from tutelage.report.html import Child, Html, join, tag

__all__ = ["fact", "figure", "first_of", "fold", "note", "section", "table"]


def section(title: str, *children: Child | Sequence[Child], anchor: str, lead: str = "") -> Html:
    """Return a section under a heading, with a sentence that says how to read it."""
    return tag(
        "section",
        tag("h2", title),
        tag("p", lead, class_="lead") if lead else None,
        *children,
        id=anchor,
    )


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[Child]],
    *,
    numeric: Sequence[int] = (),
    sortable: bool = False,
    class_: str = "",
) -> Html:
    """Return a table that scrolls sideways where it is too wide.

    Args:
        headers: Titles of the columns.
        rows: Cells; the first of each row is its heading.
        numeric: Columns aligned to the right.
        sortable: A click on a title sorts by that column.
        class_: Extra class.
    """
    sides = ["right" if number in numeric else None for number in range(len(headers))]
    head = tag("tr", [tag("th", text, class_=side, scope="col") for text, side in zip(headers, sides, strict=True)])
    body = [
        tag(
            "tr",
            [tag("th" if n == 0 else "td", cell, class_=sides[n], scope="row" if n == 0 else None) for n, cell in enumerate(row)],
        )
        for row in rows
    ]
    classes = " ".join(filter(None, ["sortable" if sortable else "", class_]))
    return tag("div", tag("table", tag("thead", head), tag("tbody", body), class_=classes or None), class_="scroll", tabindex=0)


def figure(chart: Html, *, title: str, caption: str = "") -> Html:
    """Return a chart with its title above and an explanation below."""
    return tag("figure", tag("h3", title), chart, tag("figcaption", caption) if caption else None)


def fact(name: str, value: Child, *, detail: Child = None) -> Html:
    """Return one named fact."""
    return tag("div", tag("dt", name), tag("dd", value, tag("small", detail) if detail else None), class_="fact")


def fold(title: str, *children: Child | Sequence[Child], is_open: bool = False) -> Html:
    """Return content that opens at a click."""
    return tag("details", tag("summary", title), *children, open="" if is_open else None)


def first_of(shown: int, total: int, *, file: str) -> Html | None:
    """Say that only the first few of many are shown, and where all are; None where nothing was left out."""
    return tag("p", f"The first {shown} of {total:,} are shown; all are in {file}.", class_="caption") if total > shown else None


def note(*children: Child | Sequence[Child], kind: str = "note") -> Html:
    """Return a framed remark; `kind` is `note` or `warning`."""
    return tag("div", join(*children), class_=f"remark {kind}", role="note")
