"""Data handed over in Python: (X, y) of numpy, torch or lists, a dict of columns, a data frame, an Arrow table.

A list of str is one text a row. Arrays shaped and valued like images become images, flat rows of numbers a table, arrays of
unequal lengths and numbers [N, T, C] whose neighbors in time are alike series; all else is passed on as it is. Rows are counted
from 0 in messages, as in Python.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.data.part.array import ArrayPart
from tutelage.data.part.base import RowsPart
from tutelage.data.part.image import ImagePart
from tutelage.data.part.series import SeriesPart
from tutelage.data.part.table import TablePart
from tutelage.data.part.texts import TextPart
from tutelage.data.source.array_hashes import hash_arrays, hash_columns
from tutelage.data.source.arrow_types import TYPE_OF, is_text, plain_columns
from tutelage.data.source.base import Collected
from tutelage.data.source.class_names import match_labels
from tutelage.data.source.image_arrays import image_part
from tutelage.data.source.pixel_arrays import PixelRange, find_range, finite_rows, with_channels_last
from tutelage.data.source.python_values import is_table_like, to_array, to_columns, to_labels, to_texts
from tutelage.data.source.raw_table import HeldColumns, RawTable, numbered
from tutelage.data.source.series_arrays import are_unequal, go_on_in_time, read_series_arrays
from tutelage.data.source.table import type_like_train
from tutelage.data.source.target import NO_TARGET, choose_target
from tutelage.data.source.text_column import find_text_column, say_texts, with_texts
from tutelage.data.source.typed_table import Expected, type_table
from tutelage.data.target.bad_labels import bad_labels

__all__ = ["AS_ARRAYS", "collect_arrays"]

NAME = "arrays"
AUTO, SERIES, ARRAY = "auto", SeriesPart.kind, ArrayPart.kind
KINDS = (AUTO, SERIES, ARRAY)
"""What arrays may be said to hold."""
AS_ARRAYS = {"kind": ARRAY}
"""How arrays are read that are not to be taken for anything else."""
TARGET = "target"
"""Name of the target column where labels come apart from the columns."""


@dataclass
class _Found:
    """A part while it is made, and what was found on the way."""

    part: TablePart | ArrayPart | ImagePart | TextPart | SeriesPart
    problems: list[DataProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    pixel_range: PixelRange | None = None


def collect_arrays(
    data: object,
    *,
    target: str = "auto",
    test: object = None,
    on_bad_data: Literal["fail", "skip"] = "fail",
    as_given: bool = False,
    is_input: bool = False,
    reading: Mapping[str, Any] | None = None,
    marks: object = None,
) -> Collected:
    """Turn data from Python into parts.

    Args:
        data: A tuple (inputs, labels), or a table that holds its target column; where nothing is to be predicted, inputs alone.
        target: Name of that column, or `auto`; `none` where nothing is to be predicted.
        test: The test part, in the same form.
        on_bad_data: As for `Source`; bad items are left out and listed in `problems` either way.
        as_given: Pass arrays on as they are, whatever their shape; for a model of the user's own.
        is_input: The rows are to be answered for: labels may be absent; the part is called `input`.
        reading: How train rows were read, by `Fitted.reading`; or of these `text`, a column, and `kind`, `series` or `array`.
        marks: The time or the group of each train row.

    Raises:
        UsageError, DataError: It is not data, or labels are missing; nothing can be made of it, with all reasons.
    """
    name, known = "input" if is_input else "train", reading or {}
    as_given = as_given or bool(known.get("as_given", False))
    kind, expected = _kind_of_arrays(known, as_given=as_given, is_input=is_input), _expected(known)
    train = _read(data, name, target=target, as_given=as_given, kind=kind, expected=expected)
    train.problems += [] if is_input or target == NO_TARGET else _one_value(train.part)
    if not len(train.part):
        raise DataError(train.problems or [DataProblem(name, "no rows", "Give at least one row.")])
    kept, found = _of_kept_rows(marks, train), None
    if test is not None:
        kind = SERIES if isinstance(train.part, SeriesPart) else ARRAY
        found = _read(test, "test", target=target, as_given=as_given, kind=kind, train=train)
        _compare(found, train)
        for line in ("problems", "notes", "warnings"):
            getattr(train, line).extend(getattr(found, line))
    text = _text_column(train, known, is_input=is_input)
    return Collected(
        name=NAME,
        train=with_texts(train.part, text, is_alone=is_input),
        test=with_texts(found.part, text, is_alone=False) if found is not None and len(found.part) else None,
        problems=tuple(train.problems),
        notes=tuple(train.notes),
        warnings=tuple(train.warnings),
        marks=kept,
    )


def _expected(known: Mapping[str, Any]) -> Expected:
    """Return what columns, or the numbers of images, held in training."""
    kinds = {**dict.fromkeys(dates := known.get("dates", {}), "date"), **known.get("kinds", {})}
    pixels = PixelRange(*known["pixel_range"]) if "pixel_range" in known else None
    return Expected({column: TYPE_OF[kind] for column, kind in kinds.items()}, dates, pixels)


def _text_column(train: _Found, reading: Mapping[str, Any], *, is_input: bool) -> str:
    """Return the column of texts of a table, and tell of it; "" where there is none."""
    # Models of texts alone say in what column these are; others take the table as it is.
    wanted = str(reading.get("text", "none" if is_input else "auto"))
    if not isinstance(train.part, TablePart):
        if wanted not in ("auto", "none") and not is_input:
            found = f"{train.part.kind} data, which have no column {wanted!r} of texts"
            raise DataError([DataProblem(train.part.name, found, "Give a table, such as a data frame, or leave text out.")])
        return ""
    column = find_text_column(train.part, wanted=wanted)
    if column and not is_input:
        train.notes.append(f"{train.part.name}: {say_texts(train.part, column, is_found=False, is_alone=False)}")
    return column


def _of_kept_rows(marks: object, train: _Found) -> np.ndarray | None:
    """Return the times or groups, if there are any, of the rows that were not left out."""
    if marks is None:
        return None
    left_out = sorted({item for problem in train.problems for item in problem.items})
    values, count = to_array(marks, what="groups or times"), len(train.part) + len(left_out)
    if values.shape != (count,):
        found = f"an array of shape {values.shape} for {count:,} rows"
        raise DataError([DataProblem("groups or times", found, "Give one value for each train row.")])
    return np.delete(values, left_out)


def _read(
    data: Any,
    name: str,
    *,
    target: str,
    as_given: bool,
    kind: str,
    train: _Found | None = None,
    expected: Expected | None = None,
) -> _Found:
    """Read one part of whatever form."""
    is_pair = isinstance(data, tuple) and len(data) == 2
    inputs, labels = data if is_pair else (data, None)
    if isinstance(inputs, str | bytes) or inputs is None:
        raise UsageError(f"{name}: {inputs!r} is not data. Give (inputs, labels), a table, or as SOURCE a path.")
    texts = to_texts(inputs)
    if texts is None and is_table_like(inputs):
        return _read_table(to_columns(inputs, what=name), labels, name, target=target, train=train, expected=expected)
    if labels is None and name != "input" and target != NO_TARGET:
        raise UsageError(f"{name}: labels are missing. Give a tuple (inputs, labels), or a table with a target column.")
    if texts is not None:
        return _read_texts(texts, labels, name)
    if kind == SERIES or (kind == AUTO and are_unequal(inputs)):
        return _read_series(inputs, labels, name, is_found=kind == AUTO)
    array = to_array(inputs, what=name)
    _require_numbers(array, name)
    if array.ndim == 2 and not as_given:
        return _read_rows_of_numbers(array, labels, name, target=target, train=train)
    if kind == AUTO and go_on_in_time(array) and not _are_images(array):
        return _read_series(array, labels, name, is_found=True)
    pixel_range = expected.pixel_range if expected is not None else None
    return _read_array(array, labels, name, as_given=as_given, train=train, expected=pixel_range)


def _kind_of_arrays(known: Mapping[str, Any], *, as_given: bool, is_input: bool) -> str:
    """Return what arrays hold: `series`, `array` (or images), or `auto`.

    Raises:
        UsageError: Something else was said.
    """
    said = str(known.get("kind", ARRAY if as_given or is_input else AUTO))
    if said not in KINDS:
        raise UsageError(f"kind={said!r}: of data from Python it is one of {', '.join(KINDS)}.")
    return said


def _are_images(array: np.ndarray) -> bool:
    """Tell whether an array has the shape and the values of images."""
    return with_channels_last(array) is not None and find_range(array) is not None


def _read_series(inputs: Any, labels: Any, name: str, *, is_found: bool) -> _Found:
    """Read series, and tell that they were taken as such."""
    part, problems = read_series_arrays(inputs if labels is None else (inputs, labels), name=name)
    lengths = f"{part.lengths.min():,}" + (f" to {part.lengths.max():,}" if len(set(part.lengths.tolist())) > 1 else "")
    otherwise = f" (otherwise: kind={ARRAY!r})" if is_found else ""
    note = f"{name}: taken as {len(part):,} series of {lengths} times, {part.channels:,} at a time{otherwise}"
    return _Found(part, problems, [note])


def _require_numbers(array: np.ndarray, name: str) -> None:
    """Refuse arrays that are not rows of numbers."""
    if array.dtype.kind not in "buif":
        remedy = "Give numbers; a table with columns may also hold text and dates."
        raise DataError([DataProblem(name, f"an array of {array.dtype} values", remedy)])
    if array.ndim < 2:
        raise DataError([DataProblem(name, f"an array of shape {array.shape}", "Its first dimension must be rows: [rows, ...].")])
    if 0 in array.shape:
        raise DataError([DataProblem(name, f"an empty array of shape {array.shape}", "Give at least one row.")])


def _read_rows_of_numbers(array: np.ndarray, labels: Any, name: str, *, target: str, train: _Found | None) -> _Found:
    """Read an array [N, numbers] as a table."""
    columns = {f"x{index}": pa.chunked_array([pa.array(array[:, index])]) for index in range(array.shape[1])}
    if target != NO_TARGET:
        return _read_table(pa.table(columns), labels, name, target="auto", train=train)
    # What is to be made has no missing numbers unless it is a table, whose cells may be empty.
    found = _read_table(pa.table(columns), labels, name, target=target, train=train)
    known = {item for problem in found.problems for item in problem.items}
    more = [problem for problem in _not_finite(array, name) if known.isdisjoint(problem.items)]
    kept = np.delete(np.arange(len(array)), sorted(known))
    if more:
        stay = ~_mask(len(array), more)[kept]
        found.part, found.problems = found.part.select(np.flatnonzero(stay)), [*found.problems, *more]
    return found


def _not_finite(array: np.ndarray, name: str) -> list[DataProblem]:
    """Find rows that hold NaN or infinite values."""
    rows = np.flatnonzero(~finite_rows(array)).tolist() if array.dtype.kind == "f" else []
    remedy = "Mend them, or remove the row."
    return [DataProblem(f"{name} row {row}", "NaN or infinite values in it", remedy, item=row) for row in rows]


def _read_table(
    table: pa.Table, labels: Any, name: str, *, target: str, train: _Found | None, expected: Expected | None = None
) -> _Found:
    """Read named columns, the target among them or apart."""
    file = f"{name} data"
    count = table.num_rows
    if not count or not table.num_columns:
        found = "no rows" if table.num_columns else "no columns"
        raise DataError([DataProblem(file, found, "Give at least one row, of at least one column.")])
    plain, notes = plain_columns(table, file=file)
    texts = {name for name, type_ in zip(table.column_names, table.schema.types, strict=True) if is_text(type_)}
    del table
    column, warnings = "", []
    if labels is not None:
        column = target if target not in ("auto", NO_TARGET, *plain) else TARGET
        while column in plain:
            column += "_"
        plain[column] = pa.chunked_array([_label_column(labels, what=f"{name} labels", count=count)])
    elif train is not None and isinstance(train.part, TablePart):
        column = train.part.target
    elif name != "input":
        choice = choose_target(tuple(plain), wanted=target, file=file)
        column = choice.name
        notes += [choice.note] if choice.note else []
        warnings += [choice.warning] if choice.warning else []
    elif target in plain:
        column = target
    rows, unread = numbered(count), frozenset(texts - {column})
    raw = RawTable(file, HeldColumns(plain), rows, rows, digest=hash_columns(plain), notes=tuple(notes), unread=unread)
    if train is not None and isinstance(train.part, TablePart):
        made = type_like_train(raw, train.part)
    else:
        made = type_table(raw, target=column, expected=_of_texts(expected, unread), needs_target=name != "input" and bool(column))
    return _Found(made.part(name), made.problems, made.notes, [*warnings, *made.warnings])


def _of_texts(expected: Expected | None, unread: Collection[str]) -> Expected | None:
    """Return what is known of the columns that are text or dates; others from Python say themselves what they hold."""
    if expected is None:
        return None
    types = {name: type_ for name, type_ in expected.types.items() if name in unread or name in expected.dates}
    return replace(expected, types=types)


def _read_texts(texts: np.ndarray, labels: Any, name: str) -> _Found:
    """Read one text a row."""
    answers, problems = None, list[DataProblem]()
    if labels is not None:
        answers, problems = to_labels(labels, what=f"{name} labels", count=len(texts))
    problems += [
        DataProblem(f"{name} row {row}", "there is no text", 'Give one ("" is an empty text), or remove the row.', item=row)
        for row in np.flatnonzero(texts == None).tolist()  # noqa: E711 - element by element
    ]
    digest = hashlib.sha256("\0".join(map(str, texts)).encode("utf-8", "surrogatepass"))
    if answers is not None:
        digest.update("\0".join(map(str, answers.tolist())).encode())
    names = np.array([f"{name} row {row}" for row in range(len(texts))], dtype=object)
    part = TextPart(name, texts, answers, names, digest.hexdigest())
    kept = part.select(np.flatnonzero(~_mask(len(part), problems))) if problems else part
    return _Found(kept, problems)


def _label_column(labels: Any, *, what: str, count: int) -> pa.Array:
    """Return labels as a column, null where there is none or no finite number."""
    values, problems = to_labels(labels, what=what, count=count)
    column = pa.array(values)
    return pc.if_else(pa.array(~_mask(count, problems)), column, pa.scalar(None, column.type))


def _read_array(
    array: np.ndarray, labels: Any, name: str, *, as_given: bool, train: _Found | None, expected: PixelRange | None
) -> _Found:
    """Read rows that are images or plain arrays."""
    problems: list[DataProblem] = []
    answers = None
    if labels is not None:
        answers, problems = to_labels(labels, what=f"{name} labels", count=len(array))
    problems += _not_finite(array, name)
    images = None if as_given else with_channels_last(array)
    # Beside a trained model, whole numbers say themselves what they mean.
    own = expected if array.dtype.kind == "f" else None
    expected = own if train is None else train.pixel_range
    known = find_range(array, expected=expected) if images is not None else None
    if images is None or known is None or (train is not None and train.pixel_range is None):
        inputs = array if _can_be_shared(array) else np.ascontiguousarray(array)
        found = _Found(ArrayPart(name=name, inputs=inputs, labels=answers, fingerprint=hash_arrays(inputs, answers)), problems)
    else:
        part, more, note = image_part(images, answers, name, known=known, expected=expected)
        if more and train is None:  # no answer can be had for any of them
            raise DataError(more)
        found = _Found(part, more + problems, [note], [], known)
    if problems:
        found.part = found.part.select(np.flatnonzero(~_mask(len(array), problems)))
    return found


def _can_be_shared(array: np.ndarray) -> bool:
    """Tell whether torch can read the array where it is, so that it need not be copied."""
    return all(stride >= 0 and stride % array.itemsize == 0 for stride in array.strides)


def _compare(test: _Found, train: _Found) -> None:
    """Check that the test part fits the training part, and bring its class names to the same spelling."""
    if type(test.part) is not type(train.part) or _shape(test.part) != _shape(train.part):
        found = f"{_shape(test.part)}, but {_shape(train.part)} in training"
        raise DataError([*train.problems, *test.problems, DataProblem("test", found, "Give both the same shape.")])
    part, labels = test.part, train.part.labels
    if isinstance(part, TablePart) or part.labels is None or labels is None or labels.dtype != object:
        return
    matched = match_labels(part.labels, set(labels.tolist()), part="test")
    test.warnings += matched.warnings
    unknown = np.flatnonzero(matched.unknown).tolist()
    remedy = "Use a class of the training data, or remove the row."
    say = "{!r} is no class of the training data".format
    test.problems += bad_labels(matched.labels, unknown, locate=part.locate, found=say, remedy=remedy)
    relabelled = part.labelled(matched.labels) if isinstance(part, ArrayPart) else replace(part, labels=matched.labels)
    test.part = relabelled.select(np.flatnonzero(~matched.unknown))


def _one_value(part: RowsPart) -> list[DataProblem]:
    """Find labels from which nothing can be learned."""
    labels = part.labels
    values = set(labels.tolist()) if labels is not None else set()
    if len(values) != 1:
        return []
    return [DataProblem("train labels", f"every row has the same label {values.pop()!r}", "Give rows of at least two classes.")]


def _shape(part: TablePart | ArrayPart | ImagePart | TextPart | SeriesPart) -> str:
    """Say what a row of a part looks like."""
    if isinstance(part, TablePart):
        return "a table"
    if isinstance(part, TextPart):
        return "texts"
    if isinstance(part, SeriesPart):
        return f"series of {part.channels:,} values at a time"
    array = part.pixels if isinstance(part, ImagePart) else part.held
    return f"{'images' if isinstance(part, ImagePart) else 'rows'} of shape {() if array is None else array.shape[1:]}"


def _mask(count: int, problems: list[DataProblem]) -> np.ndarray:
    """Return which rows have a problem."""
    mask = np.zeros(count, dtype=bool)
    mask[[item for problem in problems for item in problem.items]] = True
    return mask
