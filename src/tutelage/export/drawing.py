"""What drawing a graph takes, whatever the format: dimensions that may differ, and silence; not a component."""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["dynamic", "quiet", "short"]

COLOR = re.compile(r"\x1b\[\d+m")
MOST_CHARACTERS = 600


def dynamic(sizes: tuple[int | str, ...]) -> dict[int, Any]:
    """Return which dimensions may differ from call to call."""
    return {place: torch.export.Dim.DYNAMIC for place, size in enumerate(sizes) if isinstance(size, str)}


def short(error: BaseException) -> str:
    """Return the end of a long message, where the exporter says what it is about."""
    lines = [line.strip() for line in COLOR.sub("", str(error)).splitlines() if line.strip()]
    return " ".join(lines)[-MOST_CHARACTERS:]


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporters, which tell of what is none of the user's business."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")]
    levels = [one.level for one in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in loggers:
            one.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for one, level in zip(loggers, levels, strict=True):
                one.setLevel(level)
