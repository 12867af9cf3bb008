"""What became of forecasts is kept, and later intervals are as wide as earlier ones should have been."""

import math
import os
from pathlib import Path

import pytest

from tutelage.core.sealed_record import sealed
from tutelage.foresight.history import RULE_NOW, History, spread_factor


def outcome(factor: float, *, spread: float = 0.1, kind: str = "measured") -> dict[str, object]:
    return {"kind": kind, "forecast": 100.0, "actual": 100.0 * math.exp(factor * spread), "spread": spread}


def test_nothing_is_known_where_nothing_was_kept(tmp_path: Path) -> None:
    history = History(tmp_path / "none")
    assert (history.lines(), history.known("a"), history.factor("measured")) == ([], None, 1.0)


def test_the_newest_measurement_of_a_training_is_known(tmp_path: Path) -> None:
    history = History(tmp_path)
    for seconds in (1.0, 2.0):
        history.add({"key": "a", "measured": {"seconds": seconds}})
    history.add({"key": "b", "measured": {"seconds": 3.0}})
    assert history.known("a") == {"seconds": 2.0}


def test_all_that_was_measured_of_a_training_is_known_the_newest_first(tmp_path: Path) -> None:
    history = History(tmp_path)
    for seconds in (1.0, 2.0, 3.0):
        history.add({"key": "a", "measured": {"seconds": seconds}})
    assert history.all_known("a", most=2) == [{"seconds": 3.0}, {"seconds": 2.0}]


def paced(seconds: float, *, num_steps: int = 100, key: str = "a") -> dict[str, object]:
    return {"key": key, "measured": {"pace": {"seconds": seconds, "num_steps": num_steps}}}


def test_equal_trainings_say_how_differently_fast_the_machine_is(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert history.machine_spread(0.04) == pytest.approx(0.04)
    for number in range(400):
        history.add(paced(0.1 * math.exp(0.3 * (number % 2)), key="bc"[number % 4 // 2]))
    # Alternating by 0.3: half of its square is the variance.
    assert history.machine_spread(0.04) == pytest.approx(0.3 / math.sqrt(2), rel=0.05)


def test_few_or_odd_steps_say_nothing_of_the_machine(tmp_path: Path) -> None:
    history = History(tmp_path)
    for line in (paced(0.1), paced(9.0, num_steps=2), paced(1e300), paced(-1.0), {"key": "a", "measured": {"pace": 3}}):
        history.add(line)
    assert history.machine_spread(0.04) == pytest.approx(0.04)


def test_forecasts_that_were_too_sure_make_later_intervals_wider(tmp_path: Path) -> None:
    history = History(tmp_path)
    for number in range(40):
        history.add(outcome(3.0 if number % 2 else 0.5))
        history.add(outcome(0.1, kind="known"))
    assert history.factor("measured") > 1.5
    assert history.factor("known") < 1.0


def test_what_forecasts_by_another_rule_came_to_says_nothing(tmp_path: Path) -> None:
    old = (sealed(outcome(3.0)) + b"\n" for _ in range(40))
    (tmp_path / "forecasts.jsonl").write_bytes(b"".join(old))
    history = History(tmp_path)
    assert (history.lines(), history.factor("measured")) == ([], 1.0)
    history.add(outcome(0.1))
    assert len(history.lines()) == 1


def test_few_outcomes_change_little() -> None:
    assert 1.0 < spread_factor([2.6]) < 1.2


def test_a_line_that_is_damaged_is_left_out(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.add(outcome(1.0))
    with (tmp_path / "forecasts.jsonl").open("ab") as file:
        file.write(b"{broken\n[1]\n")
    history.add(outcome(2.0))
    assert len(history.lines()) == 2


def test_a_folder_that_cannot_be_written_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file")
    history.add(outcome(1.0))
    assert history.lines() == []


def test_of_a_history_that_grew_too_long_the_newest_half_is_kept(tmp_path: Path) -> None:
    lines = (sealed({"kind": "known", "number": number, "text": "x" * 1000, "rule": RULE_NOW}) + b"\n" for number in range(4000))
    (tmp_path / "forecasts.jsonl").write_bytes(b"".join(lines))
    history = History(tmp_path)
    assert history.lines()[-1]["number"] == 3999
    history.add({"key": "new", "measured": {"seconds": 1.0}})
    assert history.known("new") == {"seconds": 1.0}
    kept = [each["number"] for each in history.lines() if "number" in each]
    assert len(kept) > 400
    assert kept == list(range(4000 - len(kept), 4000))


def test_a_long_history_is_cut_to_its_newest_lines(tmp_path: Path) -> None:
    history = History(tmp_path)
    for number in range(3):
        history.add({"key": str(number), "measured": {"text": "x" * 2**19}})
    assert history.known("2") is not None
    assert (tmp_path / "forecasts.jsonl").stat().st_size < 2 * 2**20


@pytest.mark.parametrize(("old", "new"), [(b"100.0", b"900.0"), (b"measured", b"measurad"), (b"0.1", b"0.7")])
def test_a_line_in_which_a_digit_was_changed_is_left_out(tmp_path: Path, old: bytes, new: bytes) -> None:
    history = History(tmp_path)
    history.add(outcome(1.0))
    history.add(outcome(2.0))
    path = tmp_path / "forecasts.jsonl"
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    assert [line["actual"] for line in History(tmp_path).lines()] == [outcome(2.0)["actual"]]


def test_a_line_behind_one_that_was_cut_off_is_remembered(tmp_path: Path) -> None:
    history = History(tmp_path)
    for number in range(3):
        history.add({"key": "a", "measured": {"seconds": number}})
        path = tmp_path / "forecasts.jsonl"
        path.write_bytes(path.read_bytes()[:-10] if number < 2 else path.read_bytes())
    assert history.known("a") == {"seconds": 2}


def test_a_pipe_in_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "forecasts.jsonl")
    history = History(tmp_path)
    history.add(outcome(1.0))
    assert history.lines() == []


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "forecasts.jsonl").symlink_to(tmp_path / "mine")
    History(tmp_path / "cache").add(outcome(1.0))
    assert (tmp_path / "mine").read_text() == "mine"
