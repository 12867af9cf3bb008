"""The target of a training, as people write it: `accuracy=0.95` is a metric and the value at which training may stop."""

import math
from dataclasses import dataclass

from tutelage.core import catalog
from tutelage.core.names import shorten

__all__ = ["Until", "parse_until"]

EXAMPLE = "Expected METRIC=VALUE, such as accuracy=0.95, accuracy=95% or loss=0.3"


@dataclass(frozen=True, slots=True)
class Until:
    """A score that is good enough.

    Attributes:
        metric: Its name, such as `accuracy`.
        value: In the metric's own unit; shares lie in [0, 1].
    """

    metric: str
    value: float


def parse_until(text: str) -> Until:
    """Read a target; a name may begin with `val/`, and a share may be written in percent.

    Raises:
        ValueError: It names no metric, or no value.

    Example:
        >>> parse_until("accuracy=95%"), parse_until("val/loss = 0.3")
        (Until(metric='accuracy', value=0.95), Until(metric='loss', value=0.3))
    """
    name, sign, said = (part.strip() for part in text.partition("="))
    name = name.removeprefix("val/")
    if not sign:
        raise ValueError(f"names no value. {EXAMPLE}")
    known = catalog.names("metric")
    if name not in known:
        raise ValueError(f"{shorten(name)} is no metric{catalog.suggest(name, known)} {EXAMPLE}")
    try:
        value = float(said.removesuffix("%")) / (100 if said.endswith("%") else 1)
    except ValueError:
        value = math.nan
    # Python takes more for a number than people mean, such as 9_5.
    if not math.isfinite(value) or "_" in said or not said.isascii():
        raise ValueError(f"{shorten(said)} is no number. {EXAMPLE}")
    return Until(name, value)
