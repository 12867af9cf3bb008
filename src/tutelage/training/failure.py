"""A failure as JSON values, so that what goes wrong in one process ends all of them, with the same words and exit code."""

from typing import Any

from tutelage.core.errors import DiskError, DivergedError, OutOfMemoryError, RecipeError, RunError, TutelageError, UsageError

__all__ = ["failure_from", "failure_record"]

KINDS: dict[str, type[TutelageError]] = {
    kind.code: kind for kind in (UsageError, RecipeError, RunError, DiskError, DivergedError, OutOfMemoryError)
}
"""Errors that are made of their message alone; any other of a user's mistakes is told as the plain one."""


def failure_record(error: Exception) -> dict[str, Any]:
    """Return JSON values from which `failure_from` makes the error anew."""
    if isinstance(error, TutelageError):
        return {"code": error.code, "message": str(error)}
    if isinstance(error, OSError):
        path = None if error.filename is None else str(error.filename)
        return {"os": [error.errno or 0, error.strerror or str(error), path]}
    return {"code": "", "message": f"The first process failed: {error!r}"}


def failure_from(record: dict[str, Any]) -> Exception:
    """Return the error that another process met."""
    if "os" in record:
        number, text, path = record["os"]
        return OSError(number, text, path)
    return KINDS.get(record["code"], TutelageError)(record["message"])
