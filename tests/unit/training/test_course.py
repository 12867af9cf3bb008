"""How often a training tells its loss: from the number of steps alone."""

import pytest

from tutelage.training.course import log_frequency


@pytest.mark.parametrize(
    ("total_steps", "every"),
    [
        (1, 1),
        (99, 1),
        (1000, 10),  # a hundred lines
        (2000, 20),
        (50_000, 20),  # every 20 steps, not one in 500: of ten hours no six minutes go by unseen
        (1_000_000, 100),  # ten thousand lines at most
    ],
)
def test_long_trainings_are_told_often_and_short_ones_in_a_hundred_lines(total_steps: int, every: int) -> None:
    assert log_frequency(total_steps) == every
