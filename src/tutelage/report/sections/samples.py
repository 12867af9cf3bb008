"""What the model made while it learned: texts, pictures or points, the last ones first."""

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeVar

from tutelage.core import layout
from tutelage.report.animation import animated
from tutelage.report.blocks import figure, fold, section
from tutelage.report.charts.cloud import cloud_chart
from tutelage.report.html import Html, picture, tag
from tutelage.report.number import say_count
from tutelage.report.record import Count, Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section
from tutelage.report.value import as_number

__all__ = ["Samples"]

MAX_EARLIER, MAX_FRAMES = 11, 30
MAX_TEXTS, MAX_LENGTH = 12, 4000
MAX_POINTS, MAX_EARLIER_POINTS = 2000, 500
FILM = "The same random numbers at each evaluation."
LEAD = "Made by the model itself. Where it learns well, they come nearer and nearer to the real ones."


NETWORK_LEAD = "What leaves, as `generate` writes, comes first; then what the network alone made while it learned."
NETWORK_STEP = "The network alone, step"

Item = TypeVar("Item")


class Made(Record):
    """What one `Sampled` event holds.

    Attributes:
        step: Steps done when it was made.
        texts: Generated texts.
        png: A picture, or a sheet of them, as base64 PNG.
        points: Generated points [x, y].
        real: Points of the data, to compare with.
    """

    step: Count = 0
    texts: tuple[Text, ...] = ()
    png: Text = ""
    points: tuple[tuple[Number, ...], ...] = ()
    real: tuple[tuple[Number, ...], ...] = ()


class LeavingPart(Record):
    """What result.json has of a text by what leaves, where that is more than the network."""

    leaving_sample: Text = ""


class Samples(Section):
    """Samples of the last step, and folded those of earlier ones."""

    kind: Literal["samples"] = "samples"
    order: ClassVar[int] = 40
    menu: ClassVar[str] = "Samples"

    def show(self, run: RunRecord) -> Html | None:
        """Return the samples, or None where the run made none."""
        steps: dict[int, list[Html]] = {}
        sampled = run.read_events(Made, "Sampled")
        chosen = sorted({event.step for event in sampled if _has_content(event)})
        leaving = run.read(LeavingPart, layout.RESULT).leaving_sample
        has_leaving = bool(leaving.strip())
        step_name = NETWORK_STEP if has_leaving else "Step"
        if not chosen:
            return None
        *earlier, last = chosen
        shown = _spread(earlier, MAX_EARLIER)
        for event in sampled:
            if event.step == last or event.step in shown:
                steps.setdefault(event.step, []).extend(_content(event, is_last=event.step == last))
        folds = [tag("div", tag("h3", f"Step {step:,}"), steps[step]) for step in reversed(shown)]
        kept = "" if len(shown) == len(earlier) else f" ({len(shown)} of {len(earlier)}; all are in {layout.EVENTS})"
        film = picture(_film(sampled), alt="samples from the first to the last step", class_="picture")
        return section(
            "Samples",
            tag("div", tag("h3", "What leaves"), tag("pre", leaving[:MAX_LENGTH], class_="sample"), class_="made")
            if has_leaving
            else None,
            tag("div", tag("h3", f"{step_name} {last:,}"), steps[last], class_="made"),
            figure(film, title="From the first step to the last", caption=FILM) if film is not None else None,
            fold(f"Earlier samples{kept}", tag("div", folds, class_="made earlier")) if folds else None,
            anchor=self.anchor,
            lead=NETWORK_LEAD if has_leaving else LEAD,
        )


def _film(sampled: Sequence[Made]) -> str:
    """Return all sheets one after another as one animated picture; "" where there are none."""
    return animated(_spread([event.png for event in sampled if event.png], MAX_FRAMES))


def _has_content(event: Made) -> bool:
    has_points = bool(_plane(event.points, limit=1)[0])
    return has_points or any(text.strip() for text in event.texts) or picture(event.png, alt="") is not None


def _content(event: Made, *, is_last: bool) -> list[Html]:
    """Return everything that one event holds."""
    pieces = [tag("pre", text[:MAX_LENGTH], class_="sample") for text in event.texts[:MAX_TEXTS] if text.strip()]
    image = picture(event.png, alt=f"made at step {event.step:,}", class_="picture")
    if image is not None:
        pieces.append(image)
    limit = MAX_POINTS if is_last else MAX_EARLIER_POINTS
    made, num_bad = _plane(event.points, limit=limit)
    if made:
        pieces.append(tag("div", cloud_chart(made, real=_plane(event.real, limit=limit)[0]), class_="frame"))
    if num_bad:
        pieces.append(tag("p", f"{say_count(num_bad, 'point')} had no finite place.", class_="caption"))
    return pieces


def _plane(points: Sequence[Sequence[float | None]], *, limit: int) -> tuple[list[tuple[float, float]], int]:
    """Return the first two coordinates of about `limit` of the points, and how many of all points cannot be drawn."""
    places = [(as_number(point[0]), as_number(point[1])) for point in points if len(point) > 1]
    good = [(x, y) for x, y in places if x is not None and y is not None]
    return [good[number] for number in _spread(range(len(good)), limit)], len(points) - len(good)


def _spread(items: Sequence[Item], limit: int) -> list[Item]:
    """Return at most `limit` of the items, evenly spread, the first and the last among them."""
    if len(items) <= limit or limit < 2:
        return list(items[:limit])
    return [items[round(number * (len(items) - 1) / (limit - 1))] for number in range(limit)]
