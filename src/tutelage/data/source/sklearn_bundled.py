"""Small real data sets that come with scikit-learn: sklearn:digits, breast_cancer, wine, diabetes, iris.

For a first try and for tests; nothing is downloaded.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from tutelage.core.catalog import suggest
from tutelage.core.errors import DataProblem, UsageError
from tutelage.data.part.base import RowsPart
from tutelage.data.part.image import ImagePart
from tutelage.data.part.table import TablePart
from tutelage.data.source.base import Collected, Source

__all__ = ["SklearnBundled"]

PREFIX = "sklearn:"
NAMES = ("digits", "breast_cancer", "wine", "diabetes", "iris")
DIGITS_MAX = 16
"""The brightest value in the digits set."""


class SklearnBundled(Source):
    """A data set from within scikit-learn, named `sklearn:NAME`."""

    kind: Literal["sklearn_bundled"] = "sklearn_bundled"

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether it is a name such as `sklearn:digits`."""
        return path.startswith(PREFIX)

    def collect(self) -> Collected:
        """Load the set; it has no test part of its own."""
        if self.test:
            raise UsageError(f"{self.path} takes no --test: a test part is cut from it.")
        part = _load(self.path, part="train", target=self.target)
        return Collected(name=self.path.removeprefix(PREFIX).replace("_", "-"), train=part)

    def read_input(self, paths: Sequence[str]) -> tuple[RowsPart, tuple[DataProblem, ...]]:
        """Load one set, with its labels."""
        if len(paths) != 1:
            raise UsageError(f"give one of {', '.join(PREFIX + name for name in NAMES)} at a time.")
        return _load(paths[0], part="input", target=self.target), ()


def _load(path: str, *, part: str, target: str) -> RowsPart:
    """Load a set by its name."""
    from sklearn import datasets  # takes a second to import, and only this source needs it

    name = path.removeprefix(PREFIX)
    if name not in NAMES:
        known = ", ".join(PREFIX + known for known in NAMES)
        raise UsageError(f"{path}: unknown bundled set{suggest(name, NAMES)} Known: {known}.")
    bunch = getattr(datasets, f"load_{name}")()
    if name == "digits":
        return _images(bunch, part=part)
    return _table(bunch, path=path, part=part, target=target)


def _images(bunch: Any, *, part: str) -> ImagePart:
    """Turn the digits into 8 x 8 grey images, brought from 0..16 to 0..255."""
    pixels = np.rint(bunch.images * (255 / DIGITS_MAX)).astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    return ImagePart(
        name=part,
        files=(),
        pixels=pixels,
        labels=labels,
        names=tuple(f"image {index}" for index in range(len(pixels))),
        fingerprint=hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest(),
    )


def _table(bunch: Any, *, path: str, part: str, target: str) -> TablePart:
    """Turn a set into a table with the target as its last column, classes by name."""
    columns: dict[str, Any] = {str(name): bunch.data[:, index] for index, name in enumerate(bunch.feature_names)}
    names = getattr(bunch, "target_names", None)
    columns["target"] = bunch.target if names is None else [str(names[code]) for code in bunch.target]
    if target not in ("auto", *columns):
        raise UsageError(f"{path} has no column {target!r}{suggest(target, list(columns))} Columns: {', '.join(columns)}.")
    return TablePart(
        name=part,
        table=pa.table(columns),
        file=path,
        lines=np.arange(1, len(bunch.data) + 1),
        target="target" if target == "auto" else target,
        fingerprint=hashlib.sha256(bunch.data.tobytes() + bunch.target.tobytes()).hexdigest(),
    )
