"""Models that leave the house: one graph from raw input to answers, in one file a format; `load` runs such a file.

>>> from tutelage import export
>>> model = export.load("digits.onnx")  # doctest: +SKIP
"""

from typing import Any

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """Import `load` when it is first used, so that the room itself costs nothing."""
    if name != "load":
        raise AttributeError(f"module 'tutelage.export' has no attribute {name!r}")
    from tutelage.export.loaded import load

    return load
