r"""The one way out for text: what names hold can steer no terminal, and no terminal can end a command.

`say` writes a line to standard output, `tell` one to standard error and `warn` a warning, `say_json` an object for programs.
Whatever they are given, control characters, marks that turn the direction of writing, separators of lines and halves of
surrogate pairs come out as escapes such as `\x1b`; so does what the stream's encoding has no signs for. A command puts
`guarded` around all it does, so that what libraries, warnings and tracebacks say goes the same way.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from tutelage.core.json_values import json_values
from tutelage.core.names import readable

__all__ = ["OUTPUT", "Outlet", "flush", "guarded", "one_line", "say", "say_json", "tell", "visible", "warn"]

HIDDEN = (
    r"\x00-\x09\x0b-\x1f\x7f-\x9f"  # control characters, but for the end of a line
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # marks of the direction of writing
    r"\u2028\u2029\ufeff\ufff9-\ufffb"  # separators, byte-order mark, marks around annotations
    r"\ud800-\udfff"  # halves of surrogate pairs: bytes of a file name that are no text
)
STEERING = re.compile(f"[{HIDDEN}]")
STEERING_OR_END = re.compile(rf"[\n{HIDDEN}]")
DELETE = "\x7f"
"""The one control character that JSON leaves as it is."""
OUTPUT = "standard output"


def visible(text: str) -> str:
    r"""Return text with everything that steers or hides written as an escape; the ends of lines stay.

    Example:
        >>> visible("caf\u00e9 \x1b[2J")
        'caf\xe9 \\x1b[2J'
    """
    return STEERING.sub(_escaped, text)


def one_line(text: str) -> str:
    """Return text as `visible` does, on one line: a name must not look like a line of ours."""
    return STEERING_OR_END.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    # As Python writes it in a string, so that it can be typed; a byte of a file name as `readable` writes it everywhere.
    sign = readable(found[0])
    return sign if sign != found[0] else sign.encode("unicode_escape").decode("ascii")


class Outlet:
    """A text stream that takes anything and stays quiet once nobody is there to read.

    Attributes:
        stream: What is written to; None where the process was started without.
        name: What it is called in errors such as a full disk; "" swallows these too.
    """

    def __init__(self, stream: TextIO | None, *, name: str = "") -> None:
        self.stream = stream
        self.name = name
        self.encoding = getattr(stream, "encoding", None) or "utf-8"
        self._is_gone = stream is None

    def write(self, text: str) -> int:
        """Write text of any origin.

        Raises:
            OSError: The stream has a name and cannot be written, although somebody is there.
        """
        self.draw(visible(text))
        return len(text)

    def writelines(self, texts: Iterable[str]) -> None:
        """Write texts of any origin, one after another; errors as in `write`."""
        for text in texts:
            self.write(text)

    def draw(self, text: str) -> None:
        """Write text whose control characters are our own; errors as in `write`."""
        if self._is_gone or self.stream is None:
            return
        with self._watched():
            self.stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))

    def flush(self) -> None:
        """Hand over what is held back; errors as in `write`."""
        if self._is_gone or self.stream is None:
            return
        with self._watched():
            self.stream.flush()

    def isatty(self) -> bool:
        """Tell whether this is a terminal."""
        return not self._is_gone and self.stream is not None and self.stream.isatty()

    def __getattr__(self, name: str) -> Any:
        if name == "stream":
            raise AttributeError(name)
        return getattr(self.stream, name)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Stay quiet from when the reader has left, and name the stream in other errors."""
        try:
            yield
        except (BrokenPipeError, ValueError):  # ValueError: closed
            self._leave()
        except OSError as error:
            self._leave()
            if self.name:
                raise OSError(error.errno, error.strerror, self.name) from error

    def _leave(self) -> None:
        """Let what is still held back go nowhere: the interpreter would complain about it when it ends."""
        self._is_gone = True
        if self.stream in (sys.__stdout__, sys.__stderr__):
            with suppress(OSError, ValueError, AttributeError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, cast(TextIO, self.stream).fileno())
                os.close(nowhere)


def say(text: str, *, end: str = "\n") -> None:
    """Write a line to standard output; an `OSError` that is not a departed reader is raised."""
    _outlet("stdout").write(text + end)


def tell(text: str) -> None:
    """Write a line to standard error; where that cannot be written, nobody is told."""
    _outlet("stderr").write(text + "\n")


def warn(text: str) -> None:
    """Write one warning to standard error, on one line."""
    tell(f"Warning: {one_line(text)}")


def say_json(record: object) -> None:
    """Write one JSON object to standard output, in ASCII: it reads the same in every encoding; no number becomes null."""
    text = json.dumps(json_values(record), allow_nan=False)
    _outlet("stdout").draw(text.replace(DELETE, "\\u007f") + "\n")


def flush() -> None:
    """Hand over what standard output and standard error hold back; errors as in `say`."""
    _outlet("stderr").flush()
    _outlet("stdout").flush()


@contextmanager
def guarded() -> Iterator[None]:
    """While entered, everything that this process writes to its standard streams goes through outlets."""
    _fill_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cast(TextIO, _outlet("stdout")), cast(TextIO, _outlet("stderr"))
    try:
        yield
    finally:
        # What cannot be handed over now has been told, or there is nobody to tell.
        with suppress(OSError):
            flush()
        sys.stdout, sys.stderr = before


def _outlet(stream: str) -> Outlet:
    """Return the outlet of a standard stream as it is now."""
    found = getattr(sys, stream)
    return found if isinstance(found, Outlet) else Outlet(found, name=OUTPUT if stream == "stdout" else "")


def _fill_descriptors() -> None:
    """Give the standard streams that the process was started without to nobody: else the next file would take their places."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
