"""Predicted against true values, with the line on which a perfect prediction lies."""

from collections.abc import Sequence

from tutelage.report.charts.axes import Frame, axis_over
from tutelage.report.html import Html, tag
from tutelage.report.number import say_number

__all__ = ["agreement_chart"]


def agreement_chart(target: Sequence[float], prediction: Sequence[float], *, unit: str) -> Html:
    """Return the chart; both axes have the same scale.

    Args:
        target: True values.
        prediction: Predicted values, one per true value.
        unit: Added to the axis labels; "" for none.
    """
    both = [*target, *prediction]
    suffix = f" ({unit})" if unit else ""
    frame = Frame(x=axis_over(f"true{suffix}", both), y=axis_over(f"predicted{suffix}", both), height=380.0)
    low, high = frame.x.low, frame.x.high
    ideal = tag("line", x1=frame.at_x(low), x2=frame.at_x(high), y1=frame.at_y(low), y2=frame.at_y(high), class_="ideal")
    dots = [
        tag("circle", cx=frame.at_x(x), cy=frame.at_y(y), r=2.4, class_="cloud", data_tip=_tip(x, y))
        for x, y in zip(target, prediction, strict=True)
    ]
    return frame.draw(ideal, dots, description=f"Predicted against true values of {len(dots)} rows")


def _tip(target: float, prediction: float) -> str:
    off = prediction - target
    return f"true {say_number(target)}\npredicted {say_number(prediction)}\noff by {'+' if off > 0 else ''}{say_number(off)}"
