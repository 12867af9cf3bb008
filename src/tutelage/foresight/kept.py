"""What a forecast is made of that was kept in a file: names that can be shown, and amounts that can be counted with.

Another hand may have written it since, so that both are checked wherever it is read.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from tutelage.core.names import MAX_SHOWN

__all__ = ["Amount", "Name", "Seconds", "Share", "Sum"]

MOST_SECONDS = 1e8
"""No part of a run takes longer: three years."""


def _require_printable(name: str) -> str:
    """Refuse a name that no screen and no file of text could show."""
    if not name.isprintable():
        raise ValueError("holds what cannot be printed")
    return name


Name = Annotated[str, Field(max_length=MAX_SHOWN, strict=True), AfterValidator(_require_printable)]
Amount = Annotated[float, Field(ge=0, le=1e30, strict=True)]
Sum = Annotated[float, Field(ge=0, le=1e36, strict=True)]
"""Of amounts, as many as there may be parts, and more."""
Seconds = Annotated[float, Field(ge=0, lt=MOST_SECONDS, strict=True)]
"""Measured, of one part."""
Share = Annotated[float, Field(gt=-MOST_SECONDS, lt=MOST_SECONDS, strict=True)]
"""Relative, up or down."""
