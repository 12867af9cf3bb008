"""How verbs tell what was found damaged in a run and could be gone around: a line each on standard error."""

from tutelage.core.outlet import one_line, tell

__all__ = ["warn"]


def warn(text: str) -> None:
    """Write one warning."""
    tell(f"Warning: {one_line(text)}")
