"""Texts from folders, lines and lists: trained on, predicted on, reported."""

import io
import json
import os
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tutelage
from tests.contract.examples import text_folder
from tutelage.cli.main import main
from tutelage.training.step import Step


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("texts")
    words = ["train", text_folder(place), "--steps", "20", "--quiet", "--out", str(place / "run")]
    assert main(words) == 0
    return place


def predicted(capsys: pytest.CaptureFixture[str], *words: str) -> list[tuple[str, str]]:
    capsys.readouterr()
    assert main(["predict", *words, "--json"]) == 0
    return [(row["row"].split("/")[-1], row["prediction"]) for row in json.loads(capsys.readouterr().out)["predictions"]]


def test_files_folders_and_lines_are_answered(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = str(folder / "run")
    (tmp_path / "1.txt").write_text("great story", encoding="utf-8")
    (tmp_path / "2.txt").write_text("a dull scene, a dull film,\nand a, b", encoding="utf-8")
    expected = [("1.txt", "good"), ("2.txt", "bad")]
    assert predicted(capsys, run, str(tmp_path / "1.txt"), str(tmp_path / "2.txt")) == expected
    assert predicted(capsys, run, str(tmp_path)) == expected
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"dull film\ngreat actor\n")))
    assert predicted(capsys, run, "-") == [("line 1", "bad"), ("line 2", "good")]
    assert main(["evaluate", run, str(folder / "reviews" / "test"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["test/accuracy"] == 1


def test_empty_lines_are_noted_with_their_numbers(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"dull film\n\ngreat actor\n  \n")))
    capsys.readouterr()
    assert main(["predict", str(folder / "run"), "-"]) == 0
    told = capsys.readouterr()
    assert "empty or blank: 2 (line 2, line 4): counted as one unknown word" in told.err
    assert "\r" not in told.out
    assert len(told.out.splitlines()) == 5


def test_a_name_of_a_file_that_is_not_there_is_no_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(folder / "run"), "great.txt"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_lines_that_are_no_text_are_named_and_can_be_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def give() -> Any:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"dull film\n\xff\xfe\ngreat actor\n")))

    give()
    assert main(["predict", str(folder / "run"), "-"]) == 3
    assert "standard input, line 2" in capsys.readouterr().err
    give()
    assert predicted(capsys, str(folder / "run"), "-", "--on-bad-data", "skip") == [("line 1", "bad"), ("line 3", "good")]


def test_the_report_shows_the_words_that_counted(folder: Path) -> None:
    telling = json.loads((folder / "run" / "result.json").read_text(encoding="utf-8"))["floor"]["telling"]
    assert [one["class"] for one in telling] == ["bad", "good"]
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert "The words that counted" in page


def test_lists_of_texts_train_and_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [f"a {'great' if row % 2 else 'dull'} film of {row % 7} scenes" for row in range(80)]
    labels = [row % 2 for row in range(80)]
    run = tutelage.train((texts, labels), steps=20, quiet=True, out="run")
    assert run.predict(["a great one", "so dull"]) == [1, 0]
    assert run.predict_proba(["a great one"]).shape == (1, 2)
    assert run.evaluate((texts[:10], labels[:10]))["test/accuracy"] == 1
    Path("some.txt").write_text("dull", encoding="utf-8")
    assert run.predict(["some.txt"]) == [0], "a path that is there is read"
    assert run.predict([Path("some.txt")]) == [0]


def test_a_run_that_was_stopped_ends_with_the_same_file_the_floor_in_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, step, run = [0], Step.__call__, tmp_path / "run"

    def stopping(self: Step, *arguments: Any, **settings: Any) -> Any:
        number[0] += 1
        if number[0] == 9:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *arguments, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(Step, "__call__", stopping)
        words = ["train", str(folder / "reviews"), "--steps", "20", "--quiet", "--out", str(run)]
        assert main(words) == 143
    assert main(["resume", str(run), "--quiet"]) == 0
    whole = json.loads((folder / "run" / "result.json").read_text(encoding="utf-8"))
    ended = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert ended["metrics"] == whole["metrics"]
    assert {**ended["floor"], "seconds": 0} == {**whole["floor"], "seconds": 0}
    assert whole["floor"]["share"] > 0, "else the floor's place in the file is not looked at"
    best = ["best/predictor.safetensors"]
    assert [(run / name).read_bytes() for name in best] == [(folder / "run" / name).read_bytes() for name in best]


@pytest.mark.parametrize("kind", ["bpe_texts", "word_piece_texts"])
def test_sub_words_answer_the_same_after_saving(
    kind: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tokenizers")
    run = str(tmp_path / "run")
    words = ["train", str(folder / "reviews"), "--steps", "20", "--quiet", "--set", f"prepare={kind}", "--out", run]
    assert main(words) == 0
    assert predicted(capsys, run, str(folder / "reviews" / "test" / "good"))[0][1] == "good"
    assert tutelage.open_run(run).predict(["a dull film", "a great story"]) == ["bad", "good"]


def test_a_data_set_of_the_hub_is_learned_and_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("datasets")
    lines = [json.dumps({"text": f"a {'great' if row % 2 else 'dull'} film, scene {row}", "label": row % 2}) for row in range(60)]
    place, run = tmp_path / "set", str(tmp_path / "run")
    place.mkdir()
    for part, some in (("train", lines[:40]), ("test", lines[40:])):
        (place / f"{part}.jsonl").write_text("\n".join(some) + "\n", encoding="utf-8")
    assert main(["train", f"hub:{place}", "--text", "text", "--target", "label", "--steps", "20", "--quiet", "--out", run]) == 0
    assert [answer for _, answer in predicted(capsys, run, f"hub:{place}")] == [0, 1] * 10
    assert [answer for _, answer in predicted(capsys, run, str(place / "test.jsonl"))] == [0, 1] * 10


def test_odd_texts_of_every_part_are_told(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = shutil.copytree(folder / "reviews", tmp_path / "reviews")
    (place / "test" / "good" / "void.txt").write_text(" ", encoding="utf-8")
    assert main(["plan", str(place)]) == 0
    said = " ".join(capsys.readouterr())
    assert "test: texts that are empty or blank: 1 (test/good/void.txt)" in " ".join(said.split())


def test_columns_and_texts_are_learned_from_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer needs both: the text says nothing without the number, nor the number without the text."""
    filler = "and so on, with many other words that say nothing about it and are the same in each of the texts"
    lines = ["size,review,answer"]
    for row in range(400):
        is_large, is_great = row % 2, row // 2 % 2
        text = f"{['dull', 'great'][is_great]} thing number {row} {filler}"
        lines.append(f'{3 * is_large + row / 1000},"{text}",{["no", "yes"][is_large ^ is_great]}')
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = str(tmp_path / "run")
    assert main(["train", str(tmp_path / "rows.csv"), "--target", "answer", "--epochs", "30", "--quiet", "--out", run]) == 0
    found = json.loads((tmp_path / "run" / "result.json").read_text())
    assert found["metrics"]["test/accuracy"] > 0.9
    (tmp_path / "new.csv").write_text(f'size,review\n0,"dull {filler}"\n3,"dull {filler}"\n', encoding="utf-8")
    assert [answer for _, answer in predicted(capsys, run, str(tmp_path / "new.csv"))] == ["no", "yes"]
    frame = pytest.importorskip("pandas").DataFrame({"size": [0.0, 3.0], "review": [f"great {filler}"] * 2})
    assert tutelage.open_run(run).predict(frame) == ["yes", "no"]
