"""What a training came to: the scores of the validation part and, once, of the test part, for result.json."""

from collections.abc import Mapping
from typing import Any

from tutelage.planning.plan import Plan
from tutelage.task.base import Problem, Task

__all__ = ["score"]

PART_BY_PART = ("figures", "metrics", "intervals", "baseline", "floor", "network")
"""Tables whose entries are of one part each, and so are put together; of all else the last part's counts."""


def score(problem: Problem, task: Task, plan: Plan, *, is_tested: bool, seconds: float = 0.0) -> dict[str, Any]:
    """Score the validation part, and the test part where it is to be opened.

    Args:
        problem: What measures.
        task: With the weights that leave.
        plan: Names the metric of the headline.
        is_tested: Whether to open the test part; not where the run will go on later.
        seconds: What the training took until now.
    """
    evaluators = [problem.validation, *([problem.test] if problem.test is not None and is_tested else [])]
    merged: dict[str, Any] = {}
    for evaluator in evaluators:
        merged = _merged(merged, evaluator.final(task))
    extras = problem.extras()
    if seconds and "env_steps" in extras:
        speed = {"env_steps_per_second": extras["env_steps"] / seconds}
        extras |= {"figures": {**merged.get("figures", {}), "env_steps": extras["env_steps"], **speed}, **speed}
    return {**merged, "headline": f"{evaluators[-1].name}/{plan.headline}", **extras}


def _merged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return both parts' scores."""
    merged = {**before, **after}
    for key in PART_BY_PART:
        if isinstance(before.get(key), Mapping) and isinstance(after.get(key), Mapping):
            merged[key] = _merged(before[key], after[key])
    return merged
