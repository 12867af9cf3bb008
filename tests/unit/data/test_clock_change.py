"""Local times where clocks are changed: an hour that comes twice, and one that never comes, are named as what they are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tutelage.data.part.clock_change import are_clock_changes
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.source.base import Collected
from tutelage.data.source.timeline import Timeline
from tutelage.planning.recipe import recipe_from
from tutelage.task.forecast import Forecast


def local(folder: Path, *, first: str, zone: str, minutes: int) -> Collected:
    """Twenty days of local times."""
    begin = datetime.fromisoformat(first).replace(tzinfo=UTC)
    times = [(begin + timedelta(minutes=minutes * n)).astimezone(ZoneInfo(zone)) for n in range(20 * 1440 // minutes)]
    lines = [f"{time:%Y-%m-%d %H:%M},{(7 * n) % 11}" for n, time in enumerate(times)]
    (folder / "x.csv").write_text("\n".join(["time,load", *lines, ""]), encoding="utf-8")
    return Timeline(path=str(folder / "x.csv")).collect()


@pytest.mark.parametrize("minutes", [15, 60])
def test_the_hour_that_comes_twice_is_no_disorder(minutes: int, tmp_path: Path) -> None:
    found = local(tmp_path, first="2023-10-20", zone="Europe/Berlin", minutes=minutes)
    assert len(found.problems) == 60 // minutes
    assert "2023-10-29 02:00 again" in found.problems[0].found
    assert "local times come twice when clocks are put back" in found.problems[0].found
    assert "in UTC, or each with its offset from UTC, such as 2023-10-29 02:00+01:00" in found.problems[0].remedy
    assert not any("order" in note for note in found.notes)


def test_the_hour_that_never_comes_is_named(tmp_path: Path) -> None:
    found = local(tmp_path, first="2023-03-05", zone="America/New_York", minutes=15)
    assert isinstance(found.train, TimelinePart)
    made = Forecast(horizon=24).prepare(found, recipe_from({}, where="test"), reason="")
    (told,) = [warning for warning in made.warnings() if "gap" in warning]
    assert "60 minutes from 2023-03-12 02:00" in told
    assert "local times leave out an hour when clocks are put forward" in told
    assert "such as 2023-03-12 01:45+01:00" in told


def test_other_times_that_are_there_twice_are_not_taken_for_it(tmp_path: Path) -> None:
    lines = [f"2024-05-{1 + n // 24:02d} {n % 24:02d}:00,{n % 7}" for n in range(480)]
    (tmp_path / "x.csv").write_text("\n".join(["time,load", *lines[:50], lines[49].replace(",0", ",5"), *lines[50:], ""]))
    (problem,) = Timeline(path=str(tmp_path / "x.csv")).collect().problems
    assert "clocks" not in problem.found
    assert not are_clock_changes(np.array([], dtype=np.int64))
