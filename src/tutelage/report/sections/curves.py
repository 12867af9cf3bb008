"""Learning curves: how loss, scores and learning rate moved during training."""

from collections.abc import Mapping, Sequence
from typing import Any

from tutelage.report.blocks import figure, section
from tutelage.report.charts.line import Mark, Series, line_chart
from tutelage.report.facts import Facts
from tutelage.report.html import Html, tag
from tutelage.report.measure import label

__all__ = ["show"]

NOT_METRICS = frozenset({"step", "epoch", "seconds"})
MAX_CHARTS = 6
OVERFITTING = (
    "Both lines should fall. Where the training line goes on falling and the validation line rises, the model has begun to learn "
    "its training examples by heart (overfitting). The training line may lie higher, since training is made harder on purpose "
    "(changed pictures, softened labels, switched-off parts)."
)
CAPTIONS = {
    "loss": "Should fall: fast at first, then slowly, then hardly any more.",
    "lr": "The size of the steps with which the weights are changed: large at first to get near, small at the end to settle.",
}


def show(facts: Facts) -> Html | None:
    """Return the charts, or None where nothing was measured."""
    groups = _groups(facts.points)
    if not groups:
        return None
    best = facts.best_step
    mark = None if best is None else Mark(best, f"kept: step {best:,}")
    charts = []
    for name, series in list(groups.items())[:MAX_CHARTS]:
        chart = line_chart(series, x_label="step", y_label=label(name), mark=mark, may_be_log=name == "loss")
        title, caption = label(name), OVERFITTING if name == "loss" and len(series) > 1 else CAPTIONS.get(name, "")
        charts.append(figure(chart, title=title[:1].upper() + title[1:], caption=caption))
    lead = "One step changes the weights once, after looking at one batch of examples."
    if mark is not None:
        lead += " The dashed line marks the step whose weights were kept."
    return section("Learning curves", tag("div", charts, class_="charts"), anchor="curves", lead=lead)


def _groups(points: Sequence[Mapping[str, Any]]) -> dict[str, list[Series]]:
    """Collect the series of each metric: loss first, the learning rate last."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for point in points:
        step = point.get("step")
        if not isinstance(step, int | float):
            continue
        for key, value in {**point, **_nested(point)}.items():
            if key not in NOT_METRICS and isinstance(value, int | float):
                found.setdefault(key.rpartition("/")[2], {}).setdefault(key, []).append((float(step), float(value)))
    order = sorted(found, key=lambda name: (name != "loss", name == "lr"))
    return {name: [_series(key, points, n) for n, (key, points) in enumerate(found[name].items())] for name in order}


def _nested(point: Mapping[str, Any]) -> Mapping[str, Any]:
    metrics = point.get("metrics")
    return metrics if isinstance(metrics, dict) else {}


def _series(key: str, points: Sequence[tuple[float, float]], number: int) -> Series:
    """Give training and validation the same color in every chart."""
    part = key.partition("/")[0]
    color = {"train": 1, "val": 2, "validation": 2}.get(part, 1 if number == 0 else min(number + 2, 4))
    return Series(label(key), sorted(points), color)
