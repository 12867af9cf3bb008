"""A floor beside a network: what the network adds to it, and whether one of them or the mean of both leaves the training.

The floor is fitted to the same train rows and never sees the others. Which of the three is best is decided on the validation
part; where it makes no clear difference, both are averaged, since two kinds of model seldom make the same mistakes.
"""

import time
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from torch import nn

from tutelage.core.gain import Gain
from tutelage.data.part.base import RowsPart
from tutelage.floor.base import FittedFloor, Floor
from tutelage.floor.lens import Lens
from tutelage.metric.base import Outcome
from tutelage.model.arch.base import Model
from tutelage.planning.plan import Plan
from tutelage.task.companion import told, whose
from tutelage.task.rows import PreparedPart, RowsData

__all__ = ["ALONE", "BOTH", "Beside", "is_refitted", "lens_of", "mixed"]

ALONE, BOTH = 0.0, 0.5
"""Share of the floor in the answers where the network answers alone, and where both do."""
MOSTLY = 0.75
"""Share in both of a floor that looks through a network, where rows are few: it is the steadier one (docs/LOG.md)."""
MAX_TELLING = 20
"""Things that are named for each class."""
CLEARLY = 2.0
"""Standard errors by which one alone has to be better than the mean of both: a few validation rows flatter the surer one."""
FEW_JUDGES = 30
"""Validation rows below which the network does not leave alone: its best weights were chosen by them, and flatter it."""
MOST_OF_GUESSING = 0.75
"""Of the loss of guessing: a floor above it knows too little to be mixed in unasked, such as one of texts that say nothing."""
FEW_ANSWERED = 128
"""Train rows that are answered for to see how long that takes."""
FEW_ROWS = 5_000
"""Where train and validation are fewer rows together, the floor that leaves is fitted to both: no row is spared."""


class Scale(Protocol):
    """What the floor's answers are judged by; the task knows.

    Attributes:
        mistake_noun: What the size of a mistake is called, such as `log loss`.
    """

    mistake_noun: ClassVar[str]

    def mistakes(self, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        """Return how wrong each prediction is, float64 [N], and which count as mistakes."""


def mixed(network: np.ndarray, floor: np.ndarray, *, share: float) -> np.ndarray:
    """Return the mean of two models' answers, [N] or [N, C], of which the floor's have this share."""
    return network if not share else (1 - share) * network + share * floor


def is_refitted(num_train: int, num_validation: int) -> bool:
    """Tell whether a floor that leaves has learned from so many train and validation rows together."""
    return num_train + num_validation <= FEW_ROWS


def lens_of(network: nn.Module, plan: Plan, data: RowsData) -> Lens:
    """Return a network that has just been built, and will be trained, as a floor looks through it: a copy."""
    assert isinstance(network, nn.Sequential)
    assert isinstance(plan.model, Model)
    assert plan.shape is not None
    held = deepcopy(network).to("cpu").eval()
    return Lens(held, plan.model, plan.shape, plan.num_outputs, getattr(data.prepare, "restored_by", ""), data.fitted)


@dataclass
class Beside:
    """A floor beside the network of one training.

    Attributes:
        floor: Which one.
        data: Its rows.
        seed: The run's.
        lens: What it looks through, where it needs that.
        share: Of the floor in the answers; decided when training has ended.
        seconds: How long fitting took.
        per_row: How long an answer takes, in seconds.
        reason: Why the share is what it is.
    """

    floor: Floor
    data: RowsData
    seed: int
    lens: Lens | None = None
    share: float = ALONE
    seconds: float = 0.0
    per_row: float = 0.0
    reason: str = ""
    fitted: FittedFloor | None = None
    _answers: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def reserve_seconds(self) -> float:
        """What it may take at the end: answering for the other parts, and fitting once more where rows are few."""
        num_test = len(self.data.test) if self.data.test is not None else 0
        again = self.seconds if self._is_refitted else 0.0
        return self.per_row * (len(self.data.validation) + num_test) + again

    def fit(self) -> None:
        """Fit to the train rows; the same each time."""
        began = time.monotonic()
        self.fitted = self._fit_to(self.data.train.part, self.data.train.truth)
        fitted = time.monotonic()
        self.seconds = fitted - began
        # Some floors fit fast and answer slowly, others the other way round.
        few = self.data.train.some(FEW_ANSWERED)
        self.fitted.answers(few.part.renamed("input"))
        self.per_row = (time.monotonic() - fitted) / max(len(few), 1)

    def answers(self, part: PreparedPart) -> np.ndarray:
        """Return the floor's answers for a part in the user's unit, computed once."""
        assert self.fitted is not None
        name = part.part.name
        if name not in self._answers:
            self._answers[name] = self.fitted.answers(part.part)
        return self._answers[name]

    def choose(self, network: np.ndarray, *, scale: Scale) -> None:
        """Decide whose answers leave, by the mean loss over the validation rows.

        Args:
            network: The network's answers for them.
            scale: Says how wrong answers are.
        """
        part = self.data.validation
        floor, truth = self.answers(part), part.truth
        assert truth is not None
        both = MOSTLY if self.floor.needs_lens and len(truth) < FEW_JUDGES else BOTH
        losses = {share: scale.mistakes(Outcome(mixed(network, floor, share=share), truth))[0] for share in (ALONE, both, 1.0)}
        best = min(losses, key=lambda share: float(losses[share].mean()))
        gain = Gain.of(losses[both] - losses[best])
        is_flattered = best == ALONE and len(truth) < FEW_JUDGES and self._knows(losses[1.0], scale=scale)
        self.share = best if best != both and gain.is_clear(errors=CLEARLY) and not is_flattered else both
        why = ""
        if is_flattered:
            few = f"{len(truth)} rows are too few to trust the network's, whose best weights were chosen by them"
            why = f"; {few}, so both are averaged"
        elif self.share != best:
            better = f"{gain.mean:.4g} better than the mean of both, which is less than {CLEARLY:g} standard errors"
            why = f"; {whose(best)} is {better} ({gain.error:.4g} each), so both are averaged"
        means = ", ".join(f"{whose(share)} {float(loss.mean()):.4g}" for share, loss in losses.items())
        self.reason = f"mean {scale.mistake_noun} on the validation part: {means}{why}"
        if self.share and self._is_refitted:
            self._refit()

    def record(self) -> dict[str, Any]:
        """Return what result.json says of it, but for the scores."""
        return told(self, self._telling())

    def _knows(self, loss_N: np.ndarray, *, scale: Scale) -> bool:
        """Tell whether the floor's losses over the validation rows are well below those of saying the mean of the train rows."""
        train, truth = self.data.train.truth, self.data.validation.truth
        target = self.data.target
        assert train is not None
        assert truth is not None
        assert target is not None
        is_classified = bool(target.classes) and truth.ndim == 1
        mean = np.bincount(train, minlength=len(target.classes)) / len(train) if is_classified else train.mean(axis=0)
        guess = np.broadcast_to(mean, (len(truth), *np.shape(mean)))
        return float(loss_N.mean()) < MOST_OF_GUESSING * float(scale.mistakes(Outcome(guess, truth))[0].mean())

    def _telling(self) -> list[dict[str, Any]]:
        """Return for each class what in the validation rows speaks for it, by the floor; [] where the floor cannot say."""
        target = self.data.target
        if self.fitted is None or target is None or not target.classes:
            return []
        found = self.fitted.telling(self.data.validation.part, limit=MAX_TELLING)
        return [
            {"class": str(name), "things": [thing._asdict() for thing in things]}
            for name, things in zip(target.classes, found, strict=False)
        ]

    @property
    def _is_refitted(self) -> bool:
        """Whether the validation rows are learned from too, once they have decided."""
        return is_refitted(len(self.data.train), len(self.data.validation))

    def _refit(self) -> None:
        """Fit to the validation rows too; what was answered for these stays, since it was not fitted to them."""
        train, validation = self.data.train, self.data.validation
        assert train.truth is not None
        assert validation.truth is not None
        kept = self.answers(validation)
        whole = train.part.joined(validation.part)
        if whole is not None:
            self.fitted = self._fit_to(whole.renamed("input"), np.concatenate([train.truth, validation.truth]))
            self._answers = {validation.part.name: kept}

    def _fit_to(self, part: RowsPart, truth: np.ndarray | None) -> FittedFloor:
        target = self.data.target
        assert truth is not None
        assert target is not None
        beside: dict[str, Any] = {"num_classes": len(target.classes), "seed": self.seed}
        if not self.floor.needs_lens:
            return self.floor.fit(part, truth, **beside)
        assert self.lens is not None
        return self.floor.fit_through(self.lens, part, truth, **beside)
