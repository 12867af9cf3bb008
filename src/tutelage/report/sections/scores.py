"""All scores with their 95 % intervals."""

from tutelage.report.blocks import section, table
from tutelage.report.facts import Facts, Result
from tutelage.report.html import Child, Html, join, tag
from tutelage.report.measure import label, label_part, main_metric, meaning, say_score

__all__ = ["show"]

ORDER = ("test", "validation", "train")
LEAD = (
    "The test part was opened once, after training. Another sample of the same size would give slightly other scores: "
    "the 95 % interval says how much. Differences smaller than the interval mean little."
)


def show(facts: Facts) -> Html | None:
    """Return the table, or None where there are no scores."""
    result = facts.result
    if result is None or not result.metrics:
        return None
    parts = list(dict.fromkeys(key.rpartition("/")[0] for key in result.metrics))
    parts.sort(key=lambda part: ORDER.index(label_part(part)) if label_part(part) in ORDER else len(ORDER))
    names = list(dict.fromkeys(key.rpartition("/")[2] for key in result.metrics))
    main = main_metric(tuple(result.metrics)).rpartition("/")[2]
    names.sort(key=lambda name: (name != main, name == "loss"))
    is_compared = any(key in result.baseline for key in result.metrics)
    headers = [
        "metric",
        *(f"on {label_part(part)}" if part else "score" for part in parts),
        *(["baseline"] if is_compared else []),
    ]
    rows = [_row(result, name, parts, is_compared=is_compared) for name in names]
    how = result.baseline.get("description")
    foot = f"Baseline: {how}. A model is worth something only by what it adds to this." if is_compared and how else None
    lead = LEAD if "test" in parts else LEAD.partition(". ")[2]
    return section(
        "Scores",
        table(headers, rows, numeric=range(1, len(headers)), class_="scores"),
        tag("p", foot, class_="caption") if foot else None,
        anchor="scores",
        lead=lead,
    )


def _row(result: Result, name: str, parts: list[str], *, is_compared: bool) -> list[Child]:
    """Return the cells of one metric."""
    cells: list[Child] = [join(tag("span", label(name)), tag("small", meaning(name)) if meaning(name) else None)]
    keys = [f"{part}/{name}" if part else name for part in parts]
    for key in keys:
        interval = result.intervals.get(key)
        ends = f"{say_score(key, interval[0])} to {say_score(key, interval[1])}" if interval else None
        is_there = key in result.metrics
        value = say_score(key, result.metrics[key]) if result.metrics.get(key) is not None else "not defined"
        cells.append(join(tag("b", value), tag("small", ends) if ends else None) if is_there else None)
    if is_compared:
        cells.append(next((say_score(key, result.baseline[key]) for key in keys if key in result.baseline), None))
    return cells
