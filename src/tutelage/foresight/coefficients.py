"""The fitted coefficients of the forecasts: read from the file beside this one, with how they were fitted.

`python -m bench.published_runs --fit` makes the file again from a table of published runs.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tutelage.foresight.evidence import Effect
from tutelage.foresight.interval import Scale

__all__ = ["Fitted", "fitted"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit found.

    Attributes:
        effects: What is believed of each effect, in logarithms of time.
        noise: Standard deviation of what no effect explains.
        scales: Half widths of intervals for each scenario.
    """

    effects: Mapping[str, Effect]
    noise: float
    scales: Mapping[str, Scale]


@cache
def fitted(name: str) -> Fitted:
    """Return the coefficients of one model: `work`, `moved` or `target`."""
    text = resources.files("tutelage.foresight").joinpath("coefficients.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)[name]
    effects = {key: Effect(value["mean"], value["sd"]) for key, value in table["effects"].items()}
    scales = {key: Scale(value["half_50"], value["half_80"]) for key, value in table["scales"].items()}
    return Fitted(effects, table["noise"], scales)
