"""Language models side by side: the scores of their networks alone, and beside these what leaves with the counts.

What is taught is the network, and counting one text gives every model the same counts: only networks compare with networks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tutelage.core import layout
from tutelage.predictor.predictor import Predictor
from tutelage.run.run import Run
from tutelage.task.base import Data
from tutelage.task.teachable import DecidesPlaces

__all__ = ["place_record"]


def place_record(models: Mapping[str, Sequence[Run]], *, student: Run, data: Data) -> dict[str, dict[str, Any]]:
    """Return what is to be told of each model that decides at the places of a stretch.

    Args:
        models: The runs of each model, by its name; `teacher` is one of them.
        student: The run whose data count.
        data: Its data, in which `teacher` and the others are compared.

    Returns:
        `metrics` and `agreement` of the networks alone; and `leaving`, `floor_share` and `floor_size` (its numbers) where
        something leaves with one of them.
    """
    predictors = {name: [run.predictor for run in runs] for name, runs in models.items()}
    task = student.decided.task
    decided = {name: task.decided(each, data) for name, each in predictors.items()} if isinstance(task, DecidesPlaces) else {}
    has_floor = any(predictor.companion is not None for each in predictors.values() for predictor in each)
    record: dict[str, dict[str, Any]] = {}
    for name, runs in models.items():
        record[name] = {"metrics": _own_scores(runs, student, is_network=True)}
        if name in decided:
            record[name]["agreement"] = float((decided[name] == decided["teacher"]).mean())
        if has_floor:
            record[name] |= {"leaving": _own_scores(runs, student, is_network=False), **_floor_facts(predictors[name])}
    return record


def _own_scores(runs: Sequence[Run], student: Run, *, is_network: bool) -> dict[str, float]:
    """Return what a run measured itself, of its network alone or of what leaves.

    Returns:
        {} for several runs, or one that was measured on other data; scores of the test part, or else of validation.
    """
    (first, *others), key = runs, "fingerprint"
    is_alike = first.files.record(layout.DATA)[key] == student.files.record(layout.DATA)[key]
    if others or not is_alike:
        return {}
    beside = first.result.get("floor", {}).get("metrics", {}).get("network") if is_network else None
    scores = beside or first.metrics
    part = "test/" if any(name.startswith("test/") for name in scores) else "val/"
    return {name: value for name, value in scores.items() if name.startswith(part)}


def _floor_facts(predictors: Sequence[Predictor]) -> dict[str, Any]:
    """Return the share that floors have in what leaves, on average, and how many numbers they hold."""
    floors = [predictor.companion for predictor in predictors if predictor.companion is not None]
    return {
        "floor_share": sum(floor.share for floor in floors) / len(predictors),
        "floor_size": sum(tensor.numel() for floor in floors for tensor in floor.fitted.tensors().values()),
    }
