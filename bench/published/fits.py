"""The fits behind the forecasts, and forecasts made without the source that they are about.

What is believed before any row is seen stands here, with its reason; the rows move it only as far as they agree.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.published.rows import WorkloadRow, WorkRow, project
from tutelage.foresight.evidence import Effect, Evidence, Observation
from tutelage.foresight.interval import Scale, conformal
from tutelage.foresight.move import effects_between
from tutelage.foresight.physics import SCENARIO, effects_of, physics_of

__all__ = ["MOVED", "TARGET", "WORK", "Guess", "Model", "fit_moved", "fit_work", "guess_moved", "guess_work", "scales_of"]


@dataclass(frozen=True, slots=True)
class Model:
    """What is believed before any row is seen.

    Attributes:
        effects: In logarithms of time.
        noise: Of one row.
        shared: Effects that all rows share; the others belong to a group.
    """

    effects: Mapping[str, Effect]
    noise: float
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Guess:
    """A forecast of one row, made without its source.

    Attributes:
        name: The row.
        source: What was left out.
        scenario: Whose misses it is scaled by.
        mean: Logarithm of the expected device-seconds.
        sd: Its standard deviation before scaling.
        truth: Logarithm of what was measured.
        is_rate: Whether it was published as a rate.
    """

    name: str
    source: str
    scenario: str
    mean: float
    sd: float
    truth: float
    is_rate: bool


WORK = Model(
    effects={
        "transformer": Effect(0.45, 0.1),
        "images": Effect(0.3, 0.2),
        "float32": Effect(-0.25, 0.15),
        "whole run": Effect(0.12, 0.06),
        "course": Effect(0.0, 0.25),
        "devices": Effect(0.03, 0.01),
        "context": Effect(0.05, 0.03),
        "source": Effect(0.0, 0.2),
    },
    noise=0.2,
    shared=("transformer", "images", "float32", "whole run", "devices", "context"),
)
"""Training reaches 0.5 to 0.75 of the largest matrix product; wall over steady time is 1.0 to 1.7, with a course of its own for
each run; hundreds of devices keep 0.9; float32 without matrix units waits less for memory and launches; the software moves the
rest by a third."""
MOVED = Model(
    effects={
        "level": Effect(0.0, 10.0),
        "compute": Effect(0.4, 0.2),
        "bandwidth": Effect(0.5, 0.2),
        "float32 on matrix units": Effect(0.15, 0.1),
        "devices": Effect(0.03, 0.03),
        "compute here": Effect(0.0, 0.1),
        "bandwidth here": Effect(0.0, 0.1),
        "float32 here": Effect(0.0, 0.15),
        "devices here": Effect(0.0, 0.05),
        "device": Effect(0.0, 0.1),
        "device here": Effect(0.0, 0.08),
        "devices of this kind here": Effect(0.0, 0.08),
        "setup": Effect(0.0, 0.15),
    },
    noise=0.08,
    shared=("compute", "bandwidth", "float32 on matrix units", "devices"),
)
"""Time follows peak and bandwidth together about in proportion; a node of eight keeps nine tenths."""
TARGET = Model(
    effects=MOVED.effects | {"devices": Effect(0.15, 0.1), "devices here": Effect(0.0, 0.1)},
    noise=0.2,
    shared=MOVED.shared,
)
"""To a target, more devices also mean larger batches and more samples."""


def fit_work(rows: Sequence[WorkRow]) -> Evidence:
    """Return what rows of known work teach."""
    return Evidence([_work_seen(row) for row in rows], effects=WORK.effects, noise=WORK.noise)


def fit_moved(rows: Sequence[WorkloadRow], *, model: Model) -> Evidence:
    """Return what rows of workloads teach."""
    seen = [Observation(math.log(row.seconds), _between(row)) for row in rows]
    return Evidence(seen, effects=model.effects, noise=model.noise)


def guess_work(rows: Sequence[WorkRow], *, key: Callable[[WorkRow], str]) -> list[Guess]:
    """Forecast each row from those with another key."""
    guesses = []
    for left_out in sorted({key(row) for row in rows}):
        evidence = fit_work([row for row in rows if key(row) != left_out])
        for row in (row for row in rows if key(row) == left_out):
            belief = evidence.predict(
                effects_of(row.wish, demand=row.demand, device=row.device, source=row.source, name=row.name)
            )
            mean = belief.mean + math.log(_physics(row))
            guesses.append(Guess(row.name, left_out, SCENARIO, mean, belief.sd, math.log(row.seconds), row.is_rate))
    return guesses


def guess_moved(
    rows: Sequence[WorkloadRow],
    *,
    model: Model,
    key: Callable[[WorkloadRow], str],
    scenario: str,
) -> list[Guess]:
    """Forecast each row from those with another key; rows whose workload no other key has are left out."""
    guesses = []
    for left_out in sorted({key(row) for row in rows}):
        rest = [row for row in rows if key(row) != left_out]
        known = {row.workload for row in rest}
        evidence = fit_moved(rest, model=model)
        for row in (row for row in rows if key(row) == left_out and row.workload in known):
            belief = evidence.predict(_between(row))
            guesses.append(Guess(row.name, left_out, scenario, belief.mean, belief.sd, math.log(row.seconds), row.is_rate))
    return guesses


def scales_of(guesses: Sequence[Guess], *, without: str = "") -> dict[str, Scale]:
    """Return the half widths for each scenario, from the misses of all sources but one."""
    scales = {}
    for scenario in {guess.scenario for guess in guesses}:
        used = [guess for guess in guesses if guess.scenario == scenario and guess.source != without]
        misses = [(guess.mean - guess.truth) / guess.sd for guess in used]
        scales[scenario] = conformal(misses, sources=[guess.source for guess in used])
    return scales


def _work_seen(row: WorkRow) -> Observation:
    """Return a row as an observation beyond physics."""
    parts = effects_of(row.wish, demand=row.demand, device=row.device, source=row.source, name=row.name)
    return Observation(math.log(row.seconds / _physics(row)), parts)


def _physics(row: WorkRow) -> float:
    """Return what the datasheet lets expect."""
    return physics_of(row.demand, device=row.device, precision=row.wish.precision).seconds


def _between(row: WorkloadRow) -> Mapping[str, tuple[str, float]]:
    """Return the effects of a row of a workload."""
    setup = project(row.source)
    return effects_between(row.device, workload=row.workload, devices=row.devices, precision=row.precision, setup=setup)
