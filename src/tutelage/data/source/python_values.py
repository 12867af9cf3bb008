"""What Python programs hold data in (lists, numpy, torch, pandas, Arrow) to numpy arrays or Arrow columns.

No library but numpy and Arrow is imported: the others are known by what their objects can do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.names import is_unicode, readable

__all__ = ["is_table_like", "to_array", "to_columns", "to_labels", "to_texts"]

SAME_SHAPE = "Give all the same shape. Series of unequal lengths are a list of arrays, one each (of lists: say kind='series')."

FINER = {"Y": "D", "M": "D", "W": "D", "h": "s", "m": "s"}
"""Units of numpy's dates that Arrow does not have, each with the next finer one that it has."""


def is_table_like(value: object) -> bool:
    """Tell whether an object has named columns."""
    return isinstance(value, Mapping | pa.Table | pa.RecordBatch) or hasattr(value, "__arrow_c_stream__")


def to_texts(value: Any) -> np.ndarray | None:
    """Return one text a row, object [N] of str, None where one is missing; None where the rows are no texts.

    Texts are a sequence of str, an array or a pandas series of them, or an Arrow array.
    """
    if isinstance(value, str | bytes | Mapping | np.ma.MaskedArray) or hasattr(value, "columns") or hasattr(value, "detach"):
        return None
    if isinstance(value, pa.Array | pa.ChunkedArray):
        items = value.to_pylist()
    elif isinstance(value, np.ndarray):
        items = value.tolist() if value.ndim == 1 and value.dtype.kind in "OUT" else []
    elif isinstance(value, Sequence) or hasattr(value, "to_list"):
        items = list(value)
    else:
        return None
    if not any(isinstance(item, str) for item in items):
        return None
    if not all(isinstance(item, str) or _is_missing(item) for item in items):
        return None
    texts = np.empty(len(items), dtype=object)
    texts[:] = [str(item) if isinstance(item, str) else None for item in items]
    return texts


def to_array(value: Any, *, what: str) -> np.ndarray:
    """Return an object as a numpy array of numbers (or of text or objects, for labels).

    Args:
        value: A torch tensor, a numpy array, a pandas series, or nested lists.
        what: What it is, for messages.

    Raises:
        DataError: The lists in it are of different lengths.
    """
    if hasattr(value, "detach"):
        value = _from_tensor(value, what=what)
    if hasattr(value, "tocsr"):
        raise DataError([DataProblem(what, f"a sparse matrix of shape {value.shape}", "Give value.toarray().")])
    if isinstance(value, pa.Array | pa.ChunkedArray):
        value = value.to_pylist()
    if isinstance(value, np.ma.MaskedArray):
        return _without_mask(value)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError([DataProblem(what, _say_ragged(value), SAME_SHAPE)]) from error
    if array.dtype == np.longdouble:
        return array.astype(np.float64)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _say_ragged(value: Any) -> str:
    """Say which rows cannot be put into one array."""
    lengths = [len(row) if hasattr(row, "__len__") else 0 for row in value] if isinstance(value, Sequence) else []
    other = next((row for row, length in enumerate(lengths) if length != lengths[0]), 0)
    if not other:
        return "rows of different shapes"
    return f"rows of different lengths ({lengths[0]:,} in row 0, {lengths[other]:,} in row {other:,})"


def _from_tensor(tensor: Any, *, what: str) -> np.ndarray:
    """Return a torch tensor as an array."""
    if str(tensor.layout) != "torch.strided" or tensor.is_quantized or tensor.is_meta:
        kind = "no data (device meta)" if tensor.is_meta else "layout torch.quantized" if tensor.is_quantized else tensor.layout
        raise DataError([DataProblem(what, f"a tensor of {kind}", "Give a dense one, such as value.to_dense().")])
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    try:
        return np.asarray(plain)
    except TypeError:  # a type that numpy does not have, such as bfloat16
        return np.asarray(plain.float())


def _without_mask(array: np.ma.MaskedArray[Any, Any]) -> np.ndarray:
    """Return a masked array with NaN, or None among other things than numbers, where it is masked."""
    if array.mask is np.ma.nomask or not array.mask.any():
        return np.asarray(array.data)
    is_number = array.dtype.kind in "buif"
    filled = np.array(array.data, dtype=np.float64 if is_number else object)
    filled[np.asarray(array.mask)] = np.nan if is_number else None
    return filled


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
    if labels.dtype.kind in "SOV":
        labels = _plain_objects(labels, what=what)
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
        if len(columns) < len(value):
            raise DataError([DataProblem(what, "two columns have one name", "Rename one of them.")])
    elif type(value).__module__.startswith("pandas"):
        names = [str(name) for name in value.columns]
        if len(set(names)) < len(names):
            raise DataError([DataProblem(what, "two columns have one name", "Rename one of them.")])
        columns = {name: value.iloc[:, index] for index, name in enumerate(names)}
    else:
        return _from_arrow(value, what=what)
    problems = [
        DataProblem(f"{what}, column {readable(name)}", "a name that is no Unicode", "Rename it.")
        for name in columns
        if not is_unicode(name)
    ]
    if problems:
        raise DataError(problems)
    arrays: dict[str, pa.Array | pa.ChunkedArray] = {}
    for name, column in columns.items():
        try:
            arrays[name] = _column(column)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            found = f"values that make no column ({(str(error) or type(error).__name__).splitlines()[0]})"
            problems.append(DataProblem(f"{what}, column {name}", found, "Give numbers, text, booleans or dates, of one kind."))
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        problems.append(DataProblem(what, f"columns of different lengths ({shown})", "Give all columns as many rows."))
    if problems:
        raise DataError(problems)
    return pa.table(arrays)


def _from_arrow(value: Any, *, what: str) -> pa.Table:
    """Return anything of Arrow's as a table, with no two columns of one name."""
    try:
        table = pa.table(value)
        table.validate(full=True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError([DataProblem(what, f"cannot be read as a table ({error})", "Give a table of plain columns.")]) from error
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise DataError([DataProblem(what, f"two columns are called {name!r}", "Rename one.") for name in twice])
    return table


def _column(value: Any) -> pa.Array | pa.ChunkedArray:
    """Return one column."""
    if isinstance(value, str | bytes):
        raise TypeError(f"{value!r} is one text")
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value
    if hasattr(value, "detach") or isinstance(value, np.ndarray) or hasattr(value, "tocsr"):
        value = to_array(value, what="values")
        if value.ndim != 1:
            raise TypeError(f"an array of shape {value.shape}, not one value a row")
        if value.dtype == np.float16:
            value = value.astype(np.float32)
        if value.dtype.kind == "M":
            unit = np.datetime_data(value.dtype)[0]
            value = value.astype(f"datetime64[{FINER.get(unit, unit)}]")
    column = pa.array(value, from_pandas=True)
    column.validate(full=True)
    return column


def _is_missing(label: object) -> bool:
    """Tell whether a label is None, NaN, pandas' NA, or not finite."""
    if isinstance(label, float):
        return not np.isfinite(label)
    return label is None or type(label).__name__ in ("NAType", "NaTType")


def _plain_objects(labels: np.ndarray, *, what: str) -> np.ndarray:
    """Return labels with numpy's own numbers as Python's, and texts that can be written down."""
    plain = np.empty(len(labels), dtype=object)
    plain[:] = [label.item() if isinstance(label, np.generic) else label for label in labels.tolist()]
    bad = [row for row, label in enumerate(plain) if isinstance(label, str) and not is_unicode(label)]
    if bad:
        found = f"the label {readable(plain[bad[0]])!r} is no Unicode, in {len(bad):,} rows"
        raise DataError([DataProblem(f"{what} row {bad[0]}", found, "Give text that can be written as UTF-8.")])
    return plain


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
    # Whole numbers that no int64 holds are numbers all the same.
    is_wide = any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in values)
    kind = np.bool_ if kinds == {bool} else np.float64 if float in kinds or is_wide else np.int64
    kept = np.zeros(len(labels), dtype=kind)
    try:
        kept[~is_missing] = values
    except OverflowError as error:
        raise DataError([DataProblem(what, f"a number of too many digits ({error})", "Give numbers below 1e308.")]) from error
    return kept
