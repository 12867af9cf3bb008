"""Series from Python: an array [N, T] or [N, T, C], or a list of arrays [T] or [T, C] of any lengths; not a component."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.series import SeriesPart
from tutelage.data.source.python_values import is_table_like, to_array, to_labels
from tutelage.data.source.series_lines import SeriesRow, row_problem, series_part

__all__ = ["are_unequal", "go_on_in_time", "read_series_arrays"]

LEAST_TIMES, MOST_ROWS = 8, 500
ALIKE = 0.5
"""Share of the usual difference between two values of a series below which neighbors in time are alike (white noise has 1)."""

FORMS = "an array [N, T] or [N, T, C], or a list of arrays [T] or [T, C]: N series, T times, C values at a time"


def are_unequal(inputs: Any) -> bool:
    """Tell whether something is a list of arrays [T] or [T, C] that differ in T: these can only be series."""
    if not (isinstance(inputs, Sequence) or _holds_objects(inputs)) or isinstance(inputs, str | bytes):
        return False
    shapes = [tuple(item.shape) if hasattr(item, "shape") else () for item in inputs]
    return len({shape[:1] for shape in shapes}) > 1 and all(len(shape) in (1, 2) for shape in shapes)


def go_on_in_time(array: np.ndarray) -> bool:
    """Tell whether numbers [N, T, C] are series: more times than values at a time, and neighbors in time are alike.

    Source: J. von Neumann, "Distribution of the ratio of the mean square successive difference to the variance", 1941.
    """
    if array.ndim != 3 or array.dtype.kind != "f" or array.shape[1] < max(LEAST_TIMES, array.shape[2] + 1):
        return False
    rows = np.unique(np.linspace(0, len(array) - 1, MOST_ROWS).astype(np.int64))
    values_NTC = array[rows].astype(np.float64)
    spread_NC = values_NTC.var(axis=1)
    step_NC = (np.diff(values_NTC, axis=1) ** 2).mean(axis=1) / 2
    moves = np.isfinite(spread_NC) & (spread_NC > 0)
    return bool(moves.any() and np.median(step_NC[moves] / spread_NC[moves]) < ALIKE)


def read_series_arrays(data: Any, *, name: str) -> tuple[SeriesPart, list[DataProblem]]:
    """Return series, and what is wrong with others.

    Args:
        data: The series, or a tuple (series, labels).
        name: Of the part, such as `input`; series are counted from 0.

    Raises:
        DataError: No series can be made of it, or of none of its rows.
    """
    inputs, labels = data if _is_pair(data) else (data, None)
    found = [_series(item, where=f"{name} row {row}") for row, item in enumerate(_items(inputs, name))]
    answers, problems = [None] * len(found), list[DataProblem]()
    if labels is not None:
        values, problems = to_labels(labels, what=f"{name} labels", count=len(found))
        answers = values.tolist()
    rows: list[SeriesRow] = []
    no_label = {item for problem in problems for item in problem.items}
    for item, (values_TC, label) in enumerate(zip(found, answers, strict=True)):
        row = SeriesRow(f"{name} row {item}", values_TC, label)
        bad = row_problem(row, channels=values_TC.shape[1], needs_labels=False)
        if bad is not None:
            problems.append(DataProblem(bad.where, bad.found, bad.remedy, item))
        elif item not in no_label:
            rows.append(row)
    if not rows:
        raise DataError(problems or [DataProblem(name, "no series in it", f"Give {FORMS}.")])
    part = series_part(name, rows, "")
    if labels is not None:
        left_out = {item for problem in problems for item in problem.items}
        part = replace(part, labels=values[[item for item in range(len(found)) if item not in left_out]])
    return part, problems


def _is_pair(data: Any) -> bool:
    """Tell a tuple (series, labels) from one of two series: labels are one word or number each."""
    if not isinstance(data, tuple) or len(data) != 2:
        return False
    first, second = data
    return _depth(second) == 1 and _depth(first) > 1


def _depth(value: Any) -> int:
    """Return how many dimensions something has; of lists, as far as their first items go."""
    if hasattr(value, "ndim") and not _holds_objects(value):
        return int(value.ndim)
    if isinstance(value, str | bytes) or not hasattr(value, "__len__"):
        return 0
    return 1 + (_depth(next(iter(value))) if len(value) else 0)


def _holds_objects(value: Any) -> bool:
    """Tell an array of arrays from one of numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "O"


def _items(inputs: Any, name: str) -> Sequence[Any]:
    """Return the series, each in whatever form.

    Raises:
        DataError: It is no collection of series.
    """
    if is_table_like(inputs):
        found, remedy = f"a table ({type(inputs).__name__})", f"Give {FORMS}; of a table whose rows are series: its to_numpy()."
        raise DataError([DataProblem(name, found, remedy)])
    depth = _depth(inputs)
    if depth not in (2, 3):
        shape = f"of shape {tuple(inputs.shape)}" if hasattr(inputs, "shape") else f"of {depth} dimensions"
        alone = " One series alone: [series]." if depth == 1 else ""
        raise DataError([DataProblem(name, f"{type(inputs).__name__} {shape}", f"Expected {FORMS}.{alone}")])
    is_list = isinstance(inputs, Sequence) or _holds_objects(inputs)
    return list(inputs) if is_list else list(to_array(inputs, what=name))


def _series(item: Any, *, where: str) -> np.ndarray:
    """Return one series, float64 [T, C].

    Raises:
        DataError: It is none.
    """
    values = to_array(item, what=where)
    if values.dtype.kind not in "buif" and values.size:
        raise DataError([DataProblem(where, f"an array of {values.dtype} values", "Give numbers, NaN where one is missing.")])
    if values.ndim not in (1, 2):
        raise DataError(
            [DataProblem(where, f"an array of shape {values.shape}", "Expected [T] or [T, C]: times, values at a time.")]
        )
    held = values.astype(np.float64)
    return held[:, None] if held.ndim == 1 else held
