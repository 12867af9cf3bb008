"""What an ensemble is made of: each run with its weight, its scores and its costs beside those of the mean."""

from typing import ClassVar, Literal

from pydantic import Field

from tutelage.core import layout
from tutelage.report.blocks import section, table
from tutelage.report.costs import Latency, say_known, times_of
from tutelage.report.html import Child, Html, tag
from tutelage.report.measure import label, say_score
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["Members"]

MOST_MEMBERS, MOST_METRICS = 100, 50


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
        times = times_of([one.latency_ms for one in members])
        headers = ["run", "weight", *map(label, keys), "parameters", "bytes", *times]
        rows = [[*_row(one, keys), *(each[place] for each in times.values())] for place, one in enumerate(members)]
        return section(
            "Members",
            table(headers, rows, numeric=range(1, len(headers)), class_="scores"),
            tag("p", f"Weights: {found.weights}. Measured: {found.measured}.", class_="caption"),
            anchor=self.anchor,
            lead="This model is the weighted mean of the answers of several runs; it costs what all of them cost together.",
        )


def _row(one: Member, keys: list[str]) -> list[Child]:
    """Return the cells of one model, but for its latencies."""
    return [
        one.run,
        say_known(one.weight),
        *(say_score(key, one.metrics[key]) if one.metrics.get(key) is not None else "" for key in keys),
        *map(say_known, (one.num_parameters, one.size_bytes)),
    ]
