"""The wall time of a whole run: what was measured once, times how often the run does it.

Parts that a training does once count as they were measured; steps, evaluations and checkpoints are multiplied by their
schedule. Each part has a spread; the intervals are quantiles of sums drawn from all of them, with a common factor for how fast
the machine will be then. Where a training may stop early, the share of the budget that it uses is drawn too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tutelage.foresight.pace import Pace

__all__ = ["Cost", "Measured", "RunTime", "Schedule", "Stops", "as_expected", "run_time", "share_used", "within"]

LEVELS, SIGMAS_50, SIGMAS_80 = (0.1, 0.25, 0.5, 0.75, 0.9), 0.6745, 1.2816
"""Quantiles that are told, and half widths of 50 and 80 % of a normal distribution in standard deviations."""
REPEATED = ("steps", "evaluations", "checkpoints")
"""Parts that are as long as the run."""
DRAWS, SEED = 4_001, 20_27
"""Sums drawn for the quantiles; the same ones each time."""
MACHINE_SPREAD, SHARED_SPREAD = 0.04, 0.1
"""How differently fast one machine is from one minute to the next, as a standard deviation of the logarithm: one of one's own, by
assumption, and a virtual one, from the errors of 25 forecasts of `bench/forecasts.py` (docs/LOG.md). Between hours it is more:
who remembers a pace counts that by itself (`remembered.believed`)."""
ONCE_SPREAD, SHARED_ONCE_SPREAD = 0.12, 0.2
"""The same of what is measured only once, such as reading data, whose files are in memory the next time."""
DRIFT_SHARE = 0.5
"""Share of a drift while measuring that may go on: half of it is taken as a standard deviation."""
ABOUT_ALWAYS = 1e-9
EARLIEST = 0.93
"""Share of a time budget at which a training ends at the earliest that neither stops early nor is corrected."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one part of a run takes.

    Attributes:
        name: Such as `steps`.
        seconds: Expected.
        spread: Standard deviation, in seconds.
    """

    name: str
    seconds: float
    spread: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a training before it begins.

    Attributes:
        once: Seconds of the parts that come once, by name.
        pace: Of its steps.
        opening: Of the steps before the usual ones, where a part of the network learns alone at first; None without such.
        first_evaluation: Seconds of the first evaluation.
        evaluation: Seconds of each later one.
        evaluation_spread: Relative standard deviation of these.
        checkpoint: Seconds that training waits for each checkpoint after the first.
        how: How it is known, such as `measured` or `known from a run before`.
        step_flops: Operations of a step; 0 where they were not counted.
        once_spread: Relative standard deviation of the parts that come once.
    """

    once: Mapping[str, float]
    pace: Pace
    opening: Pace | None = None
    first_evaluation: float = 0.0
    evaluation: float = 0.0
    evaluation_spread: float = 0.1
    checkpoint: float = 0.0
    how: str = "measured"
    step_flops: float = 0.0
    once_spread: float = ONCE_SPREAD


@dataclass(frozen=True, slots=True)
class Stops:
    """How often trainings like this one stop before their budget is used up, and when.

    Attributes:
        probability: Of stopping early; 0 where the budget is fixed.
        least: Share of the budget that is used at least.
        shares: Shares of what is left that drawn continuations of the learning curve use; empty where there is no curve yet.
    """

    probability: float = 0.0
    least: float = 1.0
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often a run does what.

    Attributes:
        steps: Optimizer steps that are left.
        opening_steps: Those of them in which a part of the network learns alone.
        evaluations: Evaluations of the validation part while training, the last one included.
        save_seconds: Wall time between two checkpoints; 0 = after each step.
        stops: Whether it may stop early.
    """

    steps: int
    opening_steps: int = 0
    evaluations: int = 0
    save_seconds: float = 15.0
    stops: Stops = field(default_factory=Stops)


@dataclass(frozen=True, slots=True)
class RunTime:
    """How long a run takes.

    Attributes:
        costs: What each part takes where nothing stops early.
        seconds: The median.
        interval_50: Between these the wall time lies in half of all cases.
        interval_80: And in four of five.
        spread: Standard deviation of the logarithm of the wall time.
        unscaled: The same without the factor of outcomes before: the next outcome is compared with this one.
        contributors: Which parts make it uncertain, and their share of the variance, the largest first.
        least: What is taken even where a single step is made: what has passed, what comes once, that step and an evaluation.
    """

    costs: tuple[Cost, ...]
    seconds: float
    interval_50: tuple[float, float]
    interval_80: tuple[float, float]
    spread: float
    unscaled: float
    contributors: tuple[tuple[str, float], ...]
    least: Cost

    @property
    def parts(self) -> dict[str, float]:
        """Seconds of each part."""
        return {cost.name: cost.seconds for cost in self.costs}

    def record(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "seconds": round(self.seconds, 3),
            "interval_50": [round(value, 3) for value in self.interval_50],
            "interval_80": [round(value, 3) for value in self.interval_80],
            "spread": round(self.spread, 5),
            "parts": {name: round(value, 4) for name, value in self.parts.items()},
            "contributors": {name: round(share, 3) for name, share in self.contributors[:2]},
        }


def run_time(
    measured: Measured,
    schedule: Schedule,
    *,
    scale: float = 1.0,
    passed: float = 0.0,
    is_shared: bool = False,
) -> RunTime:
    """Return the wall time of a run.

    Args:
        measured: What is known of it.
        schedule: How often it does what.
        scale: Factor on the spread, by which forecasts like this one have been off before; whatever makes it unsure, early
            stopping too.
        passed: Seconds that have passed already, and so are certain.
        is_shared: Whether others compute on the same processor, as on a virtual machine.
    """
    costs = _costs(measured, schedule, least_once=SHARED_ONCE_SPREAD if is_shared else 0.0)
    machine = SHARED_SPREAD if is_shared else MACHINE_SPREAD
    draws, shares = _drawn(costs, schedule, machine=machine)
    drawn = [float(value) for value in np.quantile(passed + draws, LEVELS)]
    # What has passed is certain, however far off forecasts were.
    low, first, middle, third, high = (max(_stretched(value, middle=drawn[2], scale=scale), passed) for value in drawn)
    told = (*((Cost("before", passed, 0.0),) if passed else ()), *costs)
    return RunTime(
        costs=told,
        seconds=middle,
        interval_50=(first, third),
        interval_80=(low, high),
        spread=_spread(low, high),
        unscaled=_spread(drawn[0], drawn[-1]),
        contributors=shares,
        least=_least(told, measured, schedule),
    )


def _least(costs: tuple[Cost, ...], measured: Measured, schedule: Schedule) -> Cost:
    """Return what is taken even where a single step is made."""
    apart = [cost for cost in costs if cost.name not in REPEATED]
    repeated = (measured.pace.seconds if schedule.steps else 0.0) + measured.first_evaluation * (schedule.evaluations > 0)
    spreads = [*(cost.spread for cost in apart), ONCE_SPREAD * repeated]
    return Cost("least", sum(cost.seconds for cost in apart) + repeated, float(np.sqrt(sum(each**2 for each in spreads))))


def _stretched(seconds: float, *, middle: float, scale: float) -> float:
    """Return a quantile so many times as far from the median, by the logarithm."""
    return middle * (seconds / middle) ** scale if middle else seconds


def _spread(low: float, high: float) -> float:
    """Return the standard deviation of the logarithm that an interval of 80 % stands for."""
    return float(np.log(high / low)) / 2 / SIGMAS_80 if low > 0 else 0.0


def within(time: RunTime, budget: float, *, is_filled: bool = True) -> RunTime:
    """Return the time of a run that keeps a time budget, or overruns it by what is taken in any case.

    Args:
        time: What its steps and all else take.
        budget: Of the whole command, in seconds.
        is_filled: Whether as many steps are made as fit into it: then it is the budget that ends the run, whatever steps take.
    """
    if time.least.seconds > budget:
        return _overrun(time)
    fifty, eighty = ((min(low, budget), min(high, budget)) for low, high in (time.interval_50, time.interval_80))
    if is_filled:
        fifty, eighty = (min(fifty[0], 0.97 * budget), budget), (min(eighty[0], EARLIEST * budget), budget)
    return replace(time, seconds=min(time.seconds, budget), interval_50=fifty, interval_80=eighty)


def share_used(stops: Stops) -> float:
    """Return the share of the budget that a training uses in the median."""
    return float(np.median(_used(stops, np.random.default_rng(SEED))))


def as_expected(time: RunTime) -> RunTime:
    """Return the time with parts that add up to its median.

    Where a training may stop early, or a time budget ends it, what repeats is done less often than was planned.
    """
    parts = time.parts
    repeated = sum(parts.get(name, 0.0) for name in REPEATED)
    once = sum(parts.values()) - repeated
    share = min(max((time.seconds - once) / repeated, 0.0), 1.0) if repeated else 1.0
    costs = tuple(
        replace(cost, seconds=share * cost.seconds, spread=share * cost.spread) if cost.name in REPEATED else cost
        for cost in time.costs
    )
    return replace(time, costs=costs)


def _overrun(time: RunTime) -> RunTime:
    """Return the time of a run whose time budget is used up by what is taken in any case."""
    least, passed = time.least, time.parts.get("before", 0.0)
    fifty, eighty = (
        (max(least.seconds - sigmas * least.spread, passed), least.seconds + sigmas * least.spread)
        for sigmas in (SIGMAS_50, SIGMAS_80)
    )
    return replace(time, seconds=least.seconds, interval_50=fifty, interval_80=eighty)


def _costs(measured: Measured, schedule: Schedule, *, least_once: float) -> tuple[Cost, ...]:
    """Return what each part takes; `least_once` is the least relative spread of what comes once."""
    once_spread = max(measured.once_spread, least_once)
    once = [Cost(name, seconds, once_spread * seconds) for name, seconds in measured.once.items()]
    opening = min(schedule.opening_steps, schedule.steps)
    paces = [(measured.pace, schedule.steps - opening)]
    if measured.opening is not None and opening:
        paces.insert(0, (measured.opening, opening))
    warm_up = sum(pace.warm_up_seconds for pace, _ in paces)
    steps = sum(pace.seconds * count for pace, count in paces)
    unsure = np.sqrt(sum((pace.seconds * count * _unsure(pace)) ** 2 for pace, count in paces))
    later = max(schedule.evaluations - 1, 0)
    evaluating = measured.first_evaluation * (schedule.evaluations > 0) + measured.evaluation * later
    spread = measured.evaluation * later * measured.evaluation_spread + measured.first_evaluation * ONCE_SPREAD
    checkpoints = _checkpoints(steps + evaluating, schedule)
    return (
        *once,
        Cost("warm-up", warm_up, ONCE_SPREAD * warm_up),
        Cost("steps", steps, float(unsure)),
        Cost("evaluations", evaluating, spread),
        Cost("checkpoints", checkpoints * measured.checkpoint, 0.5 * checkpoints * measured.checkpoint),
    )


def _unsure(pace: Pace) -> float:
    """Return the relative standard deviation of a pace in the run to come."""
    return float(np.hypot(pace.spread, DRIFT_SHARE * pace.drift))


def _checkpoints(seconds: float, schedule: Schedule) -> int:
    """Return how many checkpoints are made between the first one and the last."""
    # Not more than steps: a wish may be so short that no number holds the quotient.
    return int(min(seconds / schedule.save_seconds, schedule.steps)) if schedule.save_seconds else schedule.steps


def _drawn(costs: tuple[Cost, ...], schedule: Schedule, *, machine: float) -> tuple[np.ndarray, tuple[tuple[str, float], ...]]:
    """Return drawn wall times of what is still to come, and the share of the variance of each part."""
    random = np.random.default_rng(SEED)
    used = _used(schedule.stops, random)
    total, variances = np.zeros(DRAWS), dict[str, float]()
    for cost in costs:
        share = used if cost.name in REPEATED else 1.0
        noise = cost.spread * random.standard_normal(DRAWS)
        total += share * np.maximum(cost.seconds + noise, 0.1 * cost.seconds)
        variances[cost.name] = cost.spread**2
    expected = sum(cost.seconds for cost in costs)
    variances["the machine's speed"] = (machine * expected) ** 2
    variances["early stopping"] = float(np.var(used)) * sum(cost.seconds for cost in costs if cost.name in REPEATED) ** 2
    total *= np.exp(machine * random.standard_normal(DRAWS))
    whole = sum(variances.values()) or 1.0
    ordered = sorted(((name, variance / whole) for name, variance in variances.items()), key=lambda pair: -pair[1])
    return total, tuple(pair for pair in ordered if pair[1] > ABOUT_ALWAYS)


def _used(stops: Stops, random: np.random.Generator) -> np.ndarray:
    """Return which share of the budget each drawn run uses."""
    if stops.shares:
        return random.choice(np.array(stops.shares), DRAWS)
    stopped = random.random(DRAWS) < stops.probability
    return np.where(stopped, random.uniform(stops.least, 1.0, DRAWS), 1.0)
