"""A language model from a text file to generated text: recognized, trained, measured beside counting, and let write."""

import io
import json
import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tutelage
from tests.contract.examples import chars
from tutelage.cli.main import main
from tutelage.core.errors import RunError, UsageError
from tutelage.core.seeds import derive
from tutelage.data.prepare.characters import FittedCharacters
from tutelage.export.export import export_run
from tutelage.floor.tokens import TokensFitted
from tutelage.run.ensemble import make_ensemble
from tutelage.run.generate import Wanted, begin_generation
from tutelage.run.run import Run
from tutelage.training.step import Step

SMALL = ["--set", "model.width=16", "--set", "model.depth=1", "--set", "model.heads=2", "--set", "task.sample_length=20"]


def train(source: Path, out: Path, *words: str) -> Path:
    code = main(
        ["train", str(source), "--steps", "5", "--quiet", "--set", "prepare.length=16", *SMALL, *words, "--out", str(out)]
    )
    assert code == 0
    return out


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    chars(folder)
    return train(folder / "words.txt", folder / "run")


def result(run_dir: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_dir / "result.json").read_text())
    return found


def test_a_text_file_is_learned_and_measured_in_nats_and_bits_beside_counting(run_dir: Path) -> None:
    found = result(run_dir)
    metrics, floor = found["metrics"], found["floor"]
    assert metrics["test/bits_per_character"] == pytest.approx(metrics["test/nats_per_character"] / 0.693147, rel=1e-5)
    assert metrics["test/loss"] == pytest.approx(metrics["test/nats_per_character"])
    own, counted = (floor["metrics"][name]["test/nats_per_character"] for name in ("network", "floor"))
    assert 0.5 < floor["share"] <= 1
    assert metrics["test/nats_per_character"] <= counted + 0.01 < own
    assert 0 < counted < found["baseline"]["test/nats_per_character"]
    warning = found["warnings"][0]
    assert "the network is worse than counting: nats per character" in warning
    assert "--steps 1000" in warning
    page = (run_dir / "report.html").read_text()
    assert "What the network adds" in page
    assert "bits per character" in page
    data = json.loads((run_dir / "data.json").read_text())
    assert data["kind"] == "corpus"


def test_what_is_generated_is_drawn_by_network_and_counts_together(run_dir: Path) -> None:
    run = tutelage.open_run(run_dir)
    predictor, fitted, companion = run.predictor, run.predictor.fitted, run.predictor.companion
    assert isinstance(fitted, FittedCharacters)
    assert companion is not None
    assert isinstance(companion.fitted, TokensFitted)
    tokens = fitted.encode("the ").tolist()
    with torch.no_grad():
        network_V = torch.softmax(predictor.network.eval()(torch.tensor([tokens]))[0, -1].double(), -1).numpy()
    mean_V = (1 - companion.share) * network_V + companion.share * companion.fitted.chances(np.array([tokens]))[0]
    assert run.generate("the ", length=1, temperature=0)[0] == "the " + fitted.decode(torch.tensor([mean_V.argmax()]))
    assert mean_V.argmax() != network_V.argmax()


def test_bytes_are_measured_by_the_character_too(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("größer über Öl für Zoë, und so weiter.\n" * 60, encoding="utf-8")
    metrics = result(train(tmp_path / "x.txt", tmp_path / "run", "--set", "prepare.kind=bytes"))["metrics"]
    assert metrics["test/nats_per_character"] > 1.02 * metrics["test/loss"]
    assert tutelage.open_run(tmp_path / "run").generate("ö", length=30)[0].startswith("ö")


def test_sub_words_are_measured_by_the_character_and_written_as_text(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    (tmp_path / "x.txt").write_text("größer über Öl für Zoë, und so weiter: 漢字.\n" * 300, encoding="utf-8")
    words = ["--set", "prepare.kind=bpe", "--set", "prepare.vocabulary_size=280"]
    path = train(tmp_path / "x.txt", tmp_path / "run", *words)
    found = result(path)
    metrics, counts = found["metrics"], found["floor"]
    assert 0 < metrics["test/nats_per_character"] < metrics["test/loss"]
    assert counts["noun"].startswith("runs of a few sub-words")
    run = tutelage.open_run(path)
    whole = run.generate("für ", num=2, length=40, seed=3)
    assert whole == run.generate("für ", num=2, length=40, seed=3, is_cached=False)
    assert all(text.startswith("für ") for text in whole)
    assert run.generate("an ∑ that was never seen ", length=3)[0].startswith("an ∑ that was never seen ")


def test_a_run_on_sub_words_that_was_stopped_ends_with_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tokenizers")
    number, step = [0], Step.__call__
    # Two plans are compared: neither may hang on how busy the machine was when it was measured.
    words = ["--set", "prepare.kind=bpe", "--set", "prepare.vocabulary_size=300", "--set", "precision=float32"]
    chars(tmp_path)
    whole = train(tmp_path / "words.txt", tmp_path / "whole", *words)

    def stopping(self: Step, *arguments: Any, **settings: Any) -> Any:
        number[0] += 1
        if number[0] == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *arguments, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(Step, "__call__", stopping)
        with pytest.raises(AssertionError):
            train(tmp_path / "words.txt", tmp_path / "run", *words)
    assert main(["resume", str(tmp_path / "run"), "--quiet"]) == 0
    assert result(tmp_path / "run")["metrics"] == result(whole)["metrics"]
    name = "best/predictor.safetensors"
    assert (tmp_path / "run" / name).read_bytes() == (whole / name).read_bytes()


def test_validation_is_the_beginning_and_test_the_end(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a" * 100 + "b" * 600 + "c" * 100, encoding="utf-8")
    words = ["--set", "split.validation=0.1", "--set", "split.test=0.1"]
    run = tutelage.open_run(train(tmp_path / "x.txt", tmp_path / "run", *words))
    parts: Any = run.data().parts  # type: ignore[attr-defined]
    assert {name: (part.text[0], part.text[-1]) for name, part in parts.items()} == {
        "validation": ("a", "a"),
        "train": ("a", "c"),
        "test": ("c", "c"),
    }


def test_a_run_keeps_its_preprocessing_where_a_later_version_would_choose_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.txt").write_text("the old man and the sea " * 300, encoding="utf-8")
    words = ["train", str(tmp_path / "x.txt"), "--steps", "2", "--quiet", *SMALL, "--out", str(tmp_path / "run")]
    assert main(words) == 0
    monkeypatch.setattr("tutelage.task.language.LONG_SECONDS", 0.0)
    monkeypatch.setattr("tutelage.task.language.LEAST_PIECES", 0)
    monkeypatch.setattr("tutelage.task.language.LONG_PIECE", 64)
    data: Any = tutelage.open_run(tmp_path / "run").data()
    assert data.fitted.length == 128
    words[-1] = str(tmp_path / "new")
    assert main(words) == 0
    new: Any = tutelage.open_run(tmp_path / "new").data()
    assert new.fitted.length == 64


def test_generate_writes_the_same_with_and_without_what_is_remembered(run_dir: Path) -> None:
    run = tutelage.open_run(run_dir)
    three = run.generate("the ", num=3, length=50, seed=2)
    assert three == run.generate("the ", num=3, length=50, seed=2, is_cached=False)
    assert run.generate("the ", length=50, seed=2) == three[:1]
    assert all(len(text) == 54 and text.startswith("the ") for text in three)
    assert len(run.generate(length=7)[0]) == 7


def test_the_command_streams_one_text_and_writes_several(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["generate", str(run_dir), "--prompt", "the ", "--length", "30", "--seed", "4"]
    assert main(words) == 0
    streamed = capsys.readouterr().out
    assert streamed == tutelage.open_run(run_dir).generate("the ", length=30, seed=4)[0] + "\n"
    assert main([*words, "--num", "2", "--json"]) == 0
    texts = json.loads(capsys.readouterr().out)["texts"]
    assert (texts[0] + "\n", len(texts)) == (streamed, 2)
    for name in ("t.txt", "t.json"):
        assert main([*words, "--num", "2", "--out", str(tmp_path / name)]) == 0
    assert json.loads((tmp_path / "t.json").read_text()) == texts
    assert (tmp_path / "t.txt").read_text() == f"--- 1 of 2 ---\n{texts[0]}\n--- 2 of 2 ---\n{texts[1]}\n"
    assert not capsys.readouterr().out


def test_a_prompt_comes_from_a_file_or_standard_input(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["generate", str(run_dir), "--length", "20", "--seed", "4"]
    asked = "the old\nman "
    (tmp_path / "asked.txt").write_text(asked)
    expected = tutelage.open_run(run_dir).generate(asked, length=20, seed=4)[0] + "\n"
    assert main([*words, "--prompt-file", str(tmp_path / "asked.txt")]) == 0
    assert capsys.readouterr().out == expected
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(asked.encode())))
    assert main([*words, "--prompt-file", "-"]) == 0
    assert capsys.readouterr().out == expected
    assert main([*words, "--prompt-file", "/dev/zero"]) == 2
    assert "more bytes than" in capsys.readouterr().err
    assert main([*words, "--prompt-file", str(tmp_path)]) == 2
    assert "Is a directory). Name a text file" in capsys.readouterr().err
    assert main([*words, "--prompt-file", str(tmp_path / "gone.txt")]) == 2
    assert "gone.txt: no such file" in capsys.readouterr().err
    assert main([*words, "--prompt-file", str(tmp_path / "asked.txt"), "--out", str(tmp_path / "asked.txt")]) == 2
    assert "written over" in capsys.readouterr().err
    assert (tmp_path / "asked.txt").read_text() == asked


def test_unknown_characters_of_a_prompt_are_told_and_replaced(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(run_dir), "--prompt", "theÄ€", "--length", "5"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("the  ")
    assert "'Ä', '€'" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--num 0", "num"),
        ("--num 100000", "num"),
        ("--length 0", "length"),
        ("--length -5", "length"),
        ("--temperature -1", "temperature"),
        ("--temperature nan", "temperature"),
        ("--temperature hot", "temperature"),
        ("--top-p 0", "top-p"),
        ("--top-p 1.5", "top-p"),
        ("--top-k -1", "top-k"),
        ("--seed -1", "seed"),
        ("--out x.doc", "--out"),
    ],
)
def test_what_cannot_be_wished_is_refused(run_dir: Path, words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(run_dir), *words.split()]) == 2
    assert said in capsys.readouterr().err


def test_a_model_of_another_task_writes_no_text(tmp_path: Path) -> None:
    run = tutelage.train("sklearn:iris", steps=2, quiet=True, out=tmp_path / "run")
    with pytest.raises(RunError, match="'classify' writes no text"):
        run.generate("a")
    with pytest.raises(UsageError, match="num = True"):
        run.generate("a", num=True)


def test_where_it_has_no_answer_and_when_it_is_trained_it_says_that_it_writes(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(run_dir), str(run_dir.parent / "words.txt")]) == 2
    assert f"Let it generate: tutelage generate {run_dir}." in capsys.readouterr().err
    chars(tmp_path)
    train(tmp_path / "words.txt", tmp_path / "run")
    assert f"generate tutelage generate {tmp_path / 'run'} --prompt TEXT" in capsys.readouterr().err


def test_a_model_whose_preprocessing_does_not_fit_is_refused(run_dir: Path) -> None:
    predictor = tutelage.open_run(run_dir).predictor
    assert isinstance(predictor.fitted, FittedCharacters)
    other = replace(predictor, fitted=replace(predictor.fitted, alphabet=predictor.fitted.alphabet + "\u20ac"))
    with pytest.raises(RunError, match="its preprocessing makes"):
        begin_generation(run_dir, other, Wanted())


def test_a_text_shorter_than_a_piece_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.txt").write_text("too short\n", encoding="utf-8")
    assert main(["train", str(tmp_path / "x.txt"), "--steps", "1", "--out", str(tmp_path / "run")]) == 3
    assert "fewer than one piece of 128" in capsys.readouterr().err


@pytest.mark.parametrize(("characters", "is_shorter_told"), [(36, False), (100, True)])
def test_the_shorter_pieces_that_are_proposed_are_short_enough(
    tmp_path: Path, characters: int, *, is_shorter_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.txt").write_text(
        "the old man and the sea. "[: characters % 25 or 25] + "abcde" * (characters // 5), encoding="utf-8"
    )
    words = ["train", str(tmp_path / "x.txt"), "--steps", "1", "--quiet", *SMALL, "--out", str(tmp_path / "run")]
    assert main(words) == 3
    told = re.search(r"--set (prepare\.length=\d+)", capsys.readouterr().err)
    assert bool(told) == is_shorter_told
    if told:
        assert main([*words, "--set", told[1]]) == 0


def test_a_text_of_one_character_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.txt").write_text("a" * 20_000, encoding="utf-8")
    assert main(["train", str(tmp_path / "x.txt"), "--steps", "1", "--out", str(tmp_path / "run")]) == 3
    assert "are the same one" in capsys.readouterr().err


def test_a_network_without_a_part_in_the_answers_is_not_exported(run_dir: Path, tmp_path: Path) -> None:
    told: list[str] = []
    run = Run.open(run_dir, tell=told.append)
    assert run.predictor.companion is not None
    for share in (1.0, 0.6):
        predictor = replace(run.predictor, companion=replace(run.predictor.companion, share=share))
        run.__dict__["answerer"] = predictor
        if share == 1:
            with pytest.raises(RunError, match=r"network has no part in it.*words\.txt --set floor=none"):
                export_run(run, format="safetensors", out=tmp_path / "model.safetensors")
            assert not (tmp_path / "model.safetensors").exists()
    export_run(run, format="safetensors", out=tmp_path / "model.safetensors")
    own = result(run_dir)["floor"]["metrics"]["network"]["test/nats_per_character"]
    assert f"network alone, test/nats_per_character {own:.4g} where the run has" in told[0]
    assert "--set floor=none" in told[0]


def test_another_text_is_measured_as_it_leaves_and_the_network_is_told(run_dir: Path, tmp_path: Path) -> None:
    run = tutelage.open_run(run_dir)
    data = run.data()
    (tmp_path / "other.txt").write_text(data.parts["test"].text, encoding="utf-8")  # type: ignore[attr-defined]
    found, known = run.scores(tmp_path / "other.txt"), result(run_dir)
    for name in ("test/nats_per_character", "test/bits_per_character"):
        assert found["metrics"][name] == pytest.approx(known["metrics"][name], rel=1e-3)
        assert found["floor"]["metrics"]["network"][name] == pytest.approx(known["floor"]["metrics"]["network"][name], rel=1e-3)
        low, high = found["intervals"][name]
        assert low <= found["metrics"][name] <= high
    assert "the network alone: test/nats_per_character" in found["notes"][-1]
    (tmp_path / "short.txt").write_text("the \u20ac", encoding="utf-8")
    short = run.scores(tmp_path / "short.txt")
    assert short["metrics"]["test/nats_per_character"] > 0
    assert "1 characters that it does not know: '\u20ac'" in short["warnings"][0]
    with pytest.raises(UsageError, match="no columns"):
        run.scores(tmp_path / "other.txt", target="x")


def test_what_was_trained_on_is_told_when_it_is_measured(run_dir: Path) -> None:
    found = tutelage.open_run(run_dir).scores(run_dir.parent / "words.txt")
    assert "is what this run was trained on" in found["warnings"][0]


def test_an_unknown_wish_is_refused_with_the_nearest_one(run_dir: Path) -> None:
    with pytest.raises(UsageError, match=r"lenght=.*length"):
        tutelage.open_run(run_dir).generate("a", lenght=3)


def test_text_is_streamed_from_python_with_the_wishes_of_generate(run_dir: Path) -> None:
    run = tutelage.open_run(run_dir)
    generation = run.generation("the", num=1, length=12, seed=3)
    assert generation.prompt + "".join(piece for (piece,) in generation.pieces) == run.generate("the", length=12, seed=3)[0]


def test_language_models_are_not_averaged_and_that_is_said_once(run_dir: Path, tmp_path: Path) -> None:
    other = train(run_dir.parent / "words.txt", tmp_path / "other", "--set", "seed=1")
    with pytest.raises(RunError, match=r"models of task 'language' cannot be averaged yet\. Use the best") as caught:
        make_ensemble([run_dir, other], tmp_path / "both")
    assert str(caught.value).count(str(run_dir)) == 1


@pytest.mark.parametrize("words", [(), ("--set", "floor=none")], ids=["with counting", "alone"])
def test_the_end_of_a_training_shows_what_the_model_that_leaves_writes(
    words: tuple[str, ...], run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = train(run_dir.parent / "words.txt", tmp_path / "run", *words)
    (written,) = tutelage.open_run(out).generate(length=20, seed=derive(0, "sample", 0), temperature=0.8)
    assert result(out)["leaving_sample"] == written
    lines = [line.strip() for line in written.splitlines() if line.strip()]
    told = capsys.readouterr().err.splitlines()
    begin, end = (next(n for n, line in enumerate(told) if line.startswith(word)) for word in ("writes   ", "generate "))
    assert [line[9:] for line in told[begin:end]] == lines[:3] != []


def test_the_report_says_what_leaves_and_shows_what_it_writes(run_dir: Path) -> None:
    found, page = result(run_dir), (run_dir / "report.html").read_text()
    written = tutelage.open_run(run_dir).generate(length=20, seed=derive(0, "sample", 0), temperature=0.8)
    assert found["leaving_sample"] == written[0]
    assert len(found["leaving_sample"]) == 20
    share = found["floor"]["share"]
    head = page.partition("<dl")[2].partition("</dl>")[0]
    assert ("the floor alone" if share == 1 else f"of which {share:.0%} the floor") in head
    assert "<h3>What leaves</h3>" in page
    assert "<h3>The network alone, step 5</h3>" in page
    assert "Measured on the test part" in page
