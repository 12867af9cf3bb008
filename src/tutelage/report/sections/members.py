"""What an ensemble is made of: each run with its weight, its scores and its costs beside those of the mean."""

from typing import ClassVar, Literal

from pydantic import Field

from tutelage.core import layout
from tutelage.report.blocks import section, table
from tutelage.report.html import Child, Html, tag
from tutelage.report.measure import label, say_score
from tutelage.report.number import say_number
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["Members"]

MOST_MEMBERS, MOST_METRICS = 100, 50


class Latency(Record):
    """Milliseconds for some rows at a time."""

    p50: Number = None
    p95: Number = None


class Member(Record):
    """One of the models."""

    run: Text = ""
    weight: Number = None
    metrics: dict[Text, Number] = Field(default_factory=dict)
    num_parameters: Number = None
    size_bytes: Number = None
    latency_ms: dict[Text, Latency] = Field(default_factory=dict)


class EnsembleRecord(Record):
    """All of them."""

    members: tuple[Member, ...] = ()
    weights: Text = ""
    measured: Text = ""
    size_bytes: Number = None
    latency_ms: dict[Text, Latency] = Field(default_factory=dict)


class EnsemblePart(Record):
    """Where they stand in result.json."""

    ensemble: EnsembleRecord = EnsembleRecord()
    metrics: dict[Text, Number] = Field(default_factory=dict)
    num_parameters: Number = None


class Members(Section):
    """Each member beside the mean."""

    kind: Literal["members"] = "members"
    order: ClassVar[int] = 25
    menu: ClassVar[str] = "Members"

    def show(self, run: RunRecord) -> Html | None:
        """Return the table, or None where one model answers alone."""
        part = run.read(EnsemblePart, layout.RESULT)
        found = part.ensemble
        if not found.members:
            return None
        whole = Member(
            run="the mean of all",
            metrics=part.metrics,
            num_parameters=part.num_parameters,
            size_bytes=found.size_bytes,
            latency_ms=found.latency_ms,
        )
        members = [*found.members[:MOST_MEMBERS], whole]
        keys = list(dict.fromkeys(key for one in members for key in one.metrics))[:MOST_METRICS]
        sizes = list(dict.fromkeys(size for one in members for size in one.latency_ms))
        times = [f"ms for {size}, {name}" for size in sizes for name in ("p50", "p95")]
        headers = ["run", "weight", *map(label, keys), "parameters", "bytes", *times]
        rows = [_row(one, keys, sizes) for one in members]
        return section(
            "Members",
            table(headers, rows, numeric=range(1, len(headers)), class_="scores"),
            tag("p", f"Weights: {found.weights}. Measured: {found.measured}.", class_="caption"),
            anchor=self.anchor,
            lead="This model is the weighted mean of the answers of several runs; it costs what all of them cost together.",
        )


def _row(one: Member, keys: list[str], sizes: list[str]) -> list[Child]:
    """Return the cells of one model."""
    times = [getattr(one.latency_ms.get(size, Latency()), name) for size in sizes for name in ("p50", "p95")]
    costs = [one.num_parameters, one.size_bytes, *times]
    return [
        one.run,
        _said(one.weight),
        *(say_score(key, one.metrics[key]) if one.metrics.get(key) is not None else "" for key in keys),
        *map(_said, costs),
    ]


def _said(value: float | None) -> str:
    """Write a number; "" where there is none."""
    return "" if value is None else say_number(value)
