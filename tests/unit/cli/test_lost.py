"""What a smaller model has lost is said as a loss, and what it has gained as a gain."""

import pytest

from tutelage.cli.lost import say_lost


@pytest.mark.parametrize(("lost", "said"), [(0.143, "0.14 points lost"), (0.0, "0.00 points lost"), (-8.3, "8.30 points gained")])
def test_a_gain_is_no_negative_loss(lost: float, said: str) -> None:
    assert say_lost({"lost": lost, "unit": "points", "num_rows": 1200}) == f"{said} on 1,200 validation rows"
