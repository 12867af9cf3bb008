"""Points of several Gaussians: how many of these a generator finds, and how many of its points lie within one; all seeds.

`python -m bench.mixtures [SOURCE ...] [--seeds N] [--first N] [WISHES ...]` prints one line a seed. A point is good within three
deviations of a center; a mode is found where a tenth of its equal share of all points is good there.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tutelage.api import open_run
from tutelage.cli.main import main as tutelage
from tutelage.data.source.gaussians import STD, centers_of

__all__ = ["judge", "run"]

SOURCES = ("gaussians:8", "gaussians:5x5")
NUM_POINTS, GOOD, FOUND = 5_000, 3 * STD, 0.1


def judge(points: np.ndarray, centers: np.ndarray) -> dict[str, float]:
    """Return modes found, the share of good points, and the rarest and the most frequent mode, of an equal share.

    Args:
        points: Generated, [N, 2].
        centers: Of the Gaussians, [M, 2].
    """
    distance = np.linalg.norm(points[:, None] - centers[None], axis=2)
    nearest, is_good = distance.argmin(1), distance.min(1) < GOOD
    share = np.bincount(nearest[is_good], minlength=len(centers)) / len(points) * len(centers)
    return {"modes": int((share > FOUND).sum()), "good": float(is_good.mean()), "rarest": share.min(), "commonest": share.max()}


def run(
    sources: Sequence[str] = SOURCES, *, seeds: Sequence[int] = range(10), wishes: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Train a generator for each source and seed, and judge it."""
    found = []
    for source in sources:
        centers, _ = centers_of(source)
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / "run"
                began, busy = time.monotonic(), time.process_time()
                code = tutelage(
                    ["train", source, "--task", "generate", "--seed", str(seed), "--out", str(place), "--quiet", *wishes]
                )
                seconds, cpu_seconds = time.monotonic() - began, time.process_time() - busy
                assert code == 0, f"{source}, seed {seed}: exit code {code}"
                points = open_run(place).generate(num=NUM_POINTS)
            judged = judge(points, centers)
            found.append({"source": source, "seed": seed, "of": len(centers), **judged, "seconds": seconds, "cpu": cpu_seconds})
            print(
                f"{source} seed {seed}: {judged['modes']:.0f} of {len(centers)} modes, {judged['good']:.1%} good, "
                f"rarest {judged['rarest']:.2f}, {seconds:.0f} s, {cpu_seconds:.0f} s of processors",
                flush=True,
            )
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*", default=list(SOURCES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    known, rest = parser.parse_known_args()
    run(known.sources, seeds=range(known.first, known.first + known.seeds), wishes=rest)
