"""What is wished for by name from Python: names that are not known are refused with the nearest one that is."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from tutelage.core import catalog
from tutelage.core.errors import UsageError

__all__ = ["wished"]

Wish = TypeVar("Wish")


def wished(kind: type[Wish], wishes: Mapping[str, Any]) -> Wish:
    """Return a dataclass of the wishes.

    Raises:
        UsageError: A name that it does not have, or a value that it refuses.
    """
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for name in wishes:
        if name not in known:
            raise UsageError(f"{name}=...: unknown{catalog.suggest(name, known)} Known: {', '.join(known)}.")
    return kind(**wishes)
