"""The reader of a run's files: what it says of a file that the manifest vouches for, and that is yet no such file."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.core.manifest import Manifest
from tutelage.planning.recipe import Recipe
from tutelage.run.files import RunFiles, tell_nobody
from tutelage.run.mend import accept
from tutelage.run.start import Request, _gather_again

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
