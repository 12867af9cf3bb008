"""The judge of the attack: what it takes for a refusal in words, a fall-back that is told, and silence."""

import json

import pytest

from tests.attack.child import Outcome
from tests.attack.verdict import Ending, judge

FOUND, REMEDY = "run/plan.json: is missing", "Bring an intact copy back; or: tutelage verify run --accept"


def as_error(message: str) -> str:
    return json.dumps({"error": {"code": "run", "exit_code": 2, "message": message, "problems": []}})


def as_problem(remedy: str) -> str:
    problem = {"where": "plan.json", "found": "is missing", "remedy": remedy}
    return json.dumps(
        {"error": {"code": "data", "exit_code": 3, "message": "1 problem found in the data.", "problems": [problem]}}
    )


@pytest.mark.parametrize(
    ("outcome", "ending"),
    [
        (Outcome(2, err=f"tutelage resume: {FOUND}. {REMEDY}"), Ending.REFUSED),
        (Outcome(2, err=f"tutelage resume: {FOUND}."), Ending.UNCLEAR),
        (Outcome(2, out=as_error(f"{FOUND}. {REMEDY}")), Ending.REFUSED),
        (Outcome(2, out=as_error(f"{FOUND}.")), Ending.UNCLEAR),
        (Outcome(3, out=as_problem(REMEDY)), Ending.REFUSED),
        (Outcome(3, out=as_problem("")), Ending.UNCLEAR),
        (Outcome(2, err="tutelage resume: Something is wrong. Do something."), Ending.UNCLEAR),
        (Outcome(1, err=f"{FOUND}. {REMEDY}"), Ending.UNCLEAR),
        (Outcome(0, out=json.dumps({"runs": [{"run": "run", "fault": "run/plan.json: is missing"}]})), Ending.TOLD),
        (Outcome(0, out=json.dumps({"runs": [{"run": "run", "fault": "run/result.json: is missing"}]})), Ending.SILENT),
        (Outcome(0, err="Warning: the test part is small."), Ending.SILENT),
        (Outcome(0, out=json.dumps({"runs": [{"run": "run", "fault": ""}]})), Ending.SILENT),
        (Outcome(0, err="Traceback (most recent call last)"), Ending.TRACEBACK),
    ],
)
def test_a_verdict_is_just(outcome: Outcome, ending: Ending) -> None:
    assert judge(outcome, is_right=False, places=["plan.json"]).ending is ending
