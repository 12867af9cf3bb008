"""Smooth calibration error: how far stated confidence is from the accuracy around it, without bins; 0 is honest.

Distances are smoothed by a kernel, and its width is the one that equals the error itself, so that nothing has to be chosen.
Noise raises it: compare it with its interval, and models on equally many rows.

Source: "Smooth ECE: Principled Reliability Diagrams via Kernel Smoothing", Blasiok and Nakkiran 2023, arXiv 2309.12236,
section 3; the grid and the search for the width as in the authors' package relplot.
Differs from the paper: none.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.confidence import ConfidenceMetric

__all__ = ["SmoothError"]

LEAST_WIDTH = 0.001
REFINEMENTS = 10
"""Halvings of the range in which the width is looked for."""
LEAST_POINTS, POINTS_PER_WIDTH = 200, 20
"""Points of the grid at least, and so that the width has that many."""


class SmoothError(ConfidenceMetric):
    """Calibration error of the predicted class by a kernel of the width that equals it."""

    kind: Literal["smooth_ece"] = "smooth_ece"
    title: ClassVar[str] = "calibration error (smooth)"
    most_resamples: ClassVar[int] = 100

    def measure(self, confidence_N: np.ndarray, hit_N: np.ndarray, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return np.array([_smooth_error(confidence_N, confidence_N - hit_N, weight_N) for weight_N in weight_RN])


def _smooth_error(confidence_N: np.ndarray, gap_N: np.ndarray, weight_N: np.ndarray) -> float:
    """Return the error of one weighting; NaN without weight."""
    total = weight_N.sum()
    if not total:
        return float("nan")
    points = LEAST_POINTS
    grid = _on_grid(confidence_N, gap_N * weight_N / total, points)
    start, end = 1.0, 0.0
    for _ in range(REFINEMENTS):
        width = (start + end) / 2
        while round(POINTS_PER_WIDTH / width) > points:
            points *= 4
            grid = _on_grid(confidence_N, gap_N * weight_N / total, points)
        if width < LEAST_WIDTH or width < _smoothed(grid, width):
            end = width
        else:
            start = width
    return _smoothed(grid, start)


def _on_grid(place_N: np.ndarray, value_N: np.ndarray, points: int) -> np.ndarray:
    """Return values at places between 0 and 1 shared out to the two points of a grid beside each, [points]."""
    scaled_N = place_N * (points - 1)
    left_N = np.clip(scaled_N.astype(np.int64), 0, points - 2)
    share_N = scaled_N - left_N
    left = np.bincount(left_N, (1 - share_N) * value_N, minlength=points)
    return np.asarray(left + np.bincount(left_N + 1, share_N * value_N, minlength=points))


def _smoothed(grid: np.ndarray, width: float) -> float:
    """Return the integral of the smoothed distances' size; what a kernel spreads beyond 0 and 1 is reflected."""
    points = len(grid)
    place = np.linspace(0, 1, points) - 0.5
    kernel = np.exp(-0.5 * (place / width) ** 2) / (np.sqrt(2 * np.pi) * width)
    mirrored = np.concatenate([grid[::-1][:-1], grid, grid[::-1][1:]])
    size = 1 << (len(mirrored) + points - 2).bit_length()
    whole = np.fft.irfft(np.fft.rfft(mirrored, size) * np.fft.rfft(kernel, size), size)
    begin = points - 1 + points // 2
    return float(np.abs(whole[begin : begin + points]).sum() / points)
