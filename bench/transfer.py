"""What starting from a run is worth: half of a data set's classes learned, the other half with 20 images a class.

    python -m bench.transfer --data /path/to/fashion-mnist [--seeds 3] [--time 60] [--images 20] [--out FILE]

Prints one JSON record: accuracy on the test images of the other half, from scratch and from the run, in the same time.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import tutelage
from bench.measure import machine
from tutelage.core import catalog
from tutelage.data.part.base import RowsPart
from tutelage.run.run import Run

HALVES = {"first": (range(5), range(5, 10)), "last": (range(5, 10), range(5)), "even": (range(0, 10, 2), range(1, 10, 2))}
"""Which classes are learned beforehand, and which then."""


def read(path: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return pixels uint8 [N, H, W, C] and class numbers [N] of both parts."""
    collected = catalog.load("source", "idx")(path=path).collect()
    found = {}
    for name, part in (("train", collected.train), ("test", collected.test)):
        assert isinstance(part, RowsPart)
        names = sorted(set(map(str, part.labels)))  # type: ignore[arg-type]
        found[name] = (part.pixels, np.array([names.index(str(label)) for label in part.labels]))  # type: ignore[attr-defined, union-attr]
    return found


def chosen(pair: tuple[np.ndarray, np.ndarray], classes: range, *, count: int = 0, seed: int = 0) -> tuple[np.ndarray, Any]:
    """Return the rows of some classes, at most `count` of each where that is not 0."""
    pixels, codes = pair
    random = np.random.default_rng(seed)
    rows = [np.flatnonzero(codes == code) for code in classes]
    kept = np.concatenate([random.permutation(each)[:count] if count else each for each in rows])
    kept.sort()
    return pixels[kept], np.array([f"class {code}" for code in codes[kept]], dtype=object)


def learn_half(data: dict[str, tuple[np.ndarray, np.ndarray]], known: range, epochs: str, folder: str) -> Run:
    """Train the run that is started from."""
    return tutelage.train(
        chosen(data["train"], known),
        test=chosen(data["test"], known),
        epochs=float(epochs),
        quiet=True,
        out=Path(folder) / "before",
    )


def main() -> None:
    """Measure, and print the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time", type=float, default=60.0, help="seconds of each training with few images")
    parser.add_argument("--before", default="4", help="epochs of the run that is started from")
    parser.add_argument("--run", default="", help="a run that has learned that half already, in place of training it")
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--halves", choices=tuple(HALVES), default="first")
    parser.add_argument("--out", default="")
    arguments = parser.parse_args()
    data = read(arguments.data)
    known, new = HALVES[arguments.halves]
    record: dict[str, Any] = {"halves": arguments.halves, "images": arguments.images, "time_s": arguments.time, "seeds": []}
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        before = tutelage.open_run(arguments.run) if arguments.run else learn_half(data, known, arguments.before, folder)
        record["before"] = {"accuracy": before.metrics["test/accuracy"], "seconds": time.monotonic() - begin}
        for seed in range(arguments.seeds):
            few = chosen(data["train"], new, count=arguments.images, seed=seed)
            scores = {}
            for name, wishes in (("scratch", {}), ("started", {"start_from": str(before.path)})):
                begin_cpu = time.process_time()
                run = tutelage.train(
                    few,
                    test=chosen(data["test"], new),
                    time=arguments.time,
                    seed=seed,
                    quiet=True,
                    out=Path(folder) / f"{name}-{seed}",
                    **wishes,
                )
                scores[name] = run.metrics["test/accuracy"]
                scores[f"{name}_seconds"] = run.result["seconds"]
                scores[f"{name}_cpu_seconds"] = time.process_time() - begin_cpu
                scores[f"{name}_steps"] = run.result["last_step"]
            record["seeds"].append(scores)
            print(json.dumps(scores), flush=True)
    gains = [scores["started"] - scores["scratch"] for scores in record["seeds"]]
    record |= {"mean_gain": float(np.mean(gains)), "least_gain": min(gains), "machine": machine()}
    print(json.dumps(record, indent=2))
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
