"""Where the mean of several models is worse than one of them, that is told."""

import pytest

from tutelage.cli.ensemble_verb import _worse

MEMBERS = [
    {"run": "runs/a", "metrics": {"test/accuracy": 0.9, "test/loss": 0.1376}},
    {"run": "runs/b", "metrics": {"test/accuracy": 0.8, "test/loss": 0.4}},
]


def test_a_mean_that_is_worse_than_a_member_is_warned_of() -> None:
    (found,) = _worse(MEMBERS, {"test/accuracy": 0.85, "test/loss": 0.189})
    assert found.startswith("test/loss of the mean is 0.1890, of runs/a alone 0.1376")


@pytest.mark.parametrize("metrics", [{"test/accuracy": 0.5, "test/loss": 0.12}, {"test/accuracy": 0.5}, {}])
def test_a_mean_that_is_better_is_not(metrics: dict[str, float]) -> None:
    assert _worse(MEMBERS, metrics) == []
