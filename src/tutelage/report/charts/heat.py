"""A confusion matrix as a table whose cells are shaded by their fraction of the row."""

from collections.abc import Sequence

from tutelage.report.html import Html, tag
from tutelage.report.number import say_percent

__all__ = ["heat_map"]

MAX_LARGE = 4
"""Classes up to which the cells are drawn large."""
MAX_WRITTEN = 14
"""Classes up to which every count is written into its cell; beyond, counts appear on hover."""


def heat_map(counts: Sequence[Sequence[int]], *, labels: Sequence[str]) -> Html:
    """Return the table: rows are true classes, columns predicted ones.

    Args:
        counts: Square; `counts[true][predicted]`.
        labels: One name per class.
    """
    is_written = len(labels) <= MAX_WRITTEN
    head = tag("tr", tag("td", class_="corner"), [tag("th", tag("span", name), scope="col") for name in labels])
    rows = []
    for true, row in enumerate(counts):
        total = sum(row) or 1
        cells = [
            _cell(count, count / total, true=labels[true], predicted=name, is_right=n == true, is_written=is_written)
            for n, (name, count) in enumerate(zip(labels, row, strict=True))
        ]
        rows.append(tag("tr", tag("th", labels[true], scope="row"), cells))
    caption = tag("p", tag("span", "rows: true class"), tag("span", "columns: predicted class"), class_="legend")
    kinds = ["heat", "" if is_written else "small", "large" if len(labels) <= MAX_LARGE else ""]
    # Names about as wide as the cells need not be turned.
    if max(map(len, labels)) <= (8 if len(labels) <= MAX_LARGE else 4) and is_written:
        kinds.append("upright")
    return tag(
        "div",
        caption,
        tag("table", tag("thead", head), tag("tbody", rows), class_=" ".join(filter(None, kinds))),
        class_="scroll",
        tabindex=0,
    )


def _cell(count: int, fraction: float, *, true: str, predicted: str, is_right: bool, is_written: bool) -> Html:
    """Return one cell; the root makes rare confusions visible beside the frequent right answers."""
    strength = fraction if is_right else min(0.1 + 0.9 * fraction**0.5, 1.0)
    kinds = ["right" if is_right else "wrong", "strong" if strength > 0.55 else "", "" if count else "zero"]
    return tag(
        "td",
        f"{count:,}" if is_written else None,
        class_=" ".join(filter(None, kinds)),
        style=f"--v:{strength:.3f}",
        data_tip=f"true {true}\npredicted {predicted}\n{count:,} ({say_percent(fraction)} of the row)",
    )
