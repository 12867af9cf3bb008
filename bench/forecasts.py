"""How well `tutelage estimate` says the wall time of runs on this machine: `python -m bench forecasts`.

For each case the number of steps is chosen so that the run takes about `TARGET_S`; then the forecast is made and its hash is
printed; then the run is made by the same words with an empty cache, and both are compared. Nothing is trained between the two.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

TARGET_S, FIRST_STEPS = 25.0, 200
LEAST_S = 10.0
GOALS = {"median_error": 0.05, "p90_error": 0.15, "coverage_80": [0.7, 0.9], "estimate_seconds": 60.0, "probe_share": 0.03}
FIXED = ["--set", "stopping.patience=1"]

CASES: dict[str, list[str]] = {
    "table 16": ["{rows.csv}", "--set", "batch_size=16"],
    "table 64": ["{rows.csv}", "--set", "batch_size=64"],
    "table 1024": ["{rows.csv}", "--set", "batch_size=1024"],
    "table mlp": ["{rows.csv}", "--model", "mlp", "--set", "batch_size=256"],
    "regression 128": ["{numbers.csv}", "--set", "batch_size=128"],
    "regression 512": ["{numbers.csv}", "--set", "batch_size=512"],
    "digits 64": ["sklearn:digits", "--set", "batch_size=64"],
    "digits float32": ["sklearn:digits", "--set", "batch_size=128", "--set", "precision=float32"],
    "wine 32": ["sklearn:wine", "--set", "batch_size=32"],
    "images 32": ["{images}", "--set", "batch_size=32"],
    "images 128 bf16": ["{images}", "--set", "batch_size=128", "--set", "precision=bfloat16"],
    "images 128 fp32": ["{images}", "--set", "batch_size=128", "--set", "precision=float32"],
    "images 256": ["{images}", "--set", "batch_size=256"],
    "series 32": ["{series.csv}", "--series-id", "id", "--time-column", "t", "--target", "value", "--task", "forecast",
                  "--horizon", "12", "--set", "batch_size=32"],
    "series 128": ["{series.csv}", "--series-id", "id", "--time-column", "t", "--target", "value", "--task", "forecast",
                   "--horizon", "12", "--set", "batch_size=128"],
    "texts 32": ["{texts.csv}", "--text", "text", "--target", "label", "--set", "batch_size=32"],
    "texts 128": ["{texts.csv}", "--text", "text", "--target", "label", "--set", "batch_size=128"],
    "language 16": ["{book.txt}", "--set", "batch_size=16"],
    "language 64": ["{book.txt}", "--set", "batch_size=64"],
    "language gru": ["{book.txt}", "--model", "gru", "--set", "batch_size=32"],
    "gan digits": ["sklearn:digits", "--task", "generate", "--set", "batch_size=64"],
    "gan digits 256": ["sklearn:digits", "--task", "generate", "--set", "batch_size=256"],
    "ppo": ["gym:CartPole-v1", "--algorithm", "ppo"],
    "dqn": ["gym:CartPole-v1", "--algorithm", "dqn"],
    "sac": ["gym:Pendulum-v1", "--algorithm", "sac"],
}  # fmt: skip


def make_data(folder: Path) -> None:
    """Write made-up data of every kind."""
    random = np.random.default_rng(0)
    table = random.normal(size=(20_000, 12)).round(3)
    score = table[:, 0] + table[:, 1] * table[:, 2]
    names = ",".join(f"x{number}" for number in range(12))
    for name, target in (("rows", np.where(score > 0, "yes", "no")), ("numbers", score.round(3))):
        lines = [",".join(map(str, [*row, value])) for row, value in zip(table.tolist(), target, strict=True)]
        (folder / f"{name}.csv").write_text("\n".join([f"{names},target", *lines]) + "\n")
    for label in ("left", "right"):
        (folder / "images" / label).mkdir(parents=True)
        for number in range(1_500):
            pixels = random.integers(0, 120, size=(32, 32, 3), dtype=np.uint8)
            pixels[:, : 16 if label == "left" else None] += 60
            Image.fromarray(pixels).save(folder / "images" / label / f"{number:04d}.png", compress_level=1)
    times = np.arange(600)
    lines = [
        f"{name},{time},{np.sin(2 * np.pi * (time + 3 * name) / 24) + 0.1 * random.normal():.3f}"
        for name in range(12) for time in times
    ]  # fmt: skip
    (folder / "series.csv").write_text("\n".join(["id,t,value", *lines]) + "\n")
    words = [f"w{number}" for number in range(400)]
    texts = []
    for number in range(4_000):
        drawn = random.choice(words[:300] if number % 2 else words[100:], size=int(random.integers(8, 40)))
        texts.append(f"{' '.join(drawn)},{'odd' if number % 2 else 'even'}")
    (folder / "texts.csv").write_text("\n".join(["text,label", *texts]) + "\n")
    (folder / "book.txt").write_text(" ".join(random.choice(words, size=60_000)) + "\n")


def command(verb: str, words: list[str], *, cache: Path, folder: Path) -> tuple[dict[str, Any], float]:
    """Run one command of tutelage, and return its JSON and its wall time.

    Raises:
        RuntimeError: It failed.
    """
    filled = [str(folder / word[1:-1]) if word.startswith("{") else word for word in words]
    environ = {**os.environ, "TUTELAGE_CACHE": str(cache)}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "tutelage", verb, *filled, "--json"], env=environ, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(f"{verb} {filled}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout), seconds


def one(words: list[str], folder: Path) -> dict[str, Any]:
    """Forecast one run, make it, and compare."""
    cache = Path(tempfile.mkdtemp(dir=folder))
    first, _ = command("estimate", [*words, *FIXED, "--steps", str(FIRST_STEPS)], cache=cache, folder=folder)
    before = first["seconds"] - first["parts"]["steps"] - first["parts"]["evaluations"]
    per_step = (first["parts"]["steps"] + first["parts"]["evaluations"]) / first["steps"]
    steps = max(int((max(TARGET_S, before + LEAST_S) - before) / per_step), 20)
    words = [*words, *FIXED, "--steps", str(steps)]
    told, asking = command("estimate", words, cache=cache, folder=folder)
    frozen = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    print(f"forecast {told['seconds']:.2f} s, 80 % {told['interval_80']}, sha256 {frozen}", flush=True)
    out = folder / f"run-{frozen}"
    empty = Path(tempfile.mkdtemp(dir=folder))
    _, actual = command("train", [*words, "--out", str(out), "--quiet"], cache=empty, folder=folder)
    result = json.loads((out / "result.json").read_text())
    low, high = told["interval_80"]
    return {
        "steps": steps,
        "forecast_s": told["seconds"],
        "actual_s": round(actual, 2),
        "error": round(told["seconds"] / actual - 1, 4),
        "is_inside_80": low <= actual <= high,
        "estimate_s": round(asking, 1),
        "in_train_error": round(result["foresight"]["seconds"] / result["foresight"]["actual_seconds"] - 1, 4),
        "in_train_inside_80": _inside(result["foresight"]),
        "probe_share": round(result["seconds_by_part"].get("probe", 0.0) / result["seconds"], 4),
        "parts_forecast": told["parts"],
        "parts_actual": result["seconds_by_part"],
    }


def _inside(forecast: dict[str, Any]) -> bool:
    """Tell whether a run ended within its own forecast."""
    low, high = forecast["interval_80"]
    return bool(low <= forecast["actual_seconds"] <= high)


def run(names: list[str] | None = None) -> dict[str, Any]:
    """Return the figures of all cases."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_data(folder)
        for name in names or CASES:
            print(f"{name}: ", end="", flush=True)
            found[name] = one(CASES[name], folder)
            print(f"    took {found[name]['actual_s']} s: {found[name]['error']:+.1%}", flush=True)
    return {"summary": summary(found), "goals": GOALS, "runs": found}


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """Return median and 90th percentile of the errors, and how often the interval held the outcome."""
    errors = [abs(each["error"]) for each in found.values()]
    own = [abs(each["in_train_error"]) for each in found.values()]
    return {
        "num_runs": len(found),
        "median_error": round(float(np.median(errors)), 4),
        "p90_error": round(float(np.quantile(errors, 0.9)), 4),
        "coverage_80": round(float(np.mean([each["is_inside_80"] for each in found.values()])), 3),
        "in_train_median_error": round(float(np.median(own)), 4),
        "in_train_p90_error": round(float(np.quantile(own, 0.9)), 4),
        "in_train_coverage_80": round(float(np.mean([each["in_train_inside_80"] for each in found.values()])), 3),
        "most_estimate_s": max(each["estimate_s"] for each in found.values()),
        "most_probe_share": max(each["probe_share"] for each in found.values()),
    }


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1:] or None), indent=1))
