"""The command line as people and scripts use it, on small real data."""

import csv
import json
import os
import re
import shlex
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.fork_server import start
from tutelage.cli.main import main

SMALL = ["--set", "model.members=1", "--set", "model.hidden=[16]", "--set", "optim.lr=0.02", "--set", "ema=0"]
TRAIN_KEYS = {"run", "task", "metrics", "best_step", "stopped", "seconds", "num_parameters", "plan"}


@pytest.fixture(autouse=True)
def _inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run_json(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    return record


def test_train_gives_one_json_object_with_the_promised_keys(capsys: pytest.CaptureFixture[str]) -> None:
    record = run_json(["train", "sklearn:iris", "--epochs", "30", *SMALL], capsys)
    assert set(record) >= TRAIN_KEYS
    assert record["task"] == "classify"
    assert record["metrics"]["test/accuracy"] > 0.8
    folder = Path(record["run"])
    names = {
        "recipe.toml",
        "plan.json",
        "env.json",
        "data.json",
        "events.jsonl",
        "metrics.jsonl",
        "report.html",
        "best",
        "last",
        "steps",
    }
    assert names <= {path.name for path in folder.iterdir()}


def test_the_same_command_twice_gives_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for out in ("a", "b"):
        run_json(["train", "sklearn:wine", "--epochs", "3", "--out", out, *SMALL], capsys)
        files.append(Path(out, "best", "predictor.safetensors").read_bytes())
    assert files[0] == files[1]


def test_another_seed_gives_other_weights(capsys: pytest.CaptureFixture[str]) -> None:
    for seed in ("0", "1"):
        run_json(["train", "sklearn:wine", "--epochs", "3", "--out", seed, "--seed", seed, *SMALL], capsys)
    assert Path("0/best/predictor.safetensors").read_bytes() != Path("1/best/predictor.safetensors").read_bytes()


def test_a_model_predicts_evaluates_and_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[str(x), "red" if x < 20 else "blue"] for x in range(40)] * 10
    with Path("colors.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["x", "color"], *rows])
    record = run_json(["train", "colors.csv", "--target", "color", "--epochs", "60", "--out", "run", *SMALL], capsys)
    assert record["metrics"]["test/accuracy"] > 0.9
    Path("new.csv").write_text("x\n3\n33\n", encoding="utf-8")
    assert main(["predict", "run", "new.csv", "--out", "answers.csv"]) == 0
    answers = list(csv.DictReader(Path("answers.csv").read_text(encoding="utf-8").splitlines()))
    assert [answer["prediction"] for answer in answers] == ["red", "blue"]
    assert float(answers[0]["p(red)"]) + float(answers[0]["p(blue)"]) == pytest.approx(1, abs=1e-5)
    capsys.readouterr()
    assert run_json(["evaluate", "run", "colors.csv"], capsys)["metrics"]["test/accuracy"] > 0.9
    assert run_json(["evaluate", "run"], capsys)["metrics"] == record["metrics"]
    Path("named.csv").write_text("x,colour\n3,red\n33,blue\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["evaluate", "run", "named.csv"]) == 3
    told = " ".join(capsys.readouterr().err.split())
    assert "it has no column 'color', but 2 others (x, colour)" in told
    assert "--target COLUMN" in told
    assert run_json(["evaluate", "run", "named.csv", "--target", "colour"], capsys)["metrics"]["test/accuracy"] == 1
    assert run_json(["runs", "."], capsys)["runs"][0]["run"] == "run"


def test_regression_reports_in_the_unit_of_the_target(capsys: pytest.CaptureFixture[str]) -> None:
    record = run_json(["train", "sklearn:diabetes", "--epochs", "20", *SMALL], capsys)
    assert record["task"] == "regress"
    assert 30 < record["metrics"]["test/rmse"] < 90  # the target's standard deviation is 77
    assert {"test/rmse", "test/mae", "test/r2"} <= set(record["metrics"])


def test_plan_trains_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    record = run_json(["plan", "sklearn:iris"], capsys)
    assert record["plan"]["total_steps"] > 0
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["train", "sklearn:iris", "--set", "optm.lr=1"], 2, "did you mean 'optim'?"),
        (["train", "sklearn:iris", "--set", "optim.lr=-1"], 2, "lr = -1"),
        (["train", "sklearn:iris", "--model", "cnnn"], 2, "did you mean 'cnn'?"),
        (["train", "sklearn:iris", "--time", "soon"], 2, "'soon'"),
        (["train", "sklearn:iris", "--epochs", "many"], 2, "'many'"),
        (["train", "sklearn:irs"], 2, "did you mean 'iris'?"),
        (["train", "nowhere/"], 2, "no such file"),
        (["train", "table.csv", "--target", "agee"], 2, "did you mean 'age'?"),
        (["train", "one_class.csv", "--target", "kind"], 3, "same value"),
        (["train", "ragged.csv", "--target", "kind"], 3, "row 3"),
        (["train", "empty.csv"], 3, "empty"),
        (["resume", "nowhere"], 2, "not a run folder"),
        (["evaluate", "nowhere"], 2, "not a run folder"),
        (["train", "sklearn:iris", "--recipe", "none.toml"], 2, "no such recipe"),
    ],
)
def test_mistakes_end_with_the_right_code_and_a_helpful_line(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("table.csv").write_text("age,kind\n" + "1,a\n2,b\n" * 20, encoding="utf-8")
    Path("one_class.csv").write_text("age,kind\n" + "1,a\n2,a\n" * 20, encoding="utf-8")
    Path("ragged.csv").write_text("age,kind\n1,a\n2,b,c\n" + "3,a\n4,b\n" * 20, encoding="utf-8")
    Path("empty.csv").write_text("", encoding="utf-8")
    assert main(words) == code
    captured = capsys.readouterr()
    assert said.lower() in captured.err.lower()
    assert captured.out == ""


def test_bad_rows_are_left_out_counted_and_listed_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    Path("ragged.csv").write_text("age,kind\n1,a\n2,b,c\n" + "3,a\n4,b\n" * 40, encoding="utf-8")
    words = ["train", "ragged.csv", "--target", "kind", "--epochs", "2", "--on-bad-data", "skip", "--out", "run", *SMALL]
    run_json(words, capsys)
    data = json.loads(Path("run/data.json").read_text(encoding="utf-8"))
    assert [item["where"] for item in data["skipped"]] == ["ragged.csv row 3"]
    assert sum(data["parts"].values()) == 81
    assert "ragged.csv row 3" in Path("run/report.html").read_text(encoding="utf-8")


def test_an_existing_run_is_never_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    run_json(["train", "sklearn:iris", "--epochs", "1", "--out", "run", *SMALL], capsys)
    assert main(["train", "sklearn:iris", "--epochs", "1", "--out", "run"]) == 2
    assert "not empty" in capsys.readouterr().err


@pytest.mark.slow
def test_steps_repeat_a_time_budget(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "sklearn:wine", "--time", "4s", "--set", "stopping.patience=1", *SMALL]
    timed = start("-m", "tutelage", *command, "--out", "timed", "--json", folder=Path.cwd())
    told, errors = timed.communicate()
    assert timed.returncode == 0, errors
    assert json.loads(told)["stopped"] == "budget"
    repeat = shlex.split(json.loads(Path("timed/result.json").read_text(encoding="utf-8"))["command"])
    assert "--steps" in repeat
    assert main([*repeat[1:], "--out", "repeated"]) == 0
    assert Path("timed/last/predictor.safetensors").read_bytes() == Path("repeated/last/predictor.safetensors").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_restores_the_best_and_can_be_resumed(number: signal.Signals, code: int) -> None:
    words = ["-m", "tutelage", "train", "sklearn:wine", "--steps", "400", *SMALL, "--quiet"]
    whole = start(*words, "--out", "whole", folder=Path.cwd())
    whole.communicate()
    assert whole.returncode == 0
    process = start(*words, "--out", "run", folder=Path.cwd())
    events = Path("run/events.jsonl")
    while not (events.exists() and "Evaluated" in events.read_text(encoding="utf-8")):
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, number)
    process.communicate(timeout=60)
    assert process.returncode == code
    result = json.loads(Path("run/result.json").read_text(encoding="utf-8"))
    assert result["stopped"] in ("interrupted", "terminated")
    assert not any(name.startswith("test/") for name in result["metrics"]), "the test part is opened once, at the end"
    assert Path("run/best/predictor.safetensors").exists()
    assert Path("run/report.html").exists()
    assert main(["resume", "run", "--quiet"]) == 0
    for name in ("best", "last"):
        assert (
            Path("run", name, "predictor.safetensors").read_bytes() == Path("whole", name, "predictor.safetensors").read_bytes()
        )


def test_a_finished_run_that_is_resumed_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    run_json(["train", "sklearn:iris", "--epochs", "3", "--out", "run", *SMALL], capsys)
    before = {
        path: path.read_bytes()
        for path in Path("run").rglob("*")
        if path.is_file() and path.name not in ("report.html", "manifest.jsonl")
    }
    assert main(["resume", "run", "--quiet"]) == 0
    assert {path: path.read_bytes() for path in before} == before, "the test part is opened once"


def test_a_wished_task_is_kept_when_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("table.csv").write_text("age,stars\n" + "1,1\n2,2\n3,3\n" * 30, encoding="utf-8")
    words = ["train", "table.csv", "--target", "stars", "--task", "regress", "--epochs", "2", "--out", "run", *SMALL]
    assert run_json(words, capsys)["task"] == "regress"
    Path("run/result.json").unlink()
    assert run_json(["resume", "run"], capsys)["task"] == "regress"


def test_a_resume_on_another_number_of_threads_says_that_it_is_not_exact(capsys: pytest.CaptureFixture[str]) -> None:
    run_json(["train", "sklearn:iris", "--epochs", "3", "--out", "run", *SMALL], capsys)
    Path("run/result.json").unlink()
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert main(["resume", "run", "--quiet"]) == 0
    finally:
        torch.set_num_threads(threads)
    events = [json.loads(line) for line in Path("run/events.jsonl").read_text(encoding="utf-8").splitlines()]
    resumed = [event for event in events if event["event"] == "Resumed"]
    assert [event["exact"] for event in resumed] == [False]
    assert "num_threads" in resumed[0]["reason"]


def test_changed_data_is_not_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("table.csv").write_text("age,kind\n" + "1,a\n2,b\n" * 30, encoding="utf-8")
    run_json(["train", "table.csv", "--target", "kind", "--epochs", "2", "--out", "run", *SMALL], capsys)
    Path("table.csv").write_text("age,kind\n" + "1,a\n3,b\n" * 30, encoding="utf-8")
    Path("run/result.json").unlink()
    assert main(["resume", "run"]) == 2
    assert "changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["train", "sklearn:wine", "--task", "generate", "--set", "prepare=table"],
            "make arrays or pictures of one kind of number",
        ),
        (["train", "sklearn:wine", "--model", "cnn"], "model = 'cnn' takes a grid.* Fitting: linear, mlp"),
        (
            ["train", "gaussians", "--model", "gpt"],
            "model = 'gpt' takes running text, and the data.* Fitting: fourier, linear, mlp",
        ),
        (["train", "gaussians", "--target", "x"], "target = 'x' means nothing to a source without columns"),
        (
            ["train", "sklearn:digits", "--set", "metrics=nosuch"],
            r"metrics\.0 = 'nosuch': unknown metric 'nosuch'\. Known: accuracy",
        ),
    ],
)
def test_what_cannot_be_trained_is_told_before_there_is_a_run_folder(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) == 2
    record = json.loads(capsys.readouterr().out)["error"]
    assert re.search(told, record["message"]), record["message"]
    assert not Path("runs").exists()


@pytest.mark.parametrize("source", ["gaussians", "gym:CartPole-v1"])
def test_data_without_rows_are_refused_where_rows_are_answered_for(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_json(["train", "sklearn:iris", "--steps", "2"], capsys)["run"]
    assert main(["predict", folder, source, "--json"]) == 2
    assert "no rows to answer for" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_lists_and_reports_come_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_json(["train", "sklearn:iris", "--steps", "2"], capsys)["run"]
    assert run_json(["report", folder], capsys) == {"run": folder, "report": f"{folder}/report.html"}
    assert "adamw" in run_json(["list", "optim"], capsys)["optim"]


def test_evaluating_on_the_data_of_the_training_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("x,y\n" + "".join(f"{i % 7}.5,{'ab'[i % 2]}\n" for i in range(60)), encoding="utf-8")
    Path("b.csv").write_text("x,y\n" + "".join(f"{i % 5}.25,{'ab'[i % 2]}\n" for i in range(20)), encoding="utf-8")
    folder = run_json(["train", "a.csv", "--target", "y", "--steps", "2", "--out", "run"], capsys)["run"]
    assert "too good" in " ".join(run_json(["evaluate", folder, "a.csv"], capsys)["warnings"])
    assert "too good" not in " ".join(run_json(["evaluate", folder, "b.csv"], capsys).get("warnings", []))
