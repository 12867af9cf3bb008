"""Scores under the names and in the form that their metrics ask for."""

import math

import pytest

from tutelage.report.measure import goal, is_rate, label, main_metric, meaning, say_score


def test_keys_become_names() -> None:
    assert [label(key) for key in ("val/accuracy", "test/balanced_accuracy", "lr", "train/loss", "test/rmse")] == [
        "validation accuracy", "test balanced accuracy", "learning rate", "train loss", "test RMSE",
    ]  # fmt: skip
    assert [label(key) for key in ("critic/lr", "val/critic/loss", "train/return")] == [
        "critic learning rate", "validation critic loss", "train return",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("test/accuracy", 0.9364, "93.6 %"),
        ("test/r2", -0.00041, "0.000"),
        ("test/auroc", 0.95, "0.950"),
        ("test/rmse", 46743.2, "46,743"),
        ("test/loss", 0.18934, "0.1893"),
        ("test/auroc", math.nan, "not defined"),
        ("test/accuracy", None, "-"),
        ("test/odd", "text", "text"),
        ("test/return", 487.25, "487.2"),
    ],
)
def test_scores_are_said_as_they_are_usually_read(key: str, value: float | str | None, text: str) -> None:
    assert say_score(key, value) == text


def test_the_run_itself_says_which_score_comes_first() -> None:
    assert main_metric(("test/rmse", "test/r2"), headline="test/rmse") == "test/rmse"
    assert main_metric(("test/rmse", "test/r2"), headline="test/unknown") == "test/r2"


def test_otherwise_the_test_part_comes_first_and_what_training_makes_small_last() -> None:
    keys = ("val/accuracy", "test/loss", "test/accuracy")
    assert main_metric(keys, trained={"loss"}) == "test/accuracy"
    assert main_metric(("val/loss", "val/auroc"), trained={"loss"}) == "val/auroc"
    assert main_metric(("test/loss",), trained={"loss"}) == "test/loss"
    assert main_metric(("test/loss", "test/modes"), trained={"loss"}) == "test/modes"
    assert main_metric(()) == ""


def test_what_is_read_without_knowing_the_data_comes_before_numbers_in_units() -> None:
    assert main_metric(("test/rmse", "test/r2")) == "test/r2"
    assert main_metric(("test/auroc", "test/accuracy")) == "test/accuracy"


def test_a_metric_explains_itself() -> None:
    assert meaning("test/loss").startswith("Minus the logarithm")
    assert meaning("test/accuracy").startswith("The ")
    assert meaning("test/unheard_of") == ""


def test_a_metric_says_which_way_it_should_go() -> None:
    assert [goal(key) for key in ("train/loss", "val/accuracy", "train/return", "train/entropy", "lr")] == [
        "fall",
        "rise",
        "rise",
        "",
        "",
    ]


def test_learning_rates_of_all_phases_are_known() -> None:
    assert [is_rate(key) for key in ("lr", "critic/lr", "train/loss", "lr/x")] == [True, True, False, False]
