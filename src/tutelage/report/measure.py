"""What a metric is called and means, for readers who see it for the first time."""

import math

from tutelage.core import catalog
from tutelage.report.number import say_number, say_percent

__all__ = ["label", "label_part", "main_metric", "meaning", "say_score"]

SHARES = frozenset({"accuracy", "balanced_accuracy", "precision", "recall", "f1", "top5_accuracy"})
"""Metrics best read as a percentage."""
BOUNDED = frozenset({"r2", "auroc", "average_precision", "matthews", "brier", "calibration_error"})
"""Metrics at most 1, read with three decimals."""
FIRST = ("accuracy", "r2", "rmse", "mae")
"""Metrics by which a result is named, in this order."""
PARTS = {"val": "validation"}
NAMES = {"lr": "learning rate", "r2": "R²", "rmse": "RMSE", "mae": "MAE", "auroc": "AUROC", "f1": "F1"}
WORDS = {"loss": "What training makes small: how far the predictions are from the truth. Lower is better."}


def label(key: str) -> str:
    """Write a metric's key for people, such as `validation accuracy` for `val/accuracy`."""
    part, _, name = key.rpartition("/")
    return f"{label_part(part)} {NAMES.get(name, name)}".strip().replace("_", " ")


def label_part(part: str) -> str:
    """Write the name of a part of the data for people."""
    return PARTS.get(part, part)


def meaning(key: str) -> str:
    """Explain a metric in one sentence; "" where nothing is known about it."""
    name = key.rpartition("/")[2]
    if name in WORDS:
        return WORDS[name]
    if name not in catalog.names("metric"):
        return ""
    text = catalog.describe("metric", name)
    # Many begin with the metric's own name, which stands beside the sentence already.
    head, colon, rest = text.partition(": ")
    return rest[:1].upper() + rest[1:] if colon and len(head) < 40 else text


def say_score(key: str, value: float | str | None) -> str:
    """Write a score in the form its metric is usually read."""
    if isinstance(value, float | int) and key.rpartition("/")[2] in SHARES:
        return say_percent(value)
    if isinstance(value, float | int) and key.rpartition("/")[2] in BOUNDED and math.isfinite(value):
        return f"{round(value, 3) + 0.0:.3f}"
    return say_number(value)


def main_metric(keys: tuple[str, ...]) -> str:
    """Pick the one score to show first: of the test part where there is one; "" where there are no scores."""
    for part in ("test/", "val/", "validation/", ""):
        ours = [key for key in keys if key.startswith(part)]
        for name in FIRST:
            if part + name in ours:
                return part + name
        if ours:
            return next((key for key in ours if not key.endswith("loss")), ours[0])
    return ""
