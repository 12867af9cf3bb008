"""Names that would steer a terminal, through the real command: nothing of them arrives, wherever it writes to."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tutelage.cli.main import main

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxt\u2028\r"
STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
ENVIRONMENTS: dict[str, Mapping[str, str]] = {
    "utf-8": {"PYTHONIOENCODING": "utf-8"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
SMALL = ["--steps", "2", "--set", "model.members=1", "--set", "model.hidden=[4]"]


def table(path: Path, *, column: str = "size", first: str = "yes", count: int = 30) -> Path:
    lines = [f"{place % 7},{[first, 'no'][place % 2]}" for place in range(count)]
    path.write_text("\n".join([f"{column},answer", *lines, ""]), encoding="utf-8")
    return path


def run(words: Sequence[str], *, folder: Path, environment: Mapping[str, str] = ENVIRONMENTS["utf-8"]) -> tuple[int, str, str]:
    """Run the command in a pipe; its output is read as the bytes that a terminal would get."""
    done = subprocess.run(
        [sys.executable, "-m", "tutelage", *words], cwd=folder, env={**os.environ, **environment}, capture_output=True,
        timeout=120, check=False,
    )  # fmt: skip
    encoding = "latin-1" if environment.get("PYTHONIOENCODING") == "latin-1" else "utf-8"
    out, err = done.stdout.decode(encoding), done.stderr.decode(encoding)
    assert "Traceback" not in err
    return done.returncode, out, err


def on_a_terminal(words: Sequence[str], *, folder: Path) -> str:
    """Run the command on a pseudo-terminal and return all that it was sent, without colors and the bar's own steering."""
    first, second = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tutelage", *words], cwd=folder, stdin=second, stdout=second, stderr=second, close_fds=True,
        env={**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    os.close(second)
    sent = b""
    while True:
        try:
            more = os.read(first, 65536)
        except OSError:
            break
        if not more:
            break
        sent += more
    os.close(first)
    assert process.wait(timeout=60) == 0
    own = re.compile(r"\x1b\[[0-9;]*m|\r\n|\r(?=\x1b\[)|\x1b\[2K|\x1b\[1A")
    return own.sub("", sent.decode("utf-8"))


def run_here(words: Sequence[str], monkeypatch: pytest.MonkeyPatch, *, encoding: str = "utf-8") -> tuple[int, str, str]:
    """Run the command in this process, on streams of an encoding."""
    buffers = io.BytesIO(), io.BytesIO()
    # Kept: a wrapper that is collected closes its buffer.
    out, err = [io.TextIOWrapper(buffer, encoding=encoding, newline="") for buffer in buffers]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        code = main(words)
    return code, buffers[0].getvalue().decode(encoding), buffers[1].getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
@pytest.mark.parametrize(
    "words",
    [
        ["list", EVIL],
        ["list", f"--{EVIL}"],
        [EVIL],
        ["runs", EVIL],
        ["train", EVIL],
        ["train", f"sklearn:{EVIL}"],
        ["train", "sklearn:iris", "--set", f"{EVIL}=1"],
        ["train", "sklearn:iris", "--set", f"optim.{EVIL}=1"],
        ["train", "sklearn:iris", "--set", f"seed={EVIL}"],
        ["train", "sklearn:iris", "--recipe", EVIL],
        ["train", "sklearn:iris", "--epochs", EVIL],
        ["train", "sklearn:iris", "--time", EVIL],
        ["resume", EVIL],
        ["report", EVIL],
        ["predict", EVIL, EVIL],
        ["predict", EVIL, EVIL, "--out", EVIL],
    ],
    ids=lambda words: re.sub(r"[^a-z.-]+", " ", " ".join(words)),
)
def test_a_mistake_is_told_without_what_steers(
    words: list[str], encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, told = run_here(words, monkeypatch, encoding=encoding)
    assert (code, out) == (2, "")
    assert not STEERS.search(told)
    assert "\\x1b" in told
    assert all(line.startswith(("tutelage", "  ")) for line in told.splitlines())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_kind_of_terminal_gets_signs_that_it_has(environment: str, tmp_path: Path) -> None:
    code, out, err = run(["list", f"caf\u00e9 {EVIL}"], folder=tmp_path, environment=ENVIRONMENTS[environment])
    assert (code, out) == (2, "")
    assert "\\x1b" in err
    assert not STEERS.search(err)


@pytest.mark.slow
def test_hostile_names_train_and_predict_and_steer_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = table(tmp_path / f"a{EVIL}.csv", column=f"size{EVIL.strip()}", first=f"y{EVIL.strip()}").name
    folder = f"run{EVIL}"
    train = ["train", source, "--target", "answer", *SMALL, "--out", folder]
    for words in (
        ["plan", source, "--target", "answer"],
        train,
        ["predict", folder, source],
        ["predict", folder, source, "--out", f"{EVIL}.csv"],
        ["evaluate", folder],
        ["evaluate", folder, source],
        ["report", folder],
        ["runs", "."],
        ["resume", folder],
    ):
        code, out, err = run_here(words, monkeypatch)
        assert code == 0, err
        assert not STEERS.search(out.replace("\r\n", "\n"))
        assert not STEERS.search(err)
    for words in (["evaluate", folder, "--json"], ["predict", folder, source, "--json"], ["runs", ".", "--json"]):
        _, out, _ = run_here(words, monkeypatch, encoding="ascii")
        json.loads(out)
    for words in (["runs", "."], [*train[:-1], "again"]):
        assert not STEERS.search(on_a_terminal(words, folder=tmp_path))


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_command_without_a_stream_ends_quietly(stream: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m tutelage list optim {stream}>&-"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_pipe_that_is_closed_early_ends_quietly(tmp_path: Path) -> None:
    command = f"{{ {sys.executable} -m tutelage list; echo $? >&2; }} | head -c 1"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "0\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_answer_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tutelage", "list"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
            check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "tutelage list: standard output: cannot be written (No space left on device). Make room where it goes to.\n"
    )
