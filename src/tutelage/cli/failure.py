"""How a command says that it failed: in words on standard error, or with --json as one object on standard output."""

import argparse
import os
import re
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tutelage.core.disk import disk_error
from tutelage.core.errors import DiskError, DivergedError, TutelageError, UsageError
from tutelage.core.outlet import OUTPUT, say_json, tell

__all__ = ["Parser", "tell_defect", "tell_error", "tell_io_error", "wants_json"]

DEFECT = "defect"
"""The code of mistakes of the program itself."""
FURTHER = re.compile(r"\n(?!  )")
"""Where a further line of a message begins; it is moved inwards: a name that holds an end of line writes no line of its own."""


class Parser(argparse.ArgumentParser):
    """A parser that raises what is wrong with the words, so that it is told like every other error."""

    def error(self, message: str) -> NoReturn:
        """Refuse the words.

        Raises:
            UsageError: Always.
        """
        raise UsageError(f"{message}. All words: {self.prog} --help")


def wants_json(words: Sequence[str]) -> bool:
    """Tell whether a command line asks for JSON, even one that cannot be understood."""
    return "--json" in words


def tell_error(error: TutelageError, *, prog: str, as_json: bool = False) -> int:
    """Tell a user's mistake and return the exit code."""
    if as_json:
        say_json({"error": error.record()})
    else:
        tell(f"{prog}: {_inwards(str(error))}")
        if isinstance(error, DivergedError) and error.report:
            tell(f"report   {_inwards(error.report)}")
    return error.exit_code


def tell_io_error(error: OSError, *, prog: str, place: str, as_json: bool) -> int:
    """Tell that a file cannot be read or written, and return the exit code.

    The last resort: what writes or reads names its file by itself. Where the system names none, it was somewhere in the
    `place` that the command works on.
    """
    if error.filename is not None:
        # A file's name may be bytes, or the number of an open file.
        if error.filename == OUTPUT:
            refusal = f"{OUTPUT}: cannot be written ({error.strerror}). Make room where it goes to."
            # Nothing more can be said there, in whatever form.
            return tell_error(DiskError(refusal), prog=prog)
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
        return tell_error(disk_error(error, path=Path(path), done="read or written"), prog=prog, as_json=as_json)
    name = f"something in {place or 'this folder'}"
    unnamed = disk_error(error, path=Path(place or ".") / "*", done="read or written", name=name)
    return tell_error(unnamed, prog=prog, as_json=as_json)


def tell_defect(error: Exception, *, prog: str, as_json: bool) -> int:
    """Tell a mistake of the program itself, with all that helps to mend it, and return the exit code."""
    if as_json:
        message = f"{type(error).__name__}: {error}"
        record = {"code": DEFECT, "exit_code": TutelageError.exit_code, "message": message, "problems": []}
        say_json({"error": record})
    tell("".join(traceback.format_exception(error)))
    tell(f"{prog}: this is a defect of tutelage, not of your data or words. Please report it with the lines above.")
    return TutelageError.exit_code


def _inwards(message: str) -> str:
    return FURTHER.sub("\n  ", message)
