"""Horizontal bars with a name and a count, made of plain elements so that long names wrap."""

from collections.abc import Sequence

from tutelage.report.html import Html, tag

__all__ = ["bar_list"]


def bar_list(rows: Sequence[tuple[str, float, str]]) -> Html:
    """Return one bar per row.

    Args:
        rows: Name, length (>= 0; the longest fills the width) and the text beside the bar.
    """
    longest = max((length for _, length, _ in rows), default=0) or 1
    items = [
        tag(
            "li",
            tag("span", name, class_="name"),
            tag("span", tag("i", style=f"width:{100 * length / longest:.2f}%"), class_="track"),
            tag("span", text, class_="count"),
        )
        for name, length, text in rows
    ]
    return tag("ul", items, class_="bars")
