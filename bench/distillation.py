"""What a student gains from its teacher on real data: teacher, student and the same alone, for several seeds.

`python -m bench.distillation [CASE ...] [--seeds N] [--first N] [--data FOLDER] [--epochs N] [--teacher JSON] [--taught JSON]`
prints one line a seed and the means at the end. Run it on a quiet machine: latencies are measured. Teacher and student train for
equal epochs. `--taught '{"distill": {"mixed": 0.25}}'` tries a setting of the student, `--teacher '{"augment": "none"}'` one of
the teacher, which its student inherits, and the same student alone, unless `--taught` says otherwise. The goals: on fashion-mnist
a student with at most 1/4 of the parameters and 1/3 of the latency recovers at least 80 % of the gap between itself alone and its
teacher; on adult and imdb it is no worse than alone in any seed.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tutelage

__all__ = ["CASES", "compare", "run"]

CASES: Mapping[str, Mapping[str, Any]] = {
    "fashion-mnist": {"epochs": 8},
    "adult": {"epochs": 8},
    "imdb": {"epochs": 3},
}
MODELS = ("teacher", "student", "alone")


def compare(
    source: str, folder: Path, *, seed: int, student: str, wishes: Mapping[str, Any], taught: Mapping[str, Any]
) -> dict[str, Any]:
    """Train a teacher and its student, and return the comparison."""
    teacher = tutelage.train(source, out=folder / "teacher", seed=seed, quiet=True, **wishes)
    pupil = tutelage.distill(teacher.path, student=student, out=folder / "student", quiet=True, **taught)
    found: dict[str, Any] = pupil.result["distillation"]
    return found


def summary(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the few numbers that the goals speak of."""
    accuracy = {name: record[name]["metrics"]["test/accuracy"] for name in MODELS}
    loss = {name: record[name]["metrics"]["test/loss"] for name in MODELS}
    gap = accuracy["teacher"] - accuracy["alone"]
    latency = {
        size: record["student"]["latency_ms"][size]["p50"] / record["teacher"]["latency_ms"][size]["p50"] for size in ("1", "32")
    }
    return {
        **{f"accuracy_{name}": value for name, value in accuracy.items()},
        **{f"loss_{name}": value for name, value in loss.items()},
        "recovered": (accuracy["student"] - accuracy["alone"]) / gap if gap else float("nan"),
        "agreement": record["student"]["agreement"],
        "parameters": record["student"]["num_parameters"] / record["teacher"]["num_parameters"],
        "latency_1": latency["1"],
        "latency_32": latency["32"],
    }


def run(
    cases: Sequence[str] = tuple(CASES),
    *,
    data: Path = Path("shared/data"),
    seeds: Sequence[int] = range(3),
    student: str = "small",
    teacher: Mapping[str, Any] | None = None,
    taught: Mapping[str, Any] | None = None,
) -> dict[str, list[dict[str, float]]]:
    """Compare in each case, for each seed, and print."""
    found: dict[str, list[dict[str, float]]] = {}
    for case in cases:
        wishes = {**CASES[case], **(teacher or {})}
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                record = compare(str(data / case), Path(folder), seed=seed, student=student, wishes=wishes, taught=taught or {})
            found.setdefault(case, []).append(summary(record))
            print(f"{case} seed {seed}: " + ", ".join(f"{key} {value:.4f}" for key, value in found[case][-1].items()), flush=True)
        means = {key: float(np.mean([each[key] for each in found[case]])) for key in found[case][0]}
        print(f"{case}, mean of {len(seeds)} seeds: {json.dumps(means)}", flush=True)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--student", default="small")
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--data", type=Path, default=Path("shared/data"))
    parser.add_argument("--teacher", default="{}", help="wishes of the teacher as JSON")
    parser.add_argument("--taught", default="{}", help='wishes of the student as JSON, such as {"distill": {"own": 0.1}}')
    asked = parser.parse_args()
    run(
        asked.cases,
        data=asked.data,
        seeds=range(asked.first, asked.first + asked.seeds),
        student=asked.student,
        teacher={**json.loads(asked.teacher), **({"epochs": asked.epochs} if asked.epochs else {})},
        taught=json.loads(asked.taught),
    )
