"""Images in the cells of an Arrow column to a part: as pixels where all have one size, else as files.

Not a component. Files are written to the cache folder, and stay there until somebody deletes it.
"""

import hashlib
import io
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from tutelage.core.cache_folder import cache_folder
from tutelage.core.errors import DataProblem
from tutelage.data.part.image import ImagePart
from tutelage.data.source.class_folders import Found
from tutelage.data.source.decode import quiet
from tutelage.data.source.image_folder import ImageFolder

__all__ = ["images_part"]

MOST_PIXEL_BYTES = 2**30
"""Size of all pixels together from which on images stay files, and are decoded as those of a folder are."""
ORIENTATION = 274
"""The tag by which a camera says how it was held."""
REMEDY = "Leave the row out, or mend the image."


def images_part(name: str, column: pa.ChunkedArray, *, labels: np.ndarray | None, names: list[str], fingerprint: str) -> Found:
    """Return images with their labels, and what is wrong with them.

    Args:
        name: The part's name.
        column: `struct<bytes, path>` of the rows that are meant.
        labels: [N], or None.
        names: Each image as people know it.
        fingerprint: Hash of content and labels.

    Returns:
        The rows whose images can be used, and a problem for each other one; its `item` is the row's number in the column.
    """
    cells: list[dict[str, Any]] = [cell or {} for cell in column.to_pylist()]
    there = [row for row, cell in enumerate(cells) if cell.get("bytes") or cell.get("path")]
    empty = sorted(set(range(len(cells))) - set(there))
    problems = tuple(DataProblem(names[row], "there is no image in it", REMEDY, item=row) for row in empty)
    cells, kept = [cells[row] for row in there], [names[row] for row in there]
    labels = None if labels is None else labels[there]
    pixels = _as_pixels(cells)
    if pixels is not None:
        return Found(ImagePart(name, (), pixels, labels, tuple(kept), fingerprint), problems)
    files = _as_files(cells, folder=cache_folder() / "hub" / fingerprint[:32])
    found = ImageFolder().part_of(name, files, labels=labels, names=kept)
    damaged = (replace(each, items=tuple(there[item] for item in each.items)) for each in found.problems)
    return replace(found, problems=(*problems, *damaged))


def _as_pixels(cells: list[dict[str, Any]]) -> np.ndarray | None:
    """Return uint8 [N, H, W, C]; None where images differ in size, are large together, lie on a side, or are damaged."""
    found: np.ndarray | None = None
    try:
        with quiet():
            for row, cell in enumerate(cells):
                with Image.open(io.BytesIO(cell["bytes"]) if cell.get("bytes") else cell["path"]) as image:
                    if image.mode not in ("L", "RGB") or image.getexif().get(ORIENTATION, 1) != 1:
                        return None
                    pixels_HWC = np.atleast_3d(np.asarray(image))
                if found is None:
                    if pixels_HWC.size * len(cells) > MOST_PIXEL_BYTES:
                        return None
                    found = np.empty((len(cells), *pixels_HWC.shape), dtype=np.uint8)
                if pixels_HWC.shape != found.shape[1:]:
                    return None
                found[row] = pixels_HWC
    except Exception:  # a damaged image: the reader of files says what is wrong with each
        return None
    return found


def _as_files(cells: list[dict[str, Any]], *, folder: Path) -> list[Path]:
    """Return a file for each image; those that come as bytes are written to the cache, once."""
    files: list[Path] = []
    for cell in cells:
        content, path = cell.get("bytes"), str(cell.get("path") or "")
        if not content:
            files.append(Path(path))
            continue
        file = folder / (hashlib.sha256(content).hexdigest()[:32] + Path(path).suffix[:8])
        if not file.is_file() or file.stat().st_size != len(content):
            folder.mkdir(parents=True, exist_ok=True)
            # Another process may read it: the file is there as a whole, or not at all.
            aside = folder / f".{secrets.token_hex(4)}.tmp"
            try:
                aside.write_bytes(content)
                aside.replace(file)
            finally:
                aside.unlink(missing_ok=True)
        files.append(file)
    return files
