"""Which color stands for what."""

from collections.abc import Sequence

from tutelage.report.html import Html, tag

__all__ = ["legend"]


def legend(entries: Sequence[tuple[str, int]]) -> Html:
    """Return names beside their colors.

    Args:
        entries: Name and color, 1 to 4.
    """
    return tag("p", [tag("span", tag("i", class_=f"c{color}"), name) for name, color in entries], class_="legend")
