"""How far predicted numbers are from the true ones."""

import math
from typing import ClassVar, Literal

from tutelage.report.blocks import figure, section
from tutelage.report.charts.histogram import histogram
from tutelage.report.charts.scatter import agreement_chart
from tutelage.report.html import Html, tag
from tutelage.report.number import quantile, say_number
from tutelage.report.record import Number, Record, RunRecord
from tutelage.report.sections.base import Section
from tutelage.report.value import as_number

__all__ = ["Residuals"]

MAX_POINTS = 1000
"""Points drawn; more would only overlap and make the file large."""


class Pairs(Record):
    """A sample of true and predicted numbers, in the target's unit."""

    target: tuple[Number, ...] = ()
    prediction: tuple[Number, ...] = ()


class Sample(Record):
    """Its slice of result.json."""

    residuals: Pairs | None = None


class Residuals(Section):
    """Predicted beside true numbers, and how often each error occurs."""

    kind: Literal["residuals"] = "residuals"
    order: ClassVar[int] = 60
    menu: ClassVar[str] = "Predictions"

    def show(self, run: RunRecord) -> Html | None:
        """Return the charts, or None where no numbers were predicted."""
        pairs = _pairs(run.read(Sample).residuals or Pairs())
        if not pairs:
            return None
        off = [said - true for true, said in pairs]
        far = [abs(value) for value in off]
        unit = run.data.unit
        suffix = f" {unit}" if unit else ""
        half, most = (say_number(quantile(far, fraction), digits=3) + suffix for fraction in (0.5, 0.9))
        shown = pairs[:: math.ceil(len(pairs) / MAX_POINTS)]
        charts = [
            figure(
                agreement_chart([true for true, _ in shown], [said for _, said in shown], unit=unit),
                title="Predicted and true",
                caption="Every dot is a row. On the line the prediction is exact; above it too high, below it too low.",
            ),
            figure(
                histogram(off, x_label=f"prediction minus truth{f' ({unit})' if unit else ''}"),
                title="Errors",
                caption="Should be narrow and centered on zero. The outermost bars also hold everything beyond them.",
            ),
        ]
        lead = f"Half of the predictions are within {half} of the truth, nine of ten within {most}."
        return section("Predictions and truth", tag("div", charts, class_="charts"), anchor=self.anchor, lead=lead)


def _pairs(sample: Pairs) -> list[tuple[float, float]]:
    """Return (true, predicted) where both can be drawn."""
    numbers = zip(map(as_number, sample.target), map(as_number, sample.prediction), strict=False)
    return [(true, said) for true, said in numbers if true is not None and said is not None]
