"""Averaging the answers for an image and its mirror image: decided at the end by held-out rows, at twice the price.

Use it where mirror images keep their meaning, as photos' do; letters' do not. What is mirrored is what the network takes, so
the preprocessing runs once.

Source: Very Deep Convolutional Networks for Large-Scale Image Recognition (Simonyan & Zisserman 2014, arXiv 1409.1556), section
3.2: the class posteriors of the original and of the flipped image are averaged.
Differs from the paper: whether it helps is asked of held-out rows, each of the two with the temperature that suits it best: a
mean is less sure than what it is made of, and calibration mends that.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import torch

from tutelage.calibrate.temperature import Temperature
from tutelage.core.gain import Gain
from tutelage.metric.base import Outcome
from tutelage.planning.plan import Plan
from tutelage.task.base import Task

__all__ = ["Mirroring"]

SURE = 2.0
"""Standard errors that the gain has to be more than: it costs as much again for each answer."""
PASSES = 2
"""Of the validation rows, that deciding takes."""


class Scale(Protocol):
    """Says how wrong answers are."""

    mistake_noun: ClassVar[str]

    def mistakes(self, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        """Return how wrong each prediction is, float64 [N], and which count as mistakes, bool [N]."""


class Asked(Protocol):
    """Rows that answers are measured on."""

    def __len__(self) -> int:
        """Return how many."""

    def outcomes(self, task: Task) -> Iterator[tuple[np.ndarray, Outcome]]:
        """Yield row numbers and predictions beside the truth."""


class Mirroring:
    """Whether answers are averaged with those of mirror images, in one training.

    Attributes:
        is_on: Whether they are now: not while training, and after it as was decided.
        reason: Why, for people; "" before it was decided, and where there is nothing to decide.
    """

    def __init__(self, plan: Plan) -> None:
        """Begin as a plan says: nothing is averaged until `decide`."""
        self.is_on, self.reason = False, ""
        self._wish = plan.mirror
        self._axes = {} if plan.shape is None else plan.shape.mirrored
        self._found: dict[str, float] = {}
        self._rows: Asked
        self._scale: Scale
        self._num_test = 0

    @property
    def axes(self) -> Mapping[str, int]:
        """The tensors that are mirrored now, each with the dimension that runs from left to right."""
        return self._axes if self.is_on else {}

    def asked_of(self, rows: Asked, *, num_test: int, scale: Scale) -> Self:
        """Say by which held-out rows to decide, answered for as `is_on` says, how many test rows follow, and what is worse."""
        self._rows, self._num_test, self._scale = rows, num_test, scale
        return self

    @property
    def passes(self) -> int:
        """How often the network answers for each validation row to decide it: for the image, and for it and its mirror image."""
        return 3 if self._wish == "auto" else 0

    def reserve_seconds(self, per_row: float) -> float:
        """Return what deciding, and measuring afterwards, take beyond what they would without."""
        if self._wish == "off":
            return 0.0
        num_validation = len(self._rows)
        return per_row * (PASSES * num_validation * (self._wish == "auto") + num_validation + self._num_test)

    def decide(self, task: Task) -> str:
        """Decide with the weights that leave, and return why; "" where there is nothing to decide."""
        rows, scale = self._rows, self._scale
        if self._wish != "auto":
            self.is_on = self._wish == "on"
            self.reason = "as was wished" if self.is_on else ""
            return self.reason
        losses, seconds = dict[bool, np.ndarray](), dict[bool, float]()
        for is_on in (False, True):
            self.is_on, began = is_on, time.perf_counter()
            found = [outcome for _, outcome in rows.outcomes(task)]
            seconds[is_on] = (time.perf_counter() - began) / len(rows)
            losses[is_on] = scale.mistakes(_refined(found))[0]
        gain = Gain.of(losses[False] - losses[True])
        self.is_on = gain.is_clear(errors=SURE)
        self._found = {"loss_before": float(losses[False].mean()), "loss_after": float(losses[True].mean()), "error": gain.error}
        self.reason = (
            f"mean {scale.mistake_noun} on the validation part {losses[False].mean():.4g}, averaged with mirror images "
            f"{losses[True].mean():.4g} ({'more' if self.is_on else 'not more'} than {SURE:g} standard errors, each "
            f"{gain.error:.2g}, better); "
            f"a row takes {1000 * seconds[False]:.3g} ms, averaged {1000 * seconds[True]:.3g} ms"
        )
        return self.reason

    def record(self) -> dict[str, Any]:
        """Return what result.json says of it; {} where there are no mirror images, or none are wished for."""
        return {} if self._wish == "off" else {"is_on": self.is_on, **self._found}


def _refined(found: Sequence[Outcome]) -> Outcome:
    """Return all answers as one; probabilities [N, C] with the temperature that suits them best."""
    prediction, target = (np.concatenate([getattr(outcome, key) for outcome in found]) for key in ("prediction", "target"))
    if prediction.ndim == 2:
        module = Temperature.fit(prediction, target).module()
        prediction = module(torch.from_numpy(prediction)).numpy()
    return Outcome(prediction, target)
