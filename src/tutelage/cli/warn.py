"""How verbs tell what was found damaged in a run and could be gone around: a line each on standard error."""

import sys

__all__ = ["warn"]


def warn(text: str) -> None:
    """Write one warning."""
    sys.stderr.write(f"Warning: {text}\n")
