"""Whatever is damaged in a run folder, no verb gives a wrong answer in silence, and none ends in a traceback."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from damage import VERBS, ask, make_runs, outcome

from tutelage.cli.main import main
from tutelage.core.errors import OutOfMemoryError
from tutelage.core.journal import read_journal
from tutelage.core.manifest import Manifest
from tutelage.model.stored import load_tensors, save_tensors
from tutelage.predictor import predictor
from tutelage.run import survey


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has ended, a paused one, and rows to answer for."""
    made = tmp_path_factory.mktemp("runs")
    make_runs(made)
    return made


@pytest.fixture(scope="module")
def right(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], object]:
    """What each verb says of each run while nothing is damaged."""
    found: dict[tuple[str, str], object] = {}
    for run in ("ended", "paused"):
        for verb in VERBS:
            place = tmp_path_factory.mktemp("whole")
            shutil.copytree(folder / run, place / run)
            said, found[run, verb] = outcome(verb, place / run, folder)
            assert said.code == 0, said.err
            assert not any(word in said.err for word in ("damaged", "missing", "not what this run wrote", "tutelage verify"))
    return found


def copied(folder: Path, run: str, place: Path) -> Path:
    shutil.copytree(folder / run, place / run)
    return place / run


@pytest.mark.parametrize(("run", "word", "other"), [("ended", "budget", "terminated"), ("paused", "terminated", "budget")])
def test_a_forged_reason_to_stop_neither_ends_nor_wakes_a_run(
    run: str, word: str, other: str, folder: Path, right: dict[tuple[str, str], object], tmp_path: Path
) -> None:
    path = copied(folder, run, tmp_path) / "result.json"
    text = path.read_text(encoding="utf-8")
    assert f'"stopped": "{word}"' in text
    path.write_text(text.replace(f'"stopped": "{word}"', f'"stopped": "{other}"'), encoding="utf-8")
    said, found = outcome("resume", path.parent, folder)
    if run == "ended":
        assert said.code == 2
        assert "result.json: is not what this run wrote" in said.err
        assert "--accept" in said.err
    else:
        assert said.code == 0
        assert found == right[run, "resume"]
        assert "result.json: is not what this run wrote" in said.err


def test_a_changed_plan_is_put_back_from_the_checkpoint(
    folder: Path, right: dict[tuple[str, str], object], tmp_path: Path
) -> None:
    run = copied(folder, "paused", tmp_path)
    plan = (run / "plan.json").read_bytes()
    (run / "plan.json").write_bytes(plan.replace(b'"batch_size": 16', b'"batch_size": 17'))
    said, found = outcome("resume", run, folder)
    assert said.code == 0
    assert found == right["paused", "resume"]
    assert "plan.json: put back from the newest checkpoint's copy" in said.err
    assert (run / "plan.json").read_bytes() == plan
    assert ask("verify", run, folder).code == 0


def test_a_run_without_manifest_and_without_checkpoints_is_refused(folder: Path, tmp_path: Path) -> None:
    run = copied(folder, "paused", tmp_path)
    (run / "manifest.jsonl").unlink()
    shutil.rmtree(run / "steps")
    said = ask("resume", run, folder)
    assert said.code == 2
    assert "manifest.jsonl does not vouch for it" in said.err
    assert "verify" in said.err


def test_a_lost_manifest_is_written_anew_where_checkpoints_vouch(
    folder: Path, right: dict[tuple[str, str], object], tmp_path: Path
) -> None:
    run = copied(folder, "paused", tmp_path)
    (run / "manifest.jsonl").unlink()
    assert ask("verify", run, folder).code == 2
    said, found = outcome("resume", run, folder)
    assert said.code == 0
    assert found == right["paused", "resume"]
    assert "manifest.jsonl: written anew" in said.err
    assert ask("verify", run, folder).code == 0


def test_a_file_changed_on_purpose_is_accepted_and_said(folder: Path, tmp_path: Path) -> None:
    run = copied(folder, "ended", tmp_path)
    text = (run / "result.json").read_text(encoding="utf-8")
    (run / "result.json").write_text(text.replace('"noun"', '"spoken"'), encoding="utf-8")
    assert ask("evaluate", run, folder).code == 2
    assert main(["verify", str(run), "--accept"]) == 0
    assert ask("evaluate", run, folder).code == 0
    assert ask("resume", run, folder).code == 0


def test_a_damaged_log_is_cut_back_and_the_training_goes_on(
    folder: Path, right: dict[tuple[str, str], object], tmp_path: Path
) -> None:
    run = copied(folder, "paused", tmp_path)
    content = (run / "events.jsonl").read_bytes()
    (run / "events.jsonl").write_bytes(content[:2000] + bytes([content[2000] ^ 2]) + content[2001:])
    said, found = outcome("resume", run, folder)
    assert said.code == 0
    assert found == right["paused", "resume"]
    words = "events.jsonl: is not what this run wrote between byte"
    assert words in said.err
    # It stands in the log, too, which the resumed training has cut back before.
    assert words in (run / "events.jsonl").read_text(encoding="utf-8")
    assert ask("verify", run, folder).code == 0


@pytest.mark.parametrize("file", ["best/predictor.safetensors", "last/predictor.safetensors", "steps/000000030.safetensors"])
def test_a_report_names_weights_that_are_damaged(file: str, folder: Path, tmp_path: Path) -> None:
    path = copied(folder, "ended", tmp_path) / file
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    said = ask("report", tmp_path / "ended", folder)
    assert said.code == 0
    found = f"{file}: the content does not match its SHA-256"
    assert found in said.err
    assert found in (tmp_path / "ended" / "report.html").read_text(encoding="utf-8")
    assert said.err.count("Warning:") == 1


def test_a_report_names_weights_that_are_missing(folder: Path, tmp_path: Path) -> None:
    run = copied(folder, "ended", tmp_path)
    (run / "best" / "predictor.safetensors").unlink()
    said = ask("report", run, folder)
    assert "best/predictor.safetensors: is missing. last/predictor.safetensors holds the same weights." in said.err


def test_weights_beyond_the_memory_keep_no_report_from_being_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise OutOfMemoryError(f"{path}: reading its 9 bytes takes more memory than there is. End other programs.")

    run = copied(folder, "ended", tmp_path)
    monkeypatch.setattr(survey, "load_tensors", refuse)
    said = ask("report", run, folder)
    assert said.code == 0
    assert "best/predictor.safetensors: could not be checked: reading its 9 bytes" in said.err


def test_one_odd_run_does_not_break_the_list(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copied(folder, "ended", tmp_path)
    odd = tmp_path / "odd"
    shutil.copytree(folder / "ended", odd)
    for content in ("[1]", "[" * 5000, "{" + '"a":1' * 5, "NaN", '{"metrics": [1]}', "\ud800".encode("utf-8", "surrogatepass")):
        (odd / "result.json").write_bytes(content if isinstance(content, bytes) else content.encode())
        if content == "NaN":
            (odd / "manifest.jsonl").unlink()
        assert main(["runs", str(tmp_path), "--json"]) == 0
        records = {Path(record["run"]).name: record for record in json.loads(capsys.readouterr().out)["runs"]}
        assert records["ended"]["stopped"] == "budget"
        assert records["odd"]["stopped"] == "damaged"
        assert "result.json" in records["odd"]["fault"]


def forged(path: Path, keys: tuple[str | int, ...], value: object) -> None:
    """Change one value of a file's header, and seal it again as its writer would."""
    stored = load_tensors(path, formats=("predictor-4", "checkpoint-4"))
    inner: Any = stored.values
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    save_tensors(path, stored.tensors, format=stored.format, values=stored.values)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("model",), 5),
        (("model", "kind"), 5),
        (("model", "hidden"), [10**9]),
        (("model", "hidden"), [4] * 100_000),
        (("task", "kind"), "../../x"),
        (("precision",), "float7"),
        (("num_outputs",), -1),
        (("num_outputs",), 10**40),
        (("shape", "numbers"), 10**9),
        (("target", "names"), ["a"]),
        (("fitted", "encoders"), {}),
        (("fitted", "encoders", 0, "scale", "deviation"), 0),
        (("fitted", "kinds"), [1]),
        (("facts",), "x"),
        (("more",), 1),
    ],
)
def test_a_predictors_header_of_wrong_types_is_refused(
    keys: tuple[str | int, ...], value: object, folder: Path, tmp_path: Path
) -> None:
    run = copied(folder, "ended", tmp_path)
    forged(run / "best" / "predictor.safetensors", keys, value)
    (run / "manifest.jsonl").unlink()
    said = ask("predict", run, folder)
    assert said.code == 2, said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("clock",), [10**30, 0]),
        (("clock",), ["a", "b"]),
        (("clock",), 5),
        (("control", "total_steps"), "many"),
        (("control", "total_steps"), 10**40),
        (("control", "unheard"), 1),
        (("control",), {}),
        (("outside", "logs"), {"events.jsonl": [-5, ""]}),
        (("outside", "logs"), [1]),
        (("outside", "seconds"), 1e300),
        (("rng/python",), "[" * 10_000),
        (("rng/numpy",), [1]),
    ],
)
def test_a_checkpoints_header_of_wrong_types_is_refused(
    keys: tuple[str | int, ...], value: object, folder: Path, tmp_path: Path
) -> None:
    run = copied(folder, "paused", tmp_path)
    *older, newest = sorted((run / "steps").iterdir())
    for path in older:
        path.unlink()
    forged(newest, keys, value)
    entries = read_journal(run).entries
    Manifest(run).rewrite([line for name, lines in entries.items() if not name.startswith("steps/") for line in lines])
    said = ask("resume", run, folder)
    assert said.code == 2, said.err
    assert "checkpoint" in said.err


def test_a_checkpoint_of_another_run_is_passed_over(folder: Path, right: dict[tuple[str, str], object], tmp_path: Path) -> None:
    run = copied(folder, "paused", tmp_path)
    newest = max((run / "steps").iterdir())
    forged(newest, ("outside", "seconds"), 1.0)
    said, found = outcome("resume", run, folder)
    assert said.code == 0
    assert found == right["paused", "resume"]
    assert "is whole, but not what this run wrote there" in said.err


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = " + "[" * 5000, "deep"),
        ("seed = " + "1" * 5000, "limit"),
        ("clip = inf", "clip = inf"),
        (".".join(["a"] * 100_000) + " = 1", "dots"),
        ("#" * 2_000_000, "bytes"),
        ("\0", "TOML"),
    ],
)
def test_a_recipe_beyond_the_limits_is_refused(text: str, found: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    assert main(["plan", "sklearn:iris", "--recipe", str(tmp_path / "mine.toml")]) == 2
    said = capsys.readouterr().err
    assert "mine.toml" in said
    assert found in said


@pytest.mark.parametrize("setting", ["seed=" + "1" * 5000, "clip=inf", "model.hidden=" + "[" * 5000, "a." * 1000 + "b=1"])
def test_a_setting_beyond_the_limits_is_refused(setting: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "sklearn:iris", "--set", setting]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_manifest_that_has_lost_its_last_lines_costs_no_line_of_the_logs(
    folder: Path, right: dict[tuple[str, str], object], tmp_path: Path
) -> None:
    run = copied(folder, "paused", tmp_path)
    manifest = run / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    born = max(number for number, line in enumerate(lines) if b'"plan.json"' in line) + 1
    manifest.write_bytes(b"".join(lines[:born]))
    said, found = outcome("resume", run, folder)
    assert said.code == 0, said.err
    assert found == right["paused", "resume"]
    assert "manifest.jsonl: has lost lines" in said.err
    assert "cut back" not in said.err


@pytest.mark.parametrize("is_gone", [True, False])
def test_lost_best_weights_are_told_by_every_verb(is_gone: bool, folder: Path, tmp_path: Path) -> None:
    run = copied(folder, "ended", tmp_path)
    best = run / "best" / "predictor.safetensors"
    if is_gone:
        best.unlink()
    else:
        best.write_bytes(best.read_bytes()[:-1] + b"x")
    said = ask("resume", run, folder)
    assert f"{best}: {'is missing' if is_gone else 'the content does not match'}" in said.err
    assert "tutelage predict" not in said.err
    said = ask("evaluate", run, folder)
    assert said.code == 0
    assert str(best) in said.err
    assert "as measured at the end of training" in said.out


@pytest.mark.parametrize("lost", ["best", "last"])
def test_weights_that_are_there_twice_are_put_back(lost: str, folder: Path, tmp_path: Path) -> None:
    run = copied(folder, "ended", tmp_path)
    path = run / lost / "predictor.safetensors"
    whole = path.read_bytes()
    path.unlink()
    assert "holds the same weights" in ask("verify", run, folder).out
    assert main(["verify", str(run), "--repair"]) == 0
    assert path.read_bytes() == whole


def test_other_weights_are_not_put_in_the_place_of_the_best(folder: Path, tmp_path: Path) -> None:
    run = copied(folder, "ended", tmp_path)
    last, best = (run / name / "predictor.safetensors" for name in ("last", "best"))
    stored = load_tensors(last, formats=(predictor.FORMAT,))
    tensors = {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in stored.tensors.items()}
    announce = Manifest(run).announcing
    save_tensors(last, tensors, format=stored.format, values=stored.values, announce=lambda seal: announce(last, seal=seal))
    best.unlink()
    assert main(["verify", str(run), "--repair"]) == 2
    assert not best.exists()


def test_what_says_that_the_test_part_was_opened_is_a_file_of_the_run(folder: Path, tmp_path: Path) -> None:
    run = copied(folder, "ended", tmp_path)
    (run / "manifest.jsonl").unlink()
    assert main(["verify", str(run), "--accept"]) == 0
    (run / "test_opened.json").write_text("{}", encoding="utf-8")
    said = ask("verify", run, folder)
    assert said.code == 2
    assert "test_opened.json" in next(line for line in said.out.splitlines() if "changed" in line)


def test_renamed_checkpoints_are_told_and_not_begun_anew(folder: Path, tmp_path: Path) -> None:
    run = copied(folder, "paused", tmp_path)
    there = sorted((run / "steps").glob("*.safetensors"))
    renamed = [path.rename(path.with_name(f"X{path.name}")) for path in there]
    said = ask("verify", run, folder)
    assert said.code == 2
    assert "is none of the run's names" in said.out
    said = ask("resume", run, folder)
    assert said.code == 2
    assert "Give them back their names" in said.err
    renamed[-1].rename(there[-1])
    said = ask("resume", run, folder)
    assert said.code == 0
    assert "Was it renamed?" in said.err
    assert (run / "steps" / "000000030.safetensors").is_file()


def test_what_cannot_be_read_is_not_said_to_be_accepted(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = copied(folder, "ended", tmp_path)
    best = run / "best" / "predictor.safetensors"
    best.write_bytes(best.read_bytes()[:-3])
    assert main(["verify", str(run), "--accept"]) == 2
    said = capsys.readouterr().err
    assert "best/predictor.safetensors: cannot be read" in said
    assert "it could not be taken. " in said
    assert "at your word" not in said
