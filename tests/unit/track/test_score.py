"""How metrics are called and written."""

import pytest

from tutelage.core import catalog
from tutelage.track.score import is_metric, say_metric, say_name, say_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.93124, "0.9312"),
        (68420.7, "68,421"),
        (0.000012, "1.20e-05"),
        (0.0, "0.000"),
        (12.3456, "12.35"),
        (999.96, "1000"),
        (float("nan"), "not finite"),
    ],
)
def test_numbers_are_written_with_four_digits(value: float, text: str) -> None:
    assert say_number(value) == text


def test_a_metric_is_written_in_its_own_form() -> None:
    assert catalog.load("metric", "coverage").form == "percent"
    assert say_metric("val/coverage", 0.98611) == "98.61 %"
    assert say_metric("val/coverage", float("nan")) == "not finite"
    assert say_metric("val/of_ones_own", 0.98611) == "0.9861"


def test_a_name_goes_without_its_part_of_the_data() -> None:
    assert say_name("val/nats_per_character") == catalog.load("metric", "nats_per_character").title
    assert say_name("val/of_ones_own") == "of ones own"


def test_metrics_are_told_from_parts_of_a_loss() -> None:
    assert is_metric("train/mean_return")
    assert not is_metric("train/critic/real")
