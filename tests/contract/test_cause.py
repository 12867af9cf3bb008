"""Every cause finds what it is for, has nothing to say of a training near by, and says it in words that help."""

import json
from typing import Any

import pytest

from tutelage.core import catalog
from tutelage.diagnosis.base import Cause, find_reasons
from tutelage.diagnosis.facts import Curve, Facts, Layer

KINDS = catalog.names("cause")
HEALTHY = Facts(
    steps=1_000,
    epochs=30,
    rate=1e-3,
    layers=(Layer("model.0.weight", 64, moved=0.8), Layer("model.1", 64, dead=0.3)),
    losses=Curve((1, 500, 1_000), (1.1, 0.5, 0.2)),
    scores=Curve((500, 1_000), (0.8, 0.9)),
)


def cause(kind: str) -> Cause:
    component: Cause = catalog.load("cause", kind)()
    return component


@pytest.mark.parametrize("kind", KINDS)
def test_a_cause_is_the_first_that_is_found_where_it_is_planted(kind: str) -> None:
    planted, _ = cause(kind).examples()
    assert [reason.cause for reason in find_reasons(planted)][:1] == [kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_cause_is_not_found_near_by(kind: str) -> None:
    _, near = cause(kind).examples()
    assert cause(kind).find(near) is None
    assert cause(kind).find(HEALTHY) is None


@pytest.mark.parametrize("kind", KINDS)
def test_facts_that_were_not_measured_are_no_cause(kind: str) -> None:
    assert cause(kind).find(Facts(steps=1_000)) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_reason_says_what_was_measured_and_what_to_do(kind: str) -> None:
    reason = cause(kind).find(cause(kind).examples()[0])
    assert reason is not None
    record: dict[str, Any] = json.loads(json.dumps(reason.record(), allow_nan=False))
    assert record["cause"] == kind
    assert any(sign.isdigit() for sign in reason.found), "a number that was measured"
    assert not reason.found.endswith(".")
    assert reason.remedy.endswith((".", "..."))
    assert "\n" not in str(reason)


def test_no_two_causes_have_one_place() -> None:
    orders = [cause(kind).order for kind in KINDS]
    assert len(set(orders)) == len(orders)
