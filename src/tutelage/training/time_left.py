"""How long a run will still take: its steps at their recent pace, the evaluations that are due, and what is done at its end.

What was forecast before the first step is believed as much as some seconds of steps; then what the run itself shows counts more
and more, the latest most.
"""

import math
from dataclasses import dataclass

__all__ = ["Expected", "TimeLeft"]

BELIEF_SECONDS = 5.0
"""Seconds of steps that weigh as much as what was forecast."""
LEAST_SECONDS = 1e-12
"""Of a step: no machine makes one in less, so a forecast of it is none."""
FADING_SECONDS = 60.0
"""Time after which what was seen weighs about a third: a machine gets busy, and idle again."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a forecast says of the parts that are still to come; 0 where nothing is known.

    Attributes:
        step_seconds: Of one step.
        evaluation_seconds: Of one evaluation.
        ending_seconds: Of all that is done after the last step.
        budget_seconds: The time budget of the whole run.
    """

    step_seconds: float = 0.0
    evaluation_seconds: float = 0.0
    ending_seconds: float = 0.0
    budget_seconds: float = 0.0


class TimeLeft:
    """Watches steps go by, and tells the time that is left."""

    def __init__(self, expected: Expected) -> None:
        """Believe what was forecast."""
        self.expected = Expected()
        self._seconds, self._steps = 0.0, 0.0
        self.expect(expected)

    def expect(self, expected: Expected) -> None:
        """Believe what is forecast now; of its steps, what is told first."""
        if expected.step_seconds > LEAST_SECONDS >= self.expected.step_seconds:
            self._seconds += BELIEF_SECONDS
            self._steps += BELIEF_SECONDS / expected.step_seconds
        self.expected = expected

    def look(self, num_steps: int, seconds: float) -> None:
        """Take note that so many steps took so many seconds, what else was done between them left out."""
        if num_steps > 0 and seconds >= 0:
            kept = math.exp(-seconds / FADING_SECONDS)
            self._seconds = kept * self._seconds + seconds
            self._steps = kept * self._steps + num_steps

    @property
    def step_seconds(self) -> float:
        """Seconds of a step, as far as is known now."""
        return self._seconds / self._steps if self._steps else 0.0

    def seconds(self, num_steps: int, *, evaluations: int, evaluation_seconds: float, spent: float) -> float:
        """Return the seconds to the end of the run.

        Args:
            num_steps: Steps to come.
            evaluations: Evaluations to come.
            evaluation_seconds: What the last one took; 0 where there was none.
            spent: Seconds that the run has taken; a time budget ends it.
        """
        each = evaluation_seconds or self.expected.evaluation_seconds
        left = num_steps * self.step_seconds + evaluations * each + self.expected.ending_seconds
        budget = self.expected.budget_seconds
        return min(left, max(budget - spent, 0.0)) if budget else left
