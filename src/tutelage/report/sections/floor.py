"""What the network adds to the floor: a plain model of the same rows, beside it."""

from typing import ClassVar, Literal

from pydantic import Field

from tutelage.core import layout
from tutelage.report.blocks import section, table
from tutelage.report.headline import headline_key
from tutelage.report.html import Child, Html, tag
from tutelage.report.measure import label, label_part, say_score
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["FloorSection"]


class FloorScores(Record):
    """Scores of both models alone, by the keys of the run's own."""

    network: dict[Text, Number] = Field(default_factory=dict)
    floor: dict[Text, Number] = Field(default_factory=dict)


class FloorRecord(Record):
    """What result.json says of the floor."""

    noun: Text = ""
    share: Number = None
    reason: Text = ""
    seconds: Number = None
    metrics: FloorScores = FloorScores()


class FloorPart(Record):
    """Where it stands in result.json."""

    floor: FloorRecord = FloorRecord()


class FloorSection(Section):
    """Network, floor and what leaves, side by side."""

    kind: Literal["floor"] = "floor"
    order: ClassVar[int] = 22
    menu: ClassVar[str] = "Beside the floor"

    def show(self, run: RunRecord) -> Html | None:
        """Return the table, or None where there was no floor."""
        found = run.read(FloorPart, layout.RESULT).floor
        if not found.metrics.floor:
            return None
        part = headline_key(run).rpartition("/")[0]
        keys = [key for key in found.metrics.floor if key.rpartition("/")[0] == part]
        share = found.share or 0.0
        left = {0.0: "the network alone", 1.0: "the floor alone"}.get(share, f"network and floor, of which {share:.0%} the floor")
        rows: list[list[Child]] = [
            [
                tag("span", label(key.rpartition("/")[2])),
                *[
                    say_score(key, value) if value is not None else "not defined"
                    for value in (found.metrics.network.get(key), found.metrics.floor.get(key), run.result.metrics.get(key))
                ],
            ]
            for key in keys
        ]
        measured = f"Measured on the {label_part(part)} part."
        return section(
            "What the network adds",
            table(["metric", "network alone", "floor alone", "what leaves"], rows, numeric=range(1, 4), class_="scores"),
            tag("p", f"What leaves is {left}. {found.reason[:1].upper()}{found.reason[1:]}.", class_="caption"),
            anchor=self.anchor,
            lead=f"The floor: {found.noun}, fitted to the same train rows in {found.seconds or 0:.1f} s. {measured}",
        )
