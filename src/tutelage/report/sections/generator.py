"""What a generator has learned beyond its scores: whether it copies train rows, what lies between its samples, who leads."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import figure, section, table
from tutelage.report.html import Html, picture, tag
from tutelage.report.number import say_number, say_percent
from tutelage.report.record import Number, Record, RunRecord, Text, Value
from tutelage.report.sections.base import Section

__all__ = ["GeneratorSection"]

MAX_PAIRS, MAX_COLUMNS = 16, 20
COPIES = 0.5
"""Of the distance of unseen real samples to the nearest train row: generated ones that are nearer than that are copies."""
BETWEEN = "Each row goes from one sample to another. Where the generator has learned the data, each step is a sample too."
LEADS = "Of an unseen real and a generated sample the critic is {} sure which is real, on average; 50 % is a tie."


class Shown(Record):
    """A row as a picture, or its cells by column."""

    png: Text = ""
    row: dict[Text, Value] | None = None


class Pair(Record):
    """A generated sample and the train row that is nearest to it."""

    made: Shown = Shown()
    nearest: Shown = Shown()


class Distances(Record):
    """Median distance to the nearest train row, of generated samples and of real ones that were not learned from."""

    generated: Number = None
    real: Number = None


class Generated(Record):
    """What result.json says of generated samples."""

    space: Text = ""
    nearest: tuple[Pair, ...] = ()
    distance: Distances = Distances()
    interpolation: Text = ""


class RivalryRecord(Record):
    """What it says of the two networks."""

    lead: Number = None
    width: Number = None


class Made(Record):
    """Where both stand in result.json."""

    generated: Generated = Generated()
    rivalry: RivalryRecord = RivalryRecord()


class GeneratorSection(Section):
    """Nearest train rows, interpolations, and the balance of both networks."""

    kind: Literal["generator"] = "generator"
    order: ClassVar[int] = 42
    menu: ClassVar[str] = "Generator"

    def show(self, run: RunRecord) -> Html | None:
        """Return what there is, or None where no samples were made."""
        found = run.read(Made, layout.RESULT)
        made = found.generated
        pairs = [card for pair in made.nearest[:MAX_PAIRS] if (card := _card(pair)) is not None]
        rows = _rows(made.nearest[:MAX_PAIRS])
        between = picture(made.interpolation, alt="between samples", class_="picture")
        said = [sentence for sentence in (_memory(made.distance), _lead(found.rivalry)) if sentence]
        if not pairs and rows is None and between is None and not said:
            return None
        return section(
            "What the generator has learned",
            *[tag("p", sentence) for sentence in said],
            tag("h3", "Samples, each beside the nearest train row") if pairs or rows is not None else None,
            tag("ul", pairs, class_="gallery") if pairs else None,
            rows,
            figure(between, title="Between samples", caption=BETWEEN) if between is not None else None,
            anchor=self.anchor,
            lead=f"Real and generated samples are compared by {made.space}." if made.space else "",
        )


def _card(pair: Pair) -> Html | None:
    """Return a sample and its nearest train row side by side; None where one is no picture."""
    sides = [picture(side.png, alt=name) for side, name in ((pair.made, "generated"), (pair.nearest, "nearest train row"))]
    return None if None in sides else tag("li", sides, tag("p", "generated, nearest", class_="name"))


def _rows(pairs: Sequence[Pair]) -> Html | None:
    """Return generated rows as a table, each above its nearest train row; None where they are no rows of cells."""
    columns = list(dict.fromkeys(name for pair in pairs for name in pair.made.row or {}))[:MAX_COLUMNS]
    if not columns:
        return None
    sides = [(name, side.row or {}) for pair in pairs for name, side in (("generated", pair.made), ("nearest", pair.nearest))]
    return table(["row", *columns], [[name, *(str(row.get(column, "")) for column in columns)] for name, row in sides])


def _memory(distance: Distances) -> str:
    """Say whether generated samples are copies of train rows."""
    generated, real = distance.generated, distance.real
    if generated is None or real is None or not real > 0:
        return ""
    near = f"nearer than {say_number(generated)} to a train row; of unseen real ones, than {say_number(real)}"
    told = f"Half of the generated samples are {near}."
    return f"{told} So near, they are copies: train on more rows, or for less time." if generated < COPIES * real else told


def _lead(rivalry: RivalryRecord) -> str:
    """Say who leads."""
    if rivalry.lead is None or rivalry.width is None:
        return ""
    return f"{LEADS.format(say_percent(rivalry.lead))} Generated samples spread {say_percent(rivalry.width)} as far as real ones."
