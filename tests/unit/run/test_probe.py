"""A time that is too short is told with what is needed."""

import time
from types import SimpleNamespace
from typing import Any

from tutelage.run.probe import _time_evaluation, too_short


def test_the_time_that_is_needed_is_what_was_measured() -> None:
    plan: Any = SimpleNamespace(time_seconds=40.0)
    beside = SimpleNamespace(reserve_seconds=10.0)
    problem = SimpleNamespace(
        validation=range(100), test=range(50), beside=beside, reserve=lambda per_row: 20 * per_row, mirroring=None
    )
    composed: Any = SimpleNamespace(problem=problem)
    said = too_short(plan, composed, 0.1, passed=30.0)
    # 30 s before, 25 s for 250 rows, 10 s for the floor, 2 s to decide, 1.5 s for the report, and 3 % for noise.
    assert said.startswith("40 s are too short: reading, evaluating and reporting alone take about 71 s here.")
    assert said.endswith("--time 213s.")


def test_what_is_done_once_before_the_first_evaluation_is_not_counted_for_each_row() -> None:
    class Slow:
        """Takes long the first time, unless it was made ready."""

        is_ready = False

        def __len__(self) -> int:
            return 2

        def ready(self) -> None:
            time.sleep(0.5 * (not self.is_ready))
            self.is_ready = True

        def __call__(self, task: Any) -> dict[str, float]:
            self.ready()
            return {}

    composed: Any = SimpleNamespace(problem=SimpleNamespace(validation=Slow()), state=SimpleNamespace(task=None))
    assert _time_evaluation(composed) < 0.1
