"""A small example for each kind of source: a new kind is judged from its first day, once it has one here."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image


def image_folder(folder: Path) -> str:
    random = np.random.default_rng(0)
    for part, count in (("train", 12), ("test", 4)):
        for name, low in (("dark", 0), ("light", 120)):
            place = folder / "pictures" / part / name
            place.mkdir(parents=True)
            for index in range(count):
                pixels = random.integers(low, low + 100, size=(12, 10, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{index}.png")
    return str(folder / "pictures")


def idx(folder: Path) -> str:
    random = np.random.default_rng(0)
    labels = np.arange(60, dtype=np.uint8) % 3
    pixels = (random.integers(0, 60, size=(60, 8, 8)) + 60 * labels[:, None, None]).astype(np.uint8)
    for name, values in (("images-idx3", pixels), ("labels-idx1", labels)):
        header = struct.pack(">HBB" + "I" * values.ndim, 0, 8, values.ndim, *values.shape)
        (folder / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(header + values.tobytes()))
    return str(folder)


def table(folder: Path) -> str:
    random = np.random.default_rng(0)
    lines = [f"{random.normal() + 2 * (i % 2):.3f},{'xyz'[i % 3]},{'no yes'.split()[i % 2]}" for i in range(80)]
    (folder / "rows.csv").write_text("\n".join(["size,form,answer", *lines, ""]), encoding="utf-8")
    return str(folder / "rows.csv")


SOURCES: dict[str, Callable[[Path], str]] = {
    "image_folder": image_folder,
    "idx": idx,
    "table": table,
    "sklearn_bundled": lambda folder: "sklearn:iris",
}
TASKS: dict[str, Callable[[Path], str]] = {"classify": table, "regress": lambda folder: "sklearn:diabetes"}
"""For each task a source from which it learns within seconds."""
