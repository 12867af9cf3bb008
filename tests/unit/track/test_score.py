"""How metrics are called and written."""

import pytest

from tutelage.track.score import Scores, say_decimals, say_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.93124, "0.9312"),
        (68420.7, "68,421"),
        (0.000012, "1.20e-05"),
        (0.0, "0.000"),
        (12.3456, "12.35"),
        (999.96, "1000"),
        (2.251e40, "2.251e+40"),
        (-3e18, "-3.000e+18"),
        (float("nan"), "not finite"),
    ],
)
def test_numbers_are_written_with_four_digits(value: float, text: str) -> None:
    assert say_number(value) == text


SCORES = Scores(titles={"auroc": "AUROC"}, forms={"coverage": "percent", "auroc": "fraction"})


def test_a_metric_is_written_in_its_own_form() -> None:
    assert SCORES.value("val/coverage", 0.98611) == "98.61 %"
    assert SCORES.value("val/coverage", float("nan")) == "not finite"
    assert SCORES.value("val/auroc", 0.98611) == "0.9861"
    assert SCORES.value("val/of_ones_own", 0.98611) == "0.9861"


def test_a_name_goes_without_its_part_of_the_data() -> None:
    assert SCORES.say("val/auroc", 0.5) == "AUROC 0.5000"
    assert SCORES.name("val/of_ones_own") == "of ones own"


def test_numbers_of_many_digits_are_written_with_a_power_of_ten() -> None:
    assert say_number(-7.4642e68) == "-7.464e+68"
    assert say_number(21_381_673_850.0) == "2.138e+10"
    assert (say_decimals(0.93), say_decimals(2.2187e36)) == ("0.9300", "2.219e+36")
    assert Scores(forms={"mape": "percent"}).value("val/mape", 1e30) == "1.000e+32 %"
