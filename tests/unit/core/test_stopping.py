"""The rule of stopping: patience, a target, and neither."""

import math

import pytest

from tutelage.core.stopping import Stopping

RULE = Stopping(metric="val/loss", patience=30, until=0.5)


@pytest.mark.parametrize(
    ("score", "waited", "reason"),
    [
        (0.7, 10, ""),
        (0.7, 30, "patience"),
        (0.5, 0, "target"),
        (0.4, 60, "target"),
        (math.nan, 0, ""),
        (math.nan, 30, "patience"),
    ],
)
def test_a_target_comes_before_patience(score: float, waited: int, reason: str) -> None:
    assert RULE.reason(score, waited=waited) == reason


def test_a_greater_score_reaches_a_target_from_below() -> None:
    rule = RULE.but(greater_is_better=True)
    assert (rule.reason(0.49, waited=0), rule.reason(0.5, waited=0)) == ("", "target")


def test_without_both_only_the_budget_ends_a_training() -> None:
    assert RULE.fixed().is_fixed
    assert not RULE.is_fixed
    assert RULE.fixed().reason(0.0, waited=10**6) == ""
