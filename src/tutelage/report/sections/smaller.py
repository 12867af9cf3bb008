"""What making a model smaller has cost and gained: in int8, or with fewer channels; before and after, side by side."""

from typing import ClassVar, Literal

from pydantic import Field

from tutelage.core import layout
from tutelage.report.blocks import section, table
from tutelage.report.costs import Latency, say_known, times_of
from tutelage.report.html import Child, Html, tag
from tutelage.report.number import say_number, say_percent
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["Smaller"]

NAMES = {"float32": "before", "float32_onnx": "before, by ONNX Runtime", "int8": "in int8", "before": "before", "after": "after"}
"""What the columns are called, by their keys in result.json."""
MOST_COLUMNS = 8
POINTS = "points"
"""How the unit begins where answers are classes, whose accuracy is a percentage."""


class SmallerRecord(Record):
    """What was measured."""

    method: Text = ""
    lost: Number = None
    unit: Text = ""
    before: Number = None
    after: Number = None
    agreement: Number = None
    num_rows: Number = None
    most_loss: Number = None
    steps: Number = None
    num_parameters: dict[Text, Number] = Field(default_factory=dict)
    size_bytes: dict[Text, Number] = Field(default_factory=dict)
    latency_ms: dict[Text, dict[Text, Latency]] = Field(default_factory=dict)
    warning: Text = ""


class SmallerPart(Record):
    """Where it stands in result.json."""

    int8: SmallerRecord = SmallerRecord()
    pruned: SmallerRecord = SmallerRecord()


class Smaller(Section):
    """The model before and after it was made smaller."""

    kind: Literal["smaller"] = "smaller"
    order: ClassVar[int] = 26
    menu: ClassVar[str] = "Smaller"

    def show(self, run: RunRecord) -> Html | None:
        """Return the table, or None where the model is as it was trained."""
        part = run.read(SmallerPart, layout.RESULT)
        is_int8 = bool(part.int8.size_bytes)
        found = part.int8 if is_int8 else part.pruned
        if not found.size_bytes:
            return None
        keys = list(dict.fromkeys([*found.latency_ms, *found.size_bytes]))[:MOST_COLUMNS]
        made = (
            f"Products in int8 ({found.method})." if is_int8 else f"Channels left, and {say_known(found.steps)} steps followed."
        )
        return section(
            "Smaller",
            table(
                ["", *(NAMES.get(key, key) for key in keys)], _rows(found, keys), numeric=range(1, len(keys) + 1), class_="scores"
            ),
            tag("p", f"{say_known(found.lost)} {found.unit} lost; {say_known(found.most_loss)} were allowed.", class_="caption"),
            tag("p", found.warning, class_="caption") if found.warning else None,
            anchor=self.anchor,
            lead=f"{made} All is measured on the same {say_known(found.num_rows)} validation rows, one machine, in turn.",
        )


def _rows(found: SmallerRecord, keys: list[str]) -> list[list[Child]]:
    """Return a row for how good the answers are, and for each cost."""
    is_share = found.unit.startswith(POINTS)
    say = say_percent if is_share else say_number
    last = keys[-1] if keys else ""
    good = {key: found.after if key == last else found.before for key in keys}
    rows: list[list[Child]] = [
        ["accuracy" if is_share else "root mean squared error", *(say_known(good[key], say=say) for key in keys)]
    ]
    if found.agreement is not None and is_share:
        rows.append(["answers as before", *("" if key != last else say_percent(found.agreement) for key in keys)])
    if found.num_parameters:
        rows.append(["parameters", *(say_known(found.num_parameters.get(key)) for key in keys)])
    rows.append(["bytes", *(say_known(found.size_bytes.get(key)) for key in keys)])
    return rows + [[title, *values] for title, values in times_of([found.latency_ms.get(key, {}) for key in keys]).items()]
