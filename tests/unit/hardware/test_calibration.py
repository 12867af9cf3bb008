"""Weights of what a step consists of, fitted to a handful of measured steps."""

import pytest

from tutelage.hardware.calibration import USUAL, USUAL_SPREAD, Calibration, features_of, spread_of
from tutelage.hardware.measured import OwnStep


def step(seconds: float, **features: float) -> OwnStep:
    return OwnStep(name="one", style="autograd", features=features, seconds=seconds)


def test_without_measured_steps_the_weights_are_the_usual_ones() -> None:
    assert Calibration.fit([]).weights == pytest.approx(dict(USUAL), abs=1e-9)


def test_measured_steps_are_explained() -> None:
    told = [
        step(2e-3 + 1.1 * products + 2.0 * moves, products=products, moves=moves, steps=1.0)
        for products, moves in ((1e-3, 1e-3), (1e-2, 1e-3), (1e-3, 1e-2), (5e-2, 2e-2))
    ]
    found = Calibration.fit(told)
    for each in told:
        # The usual weights pull a little.
        assert found.seconds(each.features) == pytest.approx(each.seconds, rel=0.05)


def test_weights_are_never_negative() -> None:
    found = Calibration.fit([step(1e-6, products=1.0, moves=1.0, calls=1.0, steps=1.0)])
    assert min(found.weights.values()) >= 0


def test_parts_add_up_to_the_step() -> None:
    calibration, features = Calibration.fit([]), {"products": 1e-2, "moves": 2e-3, "steps": 1.0}
    assert sum(calibration.parts(features).values()) == pytest.approx(calibration.seconds(features))


def test_operators_are_told_apart_by_what_limits_them() -> None:
    parts = {"matmul": 1.0, "convolution": 2.0, "elementwise": 3.0, "optimizer": 4.0, "calls": 5.0}
    assert features_of(parts, rows=6.0) == {"products": 3.0, "moves": 7.0, "calls": 5.0, "steps": 1.0, "rows": 6.0}


def test_forecasts_are_as_unsure_as_steps_were_that_the_others_had_to_foresee() -> None:
    alike = [step(1.1 * products, products=products, steps=0.0) for products in (0.01, 0.1, 1.0, 2.0) * 5]
    unlike = [step(each.seconds * (2.0 if number % 2 else 0.5), **each.features) for number, each in enumerate(alike)]
    assert spread_of([]) == pytest.approx(USUAL_SPREAD)
    assert spread_of(alike) < USUAL_SPREAD < spread_of(unlike)
