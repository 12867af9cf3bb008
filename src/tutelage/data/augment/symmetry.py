"""Whether mirror images keep their meaning, asked of the data: cats do, digits do not.

Not a component. A ridge classifier learns one half of the images as they are and is asked about the other half, as it
is and mirrored. Where it does about as well on mirror images, mirroring is a safe augmentation.

Shape letters: N images, F features, K classes.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["MirrorTest", "Pictures", "try_mirror"]

MAX_IMAGES, IMAGES_AT_A_TIME = 4000, 50
MAX_SIDE = 16
"""Side in pixels to which images are averaged: enough to tell left from right."""

RIDGE = 0.1
"""Penalty as a share of the mean variance of a feature times the number of images."""

KEPT_FRACTION = 0.5
"""Share of the accuracy above chance that mirror images must keep."""

STANDARD_ERRORS = 3.0
"""Differences smaller than this many standard errors are taken for chance."""


class Pictures(Protocol):
    """Images that need not be in memory: an array will do."""

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray:
        """Return the images at int64 [n], uint8 [n, H, W, C]."""


@dataclass(frozen=True)
class MirrorTest:
    """What the classifier got right.

    Attributes:
        as_is: Accuracy on images as they are.
        mirrored: Accuracy on their mirror images.
        chance: Accuracy of always naming the most frequent class.
        keeps_meaning: Whether images may be mirrored.
    """

    as_is: float
    mirrored: float
    chance: float
    keeps_meaning: bool


def try_mirror(pictures: Pictures, target_N: np.ndarray) -> MirrorTest:
    """Ask a simple classifier whether mirror images are still of their class.

    Args:
        pictures: uint8 [N, H, W, C]; at most `MAX_IMAGES`, evenly spaced, are looked at, a few at a time.
        target_N: Class numbers, int [N].
    """
    chosen = np.unique(np.linspace(0, len(target_N) - 1, min(MAX_IMAGES, len(target_N))).astype(np.int64))
    few = np.array_split(chosen, max(1, -(-len(chosen) // IMAGES_AT_A_TIME)))
    images, target = np.concatenate([_shrink(pictures[numbers]) for numbers in few]), target_N[chosen]
    is_train = np.random.default_rng(0).permutation(len(target)) % 2 == 0
    held = target[~is_train]
    chance = float(np.bincount(held).max() / max(1, len(held))) if len(held) else 1.0
    weights_FK = _fit(_features(images[is_train]), target[is_train], num_classes=int(target.max()) + 1)
    as_is, mirrored = (
        float((np.argmax(_features(view) @ weights_FK, axis=1) == held).mean()) if len(held) else 0.0
        for view in (images[~is_train], images[~is_train][:, :, ::-1])
    )
    noise = STANDARD_ERRORS * float(np.sqrt(chance * (1 - chance) / max(1, len(held))))
    is_kept = mirrored - chance >= KEPT_FRACTION * (as_is - chance) - noise
    return MirrorTest(as_is, mirrored, chance, is_kept)


def _shrink(pixels_NHWC: np.ndarray) -> np.ndarray:
    """Average blocks of pixels until no side is longer than `MAX_SIDE`: float64 [N, h, w, C] in 0..1."""
    _, height, width, _ = pixels_NHWC.shape
    block = -(-max(height, width) // MAX_SIDE)
    if block == 1:
        return pixels_NHWC / 255.0
    # Of a stripe the short side is one block: as it is, its long side would be too many numbers to fit anything to.
    tall, wide = min(block, height), min(block, width)
    height, width = height // tall * tall, width // wide * wide
    # Cut evenly on both sides, so that a mirror image is cut alike.
    top, left = (pixels_NHWC.shape[1] - height) // 2, (pixels_NHWC.shape[2] - width) // 2
    inner = pixels_NHWC[:, top : top + height, left : left + width]
    blocks = inner.reshape(len(inner), height // tall, tall, width // wide, wide, -1)
    means: np.ndarray = blocks.mean(axis=(2, 4), dtype=np.float64) / 255.0
    return means


def _features(images_NHWC: np.ndarray) -> np.ndarray:
    """Return pixels and a constant, [N, F]."""
    return np.concatenate([images_NHWC.reshape(len(images_NHWC), -1), np.ones((len(images_NHWC), 1))], axis=1)


def _fit(features_NF: np.ndarray, target_N: np.ndarray, *, num_classes: int) -> np.ndarray:
    """Return the weights of a ridge regression on one-hot classes, [F, K]."""
    wanted_NK = np.eye(num_classes)[target_N]
    gram = features_NF.T @ features_NF
    penalty = RIDGE * float(features_NF.var(axis=0).mean()) * len(features_NF) + 1e-9
    weights: np.ndarray = np.linalg.solve(gram + penalty * np.eye(len(gram)), features_NF.T @ wanted_NK)
    return weights
