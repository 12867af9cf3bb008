"""Series from Python: an array [N, T] or [N, T, C], or a list of arrays [T] or [T, C] of any lengths; not a component."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.series import SeriesPart
from tutelage.data.source.python_values import is_table_like, to_array, to_labels
from tutelage.data.source.series_lines import SeriesRow, row_problem, series_part

__all__ = ["read_series_arrays"]

FORMS = "an array [N, T] or [N, T, C], or a list of arrays [T] or [T, C]: N series, T times, C values at a time"


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
    return series_part(name, rows, ""), problems


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
