"""Text leaves so that nothing in it steers a terminal, and no terminal ends a command."""

import errno
import io
import json
import sys
import unicodedata
from typing import Any, cast

import pytest

from tutelage.core.outlet import Outlet, guarded, one_line, say, say_json, tell, visible

STEERS = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp", "Cs")
    or unicodedata.bidirectional(chr(code)) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
]
"""By the Unicode tables: controls, separators of lines, halves of surrogate pairs, marks that turn the writing."""


def test_whatever_steers_becomes_visible() -> None:
    shown = one_line("".join(STEERS))
    assert shown.isascii()
    assert shown.isprintable()
    assert len(STEERS) > 2_000


def test_text_of_any_language_stays() -> None:
    text = "caf\u00e9 \u4e2d\u6587 \u05e9\u05dc\u05d5\u05dd \U0001f469\u200d\U0001f680 \\n"
    assert visible(text) == one_line(text) == text


def test_ends_of_lines_stay_ours_only() -> None:
    assert visible("a\nb\r\n") == "a\nb\\r\n"
    assert one_line("a\nb") == "a\\nb"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_every_encoding_takes_every_text(encoding: str) -> None:
    buffer = io.BytesIO()
    outlet = Outlet(io.TextIOWrapper(buffer, encoding=encoding, write_through=True))
    outlet.write("\u4e2d\udcff\x1b[2J\u202e" + "".join(STEERS[:200]))
    assert not set(buffer.getvalue()) & {*range(10), *range(11, 32), 127}
    assert b"\\xff\\x1b[2J\\u202e" in buffer.getvalue()


class Refusing(io.StringIO):
    """A stream that cannot be written."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_a_reader_that_has_left_is_no_error(error: Exception) -> None:
    outlet = Outlet(Refusing(error), name="standard output")
    assert outlet.write("x") == 1
    outlet.flush()
    assert not outlet.isatty()


def test_a_stream_that_never_was_takes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with guarded():
        say("x")
        tell("x")
        say_json({})


def test_a_full_disk_behind_an_answer_is_told_and_behind_a_message_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Refusing(OSError(errno.ENOSPC, "No space left on device")))
    monkeypatch.setattr(sys, "stderr", Refusing(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OSError, match="No space left on device") as caught:
        say("an answer")
    assert caught.value.filename == "standard output"
    tell("a message")


def test_an_object_for_programs_is_ascii_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    record: dict[str, Any] = {"".join(STEERS): ["".join(STEERS), float("nan"), 10**400], "\u4e2d": None}
    say_json(record)
    text = capsys.readouterr().out
    assert text.isascii()
    assert text[:-1].isprintable()
    # A pair of surrogates beside each other reads as the character that it stands for.
    assert json.loads(text) == json.loads(json.dumps({**record, "".join(STEERS): ["".join(STEERS), None, 10**400]}))


def test_what_others_print_is_guarded_too(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with guarded():
        sys.stderr.write("a library says \x1b[2J\n")
        with guarded():
            sys.stdout.writelines(["\u202e", "\n"])
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("\\u202e\n", "a library says \\x1b[2J\n")


def test_an_outlet_answers_as_its_stream_does() -> None:
    stream = io.StringIO()
    outlet: Any = Outlet(stream)
    assert outlet.writable()
    assert outlet.encoding == "utf-8"
    with pytest.raises(AttributeError):
        assert outlet.nothing_like_that
    assert cast(Outlet, outlet).stream is stream
