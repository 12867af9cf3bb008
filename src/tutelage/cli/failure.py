"""How a command says that it failed: in words on standard error, or with --json as one object on standard output."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from tutelage.core.disk import disk_error
from tutelage.core.errors import DivergedError, TutelageError, UsageError

__all__ = ["Parser", "tell_error", "tell_io_error", "wants_json"]


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
        _print({"error": error.record()})
    else:
        sys.stderr.write(f"{prog}: {error}\n")
        if isinstance(error, DivergedError) and error.report:
            sys.stderr.write(f"report   {error.report}\n")
    return error.exit_code


def tell_io_error(error: OSError, *, prog: str, place: str, as_json: bool) -> int:
    """Tell that a file cannot be read or written, and return the exit code.

    The last resort: what writes or reads names its file by itself. Where the system names none, it was somewhere in the
    `place` that the command works on.
    """
    if error.filename is not None:
        # A file's name may be bytes, or the number of an open file.
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
        return tell_error(disk_error(error, path=Path(path), done="read or written"), prog=prog, as_json=as_json)
    return tell_error(disk_error(error, path=Path(place or ".") / "*", done="read or written"), prog=prog, as_json=as_json)


def _print(record: dict[str, Any]) -> None:
    """Print one JSON object."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
