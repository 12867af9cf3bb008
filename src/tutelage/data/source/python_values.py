"""What Python programs hold data in (lists, numpy, torch, pandas, Arrow) to numpy arrays or Arrow columns.

No library but numpy and Arrow is imported: the others are known by what their objects can do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tutelage.core.errors import DataError, DataProblem

__all__ = ["is_table_like", "to_array", "to_columns", "to_labels"]


def is_table_like(value: object) -> bool:
    """Tell whether an object has named columns."""
    return isinstance(value, Mapping | pa.Table | pa.RecordBatch) or hasattr(value, "__arrow_c_stream__")


def to_array(value: Any, *, what: str) -> np.ndarray:
    """Return an object as a numpy array of numbers (or of text or objects, for labels).

    Args:
        value: A torch tensor, a numpy array, a pandas series, or nested lists.
        what: What it is, for messages.

    Raises:
        DataError: The lists in it are of different lengths.
    """
    if hasattr(value, "detach"):
        tensor = value.detach().cpu()
        return np.asarray(tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor)
    if isinstance(value, pa.Array | pa.ChunkedArray):
        value = value.to_pylist()
    try:
        return np.asarray(value)
    except ValueError as error:
        raise DataError(
            [DataProblem(what, f"rows of different lengths or shapes ({error})", "Give all the same shape.")]
        ) from error


def to_labels(value: Any, *, what: str, count: int) -> tuple[np.ndarray, list[DataProblem]]:
    """Return labels as int64, float64, bool, or an object array of str, and those that are missing or not finite.

    Raises:
        DataError: They are not one label per row, or of more than one kind.
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        holder = np.empty(len(value), dtype=object)
        holder[:] = list(value)
        value = holder if any(isinstance(item, str) or item is None for item in value) else value
    labels = to_array(value, what=what)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or len(labels) != count:
        found = f"labels of shape {tuple(labels.shape)} for {count:,} rows"
        raise DataError([DataProblem(what, found, "Give one label per row: class names, class numbers or numbers.")])
    is_missing = np.array([_is_missing(label) for label in labels.tolist()], dtype=bool)
    problems = [
        DataProblem(f"{what} row {row}", f"the label is {labels[row]}", "Fill it in, or remove the row.", item=int(row))
        for row in np.flatnonzero(is_missing)
    ]
    return _of_one_kind(labels, is_missing, what=what), problems


def to_columns(value: Any, *, what: str) -> pa.Table:
    """Return an object with named columns as an Arrow table; NaN of pandas is missing.

    Raises:
        DataError: Columns of different lengths, of mixed kinds, or of one name; all of them.
    """
    if isinstance(value, Mapping):
        columns = {str(name): column for name, column in value.items()}
    elif type(value).__module__.startswith("pandas"):
        names = [str(name) for name in value.columns]
        if len(set(names)) < len(names):
            raise DataError([DataProblem(what, "two columns have one name", "Rename one of them.")])
        columns = {name: value.iloc[:, index] for index, name in enumerate(names)}
    else:
        return pa.table(value)
    problems: list[DataProblem] = []
    arrays: dict[str, pa.Array | pa.ChunkedArray] = {}
    for name, column in columns.items():
        try:
            arrays[name] = _column(column)
        except (pa.ArrowException, TypeError, ValueError) as error:
            found = f"values that make no column ({str(error).splitlines()[0]})"
            problems.append(DataProblem(f"{what}, column {name}", found, "Give numbers, text, booleans or dates, of one kind."))
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        problems.append(DataProblem(what, f"columns of different lengths ({shown})", "Give all columns as many rows."))
    if problems:
        raise DataError(problems)
    return pa.table(arrays)


def _column(value: Any) -> pa.Array | pa.ChunkedArray:
    """Return one column."""
    if isinstance(value, str | bytes):
        raise TypeError(f"{value!r} is one text")
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value
    if hasattr(value, "detach"):
        value = to_array(value, what="")
    return pa.array(value, from_pandas=True)


def _is_missing(label: object) -> bool:
    """Tell whether a label is None, NaN, pandas' NA, or not finite."""
    if isinstance(label, float):
        return not np.isfinite(label)
    return label is None or type(label).__name__ in ("NAType", "NaTType")


def _of_one_kind(labels: np.ndarray, is_missing: np.ndarray, *, what: str) -> np.ndarray:
    """Bring labels to one of the four types; missing ones get any value, since their rows are left out."""
    values = labels[~is_missing].tolist()
    kinds = {type(value) for value in values}
    if kinds <= {str}:
        kept = labels.astype(object)
        kept[is_missing] = None
        return kept
    if not kinds <= {int, float, bool} or (bool in kinds and len(kinds) > 1):
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise DataError([DataProblem(what, f"labels of these kinds: {names}", "Give class names, class numbers or numbers.")])
    kind = np.bool_ if kinds == {bool} else np.float64 if float in kinds else np.int64
    kept = np.zeros(len(labels), dtype=kind)
    kept[~is_missing] = values
    return kept
