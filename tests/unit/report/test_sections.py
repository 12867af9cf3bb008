"""Curves of any task, samples, episodes, findings: each shows what a run left for it."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tutelage.core import catalog, layout
from tutelage.report.headline import show_headline
from tutelage.report.record import read_run


def show(folder: Path, kind: str) -> str:
    content = catalog.load("section", kind)().show(read_run(folder))
    return "" if content is None else str(content.text)


def write_lines(folder: Path, name: str, *lines: dict[str, Any]) -> Path:
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def titles(text: str) -> list[str]:
    return re.findall(r"<h3>(.*?)</h3>", text)


def png(side: int = 8) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((side, side), np.uint8)).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_what_training_makes_small_comes_first_and_learning_rates_last(tmp_path: Path) -> None:
    point = {"lr": 0.1, "validation/accuracy": 0.5, "train/loss": 0.7, "validation/loss": 0.8}
    write_lines(tmp_path, layout.METRICS, {"step": 1, **point}, {"step": 2, **point})
    text = show(tmp_path, "curves")
    assert titles(text) == ["Loss", "Accuracy", "Learning rate"]
    assert "by heart (overfitting)" in text


def test_phases_share_a_chart_and_players_are_not_told_to_fall(tmp_path: Path) -> None:
    point = {"critic/lr": 0.1, "generator/lr": 0.2, "generator/loss": 0.7, "critic/loss": -3.0}
    write_lines(tmp_path, layout.METRICS, {"step": 1, **point}, {"step": 2, **point})
    text = show(tmp_path, "curves")
    assert titles(text) == ["Loss", "Learning rate"]
    for name in ("critic learning rate", "generator learning rate", "generator loss", "critic loss"):
        assert name in text
    assert "Should fall" not in text
    assert "by heart" not in text


def test_curves_of_reinforcement_learning_all_have_a_chart(tmp_path: Path) -> None:
    point = {"lr": 0.1, "train/loss": 1.0, "train/entropy": 0.6, "train/return": 20.0, "validation/return": 30.0}
    write_lines(tmp_path, layout.METRICS, {"step": 1, **point})
    assert titles(show(tmp_path, "curves")) == ["Loss", "Entropy", "Return", "Learning rate"]


def test_a_yardstick_that_no_training_changes_has_no_curve(tmp_path: Path) -> None:
    point = {"train/loss": 1.0, "val/mae_units": 2.0, "val/naive_mae_units": 3.0}
    write_lines(tmp_path, layout.METRICS, {"step": 1, **point}, {"step": 2, **point})
    assert titles(show(tmp_path, "curves")) == ["Loss", "MAE in units"]


def test_more_than_eight_charts_are_folded_and_none_is_lost(tmp_path: Path) -> None:
    write_lines(tmp_path, layout.METRICS, {"step": 1, **{f"train/part_{number}": 1.0 for number in range(11)}})
    page, _, folded = show(tmp_path, "curves").partition("More curves")
    assert len(titles(page)) == 8
    assert titles(folded) == ["Part 8", "Part 9", "Part 10"]


def test_lines_of_one_chart_have_different_colors(tmp_path: Path) -> None:
    keys = ("train/loss", "validation/loss", "test/loss", "other/loss")
    write_lines(tmp_path, layout.METRICS, {"step": 1, **dict.fromkeys(keys, 1.0)})
    text = show(tmp_path, "curves")
    assert sorted(re.findall(r'class="line (c\d)"', text)) == ["c1", "c2", "c3", "c4"]


def test_the_last_texts_are_shown_and_earlier_ones_folded(tmp_path: Path) -> None:
    events = [{"event": "Sampled", "step": step, "texts": [f"text of {step}", " "]} for step in (10, 20, 30)]
    page, _, folded = show(write_lines(tmp_path, layout.EVENTS, *events), "samples").partition("Earlier samples")
    assert "text of 30" in page
    assert "text of 20" not in page
    assert folded.index("text of 20") < folded.index("text of 10")
    assert titles(page) == ["Step 30"]


def test_pictures_and_points_are_drawn(tmp_path: Path) -> None:
    points = [[0.0, 1.0], [1.0, 0.0], [None, 1.0], [50.0, 50.0]]
    event = {"event": "Sampled", "step": 5, "texts": [], "png": png(), "points": points, "real": [[0.0, 0.0], [1.0, 1.0]]}
    text = show(write_lines(tmp_path, layout.EVENTS, event), "samples")
    assert 'class="picture tiny"' in text
    assert text.count('class="dots') == 2
    assert "1 point had no finite place." in text
    assert "1 point made outside of this picture" in text


def test_at_most_a_dozen_steps_are_shown_first_and_last_among_them(tmp_path: Path) -> None:
    events = [{"event": "Sampled", "step": step, "texts": [f"text {step}."]} for step in range(1, 101)]
    text = show(write_lines(tmp_path, layout.EVENTS, *events), "samples")
    assert len(titles(text)) == 12
    assert "text 1." in text
    assert "text 100." in text
    assert "11 of 99; all are in events.jsonl" in text


def test_episodes_are_summed_up(tmp_path: Path) -> None:
    episodes = {"returns": [500.0] * 9 + [100.0, None], "lengths": [500] * 10}
    (tmp_path / layout.RESULT).write_text(json.dumps({"episodes": episodes}), encoding="utf-8")
    text = show(tmp_path, "episodes")
    assert titles(text) == ["Returns", "Lengths"]
    assert "460" in text
    assert "lowest 100, highest 500" in text


def test_findings_say_what_was_found_and_what_to_do(tmp_path: Path) -> None:
    examples = [f"row {number}" for number in range(9)]
    finding = {"check": "twin_rows", "found": "Rows occur in train too.", "remedy": "Leave them out.", "count": 1200}
    finding |= {"where": "test", "examples": examples}
    (tmp_path / layout.DATA).write_text(json.dumps({"findings": [finding]}), encoding="utf-8")
    text = show(tmp_path, "findings")
    for words in (
        "twin rows",
        "Rows occur in train too.",
        "such as row 0, row 1, row 2, row 3, row 4, ...",
        "1,200",
        "Leave them out.",
    ):
        assert words in text


def test_mistakes_and_samples_of_text_are_shown_as_text(tmp_path: Path) -> None:
    worst = [{"name": "line 3", "target": "good", "prediction": "bad", "confidence": 0.9, "text": "Not <b>bad</b> at all"}]
    (tmp_path / layout.RESULT).write_text(json.dumps({"worst": worst}), encoding="utf-8")
    (tmp_path / layout.DATA).write_text(json.dumps({"thumbnails": [{"label": "good", "text": "Fine."}]}), encoding="utf-8")
    assert "Not &lt;b&gt;bad&lt;/b&gt; at all" in show(tmp_path, "mistakes")
    assert "<q>Fine.</q>" in show(tmp_path, "data")


def test_the_headline_is_what_the_run_says_it_is(tmp_path: Path) -> None:
    result = {"task": "own_kind", "noun": "own noun", "metrics": {"test/loss": 1.0, "test/modes": 8.0}, "headline": "test/modes"}
    (tmp_path / layout.RESULT).write_text(json.dumps(result), encoding="utf-8")
    text = show_headline(read_run(tmp_path)).text
    assert "own noun" in text
    assert "test modes" in text
    (tmp_path / layout.RESULT).write_text(json.dumps({"task": "own_kind", "seconds": 3.0}), encoding="utf-8")
    text = show_headline(read_run(tmp_path)).text
    assert "own kind" in text
    assert "Not finished" not in text


def test_the_words_that_counted_are_shown_by_class(tmp_path: Path) -> None:
    words = [{"name": "great <b>", "weight": 1.25, "rows": 7}, {"name": "fine film", "weight": 0.5, "rows": 3}]
    telling = [{"class": "good", "things": words}, {"class": "bad", "things": []}]
    (tmp_path / layout.RESULT).write_text(json.dumps({"floor": {"telling": telling}}), encoding="utf-8")
    text = show(tmp_path, "telling")
    assert "great &lt;b&gt;" in text
    assert "fine film" in text
    assert 'title="weight 1.250, in 7 of the texts looked at"' in text
    assert "bad" not in text
    (tmp_path / layout.RESULT).write_text(json.dumps({"floor": {"telling": []}}), encoding="utf-8")
    assert show(tmp_path, "telling") == ""


PARTS = {"reading": 1.0, "planning": 1.0, "probe": 0.5, "steps": 80.0, "evaluations": 6.0, "checkpoints": 0.5, "scoring": 11.0}


def test_the_time_of_a_run_stands_beside_its_forecast(tmp_path: Path) -> None:
    told = {"seconds": 95.0, "interval_80": [90.0, 104.0], "interval_50": [93.0, 98.0], "how": "timed", "step_flops": 1e9}
    told |= {"parts": {"before": 2.5, "steps": 82.0, "evaluations": 6.0, "ending": 4.5}, "actual_seconds": 100.0}
    result = {"seconds": 100.0, "seconds_by_part": PARTS, "foresight": told, "last_step": 1000}
    (tmp_path / layout.RESULT).write_text(json.dumps(result), encoding="utf-8")
    (tmp_path / layout.ENV).write_text(json.dumps({"matmul_gflops": 50.0, "bf16_speedup": 2.0}), encoding="utf-8")
    (tmp_path / layout.PLAN).write_text(json.dumps({"precision": "bfloat16"}), encoding="utf-8")
    text = show(tmp_path, "time")
    assert "80 %: 1 min 30 s to 1 min 44 s" in text
    assert "5.3 % longer than forecast, within the 80 %" in text
    # 1,000 steps of 1e9 operations at 100e9 a second.
    assert "<dd>10 s<small>" in text
    assert "10.0 times" in text
    assert "before the first step" in text
    assert "1 min 20 s, 80 % (forecast 1 min 22 s)" in text
    # The longest bar fills the width, the run's is drawn to scale below it.
    assert '<i class="c1" style="width:100.00%"></i><i class="c2" style="width:97.56%"></i>' in text


def test_without_a_forecast_the_parts_of_a_run_are_shown_alone(tmp_path: Path) -> None:
    result = {"seconds": 140.0, "seconds_by_part": PARTS, "last_step": 1000}
    (tmp_path / layout.RESULT).write_text(json.dumps(result), encoding="utf-8")
    text = show(tmp_path, "time")
    assert "forecast " not in text.partition("<figure>")[2]
    assert 'class="c1"' not in text
    # The run was resumed: its first process took 40 of the 140 s.
    assert "other processes of this run" in text
