"""Learning curves: how loss, scores and learning rate moved during training."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import figure, first_of, fold, section
from tutelage.report.charts.line import Mark, Series, line_chart
from tutelage.report.html import Html, tag
from tutelage.report.measure import goal, is_rate, is_yardstick, label
from tutelage.report.record import RunRecord
from tutelage.report.sections.base import Section
from tutelage.report.value import as_number

__all__ = ["Curves"]

NOT_CURVES = frozenset({"step", "epoch", "seconds"})
TRAIN = "train/"
MAX_CHARTS = 8
MAX_FOLDED = 40
MAX_LINES = 12
"""Lines in one chart; more cannot be told apart, so they go into a further chart."""
COLORS = {"train": 1, "val": 2, "validation": 2}
SPARE_COLORS = (3, 4, 2, 1)
OVERFITTING = (
    "Both lines should fall. Where the training line goes on falling and the validation line rises, the model has begun to learn "
    "its training examples by heart (overfitting). The training line may lie higher, since training is made harder on purpose "
    "(changed pictures, softened labels, switched-off parts)."
)
FALLING = "Should fall: fast at first, then slowly, then hardly any more."
RATE = "The size of the steps with which the weights are changed: large at first to get near, small at the end to settle."

Lines = dict[str, list[tuple[float, float]]]


class Curves(Section):
    """One chart for each thing that was measured during training."""

    kind: Literal["curves"] = "curves"
    order: ClassVar[int] = 30
    menu: ClassVar[str] = "Curves"

    def show(self, run: RunRecord) -> Html | None:
        """Return the charts, or None where nothing was measured."""
        groups = _groups(run.points)
        if not groups:
            return None
        kept = run.kept_step
        mark = None if kept is None else Mark(kept, f"kept: step {kept:,}")
        charts = [_chart(name, lines, mark=mark) for name, lines in groups[: MAX_CHARTS + MAX_FOLDED]]
        more = charts[MAX_CHARTS:]
        lead = "One step changes the weights once, after looking at one batch of examples."
        if mark is not None:
            lead += " The dashed line marks the step whose weights were kept."
        rest = first_of(MAX_CHARTS + MAX_FOLDED, len(groups), file=layout.METRICS)
        return section(
            "Learning curves",
            tag("div", charts[:MAX_CHARTS], class_="charts"),
            fold("More curves", tag("div", more, class_="charts"), rest) if more else None,
            anchor=self.anchor,
            lead=lead,
        )


def _groups(points: Sequence[Mapping[str, Any]]) -> list[tuple[str, Lines]]:
    """Collect the lines of each measured thing: what training itself makes small first, the learning rate last."""
    found: dict[str, Lines] = {}
    for point in points:
        step = as_number(point.get("step"))
        if step is None:
            continue
        for key, value in {**point, **_nested(point)}.items():
            number = as_number(value)
            if key not in NOT_CURVES and number is not None and not is_yardstick(key):
                found.setdefault(key.rpartition("/")[2], {}).setdefault(key, []).append((step, number))
    order = sorted(found, key=lambda name: (is_rate(name), TRAIN + name not in found[name]))
    return [(name, part) for name in order for part in _parts(found[name])]


def _nested(point: Mapping[str, Any]) -> Mapping[str, Any]:
    metrics = point.get("metrics")
    return metrics if isinstance(metrics, dict) else {}


def _parts(lines: Lines) -> list[Lines]:
    """Cut the lines of one thing into as many charts as they need."""
    keys = list(lines)
    return [{key: lines[key] for key in keys[start : start + MAX_LINES]} for start in range(0, len(keys), MAX_LINES)]


def _chart(name: str, lines: Lines, *, mark: Mark | None) -> Html:
    """Return one chart with its explanation."""
    title = label(name)
    # Only what training itself makes small falls steadily; the losses of players against each other need not.
    is_falling = goal(name) == "fall" and TRAIN + name in lines
    caption = RATE if is_rate(name) else (OVERFITTING if len(lines) > 1 else FALLING) if is_falling else ""
    chart = line_chart(_series(lines), x_label="step", y_label=title, mark=mark, may_be_log=is_falling)
    return figure(chart, title=title[:1].upper() + title[1:], caption=caption)


def _series(lines: Lines) -> list[Series]:
    """Give training and validation the same color in every chart, and the others those that are left."""
    parts = [key.partition("/")[0] for key in lines]
    taken = {COLORS[part] for part in parts if part in COLORS}
    spare = [color for color in SPARE_COLORS if color not in taken] or list(SPARE_COLORS)
    if parts[0] not in COLORS and 1 in spare:
        spare = [1, *(color for color in spare if color != 1)]
    series, number = [], 0
    for (key, points), part in zip(lines.items(), parts, strict=True):
        color = COLORS.get(part, spare[number % len(spare)])
        number += part not in COLORS
        series.append(Series(label(key), sorted(points), color))
    return series
