"""What a metric is called, what it means and how it is written, asked of the metric itself."""

from collections.abc import Collection, Sequence
from typing import Any

from tutelage.core import catalog
from tutelage.report.number import say_fraction, say_number, say_percent

__all__ = ["goal", "is_rate", "is_yardstick", "label", "label_part", "main_metric", "meaning", "say_score"]

PARTS = {"val": "validation"}
RATE, RATE_NAME = "lr", "learning rate"
FORMS = ("percent", "fraction", "number")
"""Ways to write a metric, those first that tell most to someone who does not know the data."""


def label(key: str) -> str:
    """Write a metric's key for people, such as `validation accuracy` for `val/accuracy`."""
    *parts, name = key.split("/")
    title = RATE_NAME if name == RATE else _ask(name, "title", name)
    return " ".join([*map(label_part, parts), title]).strip().replace("_", " ")


def label_part(part: str) -> str:
    """Write the name of a part of the data for people."""
    return PARTS.get(part, part)


def is_rate(key: str) -> bool:
    """Tell whether a curve is the learning rate, of all phases or of one."""
    return key.rpartition("/")[2] == RATE


def is_yardstick(key: str) -> bool:
    """Tell whether a metric says nothing of the model: what others are compared with, which training does not change."""
    return bool(_ask(key.rpartition("/")[2], "is_yardstick", False))


def meaning(key: str) -> str:
    """Explain a metric in one sentence; "" where nothing is known about it."""
    name = key.rpartition("/")[2]
    if name not in catalog.names("metric"):
        return ""
    text = catalog.describe("metric", name)
    # Many begin with the metric's own name, which stands beside the sentence already.
    head, colon, rest = text.partition(": ")
    return rest[:1].upper() + rest[1:] if colon and len(head) < 40 else text


def goal(key: str) -> str:
    """Say which way a metric should go: `rise`, `fall`, or "" where that is not known."""
    is_greater_better = _ask(key.rpartition("/")[2], "greater_is_better", None)
    return "" if is_greater_better is None else "rise" if is_greater_better else "fall"


def say_score(key: str, value: float | str | None) -> str:
    """Write a score in the form in which its metric is usually read."""
    form = _form(key)
    if isinstance(value, float | int) and form == "percent":
        return say_percent(value)
    if isinstance(value, float | int) and form == "fraction":
        return say_fraction(value)
    return say_number(value)


def main_metric(keys: Sequence[str], *, headline: str = "", trained: Collection[str] = ()) -> str:
    """Pick the one score to show first: of the test part where there is one; "" where there are no scores.

    Args:
        keys: Keys of the scores.
        headline: What the run itself says comes first; wins where there is such a score.
        trained: Names of what training itself makes small, which says little to a reader: taken only where there is nothing else.
    """
    if headline in keys:
        return headline
    for part in ("test/", "val/", "validation/", ""):
        ours = [key for key in keys if key.startswith(part)]
        if ours:
            return min(ours, key=lambda key: (key.rpartition("/")[2] in trained, FORMS.index(_form(key))))
    return ""


def _form(key: str) -> str:
    form = _ask(key.rpartition("/")[2], "form", "number")
    return form if form in FORMS else "number"


def _ask(name: str, attribute: str, default: Any) -> Any:
    """Return what the class of a metric says of itself; metrics of other tasks and of one's own have no class here."""
    return getattr(catalog.load("metric", name), attribute, default) if name in catalog.names("metric") else default
