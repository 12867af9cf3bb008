"""Collecting what was decided, each value with its reason."""

from typing import Any

from tutelage.core.names import shorten
from tutelage.core.spec import Component
from tutelage.planning.plan import Decision

__all__ = ["Decisions", "say"]

LONGEST = 120
"""Characters of a setting that are told; a description of a whole network has thousands."""


class Decisions:
    """Values with their reasons, in the order in which they were decided.

    Attributes:
        made: What was decided so far.
    """

    def __init__(self, why: dict[str, str] | None = None) -> None:
        """Begin with auto's reasons by key."""
        self.made: list[Decision] = []
        self._why = dict(why or {})

    def choose(self, key: str, wish: object, value: Any, reason: str = "") -> Any:
        """Note what a key became and why - as wished, or auto's reason - and return the value."""
        said = self._why.get(key, reason) if wish == "auto" else "as you asked"
        self.made.append(Decision(key=key, value=say(value), reason=said))
        return value


def say(value: object) -> str:
    """Write a value for people: a component as its kind and its settings."""
    if isinstance(value, Component):
        settings = ", ".join(f"{key} {say(item)}" for key, item in value if key != "kind")
        return f"{getattr(value, 'kind', type(value).__name__)} ({settings})" if settings else str(getattr(value, "kind", ""))
    if value is None:
        return "own"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "[" + ", ".join(say(item) for item in value) + "]"
    return shorten(value) if isinstance(value, str) and len(value) > LONGEST else str(value)
