"""Every metric says how it is read, and is the same for any cut of its rows, any order of merging, and after a journey."""

from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from tutelage.core import catalog
from tutelage.metric.base import Metric, Tally

KINDS = catalog.names("metric")
RANKING = {"auroc", "average_precision", "ece", "smooth_ece", "classwise_ece"}
KEEP_ROWS = {*RANKING, "coverage", "density", "frechet", "frechet_floor", "precision_coverage"}
"""What ranks or compares rows has to keep some numbers of each; everything else keeps sums."""
NUM_CUTS = 12
TOLERANCE = 1e-11
"""Sums of some hundred numbers differ by their order in the last few of 16 digits."""


def make(kind: str) -> Metric:
    metric: Metric = catalog.load("metric", kind)()
    return metric


def arrays(outcome: Any) -> dict[str, np.ndarray]:
    found = {field.name: getattr(outcome, field.name) for field in fields(outcome)}
    return {name: value for name, value in found.items() if hasattr(value, "__len__")}


def part(outcome: Any, low: float, high: float) -> Any:
    """The rows between two fractions of the whole."""
    cut = {name: value[int(low * len(value)) : int(high * len(value))] for name, value in arrays(outcome).items()}
    return replace(outcome, **cut)


def example(kind: str, number: int) -> Any:
    """An outcome; every second one with weights where there are such, some of them 0."""
    outcome, random = make(kind).examples(number), np.random.default_rng(number)
    if number % 2 and hasattr(outcome, "weight"):
        outcome = replace(outcome, weight=random.choice([0.0, 0.5, 1.0, 2.0], len(outcome.target)))
    return outcome


def journey(metric: Metric, tally: Tally) -> Tally:
    """The tally as another process gets it."""
    there = metric.tally()
    there.restore(load(save(dict(tally.state()))))
    return there


@pytest.mark.parametrize("kind", KINDS)
def test_a_metric_says_how_it_is_read(kind: str) -> None:
    metric = make(kind)
    assert metric.title
    assert metric.title == metric.title.strip()
    assert metric.form in ("number", "percent", "fraction")
    assert isinstance(metric.greater_is_better, bool)
    assert metric.answers.isidentifier()
    assert metric.unit in ("", "target")
    assert metric.refusal(None) == metric.refusal(10) == ""


def test_no_two_metrics_have_one_title() -> None:
    titles = [make(kind).title.lower() for kind in KINDS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_the_same_for_the_same_seed_and_has_a_value(kind: str) -> None:
    metric = make(kind)
    assert np.isfinite(metric.compute(metric.examples(1)))
    assert metric.compute(metric.examples(1)) == metric.compute(metric.examples(1))
    assert metric.compute(metric.examples(1)) != metric.compute(metric.examples(2))


@pytest.mark.parametrize("kind", KINDS)
def test_one_batch_gives_the_bits_of_the_one_shot_way(kind: str) -> None:
    for number in range(4):
        metric, outcome = make(kind), example(kind, number)
        tally = metric.tally()
        tally.add(outcome)
        assert tally.value() == metric.compute(outcome)
        assert journey(metric, tally).value() == tally.value()


@pytest.mark.parametrize("kind", KINDS)
def test_any_cut_and_any_order_of_merging_give_the_same(kind: str) -> None:
    metric = make(kind)
    for number in range(NUM_CUTS):
        random, outcome = np.random.default_rng(number), example(kind, number)
        # Twice the same place is an empty part.
        places = [0.0, *np.sort(random.random(7)).repeat(1 + number % 2).tolist(), 1.0]
        tallies = []
        for low, high in pairwise(places):
            middle, tally = (low + high) / 2, metric.tally()
            tally.add(part(outcome, low, middle))
            tally.add(part(outcome, middle, high))
            tallies.append(tally)
        while len(tallies) > 1:
            one = tallies.pop(int(random.integers(len(tallies))))
            other = tallies[int(random.integers(len(tallies)))]
            other.merge(journey(metric, one) if random.random() < 0.5 else one)
        assert tallies[0].value() == pytest.approx(metric.compute(outcome), rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_merged_tally_is_left_as_it_was(kind: str) -> None:
    metric = make(kind)
    one, other = metric.tally(), metric.tally()
    one.add(metric.examples(1))
    other.add(metric.examples(2))
    before = other.value()
    one.merge(other)
    one.add(metric.examples(3))
    assert other.value() == before


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_adds_nothing(kind: str) -> None:
    metric, outcome = make(kind), make(kind).examples(0)
    empty, tally = metric.tally(), metric.tally()
    assert np.isnan(empty.value())
    empty.add(part(outcome, 0.0, 0.0))
    assert np.isnan(empty.value())
    tally.merge(journey(metric, empty))
    tally.add(outcome)
    tally.merge(empty)
    assert tally.value() == metric.compute(outcome)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_ranks_or_compares_rows_keeps_them(kind: str) -> None:
    metric = make(kind)
    sizes = []
    for repeats in (1, 5):
        tally = metric.tally()
        for number in range(repeats):
            tally.add(metric.examples(number))
        sizes.append(sum(array.nbytes for array in tally.state().values()))
    assert sizes[1] == (5 if kind in KEEP_ROWS else 1) * sizes[0]
