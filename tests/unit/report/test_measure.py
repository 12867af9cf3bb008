"""Scores under the names and in the form people know."""

import math

import pytest

from tutelage.report.measure import label, main_metric, meaning, say_score


def test_keys_become_names() -> None:
    assert [label(key) for key in ("val/accuracy", "test/balanced_accuracy", "lr", "test/r2", "train/loss")] == [
        "validation accuracy", "test balanced accuracy", "learning rate", "test R\u00b2", "train loss",
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
    ],
)
def test_scores_are_said_as_they_are_usually_read(key: str, value: float | str | None, text: str) -> None:
    assert say_score(key, value) == text


def test_the_test_part_comes_first_and_accuracy_before_loss() -> None:
    assert main_metric(("val/accuracy", "test/loss", "test/accuracy")) == "test/accuracy"
    assert main_metric(("test/rmse", "test/r2")) == "test/r2"
    assert main_metric(("val/loss", "val/auroc")) == "val/auroc"
    assert main_metric(("test/loss",)) == "test/loss"
    assert main_metric(()) == ""


def test_a_metric_explains_itself() -> None:
    assert "Lower is better" in meaning("test/loss")
    assert meaning("test/accuracy").startswith("The share")
    assert meaning("test/unheard_of") == ""
