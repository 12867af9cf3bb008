"""The reader of a run's files: what it says of a file that the manifest vouches for, and that is yet no such file."""

import hashlib
import json
import os
import re
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

import tutelage
from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.core.manifest import Manifest
from tutelage.model.stored import load_tensors
from tutelage.planning.recipe import Recipe
from tutelage.run import survey
from tutelage.run.files import RunFiles, tell_nobody
from tutelage.run.lock import locked
from tutelage.run.mend import accept
from tutelage.run.start import Request, _ends_here, _gather_again, _owned

DATA = {"format": layout.FORMATS[layout.DATA], "fingerprint": "x", "target": 0}


def test_what_acceptance_would_not_mend_is_not_proposed_to_be_accepted(tmp_path: Path) -> None:
    Manifest(tmp_path).put(layout.DATA, json.dumps(DATA).encode())
    with pytest.raises(RunError, match=r"data.json: target = 0: .* Bring an intact copy back, or train anew\.$"):
        RunFiles(tmp_path, tell=tell_nobody).record(layout.DATA)


def test_a_result_beyond_the_limits_is_not_accepted(tmp_path: Path) -> None:
    Manifest(tmp_path).put(layout.RESULT, b"{}")
    (tmp_path / layout.RESULT).write_bytes(b'{"best_step": ' + b"1" * 401 + b"}")
    with pytest.raises(RunError, match=r"a whole number of 401 digits.* Bring an intact copy back, or train anew\.$"):
        accept(RunFiles(tmp_path, tell=tell_nobody))


def test_a_small_file_without_end_is_refused_and_not_hashed(tmp_path: Path) -> None:
    Manifest(tmp_path).put(layout.DATA, json.dumps(DATA).encode())
    os.truncate(tmp_path / layout.DATA, 2**40)  # takes no room, and an hour to read
    with pytest.raises(RunError, match=r"data.json: .* bytes.* Bring an intact copy back, or train anew\.$"):
        accept(RunFiles(tmp_path, tell=tell_nobody))


def test_a_run_of_an_own_module_says_how_it_goes_on(tmp_path: Path) -> None:
    plan = SimpleNamespace(own_model="Mine")
    files = SimpleNamespace(folder=tmp_path, recipe=Recipe)
    with pytest.raises(
        RunError, match=r"plan.json: .* your own module 'Mine', .*code\. Pass it again, from Python: tutelage.resume"
    ):
        _gather_again(files, plan, Request(Recipe()))  # type: ignore[arg-type]


def test_a_log_without_end_is_refused_and_not_hashed(tmp_path: Path) -> None:
    Manifest(tmp_path).put(layout.DATA, json.dumps(DATA).encode())
    (tmp_path / layout.EVENTS).write_bytes(b"{}\n")
    os.truncate(tmp_path / layout.EVENTS, 2**40)
    with pytest.raises(RunError, match=r"events.jsonl: has 1,099,511,627,776 bytes; .* at most .*Move it away"):
        accept(RunFiles(tmp_path, tell=tell_nobody))


def test_a_log_that_grows_is_accepted_as_long_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / layout.EVENTS
    log.write_bytes(b"x" * 10)
    whole = survey.opened

    def growing(path: Path) -> int:
        with log.open("ab") as file:
            file.write(b"y")
        return whole(path)

    monkeypatch.setattr(survey, "opened", growing)
    entry = survey.entry_for(tmp_path, layout.EVENTS)
    assert entry is not None
    assert (entry.bytes, entry.sha256) == (10, hashlib.sha256(b"x" * 10).hexdigest())


def test_what_was_found_while_asking_for_the_end_is_told_where_the_run_goes_on(tmp_path: Path) -> None:
    Manifest(tmp_path).put(layout.RESULT, b"{}")
    (tmp_path / layout.RESULT).unlink()
    is_ended, (note,) = _ends_here(tmp_path, Request(Recipe()))
    assert not is_ended
    assert "result.json: is missing; the run goes on" in note


def test_a_folder_that_is_owned_for_a_moment_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    with ExitStack() as other:
        other.enter_context(locked(tmp_path))
        monkeypatch.setattr("tutelage.run.start.time.sleep", lambda seconds: (pauses.append(seconds), other.close()))
        with _owned(tmp_path):
            assert len(pauses) == 1
    monkeypatch.setattr("tutelage.run.start.time.sleep", pauses.append)
    with locked(tmp_path), pytest.raises(RunError, match="another process is training"), _owned(tmp_path):
        pass


def test_a_training_that_stops_with_weights_that_cannot_be_kept_says_which_it_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutelage.run.training.is_sound", lambda state: False)
    run = tutelage.train("sklearn:iris", steps=8, out=tmp_path / "run", quiet=True)
    last = load_tensors(run.path / layout.LAST / layout.PREDICTOR, formats=survey.FORMATS)
    events = (run.path / layout.EVENTS).read_text()
    good = int(re.findall(r"last good weights instead, those of step (\d+)", events)[0])
    assert f'"step": {good}' in json.dumps(last.values)
    assert "step 8: training stops with weights" in events


@pytest.mark.parametrize(
    ("key", "value"),
    [("warnings", 10**15), ("warnings", [1]), ("figures", []), ("metrics", None), ("metrics", {"test/loss": "0.5"}),
     ("intervals", {"test/loss": ["0.4", 0.6]}), ("seconds", "7"), ("seconds", True), ("answers_rows", "no")],
)  # fmt: skip
def test_a_key_of_the_result_that_is_no_such_thing_is_named_with_its_file(tmp_path: Path, key: str, value: object) -> None:
    record = {"format": layout.FORMATS[layout.RESULT], "task": "classify", "metrics": {}, "intervals": {}, "stopped": "budget"}
    Manifest(tmp_path).put_json(layout.RESULT, record | {key: value})
    with pytest.raises(RunError, match=rf"result\.json: .*{key}"):
        RunFiles(tmp_path, tell=tell_nobody).result()
