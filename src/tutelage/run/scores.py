"""What a training came to: the scores of the validation part and, once, of the test part, for result.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tutelage.data.source.recognize import recognize
from tutelage.planning.plan import Plan
from tutelage.run.files import RunFiles
from tutelage.task.base import Problem, Task

__all__ = ["merged", "score", "warn_of_own", "where_of"]

PART_BY_PART = ("figures", "metrics", "intervals", "baseline", "floor", "network")
"""Tables whose entries are of one part each, and so are put together; of all else the last part's counts."""
WARNINGS = "warnings"


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
    found: dict[str, Any] = {}
    for evaluator in evaluators:
        found = merged(found, evaluator.final(task))
    extras = problem.extras()
    if problem.mirroring is not None and (mirror := problem.mirroring.record()):
        extras = {**extras, "mirror": mirror}
    if seconds and "env_steps" in extras:
        speed = {"env_steps_per_second": extras["env_steps"] / seconds}
        extras |= {"figures": {**found.get("figures", {}), "env_steps": extras["env_steps"], **speed}, **speed}
    return {**found, "headline": f"{evaluators[-1].name}/{plan.headline}", **extras}


def merged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two parts' scores say, or scores and a diagnosis: all that either warns of."""
    found = {**before, **after}
    for key in PART_BY_PART:
        if isinstance(before.get(key), Mapping) and isinstance(after.get(key), Mapping):
            found[key] = merged(before[key], after[key])
    if WARNINGS in before and WARNINGS in after:
        found[WARNINGS] = [*before[WARNINGS], *after[WARNINGS]]
    return found


def warn_of_own(source: Any, folder: Path, files: RunFiles, *, so: str = "these scores are too good") -> list[str]:
    """Return a warning where a source is the one that the run was trained on, and what follows from that."""
    if not isinstance(source, str | Path):
        return []
    own = files.recipe().source
    if not own or recognize(str(source)).anywhere(str(source)) != own:
        return []
    remedy = f"The test part that was kept apart: tutelage evaluate {folder}"
    return [f"{source} is what this run was trained on, so {so}. {remedy}"]


def where_of(source: Any) -> str:
    """Name where rows come from."""
    return str(source) if isinstance(source, str | Path) else "the data"
