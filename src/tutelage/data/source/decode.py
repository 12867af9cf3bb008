"""Image files to pixels: any common format, mode and bit depth to 8-bit RGB or grey, or a clear reason why not.

A file is known by its content, never by its name. Only formats of an allow-list are tried, and the number of pixels is
read from the header before anything is decoded, so a decompression bomb costs nothing.

How each kind of pixel becomes 8 bits:
  1, L, P, RGB, CMYK, YCbCr, LAB, HSV   Pillow's own conversion; color to grey is ITU-R 601 luma
  transparency of any kind              laid on white, as on a page
  16-bit grey                           0..65535 to 0..255, rounded
  32-bit integer and float grey         no range is stated in the file, so the smallest of 0..1 (float only), 0..255 and
                                        0..65535 that holds the values is taken, else their own minimum to maximum
Rotation by EXIF is applied; where the EXIF block itself is broken the pixels are taken as they lie. Of an animation or a
file of several pages the first frame is taken.
"""

import io
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

__all__ = [
    "FORMATS", "MAX_PIXELS", "ImageReadError", "check_image", "count_pixels", "decode_image", "is_image", "map_files",
    "open_image", "quiet",
]  # fmt: skip

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "ICO", "JPEG2000", "AVIF")
"""Formats that are tried; all others are refused unread."""

MAX_PIXELS = 64_000_000
"""Width x height above which an image is refused: more than any camera of today, 192 MB as RGB."""

WIDE_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Grey modes with more than 8 bits, which Pillow would clip rather than scale."""

DRAFT_MODES = ("L", "RGB")
"""JPEG modes that may be decoded at a smaller scale."""

ORIENTATION = 0x0112
"""The EXIF tag that tells how the camera was held."""

PillowImage = Image.Image
Result = TypeVar("Result")


class ImageReadError(Exception):
    """A file that cannot be used as an image; its text is the reason, without the file's name."""


def decode_image(
    path: Path, *, mode: Literal["RGB", "L"] = "RGB", max_pixels: int = MAX_PIXELS, at_least: int = 0
) -> PillowImage:
    """Read an image file as 8-bit pixels, upright.

    In threads, call it through `map_files`, which keeps Pillow's warnings quiet.

    Args:
        path: The file.
        mode: RGB, or L for grey.
        max_pixels: Largest width x height.
        at_least: A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, much faster, while both sides stay at least this
            many pixels; 0 = full size.

    Raises:
        ImageReadError: It is not an image, is damaged or cut off, or is too large.
    """
    with open_image(path, max_pixels=max_pixels) as image, _said_clearly():
        if at_least and image.mode in DRAFT_MODES:
            image.draft(mode, (at_least, at_least))
        _load(image, path)
        return _to_8_bits(_upright(image), mode)


def check_image(path: Path, *, max_pixels: int = MAX_PIXELS) -> str:
    """Decode an image file only to see whether that can be done, as fast as possible.

    JPEGs are decoded at 1/8 of their size in grey: every coded byte is still read, so cut off and damaged files are found.

    Returns:
        What is odd about it though it can be used, or "".

    Raises:
        ImageReadError: As for `decode_image`.
    """
    with open_image(path, max_pixels=max_pixels) as image, _said_clearly():
        if image.mode in DRAFT_MODES:
            image.draft("L", (1, 1))
        oddity = _load(image, path)
        if image.mode not in ("L", "RGB"):
            _to_8_bits(image, "RGB")
        return oddity


def open_image(path: Path, *, max_pixels: int = MAX_PIXELS) -> ImageFile.ImageFile:
    """Open an image file: its header is read and its size checked, nothing is decoded.

    Raises:
        ImageReadError: It is not an image, or is too large.
    """
    with _said_clearly():
        _require_file(path)
        image = Image.open(path, formats=FORMATS)
    width, height = image.size
    if width * height > max_pixels:
        image.close()
        raise ImageReadError(f"{width} x {height} pixels, more than the limit of {max_pixels:,} (a decompression bomb?)")
    return image


def count_pixels(content: bytes) -> int:
    """Return width x height as the header of an image file says them; 0 where it is none."""
    try:
        with _said_clearly(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return image.width * image.height
    except ImageReadError:
        return 0


def is_image(path: Path) -> bool:
    """Tell from its content whether a file is an image, damaged perhaps."""
    try:
        _require_file(path)
        with Image.open(path, formats=FORMATS):
            return True
    except Image.DecompressionBombError:
        return True
    except MemoryError:
        raise
    except Exception:
        return False


def map_files(function: Callable[[Path], Result], paths: Sequence[Path]) -> list[Result]:
    """Call a function on each file from as many threads as there are processors, in order, with Pillow's warnings quiet.

    Pillow lets go of the interpreter lock while it decodes, so threads do run side by side.
    """
    with quiet(), ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
        return list(threads.map(function, paths))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Pillow's warnings on odd files; enter it once, before threads start (warning filters are per process)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\..*")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _require_file(path: Path) -> None:
    """Refuse what would be empty or, as a pipe, never end."""
    if path.is_symlink() and not path.exists():
        raise ImageReadError("a link that leads nowhere")
    if not path.is_file():
        raise ImageReadError("not a regular file")
    if path.stat().st_size == 0:
        raise ImageReadError("the file is empty (0 bytes)")


@contextmanager
def _said_clearly() -> Iterator[None]:
    """Turn what Pillow's readers raise into an `ImageReadError`."""
    try:
        yield
    except (ImageReadError, MemoryError):
        raise  # without memory nothing is known of the file
    except Image.DecompressionBombError as error:
        size = str(error).partition("(")[2].partition(")")[0]
        raise ImageReadError(f"a decompression bomb: its header claims {size}") from error
    except UnidentifiedImageError as error:
        raise ImageReadError("not an image of a known format, or its header is damaged") from error
    except Exception as error:  # on damaged files they raise nearly every built-in type
        text = str(error) or type(error).__name__
        cut_off = "truncated" in text.lower() or isinstance(error, EOFError)
        raise ImageReadError(f"the file is {'cut off' if cut_off else 'damaged'} ({text})") from error


def _load(image: ImageFile.ImageFile, path: Path) -> str:
    """Decode all pixels; return what is odd about them, or "".

    A PNG is still used, as browsers do, if only what follows its pixels is damaged, or if its stream breaks in the lower half.
    """
    try:
        image.load()
    except OSError:
        # Pillow empties `tile` once the stream was read to its end; what was decoded until then is in the image.
        if image.format != "PNG" or image.tile or image.info.get("interlace"):
            raise
        if _has_whole_pixels(path):
            return ""
        filled = np.asarray(image).reshape(image.height, -1).any(axis=1)
        kept = int(np.flatnonzero(filled)[-1]) + 1 if filled.any() else 0
        if kept * 2 < image.height:
            raise
        return f"damaged: only the upper {kept} of {image.height} rows can be decoded"
    return ""


def _has_whole_pixels(path: Path) -> bool:
    """Tell whether a PNG decodes as long as the blocks after its pixels are left unread."""
    with Image.open(path, formats=("PNG",)) as image:
        image.load_end = lambda: None  # type: ignore[method-assign]
        try:
            image.load()
        except OSError:
            return False
        return True


def _upright(image: PillowImage) -> PillowImage:
    """Turn an image as its EXIF orientation says."""
    try:
        turned = image.getexif().get(ORIENTATION, 1) in range(2, 9)
        return ImageOps.exif_transpose(image) if turned else image
    except Exception:  # a broken EXIF block says nothing about the pixels
        return image


def _to_8_bits(image: PillowImage, mode: Literal["RGB", "L"]) -> PillowImage:
    """Convert any mode to 8-bit RGB or grey, transparency laid on white."""
    if image.mode in WIDE_MODES:
        image = _scaled(image)
    elif image.has_transparency_data:
        colors = image.convert("RGBA")
        page = Image.new("RGBA", colors.size, "white")
        image = Image.alpha_composite(page, colors)
    elif image.mode not in ("1", "L", "RGB", "CMYK", "P"):
        image = image.convert("RGB")  # such as LAB, which has no direct way to grey
    return image if image.mode == mode else image.convert(mode)


def _scaled(image: PillowImage) -> PillowImage:
    """Bring grey values of more than 8 bits to 0..255."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16") or image.format in ("PNG", "PPM"):
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 65535:
        low, high = 0.0, next(top for top in (1.0, 255.0, 65535.0) if high <= top and (top > 1 or image.mode == "F"))
    grey = np.rint((values - low) * (255.0 / (high - low or 1.0))).astype(np.uint8)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey[values == clear] = 255
    return Image.fromarray(grey)
