"""What is told first: what will be trained, on how much, and how its numbers are written."""

from pathlib import Path

from tutelage.core import catalog
from tutelage.core.events import Started
from tutelage.planning.plan import Plan
from tutelage.run.collect import Gathered

__all__ = ["announcement"]


def announcement(folder: Path, plan: Plan, gathered: Gathered, *, num_parameters: int) -> Started:
    """Return the event that opens a training."""
    kinds = dict.fromkeys([*(metric.kind for metric in plan.metrics), plan.watched])
    metrics = {kind: catalog.load("metric", kind) for kind in kinds}
    return Started(
        run=str(folder),
        source=gathered.collected.name,
        task=getattr(plan.task, "kind", ""),
        model=plan.own_model or str(getattr(plan.model, "kind", "")),
        num_parameters=num_parameters,
        num_train=gathered.data.sizes.get("train", 0),
        num_validation=gathered.data.sizes.get("validation", 0),
        num_test=gathered.data.sizes.get("test", 0),
        unit=gathered.data.unit,
        device=plan.device,
        noun=plan.task.noun,
        titles={kind: getattr(metric, "title", "") for kind, metric in metrics.items()},
        forms={kind: getattr(metric, "form", "number") for kind, metric in metrics.items()},
    )
