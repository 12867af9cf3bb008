"""A data set of the public hub, or a folder in one of its forms, as Arrow tables by split; needs the extra `hub`.

Not a component. What goes wrong on the way to it - no network, no such name, no right to see it - is told with what to do.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import DataError, DataProblem, TutelageError, UsageError
from tutelage.core.names import readable

__all__ = ["PREFIX", "HubSplit", "load_splits", "parse_name"]

PREFIX = "hub:"
INSTALL = "pip install 'tutelage[hub]'"
SAVED = ("dataset_dict.json", "state.json")
"""Files by which a folder is known that `save_to_disk` wrote."""
LOGIN = "Ask for access on its page, then log in: hf auth login (or set HF_TOKEN)."
UNLABELLED = -1
"""What stands for a class that is kept secret."""


@dataclass(frozen=True)
class HubSplit:
    """One split.

    Attributes:
        table: Its rows; classes by name, images as `struct<bytes, path>`.
        classes: Columns of classes.
        images: Columns of images.
    """

    table: pa.Table
    classes: tuple[str, ...]
    images: tuple[str, ...]


def parse_name(path: str) -> tuple[str, str]:
    """Return name and configuration of `hub:NAME` or `hub:NAME:CONFIG`; a folder that is there has none unless one is said.

    Example:
        >>> parse_name("hub:owner/set:small"), parse_name("hub:owner/set")
        (('owner/set', 'small'), ('owner/set', ''))
    """
    name = path.removeprefix(PREFIX)
    if Path(name).exists():
        return name, ""
    name, _, config = name.partition(":")
    return name, config


def load_splits(path: str) -> dict[str, HubSplit]:
    """Return the splits of a data set by name.

    Raises:
        UsageError: The library is not installed, there is no such set, or it cannot be reached.
        DataError: What is there cannot be read.
    """
    datasets = _import_datasets(path)
    name, config = parse_name(path)
    if not name:
        raise UsageError(f"{path}: expected {PREFIX}NAME, such as {PREFIX}imdb, {PREFIX}OWNER/NAME or {PREFIX}NAME:CONFIG.")
    with _quiet(datasets), tempfile.TemporaryDirectory() as scratch:
        try:
            loaded = _load(datasets, name, config, scratch=scratch)
            splits = loaded if isinstance(loaded, Mapping) else {"train": loaded}
            return {str(split): _as_split(datasets, rows) for split, rows in splits.items()}
        except TutelageError:
            raise
        except Exception as error:  # the library, the network, and whatever reads the files have errors of all kinds
            raise _told(path, name, error) from error


def _load(datasets: Any, name: str, config: str, *, scratch: str) -> Any:
    """Load all splits; those of a folder anew each time, as its files are now."""
    if not Path(name).exists():
        return datasets.load_dataset(name, config or None)
    if any((Path(name) / file).is_file() for file in SAVED):
        return datasets.load_from_disk(name)
    return datasets.load_dataset(name, config or None, cache_dir=scratch, keep_in_memory=True)


def _as_split(datasets: Any, rows: Any) -> HubSplit:
    """Return a split as Arrow, with classes by name."""
    features = dict(rows.features)
    table: pa.Table = rows.with_format("arrow")[:] if len(rows) else rows.data.table.slice(0, 0)
    classes = tuple(name for name, feature in features.items() if isinstance(feature, datasets.ClassLabel))
    images = tuple(name for name, feature in features.items() if isinstance(feature, datasets.Image))
    for name in classes:
        place = table.column_names.index(name)
        named = _named(table.column(name), list(features[name].names))
        table = table.set_column(place, name, named)
    return HubSplit(table.replace_schema_metadata(None), classes, images)


def _named(codes: pa.ChunkedArray, names: list[str]) -> pa.ChunkedArray:
    """Return class names by their codes; null where a code is kept secret."""
    known = pc.if_else(pc.greater(codes, UNLABELLED), codes, pa.scalar(None, codes.type))
    return pa.chunked_array([pa.array(names, pa.string()).take(known.combine_chunks())])


def _told(path: str, name: str, error: Exception) -> TutelageError:
    """Return what a failure means, and what to do."""
    deepest = error.__cause__ if "DatasetGenerationError" in type(error).__name__ and error.__cause__ else error
    found = readable(str(deepest).strip().split("\n", maxsplit=1)[0][:300]) or type(deepest).__name__
    lower, kinds = str(error).casefold(), {kind.__name__ for kind in type(error).__mro__}
    if Path(name).exists():
        remedy = "Give a folder of .csv, .json or .parquet files, or one that save_to_disk wrote."
        return DataError([DataProblem(path, f"cannot be read ({found})", remedy)])
    if "gated" in lower or "authenticated" in lower or "401" in lower or "403" in lower:
        return UsageError(f"{path}: not for everybody ({found}). {LOGIN}")
    if "DatasetNotFoundError" in kinds:
        return UsageError(
            f"{path}: the hub has no such data set, or keeps it private ({found}). Look the name up, such as OWNER/NAME; "
            f"of a private one: hf auth login (or set HF_TOKEN)."
        )
    if "config" in lower:
        return UsageError(f"{path}: {found}. Choose one: {PREFIX}{name}:CONFIG.")
    if kinds & {
        "ConnectionError",
        "OfflineModeIsEnabled",
        "TimeoutError",
        "LocalEntryNotFoundError",
        "HTTPError",
        "HfHubHTTPError",
    }:
        return UsageError(
            f"{path}: the hub cannot be reached ({found}). Check the network and the name; where there is no network, give files "
            f"that were fetched before: {PREFIX}FOLDER, or a table alone."
        )
    return DataError([DataProblem(path, f"cannot be read ({found})", "Fetch its files, and give a table or a folder of them.")])


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Keep progress bars and warnings of the libraries from the screen; what matters is told as an error."""
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub", "fsspec")]
    levels, had_bars = [logger.level for logger in loggers], datasets.are_progress_bars_disabled()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    datasets.disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if not had_bars:
            datasets.enable_progress_bars()


def _import_datasets(path: str) -> Any:
    """Import the library, or say how to install it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import datasets
    except ImportError as error:
        raise UsageError(f"{path}: the hub is read by the datasets library, which is not installed: {INSTALL}") from error
    return datasets
