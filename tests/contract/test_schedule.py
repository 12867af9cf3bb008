"""Every schedule rises gently, stays within 0 to 1, and follows its formula."""

import math
from itertools import pairwise

import pytest
from pydantic import ValidationError

from tutelage.core import catalog
from tutelage.optim.schedule.base import Schedule
from tutelage.optim.schedule.constant import Constant
from tutelage.optim.schedule.cosine import Cosine
from tutelage.optim.schedule.exponential import Exponential
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.optim.schedule.one_cycle import OneCycle
from tutelage.optim.schedule.polynomial import Polynomial
from tutelage.optim.schedule.step import StepDecay
from tutelage.optim.schedule.warmup_stable_decay import WarmupStableDecay

KINDS = catalog.names("schedule")
STEPS = 2000


def make(kind: str, **settings: object) -> Schedule:
    schedule: Schedule = catalog.load("schedule", kind)(**settings)
    return schedule


def curve(schedule: Schedule, steps: int = STEPS) -> list[float]:
    return [schedule.factor(step / steps) for step in range(steps)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("warmup", [None, 0.001, 0.5])
def test_factors_lie_between_zero_and_one(kind: str, warmup: float | None) -> None:
    schedule = make(kind) if warmup is None else make(kind, warmup=warmup)
    assert all(0 <= factor <= 1 for factor in curve(schedule))
    assert 0 <= schedule.factor(math.nextafter(1, 0)) <= 1
    assert schedule.factor(1.2) == schedule.factor(1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_warm_up_rises_steadily_from_near_zero_to_one(kind: str) -> None:
    schedule = make(kind, warmup=0.1)
    rise = curve(schedule)[: STEPS // 10 + 1]
    assert 0 < rise[0] < 0.05
    assert all(a < b for a, b in pairwise(rise))
    assert rise[-1] == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_after_warm_up_it_never_rises_again(kind: str) -> None:
    schedule = make(kind, warmup=0.1)
    fall = curve(schedule)[STEPS // 10 :]
    assert all(a >= b for a, b in pairwise(fall))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "constant"])
def test_it_ends_near_zero_but_every_step_counts(kind: str) -> None:
    factors = curve(make(kind))
    assert 0 < factors[-1] < 0.03
    assert make(kind).factor(1.0) <= 1e-3 + 1e-12


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "one_cycle"])
def test_without_warm_up_it_begins_at_the_full_rate(kind: str) -> None:
    assert make(kind, warmup=0).factor(0.0) == 1


@pytest.mark.parametrize(
    ("schedule", "progress", "factor"),
    [
        (Constant(warmup=0.1), 0.05, 0.505),
        (Constant(), 0.99, 1.0),
        (Cosine(warmup=0), 0.5, 0.5),
        (Cosine(warmup=0), 1 / 3, 0.75),
        (Cosine(warmup=0.2, final=0.1), 0.6, 0.55),
        (LinearToZero(warmup=0), 0.25, 0.75),
        (LinearToZero(warmup=0.1), 0.55, 0.5),
        (LinearToZero(warmup=0.1, hold=0.4), 0.5, 1.0),
        (LinearToZero(warmup=0.1, hold=0.4), 0.75, 0.5),
        (Polynomial(warmup=0), 0.5, 0.25),
        (Polynomial(warmup=0, power=1, final=0.2), 0.5, 0.6),
        (Exponential(warmup=0, final=0.01), 0.5, 0.1),
        (Exponential(warmup=0.5, final=0.01), 0.75, 0.1),
        (StepDecay(), 0.49, 1.0),
        (StepDecay(), 0.5, 0.1),
        (StepDecay(), 0.8, 0.01),
        (StepDecay(milestones=(0.3,), ratio=0.5), 0.9, 0.5),
        (OneCycle(), 0.0, 0.04),
        (OneCycle(), 0.15, 0.52),
        (OneCycle(), 0.3, 1.0),
        (OneCycle(final=0), 0.65, 0.5),
        (WarmupStableDecay(warmup=0), 0.79, 1.0),
        (WarmupStableDecay(warmup=0), 0.85, 0.5),
        (WarmupStableDecay(warmup=0.3, shape="linear", decay=0.5), 0.75, 0.5),
        (WarmupStableDecay(shape="linear", final=0.2), 0.9, 0.6),
    ],
)
def test_formulas_by_hand(schedule: Schedule, progress: float, factor: float) -> None:
    assert schedule.factor(progress) == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("linear_to_zero", {"warmup": 0.5, "hold": 0.5}),
        ("warmup_stable_decay", {"warmup": 0.5, "decay": 0.6}),
        ("step", {"milestones": (0.5, 1.0)}),
        ("cosine", {"warmup": 1.0}),
    ],
)
def test_shares_that_do_not_fit_into_the_training_are_refused(kind: str, settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        make(kind, **settings)
