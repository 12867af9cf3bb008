"""Horizontal bars in pairs, what was expected above what came of it, made of plain elements so that long names wrap."""

from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.report.html import Html, tag

__all__ = ["Pair", "pair_list"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two lengths under one name.

    Attributes:
        name: What they are of.
        expected: >= 0; None where nothing was expected, so that one bar is drawn.
        actual: >= 0.
        text: What stands beside them.
    """

    name: str
    expected: float | None
    actual: float
    text: str


def pair_list(pairs: Sequence[Pair]) -> Html:
    """Return the bars; the longest fills the width."""
    longest = max((max(pair.expected or 0.0, pair.actual) for pair in pairs), default=0.0) or 1.0
    items = [
        tag(
            "li",
            tag("span", pair.name, class_="name"),
            tag("span", _bar(pair.expected, "c1", longest), _bar(pair.actual, "c2", longest), class_="track"),
            tag("span", pair.text, class_="count"),
        )
        for pair in pairs
    ]
    return tag("ul", items, class_="bars two")


def _bar(length: float | None, color: str, longest: float) -> Html | None:
    """Return one bar; None where there is nothing to draw."""
    return None if length is None else tag("i", class_=color, style=f"width:{100 * length / longest:.2f}%")
