"""How a command says that it failed: in words on standard error, or with --json as one object on standard output."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from tutelage.core.errors import DivergedError, TutelageError, UsageError

__all__ = ["Parser", "tell_error", "tell_io_error", "wants_json"]

IO = "io"
"""The code of errors of the file system, beside the codes of `core/errors.py`."""


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


def tell_error(error: TutelageError, *, prog: str, as_json: bool) -> int:
    """Tell a user's mistake and return the exit code."""
    if as_json:
        _print({"error": error.record()})
    else:
        sys.stderr.write(f"{prog}: {error}\n")
        if isinstance(error, DivergedError) and error.report:
            sys.stderr.write(f"report   {error.report}\n")
    return error.exit_code


def tell_io_error(error: OSError, *, prog: str, as_json: bool) -> int:
    """Tell that a file cannot be read or written, and return the exit code: the user's mistake where a file is named."""
    exit_code = TutelageError.exit_code if error.filename is None else UsageError.exit_code
    message = f"{error.filename or 'a file'}: {error.strerror or error}."
    if as_json:
        _print({"error": {"code": IO, "exit_code": exit_code, "message": message, "problems": []}})
    else:
        sys.stderr.write(f"{prog}: {message}\n")
    return exit_code


def _print(record: dict[str, Any]) -> None:
    """Print one JSON object."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
