"""Several runs told as one: the middle half of the scores, with an interval that a bootstrap of the runs gives."""

import pytest

from tutelage.run.several import combined, interquartile_mean


@pytest.mark.parametrize(
    ("values", "known"),
    [
        ([3.0], 3.0),
        ([0.0, 1.0, 2.0, 100.0], 1.5),
        ([100.0, 2.0, 1.0, 0.0], 1.5),
        # A quarter of 5 is 1.25: of 1 three quarters count, of 3 too.
        ([0.0, 1.0, 2.0, 3.0, 100.0], (0.75 * 1 + 2 + 0.75 * 3) / 2.5),
    ],
)
def test_a_quarter_is_cut_off_at_each_end(values: list[float], known: float) -> None:
    assert interquartile_mean(values) == pytest.approx(known)


def test_only_what_all_runs_have_is_told_and_its_interval_lies_around_it() -> None:
    runs = [{"test/return": float(score), "odd": 1.0} for score in (470, 480, 490, 500)]
    means, intervals = combined([*runs, {"test/return": 500.0}])
    assert list(means) == ["test/return"]
    low, high = intervals["test/return"]
    assert 470 <= low < means["test/return"] < high <= 500
