"""Pictures of one size after another as one animated picture (APNG), which every browser plays without a script."""

import base64
import io
import warnings
from collections.abc import Sequence

from PIL import Image

__all__ = ["animated"]

FRAME_SECONDS, LAST_SECONDS = 0.4, 2.0
MOST_PIXELS = 2**22
"""Of a frame; a larger sheet is no thing to be animated."""


def animated(pngs: Sequence[str]) -> str:
    """Return pictures, base64 PNG, as one that shows them in turn; "" where there are fewer than two that can be read.

    Args:
        pngs: In their order; of another size than the first one that can be read are left out.
    """
    frames: list[Image.Image] = []
    for png in pngs:
        frame = _read(png)
        if frame is not None and (not frames or frame.size == frames[0].size):
            frames.append(frame)
    if len(frames) < 2:
        return ""
    buffer = io.BytesIO()
    times = [int(1000 * FRAME_SECONDS)] * (len(frames) - 1) + [int(1000 * LAST_SECONDS)]
    frames[0].save(buffer, format="PNG", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return base64.b64encode(buffer.getvalue()).decode()


def _read(png: str) -> Image.Image | None:
    """Return a picture; None where it cannot be read: a file may be damaged anywhere."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image = Image.open(io.BytesIO(base64.b64decode(png, validate=True)), formats=("PNG",))
            return image.convert("L" if image.mode == "L" else "RGB") if image.width * image.height <= MOST_PIXELS else None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning):
        return None
