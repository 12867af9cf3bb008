"""Curves of all metrics on one scale: what a score lacks to a perfect one, and back."""

import numpy as np
import pytest

from tutelage.foresight.curve import Curve, scale_of

STEPS = (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("values", "perfect", "greater", "is_log"),
    [
        ((2.0, 1.0, 0.5), 0.0, False, True),
        ((0.5, 0.75, 0.9), 1.0, True, True),
        ((20.0, 60.0, 40.0), None, True, False),
        ((0.5, -0.1, -0.2), 0.0, False, False),
        ((3.0, 3.0, 3.0), None, True, False),
    ],
)
def test_scores_come_back_as_they_were(values: tuple[float, ...], perfect: float | None, greater: bool, is_log: bool) -> None:
    scale = scale_of(Curve(STEPS, values, perfect), greater_is_better=greater)
    assert scale.is_log is is_log
    assert scale.back(scale.onto(values)) == pytest.approx(values)


def test_smaller_is_better_on_the_scale_of_every_metric() -> None:
    loss = scale_of(Curve(STEPS, (2.0, 1.0, 0.5), 0.0), greater_is_better=False)
    accuracy = scale_of(Curve(STEPS, (0.2, 0.6, 0.8), 1.0), greater_is_better=True)
    assert np.diff(loss.onto((2.0, 1.0, 0.5))) == pytest.approx(np.diff(accuracy.onto((0.2, 0.6, 0.8))))
    assert (np.diff(loss.onto((2.0, 1.0, 0.5))) < 0).all()


def test_a_perfect_score_can_be_told() -> None:
    scale = scale_of(Curve(STEPS, (0.9, 1.0, 1.0), 1.0), greater_is_better=True)
    assert scale.back(np.array([-20.0])) == pytest.approx([1.0], abs=0)


def test_a_short_curve_is_not_extrapolated() -> None:
    curve = Curve(STEPS, (2.0, 1.0, 0.5), 0.0)
    assert scale_of(curve, greater_is_better=False).extrapolated(curve, ahead=np.array([10.0])) is None


def test_a_falling_loss_falls_on_and_stays_above_zero() -> None:
    steps = tuple(float(step) for step in range(1, 11))
    curve = Curve(steps, tuple(step**-0.5 for step in steps), 0.0)
    scale = scale_of(curve, greater_is_better=False)
    drawn = scale.extrapolated(curve, ahead=np.array([40.0, 100.0]))
    assert drawn is not None
    assert scale.back(np.median(drawn, axis=0)) == pytest.approx([40**-0.5, 0.1], rel=0.2)
