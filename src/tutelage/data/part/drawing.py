"""A series as a small picture: a line for each of its first channels, all on one scale; not a component."""

import base64
import io

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["draw_lines"]

WIDTH, HEIGHT, MARGIN = 192, 96, 4
COLORS = ((38, 98, 172), (204, 102, 33), (58, 140, 76), (160, 60, 140), (120, 120, 120), (176, 152, 32))
"""By channel; of a series with more channels only the first are drawn."""
FINER = 2
"""Drawn this many times larger and made smaller again, so that lines are smooth."""


def draw_lines(values_TC: np.ndarray) -> str:
    """Return a series [T, C] as a base64 PNG; a missing value leaves a gap."""
    drawn_TC = np.asarray(values_TC[:, : len(COLORS)], dtype=np.float64)
    image = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    known = drawn_TC[np.isfinite(drawn_TC)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    spread = high - low or 1.0
    x = MARGIN + np.linspace(0, WIDTH - 2 * MARGIN, len(drawn_TC))
    y_TC = HEIGHT - MARGIN - (drawn_TC - low) / spread * (HEIGHT - 2 * MARGIN)
    for channel in reversed(range(drawn_TC.shape[1])):
        is_known = np.isfinite(y_TC[:, channel])
        for piece in np.split(np.arange(len(x)), np.flatnonzero(np.diff(is_known)) + 1):
            if len(piece) and is_known[piece[0]]:
                points = np.column_stack([x[piece], y_TC[piece, channel]]) * FINER
                pen.line([(float(across), float(down)) for across, down in points], fill=COLORS[channel], width=FINER)
    buffer = io.BytesIO()
    image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(buffer, format="PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
