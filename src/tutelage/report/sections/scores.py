"""All scores with their 95 % intervals."""

from typing import ClassVar, Literal

from tutelage.report.blocks import section, table
from tutelage.report.headline import headline_key, trained_names
from tutelage.report.html import Child, Html, join, tag
from tutelage.report.measure import label, label_part, meaning, say_score
from tutelage.report.record import Result, RunRecord
from tutelage.report.sections.base import Section

__all__ = ["Scores"]

ORDER = ("test", "validation", "train")
MAX_METRICS = 500
ONCE = "The test part was opened once, after training."
INTERVALS = (
    "Another sample of the same size would give slightly other scores: "
    "the 95 % interval says how much. Differences smaller than the interval mean little."
)


class Scores(Section):
    """Scores of every part beside those of a trivial predictor."""

    kind: Literal["scores"] = "scores"
    order: ClassVar[int] = 20
    menu: ClassVar[str] = "Scores"

    def show(self, run: RunRecord) -> Html | None:
        """Return the table, or None where there are no scores."""
        result = run.result
        if not result.metrics:
            return None
        parts = list(dict.fromkeys(key.rpartition("/")[0] for key in result.metrics))
        parts.sort(key=lambda part: ORDER.index(label_part(part)) if label_part(part) in ORDER else len(ORDER))
        names = list(dict.fromkeys(key.rpartition("/")[2] for key in result.metrics))
        main, trained = headline_key(run).rpartition("/")[2], trained_names(run)
        names.sort(key=lambda name: (name != main, name in trained))
        is_compared = any(key in result.baseline for key in result.metrics)
        on_parts = [f"on {label_part(part)}" if part else "score" for part in parts]
        headers = ["metric", *on_parts, *(["baseline"] if is_compared else [])]
        rows = [_row(result, name, parts, is_compared=is_compared) for name in names[:MAX_METRICS]]
        how = result.baseline.get("description")
        foot = f"Baseline: {how}. A model is worth something only by what it adds to this." if is_compared and how else None
        has_intervals = any(result.interval(key) for key in result.metrics)
        lead = " ".join([*([ONCE] if "test" in parts else []), *([INTERVALS] if has_intervals else [])])
        return section(
            "Scores",
            table(headers, rows, numeric=range(1, len(headers)), class_="scores"),
            tag("p", foot, class_="caption") if foot else None,
            anchor=self.anchor,
            lead=lead,
        )


def _row(result: Result, name: str, parts: list[str], *, is_compared: bool) -> list[Child]:
    """Return the cells of one metric."""
    cells: list[Child] = [join(tag("span", label(name)), tag("small", meaning(name)) if meaning(name) else None)]
    keys = [f"{part}/{name}" if part else name for part in parts]
    for key in keys:
        interval = result.interval(key)
        ends = f"{say_score(key, interval[0])} to {say_score(key, interval[1])}" if interval else None
        is_there = key in result.metrics
        value = say_score(key, result.metrics[key]) if result.metrics.get(key) is not None else "not defined"
        cells.append(join(tag("b", value), tag("small", ends) if ends else None) if is_there else None)
    if is_compared:
        cells.append(next((say_score(key, result.baseline[key]) for key in keys if key in result.baseline), None))
    return cells
