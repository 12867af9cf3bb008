"""Whether an exported file answers as the model in the house does: row by row, on rows that the training never saw."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutelage.core.errors import RunError
from tutelage.export.base import Answerer
from tutelage.export.outgoing import Output

__all__ = ["Check", "compare"]

TOLERANCE = 1e-4
"""Of a probability; of a number in standard deviations of the answers."""


@dataclass(frozen=True)
class Check:
    """What a comparison found.

    Attributes:
        num_rows: Rows that were compared.
        max_difference: Largest difference of an output, in its unit.
        labels_equal: Whether each row has the same label.
    """

    num_rows: int
    max_difference: float
    labels_equal: bool


def compare(
    answer: Answerer,
    batches: Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]],
    expected: np.ndarray,
    *,
    output: Output,
    labels: tuple[Any, ...],
    locate: Any,
) -> Check:
    """Run a file on rows and compare.

    Args:
        answer: Runs the file.
        batches: Row numbers and raw inputs.
        expected: What the model in the house answers, [N, ...].
        output: The output that is compared.
        labels: Names of the classes; () where there are none.
        locate: Names a row.

    Raises:
        RunError: An answer differs; which row, which output and how far.
    """
    scale = 1.0 if labels else max(float(np.nanstd(expected)), float(np.abs(expected).max(initial=0.0)) * 1e-3, 1e-12)
    worst, count, are_equal = 0.0, 0, True
    for rows, raw in batches:
        found = answer(raw)
        got, wanted = np.asarray(found[output.name], dtype=np.float64), expected[rows]
        if got.shape != wanted.shape:
            raise RunError(f"the exported file gives {output.name} of sizes {got.shape}, the model {wanted.shape}.")
        difference = np.where(got == wanted, 0.0, np.abs(got - wanted))
        difference = np.where(np.isnan(difference), np.inf, difference)
        place = np.unravel_index(int(difference.argmax()), difference.shape) if difference.size else ()
        if difference.size and difference[place] > TOLERANCE * scale:
            raise RunError(_mismatch(rows, place, got, wanted, output=output, labels=labels, locate=locate))
        worst, count = max(worst, float(difference.max(initial=0.0))), count + len(rows)
        if labels:
            are_equal &= _same_labels(got, wanted, found.get("label"), labels)
    return Check(count, worst, are_equal)


def _same_labels(got: np.ndarray, wanted: np.ndarray, told: np.ndarray | None, labels: tuple[Any, ...]) -> bool:
    """Tell whether each row has the same label; where two classes are as probable as each other, either is."""
    first, own = wanted.argmax(axis=1), got.argmax(axis=1)
    names = [str(labels[code]) for code in own.tolist()]
    if told is not None and [str(name) for name in told.tolist()] != names:
        return False
    rows = np.arange(len(first))
    return bool((np.abs(wanted[rows, first] - wanted[rows, own]) <= 2 * np.abs(got - wanted).max(axis=1)).all())


def _mismatch(
    rows: np.ndarray, place: Any, got: np.ndarray, wanted: np.ndarray, *, output: Output, labels: tuple[Any, ...], locate: Any
) -> str:
    """Say which row differs, in which output, and how far."""
    where = locate(int(rows[place[0]]))
    name = f"{output.name} of {labels[place[1]]!r}" if labels and len(place) > 1 else output.name
    far = abs(got[place] - wanted[place])
    return (
        f"the exported file does not answer as the model does: {where}, {name}: {got[place]:.6g} in place of "
        f"{wanted[place]:.6g}, which is {far:.3g} apart. Nothing was kept; please report it with the run."
    )
