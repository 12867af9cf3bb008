"""A floor beside a network: who leaves is decided by the validation rows, and told."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from tutelage.floor.base import FittedFloor, Floor
from tutelage.metric.base import Outcome
from tutelage.predictor.companion import FloorShare
from tutelage.task.beside import ALONE, BOTH, MOSTLY, Beside, mixed
from tutelage.task.companion import whose

ROWS = 200


class Fixed(FittedFloor):
    """Answers what it was told, whatever the rows are."""

    def __init__(self, probability: np.ndarray) -> None:
        self.probability = probability

    def answers(self, part: Any) -> np.ndarray:
        return self.probability


class FixedFloor(Floor):
    """Learns nothing."""

    def fit(self, part: Any, truth: np.ndarray, *, num_classes: int, seed: int) -> FittedFloor:
        return Fixed(np.full((len(truth), num_classes), 1 / max(num_classes, 1)))


@dataclass
class Part:
    """Rows that can be joined."""

    name: str
    rows: int = ROWS

    def renamed(self, name: str) -> "Part":
        return Part(name, self.rows)

    def joined(self, other: "Part") -> "Part":
        return Part(self.name, self.rows + other.rows)


@dataclass
class Prepared:
    """A part with its truth."""

    part: Part
    truth: np.ndarray

    def __len__(self) -> int:
        return len(self.truth)

    def some(self, count: int) -> "Prepared":
        return Prepared(self.part, self.truth[:count])


class Data:
    """What `Beside` asks of the rows."""

    def __init__(self, truth: np.ndarray) -> None:
        self.train, self.validation, self.test = (Prepared(Part(name), truth) for name in ("train", "validation", "test"))
        self.target = type("Target", (), {"classes": (0, 1)})


class LogLoss:
    """The scale of a classifier."""

    mistake_noun: ClassVar[str] = "log loss"

    def mistakes(self, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        right = outcome.prediction[np.arange(len(outcome.target)), outcome.target]
        return -np.log(np.clip(right, 1e-12, 1)), right < 0.5


def sure_of(codes: np.ndarray, confidence: float) -> np.ndarray:
    second = np.where(codes == 1, confidence, 1 - confidence)
    return np.stack([1 - second, second], axis=1)


def chosen(network: np.ndarray, floor: np.ndarray, truth: np.ndarray) -> Beside:
    beside = Beside(FixedFloor(), Data(truth), 0)  # type: ignore[arg-type]
    beside.fit()
    beside.fitted = Fixed(floor)
    beside.choose(network, scale=LogLoss())
    return beside


@pytest.fixture
def truth() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, ROWS)


def test_the_clearly_better_one_leaves_alone(truth: np.ndarray) -> None:
    good, bad = sure_of(truth, 0.95), sure_of(1 - truth, 0.9)
    assert chosen(good, bad, truth).share == ALONE
    assert chosen(bad, good, truth).share == 1.0


def test_two_that_make_different_mistakes_are_averaged(truth: np.ndarray) -> None:
    random = np.random.default_rng(1)
    flips = [random.random(ROWS) < 0.2 for _ in range(2)]
    first, second = (sure_of(np.where(flip, 1 - truth, truth), 0.9) for flip in flips)
    beside = chosen(first, second, truth)
    assert beside.share == BOTH
    assert "the mean of network and floor" in beside.reason


def test_equally_good_ones_are_averaged(truth: np.ndarray) -> None:
    same = sure_of(truth, 0.8)
    assert chosen(same, same, truth).share == BOTH


def test_where_rows_are_few_the_floor_that_leaves_learns_from_all(truth: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    fit = FixedFloor.fit

    def counted(floor: Any, part: Any, truth: np.ndarray, **settings: Any) -> FittedFloor:
        sizes.append(len(truth))
        return fit(floor, part, truth, **settings)

    monkeypatch.setattr(FixedFloor, "fit", counted)
    beside = Beside(FixedFloor(), Data(truth), 0)  # type: ignore[arg-type]
    beside.fit()
    beside.choose(sure_of(truth, 0.5), scale=LogLoss())
    assert sizes == [ROWS, 2 * ROWS]


class LensFloor(FixedFloor):
    """Looks through a network, and learns nothing."""

    needs_lens: ClassVar[bool] = True

    def fit_through(self, lens: Any, part: Any, truth: np.ndarray, *, num_classes: int, seed: int) -> FittedFloor:
        assert lens == "seen"
        return self.fit(part, truth, num_classes=num_classes, seed=seed)


@pytest.mark.parametrize(("rows", "share"), [(20, MOSTLY), (40, BOTH)])
def test_of_few_rows_a_floor_that_looks_through_a_network_counts_for_more(truth: np.ndarray, rows: int, share: float) -> None:
    few = truth[:rows]
    beside = Beside(LensFloor(), Data(few), 0, "seen")  # type: ignore[arg-type]
    beside.fit()
    beside.fitted = Fixed(sure_of(few, 0.8))
    beside.choose(sure_of(few, 0.8), scale=LogLoss())
    assert beside.share == share
    assert beside.per_row > 0


def test_shares_mix_answers() -> None:
    network, floor = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert mixed(network, floor, share=ALONE) is network
    np.testing.assert_array_equal(mixed(network, floor, share=BOTH), [[0.5, 0.5]])
    np.testing.assert_array_equal(mixed(network, floor, share=1.0), floor)


def test_in_a_predictor_the_floor_has_its_share_and_the_network_the_rest() -> None:
    class Ones(FittedFloor):
        def answers(self, part: Any) -> np.ndarray:
            return np.ones(3)

    assert FloorShare(Floor(), Ones(), 0.25).mix(np.full(3, 5.0), Any).tolist() == [4.0] * 3  # type: ignore[arg-type]


def test_whose_answers_leave_is_said_in_words() -> None:
    assert [whose(share) for share in (ALONE, BOTH, 1.0)] == [
        "the network alone",
        "the mean of network and floor",
        "the floor alone",
    ]


def test_why_the_mean_leaves_is_told_where_one_alone_has_the_better_figure() -> None:
    truth = np.zeros(12, dtype=np.int64)
    floor = sure_of(truth, 0.95)
    floor[0] = 1 - floor[0]
    beside = chosen(sure_of(truth, 0.5), floor, truth)
    assert beside.share == BOTH
    assert beside.reason.startswith("mean log loss on the validation part: the network alone 0.6931")
    assert "the floor alone is 0.1057 better" in beside.reason
    assert "less than 2 standard errors" in beside.reason
    assert "standard errors" not in chosen(sure_of(truth, 0.5), sure_of(truth, 0.99), truth).reason


def test_few_rows_by_which_the_network_was_chosen_do_not_let_it_leave_alone() -> None:
    truth = np.arange(29) % 2
    good, bad = sure_of(truth, 0.95), sure_of(truth, 0.7)
    beside = chosen(good, bad, truth)
    assert beside.share == BOTH
    assert "29 rows are too few to trust the network's" in beside.reason
    assert chosen(bad, good, truth).share == 1.0  # the floor never saw them
    more = np.arange(30) % 2
    assert chosen(sure_of(more, 0.95), sure_of(more, 0.7), more).share == ALONE


def test_a_floor_that_hardly_knows_more_than_guessing_is_not_mixed_in_for_want_of_rows() -> None:
    truth = np.arange(29) % 2
    assert chosen(sure_of(truth, 0.95), sure_of(truth, 0.55), truth).share == ALONE


def test_numbers_of_few_rows_are_judged_beside_their_mean() -> None:
    class Squares:
        mistake_noun: ClassVar[str] = "squared error"

        def mistakes(self, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
            return (outcome.prediction - outcome.target) ** 2, outcome.target > 0

    truth = np.random.default_rng(0).normal(size=20)
    for off, share in ((0.3, BOTH), (3.0, ALONE)):
        beside = Beside(FixedFloor(), Data(truth), 0)  # type: ignore[arg-type]
        beside.data.target.classes = ()  # type: ignore[union-attr]
        beside.fit()
        beside.fitted = Fixed(truth + off)
        beside.choose(truth + 0.01, scale=Squares())
        assert beside.share == share
