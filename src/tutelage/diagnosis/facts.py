"""What was measured of a training, for who asks why it has learned nothing; plain numbers, without torch and without data."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

__all__ = ["LEAST_STEPS", "Curve", "Facts", "Layer"]

ENDS = 5
"""A beginning or an end of a curve is the mean of a fifth of its points: one point alone is noise."""

LEAST_STEPS = 10
"""With fewer, the steps are what is too few."""
FEW = 60
"""Steps, up to the end that was asked for, below which nothing can be said of what could be learned, however small the data."""
FEW_ENV_STEPS = 10_000
"""Environment steps below which nothing can be said of what an agent could learn: it has seen a few dozen episodes."""
FALLING = 0.05
"""Fraction by which a training loss has to have fallen for it to count as falling."""
UNMOVED = 1e-3
"""Of its size: a weight that moved less in all of training is where it began; a healthy one moves as far in a few steps."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One weight of the network, as training has left it.

    Attributes:
        name: Its name, such as `model.0.weight`.
        num_units: How many units it feeds.
        are_alike: Whether the weights of all its units are equal.
        moved: How far training has moved it, relative to its size.
        dead: Fraction of its units that answer 0 to every row; None where it has no rectifier, or nobody looked.
    """

    name: str
    num_units: int
    are_alike: bool = False
    moved: float = 0.0
    dead: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A number over the steps of a training.

    Attributes:
        steps: Ascending.
        values: As many; finite.
    """

    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def start(self) -> float:
        """The mean of its beginning."""
        return fmean(self.values[: self._size])

    @property
    def end(self) -> float:
        """The mean of its end."""
        return fmean(self.values[-self._size :])

    @property
    def fallen(self) -> float:
        """By which fraction it has fallen from its beginning to its end; negative where it has risen."""
        return (self.start - self.end) / max(abs(self.start), abs(self.end), 1e-12)

    @property
    def highest(self) -> float:
        """The largest value."""
        return max(self.values)

    @property
    def _size(self) -> int:
        return max(1, len(self.values) // ENDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A training that has learned nothing, in numbers.

    Attributes:
        steps: Steps done.
        epochs: Passes over the train rows; 0 where the data are endless.
        stopped: Why it ended, such as `budget`.
        rate: The highest learning rate; 0 where it is not known.
        layers: Every weight that has learned.
        losses: The training loss of each log line; of several phases the first one's. None where losses of different steps
            cannot be compared.
        scores: The watched score of each evaluation.
        greater_is_better: The direction of these.
        train: What the model reaches on train rows beside a guess, in words; "" where nobody measured it.
        fits_train: Whether that, or another score on train rows, is clearly better than the guess.
        signal: A score on validation rows that is far better than a guess, in words; "" where none is.
        answer: What the model answers most often, in words.
        answer_fraction: How often it does; None where that is not known.
        truth_fraction: How often that is true; None where that is not known.
        width: Deviation of generated samples, over that of real ones; None where no samples are generated.
        covered: Of real samples, how many have a generated one near; None where nobody measured it.
        is_partly_better: Whether another metric than the one of the headline is better than a guess.
        rollbacks: How often it diverged, and earlier weights were put back.
        env_steps: Steps that an agent took in its environment; 0 where none acts.
        num_train: Rows to learn from, of series windows; 0 where they are not counted.
    """

    steps: int
    epochs: float = 0.0
    stopped: str = "budget"
    rate: float = 0.0
    layers: tuple[Layer, ...] = ()
    losses: Curve = Curve()
    scores: Curve = Curve()
    greater_is_better: bool = True
    train: str = ""
    fits_train: bool = False
    signal: str = ""
    answer: str = ""
    answer_fraction: float | None = None
    truth_fraction: float | None = None
    width: float | None = None
    covered: float | None = None
    is_partly_better: bool = False
    rollbacks: int = 0
    env_steps: int = 0
    num_train: int = 0

    @property
    def moved(self) -> float:
        """How far the weight that moved most has moved, relative to its size; infinite where there is none."""
        return max((layer.moved for layer in self.layers), default=float("inf"))

    @property
    def is_short(self) -> bool:
        """Whether there were too few steps for anything to be said of the data; patience that ran out is evidence."""
        return self.stopped == "budget" and (self.steps < FEW or 0 < self.env_steps < FEW_ENV_STEPS)

    @property
    def was_improving(self) -> bool:
        """Whether the training loss fell, or an agent's score rose, and the last evaluation was the best when training ended."""
        if self.env_steps:
            first_and_last = self.scores.values[:1] + self.scores.values[-1:]
            return len(self.scores) > 2 and len(set(first_and_last)) > 1 and self.best_place == 1.0
        return len(self.losses) > 2 and self.losses.fallen > FALLING and self.best_place == 1.0

    @property
    def is_untrained(self) -> bool:
        """Whether no weight has moved at all, however many steps there were: what it reaches, it would have reached without."""
        return self.steps >= LEAST_STEPS and self.moved < UNMOVED

    @property
    def best_place(self) -> float:
        """Where among the evaluations the best one is: 0 the first, 1 the last, or the only one."""
        values: Sequence[float] = self.scores.values
        if len(values) < 2:
            return 1.0
        best = max(values) if self.greater_is_better else min(values)
        return max(place for place, value in enumerate(values) if value == best) / (len(values) - 1)
