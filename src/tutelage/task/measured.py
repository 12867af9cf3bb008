"""Which metrics an evaluator measures: the plan's, and the watched one where early stopping judges by its part."""

from typing import Any

from tutelage.core import catalog
from tutelage.planning.plan import Plan

__all__ = ["measured_metrics"]


def measured_metrics(plan: Plan, *, is_watched: bool) -> tuple[Any, ...]:
    """Return the metrics for one part.

    Args:
        plan: Names the metrics, and the watched one, which need not be among them.
        is_watched: Whether early stopping judges by this part.
    """
    metrics: tuple[Any, ...] = plan.metrics
    if is_watched and plan.watched not in {metric.kind for metric in metrics}:
        metrics = (*metrics, catalog.load("metric", plan.watched)())
    return metrics
