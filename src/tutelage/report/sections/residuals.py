"""How far predicted numbers are from the true ones."""

import math

from tutelage.report.blocks import figure, section
from tutelage.report.charts.histogram import histogram
from tutelage.report.charts.scatter import agreement_chart
from tutelage.report.facts import Facts
from tutelage.report.html import Html, tag
from tutelage.report.number import quantile, say_number

__all__ = ["show"]

MAX_POINTS = 1000
"""Points drawn; more would only overlap and make the file large."""


def show(facts: Facts) -> Html | None:
    """Return the charts, or None where no numbers were predicted."""
    residuals = facts.result.residuals if facts.result else None
    if residuals is None:
        return None
    pairs = [
        (true, said)
        for true, said in zip(residuals.target, residuals.prediction, strict=False)
        if math.isfinite(true) and math.isfinite(said)
    ]
    if not pairs:
        return None
    off = [said - true for true, said in pairs]
    far = [abs(value) for value in off]
    unit = facts.data.unit
    suffix = f" {unit}" if unit else ""
    half, most = (say_number(quantile(far, share), digits=3) + suffix for share in (0.5, 0.9))
    lead = f"Half of the predictions are within {half} of the truth, nine of ten within {most}."
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
    return section("Predictions and truth", tag("div", charts, class_="charts"), anchor="residuals", lead=lead)
