"""Where generated samples are compared with real ones: as they are, or by the features of a small classifier of the same data.

Pixels are a bad ruler of pictures: a digit moved by a pixel is far from itself. So labelled data get a frozen classifier, fitted
here on every second train row; the other rows are the real samples that others are compared with, and it has seen none of these.
Without labels, samples of many numbers are seen through their principal components, which is a weaker ruler: a blurred picture
is near its sharp one. Nothing is downloaded, and nothing is called FID, which is another network's features.

Source: M. Stein et al., "Exposing flaws of generative model evaluation metrics", 2023, arXiv 2306.04675: features decide what is
measured. Differs from the paper: features of the same data, not of ImageNet.

Shape letters: N samples, F features, C channels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.seeds import derive

__all__ = ["SampleSpace", "choose_space", "gaussian_samples"]

FEW_NUMBERS = 16
"""Samples of at most so many numbers are compared as they are."""
MOST_COMPONENTS = 64
MOST_COVARIANCE = 4_096
"""Numbers of a sample up to which the covariance of all of them is taken: its memory grows with their square, its time faster."""
MOST_SPANNING = 2_000
"""Rows of larger samples, evenly spaced, whose differences span the space instead."""
FEATURES = 32
STEPS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 400, 128, 2e-3, 1e-2
"""Of the classifier: some seconds, and enough for features; a better one would be a better ruler, and cost every run more."""
MOST_CLASSES, LEAST_PER_CLASS = 1_000, 4
BATCH_ANSWERED = 500


@dataclass(frozen=True)
class SampleSpace:
    """A way of comparing samples.

    Attributes:
        said: What it is, for people.
        is_learned: Whether features were learned, so that one Gaussian over the samples is not one over the features.
        features: sample float32 [N, ...] on the CPU -> features float64 [N, F].
    """

    said: str
    is_learned: bool
    features: Callable[[Tensor], np.ndarray]


def choose_space(samples: Tensor, labels: np.ndarray | None, *, seed: int) -> SampleSpace:
    """Return the best way of comparing samples that there is.

    Args:
        samples: Train samples as the network takes them, float32 [N, ...] on the CPU.
        labels: Their labels [N]; None where there are none.
        seed: Root of the classifier's randomness.
    """
    numbers = samples[0].numel()
    if numbers <= FEW_NUMBERS:
        return SampleSpace("the samples as they are", False, _flat)
    classes = None if labels is None else _classes(labels)
    if classes is not None:
        return _classifier_space(samples, classes, seed=seed)
    if numbers <= MOST_COMPONENTS:
        return SampleSpace("the samples as they are", False, _flat)
    return _components_space(samples)


def _flat(samples: Tensor) -> np.ndarray:
    """Return all numbers of a sample in a row."""
    return np.asarray(samples.flatten(1).double().numpy())


def _classes(labels: np.ndarray) -> Tensor | None:
    """Return class numbers int64 [N]; None where these are amounts, or classes of too few rows."""
    names, codes, counts = np.unique(labels.astype(str), return_inverse=True, return_counts=True)
    is_usable = 2 <= len(names) <= MOST_CLASSES and len(labels) >= LEAST_PER_CLASS * len(names) and counts.max() > 1
    return torch.from_numpy(codes.astype(np.int64)) if is_usable else None


def gaussian_samples(samples: Tensor, count: int, *, random: np.random.Generator) -> np.ndarray:
    """Draw float32 [count, numbers] from one Gaussian with the mean and covariance of samples float32 [N, ...].

    Of large samples the covariance is that of some of them: their differences from the mean, mixed at random, have it without
    its ever being computed.
    """
    if samples[0].numel() > MOST_COVARIANCE:
        mean, centered = _spanning(samples)
        weights = random.standard_normal((count, len(centered))) / max(len(centered) - 1, 1) ** 0.5
        return np.asarray((torch.from_numpy(weights.astype(np.float32)) @ centered + mean).numpy())
    flat = samples.flatten(1).double().numpy()
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(flat, rowvar=False)))
    drawn = random.standard_normal((count, flat.shape[1])) * np.sqrt(np.maximum(values, 0)) @ vectors.T + flat.mean(axis=0)
    return np.asarray(drawn.astype(np.float32))


def _components_space(samples: Tensor) -> SampleSpace:
    """Return the principal components of the samples."""
    count = min(MOST_COMPONENTS, len(samples) - 1)
    if samples[0].numel() > MOST_COVARIANCE:
        mean, centered = _spanning(samples)
        count = min(count, len(centered) - 1)
        # Of the products between rows, whose size does not grow with the numbers: the same components but for their length.
        _, mixed = torch.linalg.eigh((centered @ centered.T).double())
        chosen, _ = torch.linalg.qr((centered.T @ mixed[:, -count:].flip(1).float()).double())
        mean = mean.double()
    else:
        flat = samples.flatten(1).double()
        mean = flat.mean(0)
        # Of the covariance, whose size does not grow with the rows: the largest eigenvalues come last.
        _, vectors = torch.linalg.eigh((flat - mean).T @ (flat - mean))
        chosen = vectors[:, -count:]
    said = f"the first {count} principal components of the train samples"

    def features(others: Tensor) -> np.ndarray:
        pieces = [(piece.flatten(1).double() - mean) @ chosen for piece in torch.split(others, BATCH_ANSWERED)]
        return np.asarray(torch.cat(pieces).numpy())

    return SampleSpace(said, False, features)


def _spanning(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean float32 [numbers] of evenly spaced samples, and their differences from it, float32 [N, numbers]."""
    some = samples[:: -(-len(samples) // MOST_SPANNING)].flatten(1).float()
    mean = some.mean(0)
    return mean, some - mean


def _classifier_space(samples: Tensor, classes: Tensor, *, seed: int) -> SampleSpace:
    """Return the features of a classifier fitted to the samples."""
    generator = torch.Generator().manual_seed(derive(seed, "sample space"))
    # The default generator, which layers draw from, stays as the training left it. `torch.manual_seed` would seed those of
    # devices too, which nobody puts back.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(seed, "sample space init"))
        body = _body(samples.shape[1:])
        head = nn.Linear(FEATURES, int(classes.max()) + 1)
    network = nn.Sequential(body, nn.ReLU(), head)
    with torch.enable_grad():
        optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        for step in range(STEPS):
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / STEPS)
            rows = torch.randint(len(samples), (BATCH,), generator=generator)
            optimizer.zero_grad()
            F.cross_entropy(network(samples[rows]), classes[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    @torch.no_grad()
    def features(others: Tensor) -> np.ndarray:
        pieces = [body(piece) for piece in torch.split(others, BATCH_ANSWERED)]
        return np.asarray(torch.cat(pieces).double().numpy())

    body.eval()
    said = (
        f"{FEATURES} features of a classifier of {int(classes.max()) + 1} classes, fitted to {len(samples):,} other train samples"
    )
    return SampleSpace(said, True, features)


def _body(sizes: torch.Size) -> nn.Module:
    """Return the network from a sample to its features: convolutions where there is a plane, else two layers."""
    if len(sizes) == 3 and min(sizes[1:]) >= 8:
        halved = [-(-side // 4) for side in sizes[1:]]
        layers = [
            nn.Conv2d(sizes[0], 24, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 48, 3, stride=2, padding=1),
            nn.ReLU(),
        ]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(48 * halved[0] * halved[1], FEATURES))
    return nn.Sequential(nn.Flatten(), nn.Linear(sizes.numel(), 128), nn.ReLU(), nn.Linear(128, FEATURES))
