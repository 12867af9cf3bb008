"""How a training ends that may stop before its budget is used up: the rule of stopping, tried on many drawn learning curves.

Before the first step the curves are those of other trainings, as they were measured (`endings.toml`). Once there is a beginning,
it is continued as its extrapolation says, and as such extrapolations of other trainings turned out to be off: learning rates
fall, and networks begin to overfit, of which a beginning knows nothing.

Curves are compared by the logarithm of what is missing to a perfect score (of losses: to 0), so that metrics of all kinds are
alike; where no score is perfect, by the span of the curve so far.
"""

import math
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from tutelage.core.stopping import BUDGET, TARGET, Stopping
from tutelage.foresight.convergence import LEAST_POINTS, extrapolated

__all__ = ["Curve", "Endings", "foresee_endings", "usual_endings"]
