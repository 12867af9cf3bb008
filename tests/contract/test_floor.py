"""Every floor learns from an example, is the same each time, survives its file, and refuses rows of another kind."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tutelage.core import catalog
from tutelage.core.errors import DataError
from tutelage.data.part.base import RowsPart
from tutelage.data.part.interval import HOUR, Interval
from tutelage.data.part.series import SeriesPart
from tutelage.data.part.table import TablePart
from tutelage.data.part.texts import TextPart
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.prepare.timeline import Timeline
from tutelage.data.rows.history import HistoryPart
from tutelage.floor.base import FittedFloor, Floor
from tutelage.floor.forecasts import ForecastFitted

FLOORS = [
    kind
    for kind in catalog.names("floor")
    if "classes" in catalog.load("floor", kind).answers and not catalog.load("floor", kind).needs_lens
]
"""Those that look at rows through a network are in tests/unit/floor/test_linear_probe.py."""
FORECASTERS = [kind for kind in catalog.names("floor") if "forecasts" in catalog.load("floor", kind).answers]


def texts(count: int, *, seed: int) -> tuple[TextPart, np.ndarray]:
    """Return texts whose class one word tells."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 3, count)
    words = np.array(["the", "a", "of", "some", "film", "story", "plot", "actor"])
    told = ["dull", "fine", "great"]
    lines = [" ".join([*random.choice(words, 6), told[code], *random.choice(words, 3)]) for code in codes]
    names = np.array([f"row {row}" for row in range(count)], dtype=object)
    return TextPart("train", np.array(lines, dtype=object), codes.astype(str), names, "x"), codes


def series(count: int, *, seed: int) -> tuple[SeriesPart, np.ndarray]:
    """Return series of unequal length whose class is how quickly they swing, some values missing."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 3, count)
    held = np.empty(count, dtype=object)
    for row, code in enumerate(codes):
        times = np.arange(random.integers(20, 40))
        wave = np.sin(times * (0.4 + 0.4 * code) + random.uniform(0, 6))
        held[row] = np.column_stack([wave, random.normal(size=len(times))]) + 0.1 * random.normal(size=(len(times), 2))
        held[row][random.integers(len(times)), 0] = np.nan
    names = np.array([f"line {row}" for row in range(count)], dtype=object)
    return SeriesPart("train", held, codes.astype(str), names, "x"), codes


EXAMPLES: dict[str, Callable[..., tuple[RowsPart, np.ndarray]]] = {"random_kernels": series, "word_pairs": texts}
"""For each floor what makes rows of its kind, and their truth."""


def example(kind: str, count: int, *, seed: int) -> tuple[RowsPart, np.ndarray]:
    return EXAMPLES[kind](count, seed=seed)


def fitted(kind: str, **settings: object) -> tuple[Floor, FittedFloor]:
    floor: Floor = catalog.load("floor", kind)(**settings)
    part, truth = example(kind, 200, seed=0)
    return floor, floor.fit(part, truth, num_classes=3, seed=0)


@pytest.mark.parametrize("kind", FLOORS)
def test_a_floor_learns_and_answers_with_probabilities(kind: str) -> None:
    _, found = fitted(kind)
    part, truth = example(kind, 100, seed=1)
    answers = found.answers(part)
    assert answers.shape == (100, 3)
    assert answers.dtype == np.float64
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-6)
    assert (answers.argmax(axis=1) == truth).mean() > 0.9


@pytest.mark.parametrize("kind", FLOORS)
def test_a_floor_is_the_same_each_time_and_survives_its_file(kind: str) -> None:
    floor, found = fitted(kind)
    part, _ = example(kind, 50, seed=1)
    assert np.array_equal(fitted(kind)[1].answers(part), found.answers(part))
    tensors = {name: tensor.clone() for name, tensor in found.tensors().items()}
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())
    again = floor.restore(found.state(), tensors)
    assert np.array_equal(again.answers(part), found.answers(part))


@pytest.mark.parametrize("kind", FLOORS)
def test_rows_answered_alone_are_answered_as_among_others(kind: str) -> None:
    _, found = fitted(kind)
    part, _ = example(kind, 20, seed=1)
    alone = np.concatenate([found.answers(part.select(np.array([row]))) for row in range(20)])
    np.testing.assert_allclose(alone, found.answers(part), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", FLOORS)
def test_rows_of_another_kind_are_refused(kind: str) -> None:
    import pyarrow as pa

    _, found = fitted(kind)
    other = TablePart("input", pa.table({"a": [1, 2]}), "x.csv", np.arange(2), "", "x")
    with pytest.raises(DataError):
        found.answers(other)


@pytest.mark.parametrize("kind", FLOORS)
def test_numbers_of_other_sizes_are_refused(kind: str) -> None:
    floor, found = fitted(kind)
    with pytest.raises((ValueError, KeyError)):
        floor.restore(found.state(), {})
    with pytest.raises((ValueError, KeyError)):
        floor.restore(found.state(), {name: tensor[..., :-1] for name, tensor in found.tensors().items()})


NUMBERS = [kind for kind in FLOORS if "numbers" in catalog.load("floor", kind).answers]


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_floor_that_answers_with_numbers_learns_them_in_their_unit_and_survives_its_file(kind: str) -> None:
    floor: Floor = catalog.load("floor", kind)()
    part, codes = example(kind, 300, seed=0)
    found = floor.fit(part, 1_000.0 + 50.0 * codes, num_classes=0, seed=0)
    other, other_codes = example(kind, 100, seed=1)
    answers = found.answers(other)
    assert answers.shape == (100,)
    assert answers.dtype == np.float64
    truth = 1_000.0 + 50.0 * other_codes
    assert ((answers - truth) ** 2).mean() < 0.2 * truth.var()
    again = floor.restore(found.state(), {name: tensor.clone() for name, tensor in found.tensors().items()})
    assert np.array_equal(again.answers(other), answers)
    assert found.telling(other, limit=5) == ()


def windows(*, seed: int, count: int = 400) -> HistoryPart:
    """Return windows over two series that swing daily, one with a trend and some values missing."""
    random = np.random.default_rng(seed)
    times = np.arange(count)
    values = np.column_stack([np.sin(times * 2 * np.pi / 24), 3 + 0.01 * times]) + 0.05 * random.normal(size=(count, 2))
    values[random.integers(count, size=5), 0] = np.nan
    part = TimelinePart("train", values, np.empty((count, 0)), 0, Interval("time", HOUR), ("a", "b"), (), "x.csv", f"{seed}")
    return Timeline(length=48, horizon=12, season=24).fit(part).windows(part)


@pytest.mark.parametrize("kind", FORECASTERS)
def test_a_floor_continues_series_better_than_their_mean(kind: str) -> None:
    floor: Floor = catalog.load("floor", kind)()
    found, later = floor.fit(windows(seed=0), np.empty(0), num_classes=0, seed=0), windows(seed=1)
    answers = found.answers(later)
    assert answers.shape == (len(later), 12, 2)
    assert answers.dtype == np.float64
    error = np.nanmean((answers - later.truths()) ** 2, axis=(0, 1))
    assert (error < 0.1).all(), "1 is what the mean reaches"


@pytest.mark.parametrize("kind", FORECASTERS)
def test_a_forecaster_is_the_same_each_time_alone_and_from_its_file(kind: str) -> None:
    floor: Floor = catalog.load("floor", kind)()
    found, again = (floor.fit(windows(seed=0), np.empty(0), num_classes=0, seed=0) for _ in range(2))
    later = windows(seed=1)
    answers = found.answers(later)
    assert np.array_equal(answers, again.answers(later))
    assert np.array_equal(answers, floor.restore(found.state(), found.tensors()).answers(later))
    np.testing.assert_allclose(found.answers(later.select(np.array([7]))), answers[7:8], rtol=1e-9, atol=1e-12)
    assert isinstance(found, ForecastFitted)
    assert found.refitted(later).answers(later).shape == answers.shape
    with pytest.raises((ValueError, KeyError)):
        floor.restore(found.state(), {})
    with pytest.raises((ValueError, KeyError)):
        floor.restore(found.state(), {name: tensor[..., :-1] for name, tensor in found.tensors().items()})


@pytest.mark.parametrize("kind", FORECASTERS)
def test_a_forecaster_refuses_what_is_no_series(kind: str) -> None:
    with pytest.raises(DataError):
        catalog.load("floor", kind)().fit(series(10, seed=0)[0], np.empty(0), num_classes=0, seed=0)
