"""Forecasts in the report: dates on the axis, truth with gaps, bands, errors beside seasonal-naive."""

import json
import re
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tutelage.core import catalog, layout
from tutelage.report.charts.forecast import Band, Drawn, forecast_chart
from tutelage.report.charts.times import Clock, clock_of
from tutelage.report.record import read_run
from tutelage.report.sections.forecasts import say_coverage


def clock(start: str, unit: str, first: int = -47, last: int = 48) -> Clock:
    found = clock_of(start, unit, first=first, last=last)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("unit", "step", "said"),
    [
        ("hour", 12, "21 Feb 2018 00:00"),
        ("15 minutes", 5, "20 Feb 2018 14:00"),
        ("second", 2, "20 Feb 2018 13:00:01"),
        ("day", 10, "1 Mar 2018 13:00"),
        ("week", 0, "13 Feb 2018 13:00"),
        ("month", 24, "Jan 2020"),
        ("quarter", 5, "Feb 2019"),
        ("year", -1, "2016"),
        ("2 years", 2, "2020"),
    ],
)
def test_a_step_has_a_time(unit: str, step: int, said: str) -> None:
    told = clock("2018-02-20T13:00:00", unit).say(step)
    assert told == (said if unit not in ("day", "week") else said.removesuffix(" 13:00"))


def test_the_last_days_of_months_stay_the_last_days() -> None:
    ends = clock("2018-01-31", "month")
    assert [ends.at(step).day for step in (1, 2, 3, 4)] == [31, 28, 31, 30]


@pytest.mark.parametrize("unit", ["second", "minute", "15 minutes", "hour", "day", "week", "month", "quarter", "year"])
@pytest.mark.parametrize(("first", "last"), [(-11, 12), (-95, 96), (-719, 720)])
def test_labels_stand_at_round_times_and_have_room(unit: str, first: int, last: int) -> None:
    ours = clock("2018-02-20T13:15:00", unit, first, last)
    marks = ours.marks(first, last)
    assert 2 <= len(marks) <= 9
    assert all(first <= place <= last for place, _ in marks)
    assert [place for place, _ in marks] == sorted({place for place, _ in marks})
    for place, label in marks:
        if unit in ("minute", "15 minutes", "hour") and ":" not in label and label[0].isdigit() and " " in label:
            assert (ours.at(place).hour, ours.at(place).minute) == (0, 0)
        if re.fullmatch(r"\d{4}", label):
            assert ours.at(place).year == int(label)


@pytest.mark.parametrize(
    ("start", "unit"),
    [("soon", "hour"), ("2018-01-01", "working day"), ("2018-01-01", "0 hours"), ("9999-12-31", "year"), ("", "")],
)
def test_times_that_cannot_be_told_are_not(start: str, unit: str) -> None:
    assert clock_of(start, unit, first=-5, last=5) is None


def chart(drawn: Drawn, known: Clock | None = None) -> ElementTree.Element:
    text = forecast_chart(drawn, x_label="hours ahead", y_label="OT", clock=known).text
    return ElementTree.fromstring(f"<div>{text.replace(chr(10), '&#10;')}</div>")


def of_class(root: ElementTree.Element, tag: str, class_: str) -> list[ElementTree.Element]:
    return [found for found in root.iter(tag) if class_ in found.get("class", "").split()]


def places(element: ElementTree.Element) -> list[tuple[float, ...]]:
    return [tuple(map(float, pair.split(","))) for pair in element.get("points", "").split()]


def test_gaps_part_the_measured_line_and_a_lone_value_is_a_dot() -> None:
    root = chart(Drawn([1.0, 2.0, None, 4.0], [5.0, None, 7.0, 8.0], [5.0, 6.0, 7.0, 8.0]))
    measured = of_class(root, "polyline", "measured")
    assert [len(places(line)) for line in measured] == [2, 2, 2]
    assert len(places(of_class(root, "polyline", "c2")[0])) == 4
    assert len(of_class(chart(Drawn([1.0], [None, 3.0], [2.0, 2.5])), "circle", "measured")) == 2


def test_a_band_encloses_the_forecast_from_its_first_step_on() -> None:
    band = Band("80 %", [0.0, 1.0, 2.0], [4.0, 5.0, 6.0])
    root = chart(Drawn([2.0, 2.0], [2.0, 3.0, 4.0], [2.0, 3.0, 4.0], [band]))
    (area,), (told,) = of_class(root, "polygon", "band"), of_class(root, "polyline", "c2")
    upper, lower = places(area)[:3], places(area)[:2:-1]
    for (x, y), (x_high, y_high), (x_low, y_low) in zip(places(told), upper, lower, strict=True):
        assert x == x_high == x_low
        assert y_high < y < y_low  # SVG counts downwards


def test_the_axis_has_dates_where_they_are_known_and_steps_where_not() -> None:
    drawn = Drawn([1.0] * 24, [2.0] * 24, [2.0] * 24)
    ticks = [tick.text or "" for tick in of_class(chart(drawn, clock("2018-02-20T13:00:00", "hour")), "text", "tick")]
    assert {"20 Feb", "21 Feb", "12:00"} <= set(ticks)
    root = chart(drawn)
    assert "hours ahead" in [label.text for label in of_class(root, "text", "axis-label")]
    tips = [strip.get("data-tip", "") for strip in of_class(chart(drawn, clock("2018-02-20T13:00:00", "hour")), "g", "hover")]
    assert tips[24] == "20 Feb 2018 13:00\nmeasured: 2\nforecast: 2"


def record(**changes: Any) -> dict[str, Any]:
    example = {
        "series": "OT",
        "start": "2018-02-20T13:00:00",
        "past": [1.0] * 10,
        "truth": [1.0, None, 2.0],
        "forecast": [1.0, 1.5, 2.0],
        "quantiles": {str(level): [1.0 + level] * 3 for level in (0.1, 0.25, 0.5, 0.75, 0.9)},
    }
    return {
        "horizon": 3,
        "series": ["OT", "HUFL"],
        "unit": "hour",
        "by_step": {"mse": [0.1, 0.2, 0.3], "mae": [0.2, 0.3, 0.4], "naive_mae": [0.5, 0.6, 0.7]},
        "by_series": [{"name": "OT", "mse": 0.3, "mae": 0.4, "mae_units": 2.0, "naive_mae_units": 4.0}],
        "examples": [example],
        "coverage": {"0.5": 0.47, "0.8": 0.78},
    } | changes


def show(folder: Path, found: dict[str, Any]) -> str:
    (folder / layout.RESULT).write_text(json.dumps({"forecast": found}), encoding="utf-8")
    content = catalog.load("section", "forecasts")().show(read_run(folder))
    return "" if content is None else str(content.text)


def test_a_run_shows_forecasts_errors_and_whether_its_bands_hold(tmp_path: Path) -> None:
    text = show(tmp_path, record())
    assert "3 hours ahead" in text
    assert re.findall(r"<h3>(.*?)</h3>", text) == [
        "OT, from 20 Feb 2018 13:00",
        "Errors",
        "Error by step ahead",
        "Error by series",
    ]
    assert "80 % band" in text
    assert "50 % band" in text
    assert "50.0 %" in text  # half the error of seasonal-naive
    assert "80 % bands hold 78.0 %, 50 % bands hold 47.0 %" in text


@pytest.mark.parametrize("missing", ["by_step", "by_series", "examples", "coverage"])
def test_what_is_missing_is_left_out_alone(missing: str, tmp_path: Path) -> None:
    whole, text = show(tmp_path, record()), show(tmp_path, {key: value for key, value in record().items() if key != missing})
    assert 0 < len(text) < len(whole)


def test_steps_that_are_no_unit_are_named_by_their_length(tmp_path: Path) -> None:
    assert "3 steps of 15 minutes ahead" in show(tmp_path, record(unit="15 minutes"))
    assert "3 working days ahead" in show(tmp_path, record(unit="working day"))
    assert "3 steps ahead" in show(tmp_path, record(unit=""))


def test_bands_that_do_not_hold_are_called_so() -> None:
    verdicts = [say_coverage({"0.8": share}).rpartition(". ")[2] for share in (0.79, 0.6, 0.95)]
    assert ["as they should" in verdicts[0], "too narrow" in verdicts[1], "wider" in verdicts[2]] == [True] * 3
    assert "not measured" in say_coverage({"0.8": None})


def test_times_of_steps_rise_evenly() -> None:
    ours = clock("2018-02-20T13:00:00", "15 minutes")
    moments = [ours.at(step) for step in range(1, 6)]
    assert moments[0] == datetime(2018, 2, 20, 13)
    assert {(later - earlier).total_seconds() for earlier, later in pairwise(moments)} == {900.0}


def test_an_interval_without_ends_is_not_shown(tmp_path: Path) -> None:
    result = {"metrics": {"test/mse": 0.1, "test/mae": 0.2}, "intervals": {"test/mse": [None, None], "test/mae": [0.1, 0.3]}}
    (tmp_path / layout.RESULT).write_text(json.dumps(result), encoding="utf-8")
    text = catalog.load("section", "scores")().show(read_run(tmp_path)).text
    assert "- to -" not in text
    assert "0.1000 to 0.3000" in text
