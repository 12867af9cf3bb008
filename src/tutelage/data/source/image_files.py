"""Which files of a folder are meant as images."""

from pathlib import Path

from tutelage.data.source.class_tree import Meant, walk
from tutelage.data.source.decode import is_image, quiet

__all__ = ["IMAGES", "IMAGE_SUFFIXES", "looks_like_image", "looks_like_images"]

IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm",
    ".ico", ".jp2", ".j2k", ".avif",
)  # fmt: skip
"""Used only to guess what a folder holds; whether a file is an image is told by its content."""

NOTE_SUFFIXES = (
    ".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".md", ".rst", ".html", ".htm", ".log", ".ini",
    ".db", ".py", ".ipynb", ".names", ".sh", ".parquet",
)  # fmt: skip
"""Files that lie beside images without being meant as such."""

MAX_OPENED = 50
"""Files that are opened to guess what a folder holds."""


def looks_like_image(path: Path) -> bool:
    """Tell from its name, or else from its content, whether a file is meant as an image."""
    with quiet():
        return path.name.casefold().endswith(IMAGE_SUFFIXES) or is_image(path)


def looks_like_images(path: Path) -> bool:
    """Tell from file names, or else from a few files' content, whether a folder holds images at any depth."""
    unsure: list[Path] = []
    for file, _ in walk(path):
        if file.name.casefold().endswith(IMAGE_SUFFIXES):
            return True
        if not file.name.casefold().endswith(NOTE_SUFFIXES):
            unsure.append(file)
    with quiet():
        return any(is_image(file) for file in unsure[:MAX_OPENED])


def _passed_over(path: Path) -> str:
    """Return the kind of a file that lies beside images without being one, or ""."""
    suffix = path.suffix.casefold()
    return f"{suffix} file" if suffix in NOTE_SUFFIXES and not is_image(path) else ""


IMAGES = Meant(noun="image", one="an image", suffixes=IMAGE_SUFFIXES, passed_over=_passed_over)
