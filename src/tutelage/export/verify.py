"""Whether an exported file answers as the model in the house does: row by row, on rows that the training never saw."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutelage.core.errors import RunError
from tutelage.export.base import Answerer
from tutelage.export.outgoing import Output
from tutelage.export.proof import Proof

__all__ = ["Check", "compare"]

TOLERANCE = 1e-4
"""Of a probability; of a number in standard deviations of the answers."""
SMALLEST_SCALE = 1e-2
"""Of the largest answer, where answers hardly differ: a millionth of it is what single precision can promise."""
TIE = 1e-6
"""Probabilities that are as near as this are equal: which of the classes is named is a matter of rounding."""
ROUGH_TIE = 0.05
"""The same where `predict` computes with the eight bits of bfloat16, whose roundings add up from layer to layer."""


@dataclass(frozen=True)
class Check:
    """What a comparison found.

    Attributes:
        num_rows: Rows that were compared.
        max_difference: Largest difference of an output from the model in single precision, in its unit.
        labels_equal: Whether each row has the same label, as `predict` gives it too.
        predict_difference: Largest difference from what `predict` answers where it computes in another precision; None where
            it computes in the same.
    """

    num_rows: int
    max_difference: float
    labels_equal: bool
    predict_difference: float | None = None


def compare(answer: Answerer, proof: Proof, *, outputs: tuple[Output, ...], labels: tuple[Any, ...]) -> Check:
    """Run a file on rows and compare.

    Args:
        answer: Runs the file.
        proof: Rows, and what the model in the house answers.
        outputs: What the file gives, all of which is compared.
        labels: Names of the classes; () where there are none.

    Raises:
        RunError: An answer or a label differs, which row, which output and how far; or there is no row to compare.
    """
    first, worst, count, are_equal = outputs[0].name, 0.0, 0, True
    wanted = {first: proof.expected, **proof.others}
    scales = {name: _scale(values) for name, values in wanted.items()} | ({first: 1.0} if labels else {})
    rough = None if proof.predicted is None else 0.0
    for rows, raw in proof.batches:
        found = answer(raw)
        for output in outputs:
            own, got = wanted[output.name][rows], np.asarray(found[output.name])
            _require_sizes(output, got, own)
            difference = _difference(got, own)
            if own.dtype.kind in "iu":
                difference[_is_tie(got, own, proof.expected[rows], within=2 * TOLERANCE * scales[first])] = 0.0
            place = np.unravel_index(int(difference.argmax()), difference.shape) if difference.size else ()
            if difference.size and difference[place] > TOLERANCE * scales[output.name]:
                names = labels if output is outputs[0] else ()
                raise RunError(_mismatch(rows, place, got, own, name=output.name, labels=names, locate=proof.locate))
            worst = max(worst, float(difference.max(initial=0.0)))
        count += len(rows)
        got = np.asarray(found[first], dtype=np.float64)
        if labels:
            _require_labels(rows, got, found.get("label"), labels=labels, locate=proof.locate)
            are_equal &= not len(_other_labels(got, proof.expected[rows], within=TIE))
        if proof.predicted is not None:
            rough = max(rough or 0.0, float(_difference(got, proof.predicted[rows]).max(initial=0.0)))
            are_equal &= not labels or _agrees(rows, got, proof.predicted[rows], labels=labels, locate=proof.locate)
    if not count:
        raise RunError("there is no validation row on which the exported file could be compared. Nothing was kept.")
    return Check(count, worst, are_equal, rough)


def _scale(values: np.ndarray) -> float:
    """Return what a difference is measured in."""
    known = values[np.isfinite(values)]
    return max(float(known.std()), float(np.abs(known).max()) * SMALLEST_SCALE, 1e-12) if known.size else 1.0


def _require_sizes(output: Output, got: np.ndarray, wanted: np.ndarray) -> None:
    if got.shape != wanted.shape:
        raise RunError(f"the exported file gives {output.name} of sizes {got.shape}, the model {wanted.shape}.")


def _difference(got: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return how far apart values are, float64; infinitely where only one of them is a number."""
    given, own = np.asarray(got, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    is_same = (given == own) | (np.isnan(given) & np.isnan(own))
    with np.errstate(invalid="ignore"):
        apart = np.where(is_same, 0.0, np.abs(given - own))
    return np.where(np.isnan(apart), np.inf, apart)


def _is_tie(got: np.ndarray, wanted: np.ndarray, scores: np.ndarray, *, within: float) -> np.ndarray:
    """Return which rows name another choice that is as good, bool [N]; of what is no choice among the scores, none."""
    if wanted.ndim != 1 or scores.ndim != 2 or got.min(initial=0) < 0 or got.max(initial=0) >= scores.shape[1]:
        return np.zeros(len(wanted), dtype=bool)
    rows = np.arange(len(wanted))
    tie: np.ndarray = np.abs(scores[rows, wanted] - scores[rows, got.astype(np.int64)]) <= within
    return tie


def _require_labels(
    rows: np.ndarray, got: np.ndarray, told: np.ndarray | None, *, labels: tuple[Any, ...], locate: Callable[[int], str]
) -> None:
    """Refuse a file that names another class than its most probable one."""
    if told is None:
        return
    for row, code, name in zip(rows.tolist(), got.argmax(axis=1).tolist(), told.tolist(), strict=True):
        if str(name) != str(labels[code]):
            found = f"{locate(row)}: the label {name!r}, though {labels[code]!r} is its most probable class"
            raise RunError(f"the exported file gives of {found}. Nothing was kept; please report it with the run.")


def _other_labels(got: np.ndarray, wanted: np.ndarray, *, within: float) -> np.ndarray:
    """Return the rows that have another label; where two classes are as probable as each other, either is right."""
    rows, first, own = np.arange(len(wanted)), wanted.argmax(axis=1), got.argmax(axis=1)
    return np.flatnonzero(wanted[rows, first] - wanted[rows, own] > within)


def _agrees(
    rows: np.ndarray, got: np.ndarray, predicted: np.ndarray, *, labels: tuple[Any, ...], locate: Callable[[int], str]
) -> bool:
    """Tell whether each row has the label that `predict` gives it.

    Raises:
        RunError: A row has another one, and the two classes are not nearly equal.
    """
    for place in _other_labels(got, predicted, within=ROUGH_TIE).tolist():
        own, other = (int(values[place].argmax()) for values in (predicted, got))
        found = f"{locate(int(rows[place]))} is {labels[own]!r} to predict, with {predicted[place, own]:.3g}"
        found += f", and {labels[other]!r} to the exported file, with {got[place, other]:.3g}"
        remedy = "predict computes in bfloat16: to export it, train with --set precision=float32. Nothing was kept"
        raise RunError(f"{found}. {remedy}.")
    return not len(_other_labels(got, predicted, within=TIE))


def _mismatch(
    rows: np.ndarray,
    place: Any,
    got: np.ndarray,
    wanted: np.ndarray,
    *,
    name: str,
    labels: tuple[Any, ...],
    locate: Callable[[int], str],
) -> str:
    """Say which row differs, in which output, and how far."""
    where = locate(int(rows[place[0]]))
    what = f"{name} of {labels[place[1]]!r}" if labels and len(place) > 1 else name
    far = abs(float(got[place]) - float(wanted[place]))
    return (
        f"the exported file does not answer as the model does: {where}, {what}: {got[place]:.6g} in place of "
        f"{wanted[place]:.6g}, which is {far:.3g} apart. Nothing was kept; please report it with the run."
    )
