"""Charts: round ticks, points where their values are, nothing lost."""

import math
import re
from xml.etree import ElementTree

import pytest

from tutelage.report.charts.axes import Axis, Frame, axis_over, ticks
from tutelage.report.charts.bars import bar_list
from tutelage.report.charts.heat import heat_map
from tutelage.report.charts.histogram import histogram
from tutelage.report.charts.line import MAX_POINTS, Mark, Series, line_chart, thin
from tutelage.report.charts.scatter import agreement_chart
from tutelage.report.html import Html
from tutelage.report.number import quantile, say_count, say_fraction, say_number, say_percent, say_tick


def parsed(chart: Html) -> ElementTree.Element:
    # XML reads a line break in an attribute as a space; HTML keeps it.
    return ElementTree.fromstring(f"<div>{chart.text.replace(chr(10), '&#10;')}</div>")


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-130.0, 120.0, ["-100", "-50", "0", "50", "100"]),
        (0.0, 540_000.0, ["0", "100k", "200k", "300k", "400k", "500k"]),
        (0.0, 0.003, ["0.0000", "0.0005", "0.0010", "0.0015", "0.0020", "0.0025", "0.0030"]),
        (0.91, 0.94, ["0.910", "0.915", "0.920", "0.925", "0.930", "0.935", "0.940"]),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, labels: list[str]) -> None:
    assert [text for _, text in ticks(Axis("", low, high), count=5)] == labels


@pytest.mark.parametrize("low", [-1e6, -3.7, 0.0, 1e-9, 17.0, 1e12])
@pytest.mark.parametrize("span", [1e-6, 0.013, 1.0, 77.0, 3e8])
def test_any_range_has_three_to_eight_ticks_inside(low: float, span: float) -> None:
    axis = axis_over("", [low, low + span])
    marks = ticks(axis, count=5)
    assert 3 <= len(marks) <= 8
    assert all(axis.low - 1e-9 * abs(axis.low) <= value <= axis.high + 1e-9 * abs(axis.high) for value, _ in marks)


@pytest.mark.parametrize(("low", "high"), [(0.01, 1.0), (1e-5, 3.0), (2.0, 90.0), (1e-12, 1e12)])
def test_a_logarithmic_axis_has_ticks_too(low: float, high: float) -> None:
    assert 2 <= len(ticks(Axis("", low, high, is_log=True), count=5)) <= 7


def test_equal_values_still_make_an_axis() -> None:
    axis = axis_over("", [0.5, 0.5])
    assert axis.low < 0.5 < axis.high
    assert axis_over("", []).low < axis_over("", []).high


@pytest.mark.parametrize("values", [(5e-324, 1.0), (1e-300, 1e300), (0.5, 1e308)])
def test_numbers_at_the_edge_of_all_numbers_have_an_axis(values: tuple[float, ...]) -> None:
    axis = axis_over("", values, may_be_log=True)
    assert ticks(axis, count=5)
    assert all(math.isfinite(axis.fraction(value)) for value in values)


def test_a_frame_puts_the_ends_of_its_axes_at_its_edges() -> None:
    frame = Frame(x=Axis("", 0, 10), y=Axis("", 1, 100, is_log=True))
    assert frame.at_x(0) == frame.left
    assert frame.at_x(10) == frame.width - frame.right
    assert frame.at_y(1) == frame.height - frame.bottom
    assert frame.at_y(10) == pytest.approx((frame.top + frame.height - frame.bottom) / 2)


def test_a_line_goes_through_its_points() -> None:
    chart = parsed(line_chart([Series("loss", [(0, 1.0), (50, 0.5), (100, 0.0)])], x_label="step", y_label="loss"))
    line = chart.find(".//polyline")
    assert line is not None
    (x0, y0), (x1, y1), (x2, y2) = ([float(n) for n in pair.split(",")] for pair in line.attrib["points"].split())
    assert x1 == pytest.approx((x0 + x2) / 2, abs=0.2)
    assert y1 == pytest.approx((y0 + y2) / 2, abs=0.2)
    assert y0 < y2


def test_hovering_tells_the_values_of_all_lines() -> None:
    series = [Series("train loss", [(1, 0.9), (2, 0.8)]), Series("validation loss", [(2, 0.85)], 2)]
    chart = parsed(line_chart(series, x_label="step", y_label="loss"))
    tips = [group.attrib["data-tip"] for group in chart.iter("g")]
    assert tips == ["step 1\ntrain loss: 0.9000\nvalidation loss: 0.8500", "step 2\ntrain loss: 0.8000\nvalidation loss: 0.8500"]


def test_the_mark_stands_at_its_step() -> None:
    chart = parsed(line_chart([Series("a", [(0, 1), (100, 2)])], x_label="step", y_label="", mark=Mark(50, "kept")))
    x = float(chart.findall(".//line[@class='mark']")[0].attrib["x1"])
    assert x == pytest.approx((58 + 506) / 2)
    outside = line_chart([Series("a", [(0, 1), (100, 2)])], x_label="step", y_label="", mark=Mark(500, "kept"))
    assert "kept" not in outside.text


def test_many_points_are_averaged_and_bad_ones_left_out() -> None:
    points = [(float(n), 1.0) for n in range(10_000)] + [(10_000.0, math.nan), (10_001.0, 3.0)]
    few = thin(points)
    assert len(few) <= MAX_POINTS + 1
    assert few[-1] == (10_001.0, 3.0)
    assert all(y == 1.0 for _, y in few[:-1])
    assert thin([(1.0, 2.0), (2.0, math.inf)]) == [(1.0, 2.0)]


def test_a_chart_of_one_point_or_of_none_that_is_finite_is_drawn() -> None:
    assert parsed(line_chart([Series("a", [(3, 1.5)])], x_label="step", y_label="")) is not None
    assert parsed(line_chart([Series("a", [(3, math.nan)])], x_label="step", y_label="")) is not None


def test_the_histogram_counts_every_value() -> None:
    values = [float(n % 17) for n in range(500)] + [1e9]
    chart = parsed(histogram(values, x_label="off"))
    counts = [int(bar.attrib["data-tip"].split("\n")[1].replace(",", "")) for bar in chart.iter("rect")]
    assert sum(counts) == 501
    assert parsed(histogram([2.0], x_label="off")) is not None


def test_a_perfect_prediction_lies_on_the_line() -> None:
    chart = parsed(agreement_chart([1.0, 2.0, 5.0], [1.0, 2.0, 5.0], unit="kg"))
    ideal = next(line for line in chart.iter("line") if line.attrib.get("class") == "ideal")
    x1, x2, y1, y2 = (float(ideal.attrib[key]) for key in ("x1", "x2", "y1", "y2"))
    for dot in chart.iter("circle"):
        x, y = float(dot.attrib["cx"]), float(dot.attrib["cy"])
        assert y == pytest.approx(y1 + (x - x1) / (x2 - x1) * (y2 - y1), abs=0.2)


def test_the_heat_map_holds_every_count() -> None:
    chart = parsed(heat_map([[5, 0], [2, 8]], labels=["a", "b"]))
    tips = [cell.attrib["data-tip"] for cell in chart.iter("td") if "data-tip" in cell.attrib]
    assert tips[2] == "true b\npredicted a\n2 (20.0 % of the row)"
    assert len(tips) == 4
    assert parsed(heat_map([[0] * 20] * 20, labels=[str(n) for n in range(20)])) is not None


def test_the_longest_bar_fills_its_track() -> None:
    widths = re.findall(r"width:([0-9.]+)%", bar_list([("a", 10.0, "10"), ("b", 5.0, "5")]).text)
    assert widths == ["100.00", "50.00"]
    assert "width:0.00%" in bar_list([("a", 0.0, "0")]).text


def test_numbers_are_said_as_people_read_them() -> None:
    assert [say_number(value) for value in (None, 0.5, 1234567.0, 12.3456, math.nan, math.inf, "a", 1e-7, -0.25, 1e300)] == [
        "-", "0.5000", "1,234,567", "12.35", "not defined", "not defined", "a", "1.000e-07", "-0.2500", "1.000e+300",
    ]  # fmt: skip
    assert say_percent(None) == say_percent(math.nan) == "-"
    assert say_count(1, "step") == "1 step"
    assert say_tick(2e-5, step=1e-5) == "2e-5"
    # Of a training that diverged.
    assert [say_number(-7.4642e68), say_fraction(-7.4642e68), say_percent(2e40)] == ["-7.464e+68", "-7.464e+68", "2.000e+42 %"]
    assert [say_number(21381673850.0), say_tick(2e36, step=1e36)] == ["2.138e+10", "2e+36"]
    assert math.isnan(quantile([], 0.5))
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
