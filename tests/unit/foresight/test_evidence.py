"""Evidence: exact where the answer is known, drawn towards the prior where little is known."""

import numpy as np
import pytest

from tutelage.foresight.evidence import Effect, Evidence, Observation

LEVEL = {"level": Effect(0.0, 1.0)}


def test_without_rows_the_prior_is_believed() -> None:
    belief = Evidence([], effects={"level": Effect(0.5, 0.3)}, noise=0.4).predict({"level": ("", 2.0)})
    assert belief.mean == 1.0
    assert belief.variances == pytest.approx({"noise": 0.16, "level": 0.36})
    assert belief.sd == pytest.approx(0.52**0.5)


def test_one_row_moves_the_prior_by_the_share_of_its_precision() -> None:
    """With normal noise the mean would be value / (1 + noise^2); a row that fits keeps the weight of at least 4/5 of it."""
    belief = Evidence([Observation(1.0, {"level": ("", 1.0)})], effects=LEVEL, noise=0.1).predict({"level": ("", 1.0)})
    assert belief.mean == pytest.approx(1 / 1.01, abs=0.003)
    assert belief.variances["level"] == pytest.approx(0.01 / 1.01, abs=0.003)


def test_many_rows_give_the_ridge_solution() -> None:
    random = np.random.default_rng(0)
    times = random.normal(size=200)
    values = 0.7 * times + 0.05 * random.normal(size=200)
    rows = [Observation(float(value), {"slope": ("", float(time))}) for value, time in zip(values, times, strict=True)]
    learned = Evidence(rows, effects={"slope": Effect(0.0, 1.0)}, noise=0.05).learned(["slope"])["slope"]
    assert learned.mean == pytest.approx(0.7, abs=0.01)
    assert learned.sd == pytest.approx(0.05 / float(np.sqrt((times**2).sum())), rel=0.3)


def test_a_group_of_its_own_does_not_move_another() -> None:
    effects = {"level": Effect(0.0, 0.001), "source": Effect(0.0, 1.0)}
    rows = [Observation(2.0, {"level": ("", 1.0), "source": ("one", 1.0)}) for _ in range(5)]
    evidence = Evidence(rows, effects=effects, noise=0.1)
    assert evidence.predict({"level": ("", 1.0), "source": ("one", 1.0)}).mean > 1.9
    assert abs(evidence.predict({"level": ("", 1.0), "source": ("another", 1.0)}).mean) < 0.01


def test_a_row_far_off_counts_little() -> None:
    good = [Observation(1.0 + 0.01 * index, {"level": ("", 1.0)}) for index in range(-5, 6)]
    evidence = Evidence([*good, Observation(9.0, {"level": ("", 1.0)})], effects=LEVEL, noise=0.1)
    assert evidence.predict({"level": ("", 1.0)}).mean == pytest.approx(1.0, abs=0.05)
