"""What the data are: parts, classes, columns, and what was left out."""

from collections.abc import Sequence

from tutelage.report.blocks import fact, fold, section, table
from tutelage.report.charts.bars import bar_list
from tutelage.report.facts import ColumnSummary, DataSummary, Facts, Thumbnail
from tutelage.report.html import Child, Html, picture, tag
from tutelage.report.number import say_count, say_number, say_percent

__all__ = ["show"]

LEAD = (
    "The model learns from the train part. The validation part, cut from it, decides when to stop. "
    "The test part is opened once, at the end, and gives the scores."
)
MAX_CLASSES = 60
MAX_SKIPPED = 200
MAX_COLUMNS = 500


def show(facts: Facts) -> Html | None:
    """Return the summary, or None where there is none."""
    data = facts.data
    pieces = [_parts(data), _classes(data), _thumbnails(data.thumbnails), _columns(data.columns), _skipped(data), _notes(data)]
    if not any(pieces):
        return None
    return section("Data", pieces, anchor="data", lead=LEAD)


def _parts(data: DataSummary) -> Html | None:
    if not data.parts:
        return None
    facts = [fact(name, f"{rows:,}") for name, rows in data.parts.items()]
    where = [word for word in (data.path or data.source, data.kind.replace("_", " ")) if word]
    if where:
        facts.append(fact("source", where[0], detail=where[1] if len(where) > 1 else None))
    return tag("dl", facts, class_="facts")


def _classes(data: DataSummary) -> Html | None:
    """Show how many examples each class has."""
    if not data.classes:
        return None
    part = "train" if any("train" in counts for counts in data.classes.values()) else next(iter(data.parts), "train")
    ordered = sorted(data.classes.items(), key=lambda item: -item[1].get(part, 0))
    total = sum(counts.get(part, 0) for _, counts in ordered) or 1
    rows = []
    for name, counts in ordered[:MAX_CLASSES]:
        count = counts.get(part, 0)
        rows.append((name, float(count), f"{count:,} ({say_percent(count / total)})"))
    more = f"{say_count(len(ordered) - MAX_CLASSES, 'more class')} not shown." if len(ordered) > MAX_CLASSES else None
    caption = tag("p", more, class_="caption") if more else None
    return tag("div", tag("h3", f"Classes in the {part} part"), bar_list(rows), caption)


def _thumbnails(thumbnails: Sequence[Thumbnail]) -> Html | None:
    """Show sample pictures, one strip a class."""
    strips: dict[str, list[Html]] = {}
    for thumbnail in thumbnails:
        image = picture(thumbnail.png, alt=thumbnail.label)
        if image is not None:
            strips.setdefault(thumbnail.label, []).append(image)
    if not strips:
        return None
    rows = [tag("li", tag("span", name, class_="name"), tag("span", images, class_="strip")) for name, images in strips.items()]
    return tag("div", tag("h3", "Samples"), tag("ul", rows, class_="samples"))


def _columns(columns: Sequence[ColumnSummary]) -> Html | None:
    if not columns:
        return None
    rows: list[list[Child]] = [
        [
            column.name,
            tag("span", column.role, class_=f"role {'dropped' if column.role == 'dropped' else ''}".strip()),
            say_percent(column.missing) if column.missing else "",
            "" if column.distinct is None else f"{column.distinct:,}",
            _values(column),
            column.reason,
        ]
        for column in columns[:MAX_COLUMNS]
    ]
    headers = ["column", "used as", "missing", "distinct", "values", "why"]
    return tag("div", tag("h3", "Columns"), table(headers, rows, numeric=(2, 3), sortable=True, class_="compact names"))


def _values(column: ColumnSummary) -> str:
    """Sum up a column: lowest, mean and highest value, or the most frequent ones."""
    if column.mean is not None:
        return f"{say_number(column.min)} to {say_number(column.max)}, mean {say_number(column.mean)}"
    if column.min is not None:
        return f"{say_number(column.min)} to {say_number(column.max)}"
    return ", ".join(f"{value} ({count:,})" for value, count in column.top[:4])


def _skipped(data: DataSummary) -> Html | None:
    """List what was left out and why."""
    if not data.skipped:
        return None
    rows = [[item.where, item.found, item.remedy] for item in data.skipped[:MAX_SKIPPED]]
    title = f"{say_count(len(data.skipped), 'bad item')} left out"
    more = f"The first {MAX_SKIPPED} are shown; all are in data.json." if len(data.skipped) > MAX_SKIPPED else None
    content = table(["where", "what is wrong", "what to do"], rows, class_="compact")
    return fold(title, content, tag("p", more, class_="caption") if more else None, is_open=len(data.skipped) <= 10)


def _notes(data: DataSummary) -> Html | None:
    return tag("ul", [tag("li", text) for text in data.notes], class_="notes") if data.notes else None
