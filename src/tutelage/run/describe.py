"""What is in the data, for data.json: counts, columns with simple statistics, sample pictures, what was left out."""

import base64
import io
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from tutelage.core.schema import Column
from tutelage.data.prepare.table import FittedTable
from tutelage.data.prepare.target import ClassTarget
from tutelage.data.part.table import TablePart
from tutelage.run.gather import Gathered, Prepared

__all__ = ["describe_data", "picture"]

MAX_THUMBNAIL_CLASSES, THUMBNAILS_PER_CLASS = 12, 4
THUMBNAIL_SIDE = 96
TOP_VALUES = 5


def describe_data(gathered: Gathered, *, path: str, kind: str) -> dict[str, Any]:
    """Return the record of data.json."""
    collected = gathered.collected
    parts = {"train": gathered.train, "validation": gathered.validation} | ({"test": gathered.test} if gathered.test else {})
    train = gathered.train.part
    record: dict[str, Any] = {
        "source": collected.name,
        "path": path,
        "kind": kind,
        "target": train.target if isinstance(train, TablePart) else "",
        "fingerprint": gathered.fingerprint,
        "parts": {name: len(part) for name, part in parts.items()},
        "skipped": [{"where": p.where, "found": p.found, "remedy": p.remedy} for p in collected.problems],
        "warnings": list(collected.warnings),
        "notes": list(collected.notes),
    }
    if isinstance(gathered.target, ClassTarget):
        counts = {name: gathered.target.count(part.truth) for name, part in parts.items()}
        names = gathered.target.classes
        record["classes"] = {str(name): {part: int(counts[part][i]) for part in counts} for i, name in enumerate(names)}
    if isinstance(train, TablePart):
        columns = gathered.fitted.columns if isinstance(gathered.fitted, FittedTable) else ()
        record["columns"] = [_describe_column(train, column) for column in columns]
    if "image" in gathered.train.tensors:
        record["thumbnails"] = _thumbnails(gathered.train, gathered)
    return record


def picture(pixels_HWC: np.ndarray, *, side: int = THUMBNAIL_SIDE) -> str:
    """Return uint8 pixels as a base64 PNG, small ones enlarged without smoothing so that each pixel can be seen."""
    image = Image.fromarray(pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC)
    longer = max(image.size)
    if longer < side:
        image = image.resize((image.width * (side // longer), image.height * (side // longer)), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def _describe_column(part: TablePart, column: Column) -> dict[str, Any]:
    """Return a column's role and statistics on train rows."""
    values = part.table.column(column.name)
    record: dict[str, Any] = {"name": column.name, "role": column.role, "reason": column.reason}
    record["missing"] = values.null_count / max(len(values), 1)
    known = values.drop_null()
    record["distinct"] = pc.count_distinct(known).as_py()
    if not len(known):
        return record
    if pa.types.is_integer(known.type) or pa.types.is_floating(known.type):
        spread = pc.min_max(known).as_py()
        return record | {"min": spread["min"], "mean": pc.mean(known).as_py(), "max": spread["max"]}
    return record | {"top": Counter(map(str, known.to_pylist())).most_common(TOP_VALUES)}


def _thumbnails(prepared: Prepared, gathered: Gathered) -> list[dict[str, str]]:
    """Return a few train pictures of each class, as the model sees them."""
    target = gathered.target
    if not isinstance(target, ClassTarget):
        return []
    samples = []
    for number, name in enumerate(target.classes[:MAX_THUMBNAIL_CLASSES]):
        for row in np.flatnonzero(prepared.truth == number)[:THUMBNAILS_PER_CLASS]:
            samples.append({"label": str(name), "png": picture(prepared.tensors["image"][int(row)].numpy())})  # noqa: PERF401
    return samples
