"""Smooth calibration error: how far stated confidence is from the accuracy around it, without bins; 0 is honest.

Distances are smoothed by a kernel, and its width is the one that equals the error itself, so that nothing has to be chosen.
Noise raises it: compare it with its interval, and models on equally many rows.

Source: "Smooth ECE: Principled Reliability Diagrams via Kernel Smoothing", Blasiok and Nakkiran 2023, arXiv 2309.12236,
section 3; the grid and the search for the width as in the authors' package relplot.
Differs from the paper: none.
"""

import functools
from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.confidence import ConfidenceMetric

__all__ = ["SmoothError"]

LEAST_WIDTH = 0.001
REFINEMENTS = 10
"""Halvings of the range in which the width is looked for."""
MOST_KERNELS = 32
"""Transformed kernels that are kept at a time; the finest takes two megabytes."""
LEAST_POINTS, POINTS_PER_WIDTH = 200, 20
"""Points of the grid at least, and so that the width has that many."""


class SmoothError(ConfidenceMetric):
    """Calibration error of the predicted class by a kernel of the width that equals it."""

    kind: Literal["smooth_ece"] = "smooth_ece"
    title: ClassVar[str] = "calibration error (smooth)"
    most_resamples: ClassVar[int] = 100

    def measure(self, confidence_N: np.ndarray, hit_N: np.ndarray, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        gap_N = confidence_N - hit_N
        # Resamples are smoothed with widths from the same few halvings: each kernel is transformed once.
        kernel = functools.lru_cache(MOST_KERNELS)(_kernel)
        return np.array([_smooth_error(confidence_N, gap_N, weight_N, kernel=kernel) for weight_N in weight_RN])


def _smooth_error(
    confidence_N: np.ndarray, gap_N: np.ndarray, weight_N: np.ndarray, *, kernel: Callable[[int, float], np.ndarray]
) -> float:
    """Return the error of one weighting; NaN without weight."""
    total = weight_N.sum()
    if not total:
        return float("nan")
    points = LEAST_POINTS
    value_N = gap_N * weight_N / total
    spectrum = _spectrum(_on_grid(confidence_N, value_N, points))
    start, end = 1.0, 0.0
    for _ in range(REFINEMENTS):
        width = (start + end) / 2
        while round(POINTS_PER_WIDTH / width) > points:
            points *= 4
            spectrum = _spectrum(_on_grid(confidence_N, value_N, points))
        if width < LEAST_WIDTH or width < _smoothed(spectrum, kernel(points, width), points):
            end = width
        else:
            start = width
    return _smoothed(spectrum, kernel(points, start), points)


def _on_grid(place_N: np.ndarray, value_N: np.ndarray, points: int) -> np.ndarray:
    """Return values at places between 0 and 1 shared out to the two points of a grid beside each, [points]."""
    scaled_N = place_N * (points - 1)
    left_N = np.clip(scaled_N.astype(np.int64), 0, points - 2)
    share_N = scaled_N - left_N
    left = np.bincount(left_N, (1 - share_N) * value_N, minlength=points)
    return np.asarray(left + np.bincount(left_N + 1, share_N * value_N, minlength=points))


def _spectrum(grid: np.ndarray) -> np.ndarray:
    """Return the transform of values on a grid; what a kernel spreads beyond 0 and 1 is reflected."""
    return np.fft.rfft(np.concatenate([grid[::-1][:-1], grid, grid[::-1][1:]]), _size(len(grid)))


def _kernel(points: int, width: float) -> np.ndarray:
    """Return the transform of a kernel on a grid of so many points."""
    place = np.linspace(0, 1, points) - 0.5
    return np.fft.rfft(np.exp(-0.5 * (place / width) ** 2) / (np.sqrt(2 * np.pi) * width), _size(points))


def _size(points: int) -> int:
    """Return the length of the transforms: a power of two that holds the grid with its two reflections, and a kernel."""
    return 1 << (4 * points - 4).bit_length()


def _smoothed(spectrum: np.ndarray, kernel: np.ndarray, points: int) -> float:
    """Return the integral of the smoothed distances' size."""
    whole = np.fft.irfft(spectrum * kernel, _size(points))
    begin = points - 1 + points // 2
    return float(np.abs(whole[begin : begin + points]).sum() / points)
