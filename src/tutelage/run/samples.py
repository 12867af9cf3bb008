"""Rows like those of the data, made by a trained generator."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from tutelage.core.durable import write_durably
from tutelage.core.errors import BRING_BACK, RunError, UsageError
from tutelage.data.part.base import RowsPart
from tutelage.predictor.predictor import Predictor
from tutelage.task.sample_maker import SampleMaker

__all__ = ["FORMATS", "Samples", "Sought", "make_samples"]

MAX_SAMPLES = 1_000_000
PICTURES_IN_SHEET = 10_000
BATCH = 250
FORMATS = (".png", ".npy", ".csv")
"""Endings of the files that samples can be written to: a sheet of pictures, any array, rows of numbers."""
FLAT = 2
"""Dimensions of rows of numbers."""


@dataclass(frozen=True)
class Sought:
    """What is to be made.

    Attributes:
        num: How many samples.
        seed: Root of all randomness; the first samples are the same however many there are.
        label: Name of the wanted class; None = classes in turn where the generator knows any.
    """

    num: int = 64
    seed: int = 0
    label: Any = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: A number out of its range; the message names the range.
        """
        for name, low, high in (("num", 1, MAX_SAMPLES), ("seed", 0, 2**63 - 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise UsageError(f"{name} = {value}: expected a whole number from {low:,} to {high:,}.")


@dataclass(frozen=True)
class Samples:
    """Generated rows.

    Attributes:
        part: As rows of the kind that was learned from.
        labels: The class that each was asked for; () where the generator knows none.
    """

    part: RowsPart
    labels: tuple[Any, ...] = ()

    @property
    def numbers(self) -> np.ndarray:
        """Pixels uint8 [N, H, W, C], or the numbers of arrays float32 [N, ...], in the unit of the data."""
        numbers = self.part.numbers()
        if numbers is None:
            raise RunError(f"generated {self.part.kind} data are no numbers.")
        return numbers

    @property
    def content(self) -> Any:
        """The table where rows are made of columns, else the numbers."""
        return self.numbers if self.table is None else self.table

    @property
    def table(self) -> pa.Table | None:
        """The columns and their cells, where rows are made of columns; else None."""
        columns = {name: self.part.column(name) for name in self.part.columns}
        return pa.table(columns) if columns else None

    def rows(self) -> list[Any]:
        """Return each row for JSON: cells by column, or numbers."""
        if self.table is None:
            plain: list[Any] = self.numbers.tolist()
            return plain
        return [self.part.show(number)["row"] for number in range(len(self.part))]

    def save(self, out: Path) -> None:
        """Write all samples to one file, in the form that its name's ending says.

        Raises:
            UsageError: Such samples cannot be written in that form.
        """
        write_durably(out, self._encoded(out))

    def csv(self) -> str:
        """Return rows of a table, or of numbers, as text, one a line, below a line of names.

        Raises:
            UsageError: A sample is more than one row of numbers.
        """
        table = self.part.csv(self.labels)
        if table is not None:
            return table
        numbers = self.numbers
        if numbers.ndim != FLAT:
            shape = "x".join(map(str, numbers.shape[1:])) or "one number"
            raise UsageError(f"each sample is {shape}, not a row of numbers. Write them with --out FILE.npy or FILE.png.")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*(f"x{column}" for column in range(1, numbers.shape[1] + 1)), *(["label"] if self.labels else [])])
        for number, row in enumerate(numbers.tolist()):
            writer.writerow([*row, *self.labels[number : number + 1]])
        return text.getvalue()

    def _encoded(self, out: Path) -> bytes:
        """Return the bytes of a file."""
        if out.suffix == ".csv":
            return self.csv().encode()
        if out.suffix == ".npy":
            buffer = io.BytesIO()
            np.save(buffer, self.numbers, allow_pickle=False)
            return buffer.getvalue()
        if out.suffix != ".png":
            raise UsageError(f"--out {out}: expected a name that ends in {', '.join(FORMATS)}.")
        if len(self.part) > PICTURES_IN_SHEET:
            raise UsageError(f"--out {out}: a sheet holds at most {PICTURES_IN_SHEET:,} pictures. More go into a .npy file.")
        sheet = self.part.sheet(len(self.part))
        if sheet is None:
            raise UsageError(f"--out {out}: these samples are no pictures. Write them with --out FILE.csv or FILE.npy.")
        return sheet


@torch.no_grad()
def make_samples(path: Path, predictor: Predictor, sought: Sought) -> Samples:
    """Return generated samples.

    Args:
        path: The run, for messages.
        predictor: Its model.
        sought: What to make.

    Raises:
        RunError: The run's model makes no samples, or its file does not fit together.
        UsageError: It knows no such class.
    """
    task, fitted = predictor.task, predictor.fitted
    kind = getattr(task, "kind", "")
    if not isinstance(task, SampleMaker) or fitted is None:
        remedy = "Train a generator: tutelage train DATA --task generate."
        raise RunError(f"{path}: a model of task {kind!r} makes no samples. {remedy}")
    classes = _wanted_classes(path, predictor, sought)
    latents = task.latents(sought.num, seed=sought.seed, classes=classes)
    pieces = [predictor.maker(piece.to(predictor.device)).float().cpu() for piece in torch.split(latents, BATCH)]
    part = fitted.undo(task.answer(torch.cat(pieces)))
    if part is None:
        raise RunError(f"{path}: its preprocessing cannot be undone. {BRING_BACK}")
    names = () if predictor.target is None or classes is None else predictor.target.classes
    return Samples(part, tuple(names[number] for number in classes.tolist()) if classes is not None and names else ())


def _wanted_classes(path: Path, predictor: Predictor, sought: Sought) -> torch.Tensor | None:
    """Return the class number of each sample, int64 [num]; None where the generator knows no classes."""
    task, target = predictor.task, predictor.target
    assert isinstance(task, SampleMaker)
    if not task.classes or target is None:
        if sought.label is not None:
            remedy = "Leave --label out, or train one that does: --set task.conditional=true."
            raise UsageError(f"--label {sought.label}: the generator of {path} makes no class on demand. {remedy}")
        return None
    names = [str(name) for name in target.classes]
    if sought.label is None:
        return torch.arange(sought.num) % len(names)
    if str(sought.label) not in names:
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise UsageError(f"--label {sought.label}: the generator of {path} knows no such class. It knows {shown}.")
    return torch.full((sought.num,), names.index(str(sought.label)), dtype=torch.int64)
