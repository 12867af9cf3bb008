"""What a step will take: equal trainings before say it, the first steps of this one say it, and neither is believed alone.

A machine that was busy then, or is now, takes several times as long for the same. So several trainings are remembered, their
spread counts, and where the first steps of this one are of another pace altogether, these are believed and nothing else.

Source: two estimates that do not depend on each other are averaged by the inverses of their variances; between trainings the
variance is at least the machine's (A basic introduction to fixed-effect and random-effects models for meta-analysis, Borenstein
et al. 2010, equations 1, 3 and 8).
Differs from the paper: the variance between trainings is the weighted one, or the machine's where that is larger, since there
are few.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tutelage.foresight.pace import Pace

__all__ = ["EQUAL_RUNS_SPREAD", "LEAST_STEPS", "Believed", "believed"]

EQUAL_RUNS_SPREAD = 0.15
"""How differently fast equal trainings are at different hours, as a standard deviation of the logarithm, while the log of this
machine does not say it: 0.154 in 212 pairs of 20 steps or more on one shared machine (docs/LOG.md)."""
FIRST_STEPS_SPREAD = 0.1
"""The same of the first few steps beside all steps of one training: a guess, since caches fill and rates rise."""
DOUBT_SPREAD = 0.25
"""Added where the first steps contradict what is remembered: what has changed the pace may change it again."""
BORNE_OUT = 2.0
"""Standard deviations up to which the two do not contradict each other."""
LEAST_STEPS = 8
"""Steps of a training from which on its pace is one: the first of them builds kernels."""

Verdict = Literal["unseen", "borne out", "contradicted"]


@dataclass(frozen=True, slots=True)
class Believed:
    """What a step will take.

    Attributes:
        seconds: Of one step.
        spread: Standard deviation of its logarithm.
        verdict: What the first steps say of what is remembered; `unseen` before the first.
        nearest: Which of the trainings before was most like that.
    """

    seconds: float
    spread: float
    verdict: Verdict
    nearest: int


def believed(before: Sequence[Pace], *, now: Pace | None, machine_spread: float) -> Believed:
    """Return what a step will take.

    Args:
        before: The paces of equal trainings on this machine, at least one, all > 0.
        now: The pace of the first steps of this one; None where none was timed.
        machine_spread: How differently fast the machine is from one training to another.

    Example:
        >>> believed([Pace(0.2, spread=0.02)], now=Pace(0.02, spread=0.02), machine_spread=0.15).verdict
        'contradicted'
    """
    logs = [math.log(pace.seconds) for pace in before]
    weights = [1 / (machine_spread**2 + pace.spread**2) for pace in before]
    middle = sum(weight * log for weight, log in zip(weights, logs, strict=True)) / sum(weights)
    between = sum(weight * (log - middle) ** 2 for weight, log in zip(weights, logs, strict=True)) / sum(weights)
    spread = math.sqrt(max(between, machine_spread**2) + 1 / sum(weights))
    verdict: Verdict = "unseen"
    if now is not None:
        first, unsure = math.log(now.seconds), math.hypot(now.spread, FIRST_STEPS_SPREAD)
        if abs(first - middle) > BORNE_OUT * math.hypot(spread, unsure):
            middle, spread, verdict = first, math.hypot(unsure, DOUBT_SPREAD), "contradicted"
        else:
            told = spread**-2 + unsure**-2
            middle, spread, verdict = (middle * spread**-2 + first * unsure**-2) / told, told**-0.5, "borne out"
    nearest = min(range(len(logs)), key=lambda index: abs(logs[index] - middle))
    return Believed(math.exp(middle), spread, verdict, nearest)
