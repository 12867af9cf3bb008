"""Which calibrator is taken: the one with the smallest log loss on rows it was not fitted to, and none where that is no gain.

Each candidate is fitted to all folds of the held-out rows but one, and judged on that one. "Leave it as it is" stands among
them, and gives way only to what is better by two standard errors of the paired difference, since several are tried; of few
rows to one temperature that is better at all, since there hardly anything is ever sure, and a prior holds it near 1. A simpler
calibrator gives way by one to the next that may change the most probable class; to one that keeps it unless that is worse by
one: it says better how sure to be of that class, of which the loss shows little. One that may change it must not make more
mistakes; of several classes clearly fewer, since there one that keeps it says most of the rest.

Shape letters: N rows, C classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tutelage.calibrate.base import Calibrator
from tutelage.core.gain import Gain

__all__ = ["FEW_ROWS", "LEAST_ROWS", "Chosen", "choose_calibrator", "log_losses"]

NUM_FOLDS = 5
LEAST_ROWS = 50
"""Rows below which nothing is changed: half of them would tell little about the other half."""
SURELY, CLEARLY = 2.0, 1.0
"""Standard errors of the difference by which the first has to be better than none, and a more complex one than a simpler one."""
FEW_ROWS = 1_000
"""Rows below which one temperature has to be better at all, in place of clearly."""
MOST_CELLS = 5_000_000
"""Rows * classes^2 beyond which each fit takes long: then a candidate is tried only where the simpler one before it was taken."""
LEAST = float(np.finfo(np.float64).eps)
"""Probabilities are held this far from 0 where losses are compared, as the metric does."""


@dataclass(frozen=True)
class Chosen:
    """What was chosen, and by which numbers.

    Attributes:
        calibrator: Fitted to all rows; None where answers stay as they are.
        answers: What leaves for the rows, each by a calibrator fitted without it, float64 [N, C].
        losses: Mean log loss on rows that were not fitted to, by kind; "" stands for answers as they are.
        reason: Why, in words.
    """

    calibrator: Calibrator | None
    answers: np.ndarray
    losses: Mapping[str, float]
    reason: str


def choose_calibrator(
    prediction: np.ndarray,
    target: np.ndarray,
    kinds: Sequence[type[Calibrator]],
    *,
    seed: int,
    is_asked: bool = False,
) -> Chosen:
    """Choose among kinds of calibrators; the same for the same rows and seed.

    Args:
        prediction: Probabilities of held-out rows, float64 [N, C].
        target: Their classes, int64 [N].
        kinds: The candidates.
        seed: What the cut into folds follows.
        is_asked: Take the only candidate, whatever the numbers say.
    """
    before_N = log_losses(prediction, target)
    losses = {"": float(before_N.mean()) if len(target) else float("nan")}
    if why := _refusal(prediction, len(target), kinds, is_asked=is_asked):
        return Chosen(None, prediction, losses, f"left as it is: {why}")
    fold_N = _folds(target, seed=seed)
    chosen, answers, best_N, last = None, prediction, before_N, None
    is_costly = prediction.size * prediction.shape[1] > MOST_CELLS
    for kind in sorted(kinds, key=lambda kind: kind.freedom):
        if is_costly and last is not chosen and not kind.keeps_decisions:
            break
        last = kind
        found = _cross_fitted(kind, prediction, target, fold_N)
        loss_N = log_losses(found, target)
        losses[_name(kind)] = float(loss_N.mean())
        gain = Gain.of(best_N - loss_N)
        is_good = gain.mean > _needed(kind, chosen, num_rows=len(target)) * gain.error
        if is_asked or (is_good and _may_decide(kind, found, prediction, target)):
            chosen, answers, best_N = kind, found, loss_N if gain.mean > 0 else best_N
    if chosen is None:
        return Chosen(None, prediction, losses, "left as it is: nothing is better by as much as it has to be")
    why = _why(losses, _name(chosen), is_asked=is_asked)
    return Chosen(chosen.fit(prediction, target), answers, losses, f"{_name(chosen)}: {why}")


def _refusal(prediction: np.ndarray, num_rows: int, kinds: Sequence[type[Calibrator]], *, is_asked: bool) -> str:
    """Return why answers are left as they are, whatever the losses; "" where there is something to choose."""
    if not np.isfinite(prediction).all():
        return "the model gives answers that are not finite"
    if num_rows < (2 if is_asked else LEAST_ROWS):
        return f"{num_rows} held-out rows are too few to judge by"
    return "" if kinds else "no calibrator is asked for"


def _needed(kind: type[Calibrator], chosen: type[Calibrator] | None, *, num_rows: int) -> float:
    """Return the standard errors by which a kind has to be better than what was chosen before."""
    if chosen is None:
        return 0.0 if kind.suits_few and num_rows < FEW_ROWS else SURELY
    return -CLEARLY if kind.keeps_decisions else CLEARLY


def _why(losses: Mapping[str, float], name: str, *, is_asked: bool) -> str:
    """Say what spoke for a calibrator, and where another one has a smaller loss, what spoke against that."""
    if is_asked:
        return (
            "as asked"
            if losses[name] < losses[""]
            else "as asked, though the log loss is no smaller on rows that it was not fitted to"
        )
    least = min(losses, key=lambda kind: losses[kind])
    tried = [kind for kind in losses if kind]
    if least == name and len(tried) == 1:
        return "a smaller log loss than as it is, on rows that it was not fitted to; the only one that is tried"
    if least == name:
        return f"the smallest log loss on rows that it was not fitted to, of {', '.join(tried)}"
    return f"a smaller log loss than as it is; {least} is not clearly better, or gets fewer rows right"


def log_losses(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the log loss of each row in nats, float64 [N]."""
    right_N = np.take_along_axis(prediction, target[:, None], axis=1)[:, 0]
    loss_N: np.ndarray = -np.log(np.clip(right_N, LEAST, 1 - LEAST))
    return loss_N


def _name(kind: type[Calibrator]) -> str:
    return str(kind.model_fields["kind"].default)


def _folds(target: np.ndarray, *, seed: int) -> np.ndarray:
    """Return the fold of each row, int64 [N], the classes spread evenly over the folds."""
    order = np.random.default_rng(seed).permutation(len(target))
    by_class = order[np.argsort(target[order], kind="stable")]
    fold_N = np.empty(len(target), dtype=np.int64)
    fold_N[by_class] = np.arange(len(target)) % NUM_FOLDS
    return fold_N


def _cross_fitted(kind: type[Calibrator], prediction: np.ndarray, target: np.ndarray, fold_N: np.ndarray) -> np.ndarray:
    """Return the answers [N, C] for each fold by a calibrator that was fitted to the others."""
    answers = prediction.copy()
    for fold in range(NUM_FOLDS):
        is_held = fold_N == fold
        if is_held.any() and not is_held.all():
            answers[is_held] = kind.fit(prediction[~is_held], target[~is_held]).apply(prediction[is_held])
    return answers


def _may_decide(kind: type[Calibrator], found: np.ndarray, prediction: np.ndarray, target: np.ndarray) -> bool:
    """Tell whether a calibrator keeps the most probable class, or changes it to the better."""
    if kind.keeps_decisions:
        return True
    gained_N = (found.argmax(axis=1) == target).astype(np.float64) - (prediction.argmax(axis=1) == target)
    if prediction.shape[1] == 2:
        return float(gained_N.sum()) >= 0
    return Gain.of(gained_N).is_clear(errors=CLEARLY)
