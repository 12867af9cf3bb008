"""A data set of the public hub, named hub:NAME, hub:OWNER/NAME or hub:NAME:CONFIG, read by the `datasets` library.

```
tutelage train hub:imdb
tutelage train hub:glue:sst2
```
Also hub:FOLDER, for files in one of its forms (CSV, JSON, Parquet, a folder of images, or what `save_to_disk` wrote). Its splits
train, validation and test are the parts; what is not there is cut from train. A column of images, or of texts, is learned from;
without such it is a table. Needs the extra `hub`, and the network for data that were not fetched before.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.data.part.base import RowsPart
from tutelage.data.part.table import TablePart
from tutelage.data.source.arrow_types import TYPE_OF, Kind, plain_columns
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.hub_images import images_part
from tutelage.data.source.hub_loading import PREFIX, HubSplit, load_splits, parse_name
from tutelage.data.source.raw_table import HeldColumns, RawTable, numbered
from tutelage.data.source.table import type_like_train
from tutelage.data.source.target import TargetChoice, choose_target
from tutelage.data.source.text_column import find_text_column, say_texts, texts_of, with_texts
from tutelage.data.source.typed_table import Expected, TypedTable, type_table

__all__ = ["Hub"]

PARTS = {"validation": ("validation", "valid", "val", "dev"), "test": ("test", "testing", "eval")}
"""What splits that are parts may be called; train is called train, or is the only one."""
BATCH_ROWS = 10_000


class Hub(Source):
    """A data set of the hub."""

    kind: Literal["hub"] = "hub"
    reads_together: ClassVar[bool] = False
    split: str = Field("auto", description="Split to learn from, or to answer for; auto = train, and test to answer for.")
    text: str = Field(
        "auto", description="Column of texts; auto = the only one beside the target, or the only one of long texts; none = no."
    )
    text_alone: bool = Field(False, description="Whether to learn from the column of texts alone, whatever else there is.")
    kinds: dict[str, Kind] = Field(
        default_factory=dict, description="What columns hold, by name (number, boolean, date, text), where it is to be another."
    )
    dates: dict[str, str] = Field(default_factory=dict, description="How dates in columns of text are written, by column.")

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether it is a name such as `hub:imdb`."""
        return path.startswith(PREFIX)

    @classmethod
    def anywhere(cls, path: str) -> str:
        """Return the name itself, of a folder with its path in full."""
        name = path.removeprefix(PREFIX)
        return PREFIX + str(Path(name).resolve()) if name and Path(name).exists() else path

    def collect(self) -> Collected:
        """Load all splits, and take those that are parts."""
        if self.test:
            raise UsageError(f"{self.path} takes no --test: its split `test` is the test part, or one is cut from train.")
        splits = load_splits(self.path)
        names = _parts(splits, self.path, wanted=self.split)
        notes = [f"{self.path}: splits {', '.join(f'{split} = {part}' for part, split in names.items())}"]
        unused = [name for name in splits if name not in names.values()]
        notes += [f"{self.path}: not used: {', '.join(unused)}"] if unused else []
        choice = self._target(splits[names["train"]])
        made = {"train": self._typed(splits[names["train"]], names["train"], target=choice.name)}
        train = made["train"].part("train")
        if not len(train):
            raise DataError(made["train"].problems)
        warnings = [choice.warning] if choice.warning else []
        for part in ("validation", "test"):
            if part not in names:
                continue
            split = splits[names[part]]
            if _lacks(split, choice.name):
                warnings.append(f"{self.path}: {names[part]} has no {choice.name} in any row: not used")
                continue
            made[part] = type_like_train(self._raw(split, names[part]), train)
        found = [problem for each in made.values() for problem in each.problems]
        parts, more = self._parted(made, splits, names, train, problems=found)
        notes += [*([choice.note] if choice.note else []), *more]
        return Collected(
            name=parse_name(self.path)[0].rstrip("/").rpartition("/")[2] or "hub",
            train=parts["train"],
            test=parts.get("test"),
            validation=parts.get("validation"),
            problems=tuple(found),
            notes=(*notes, *(note for each in made.values() for note in each.notes)),
            warnings=(*warnings, *(warning for each in made.values() for warning in each.warnings)),
        )

    def read_input(self, paths: Sequence[str]) -> tuple[RowsPart, tuple[DataProblem, ...]]:
        """Read the test split of one set, or its only split, or the one that is asked for."""
        if len(paths) != 1:
            raise UsageError(f"give one {PREFIX}NAME at a time.")
        splits = load_splits(paths[0])
        names = _parts(splits, paths[0], wanted=self.split)
        chosen = names["train"] if self.split != "auto" else names.get("test", names["train"])
        split = splits[chosen]
        target = self.target if self.target in split.table.column_names and not _lacks(split, self.target) else ""
        made = self._typed(split, chosen, target=target, needs_target=False)
        part = made.part("input")
        if not len(part):
            raise DataError(made.problems)
        if split.images:
            return self._images(part, split, chosen, problems=made.problems), tuple(made.problems)
        text = "" if self.text in ("auto", "none") else find_text_column(part, wanted=self.text)
        return texts_of(part, text) if text else part, tuple(made.problems)

    def _target(self, split: HubSplit) -> TargetChoice:
        """Choose the target: as the user says, or the only column of classes, or as in other tables."""
        names = [name for name in split.table.column_names if name not in split.images]
        if not names:
            return TargetChoice("")
        if self.target == "auto" and len(split.classes) == 1:
            return TargetChoice(split.classes[0], note=f"target = {split.classes[0]}: the only column of classes")
        return choose_target(names, wanted=self.target, file=self.path)

    def _typed(self, split: HubSplit, name: str, *, target: str, needs_target: bool = True) -> TypedTable:
        """Return a split's columns in their types."""
        types = {column: TYPE_OF[kind] for column, kind in self.kinds.items() if column in split.table.column_names}
        raw = self._raw(split, name)
        return type_table(raw, target=target, expected=Expected(types, self.dates), needs_target=needs_target)

    def _raw(self, split: HubSplit, name: str) -> RawTable:
        """Return a split's columns, but for images, in plain types."""
        table = split.table
        if not table.num_rows:
            raise DataError(
                [DataProblem(f"{self.path}, {name}", "there are no rows", "Choose another: --set source.split=NAME.")]
            )
        columns, notes = plain_columns(table.drop_columns(list(split.images)), file=f"{self.path}, {name}")
        if not columns and split.images:
            columns = {"row": pa.chunked_array([pa.array(np.arange(table.num_rows))])}
        lines, items = numbered(table.num_rows, first=1), numbered(table.num_rows)
        held = HeldColumns(columns)
        return RawTable(f"{self.path} {name}", held, lines, items, digest=_digest(table), notes=tuple(notes))

    def _parted(
        self,
        made: Mapping[str, TypedTable],
        splits: Mapping[str, HubSplit],
        names: Mapping[str, str],
        train: TablePart,
        *,
        problems: list[DataProblem],
    ) -> tuple[dict[str, RowsPart], list[str]]:
        """Return the parts as images, texts or tables, and what is worth telling."""
        tables = {name: train if name == "train" else each.part(name) for name, each in made.items()}
        split = splits[names["train"]]
        if split.images:
            parts = {
                name: self._images(part, splits[names[name]], names[name], problems=problems) for name, part in tables.items()
            }
            others = [column for column in train.columns if column != train.target and column in split.table.column_names]
            return dict(parts), [
                f"images: column {split.images[0]}",
                *([f"not learned from: {', '.join(others)}"] if others else []),
            ]
        text = find_text_column(train, wanted=self.text)
        if not text:
            return dict(tables), []
        said = say_texts(train, text, is_found=self.text == "auto", is_alone=self.text_alone)
        return {name: with_texts(part, text, is_alone=self.text_alone) for name, part in tables.items()}, [said]

    def _images(self, part: TablePart, split: HubSplit, split_name: str, *, problems: list[DataProblem]) -> RowsPart:
        """Return the images of a part's rows, and take note of those that cannot be used.

        Raises:
            DataError: None can.
        """
        rows = pa.array(part.lines.astype(np.int64) - 1)
        names = [f"{self.path} {split_name} row {line}" for line in part.lines.tolist()]
        column = split.table.column(split.images[0]).take(rows)
        found = images_part(part.name, column, labels=part.labels, names=names, fingerprint=part.fingerprint)
        lines = part.lines
        problems += [replace(each, items=tuple(int(lines[item]) - 1 for item in each.items)) for each in found.problems]
        if not len(found.part):
            raise DataError(problems)
        return found.part


def _parts(splits: Mapping[str, HubSplit], path: str, *, wanted: str) -> dict[str, str]:
    """Return which split is which part.

    Raises:
        UsageError: It cannot be told which one to learn from.
    """
    known = ", ".join(splits)
    if wanted != "auto" and wanted not in splits:
        raise UsageError(f"{path} has no split {wanted!r}. Its splits: {known}.")
    train = wanted if wanted != "auto" else "train" if "train" in splits else next(iter(splits)) if len(splits) == 1 else ""
    if not train:
        raise UsageError(f"{path} has no split train, but {known}. Say which to learn from: --set source.split=NAME.")
    others = [name for name in splits if name != train]
    found = {part: next((name for name in others if name.casefold() in usual), "") for part, usual in PARTS.items()}
    return {"train": train, **{part: name for part, name in found.items() if name}}


def _lacks(split: HubSplit, target: str) -> bool:
    """Tell whether no row of a split has an answer."""
    column = split.table.column(target) if target in split.table.column_names else None
    return bool(target) and (column is None or column.null_count == len(column))


def _digest(table: pa.Table) -> str:
    """Return the SHA-256 of a table's content, however it lies in memory."""
    digest = hashlib.sha256(str(table.schema).encode())
    # Cut anew: how a table lies in chunks says nothing about what is in it.
    for batch in table.combine_chunks().to_batches(max_chunksize=BATCH_ROWS):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_batch(batch)
        digest.update(sink.getvalue())
    return digest.hexdigest()
