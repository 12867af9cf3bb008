"""Tables for a terminal, wrapped to its width."""

from collections.abc import Mapping, Sequence

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tutelage.track.score import Scores
from tutelage.track.terminal import plain

__all__ = ["GAP", "decision_table", "hanging", "packed", "score_table"]

NARROW = 72
"""Terminals below this many characters show each reason under its decision instead of beside it."""
GAP = "  "
"""Between two facts on one line."""
PARTS = {"val": "validation"}


def decision_table(rows: Sequence[tuple[str, str, str]], *, width: int) -> Table:
    """Lay out (key, value, reason) rows.

    Args:
        rows: What to show.
        width: Characters of the terminal.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    for key, value, reason in rows:
        if width < NARROW:
            table.add_row(Padding.indent(plain(f"{key}: {value}"), 2))
            if reason:
                table.add_row(Padding.indent(plain(reason, "dim"), 6))
        else:
            table.add_row(plain(f"  {key}"), plain(value), plain(reason, "dim"))
    return table


def score_table(metrics: Mapping[str, float], scores: Scores) -> Table:
    """Lay out scores: a line for each metric, a column for each part of the data.

    Args:
        metrics: Scores by key, such as `val/accuracy`.
        scores: How they are called and written.
    """
    parts = list(dict.fromkeys(key.rpartition("/")[0] for key in metrics))
    names = dict.fromkeys(key.rpartition("/")[2] for key in metrics)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    for _ in parts:
        table.add_column(justify="right")
    table.add_row("", *(plain(PARTS.get(part, part), "dim") for part in parts))
    for name in names:
        found = [(key, metrics.get(key)) for key in (f"{part}/{name}".removeprefix("/") for part in parts)]
        table.add_row(
            plain(f"  {scores.name(name)}"),
            *(plain("-" if value is None else scores.value(key, value)) for key, value in found),
        )
    return table


def hanging(*rows: tuple[Text, Text]) -> Table:
    """Return texts, each beside its heading, below which its further lines do not reach."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    for head, text in rows:
        table.add_row(head, text)
    return table


def packed(facts: Sequence[Text], *, width: int) -> Text:
    """Return facts on as few lines as the width allows; none is broken."""
    lines = [facts[0]]
    for fact in facts[1:]:
        if lines[-1].cell_len + len(GAP) + fact.cell_len <= width:
            lines[-1] = Text(GAP).join([lines[-1], fact])
        else:
            lines.append(fact)
    return Text("\n").join(lines)
