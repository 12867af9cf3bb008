"""How well `tutelage estimate` says the wall time of runs on this machine: `python -m bench forecasts`.

For each case the number of steps is chosen so that the run takes about `TARGET_S`; then the forecast is made and its hash is
printed; then the run is made by the same words, and both are compared. Nothing is trained between the two. What `train` itself
says at its start is scored too: `known` from the estimate before it, and of each `ALONE`th case once more `timed`, with nothing
known: such a run shows the price of timing steps.

`python -m bench.forecasts [CASE ...] [--seconds 25]` runs some cases, or runs them for a longer or shorter time.
"""

import argparse
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
ALONE = 3
WORTH_TELLING = 0.01
"""Share of the wall time by which a stage has to be off to be printed."""
STAGES = {
    "before": ("starting", "reading", "preparing", "planning", "building", "floor", "guess", "probe"),
    "steps": ("steps", "warm-up"),
    "evaluations": ("evaluations",),
    "checkpoints": ("checkpoints", "saving"),
    "end": ("deciding", "writing", "scoring", "diagnosing", "ending", "report", "leaving"),
}
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


def one(words: list[str], folder: Path, *, cache: Path, seconds: float = TARGET_S, is_alone: bool = False) -> dict[str, Any]:
    """Forecast one run, make it, and compare; where `is_alone`, make it once more with nothing known."""
    first, _ = command("estimate", [*words, *FIXED, "--steps", str(FIRST_STEPS)], cache=cache, folder=folder)
    before = first["seconds"] - first["parts"]["steps"] - first["parts"]["evaluations"]
    per_step = (first["parts"]["steps"] + first["parts"]["evaluations"]) / first["steps"]
    steps = max(int((max(seconds, before + LEAST_S) - before) / per_step), 20)
    words = [*words, *FIXED, "--steps", str(steps)]
    told, asking = command("estimate", words, cache=cache, folder=folder)
    frozen = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    print(f"forecast {told['seconds']:.2f} s, 80 % {told['interval_80']}, sha256 {frozen}", flush=True)
    actual, result = _trained(words, folder / f"run-{frozen}", cache=cache, folder=folder)
    found = {
        "steps": steps,
        "forecast_s": told["seconds"],
        "actual_s": round(actual, 2),
        "error": round(told["seconds"] / actual - 1, 4),
        "is_inside_80": _is_inside(told["interval_80"], actual),
        "is_inside_50": _is_inside(told["interval_50"], actual),
        "estimate_s": round(asking, 1),
        "known": _own(result),
        "off_by_stage": _off(told["parts"], result["seconds_by_part"], actual),
        "parts_forecast": told["parts"],
        "parts_actual": result["seconds_by_part"],
    }
    if is_alone:
        empty = Path(tempfile.mkdtemp(dir=folder))
        _, result = _trained(words, folder / f"alone-{frozen}", cache=empty, folder=folder)
        share = result["seconds_by_part"].get("probe", 0.0) / result["seconds"]
        found["timed"] = _own(result) | {"probe_share": round(share, 4)}
    return found


def _trained(words: list[str], out: Path, *, cache: Path, folder: Path) -> tuple[float, dict[str, Any]]:
    """Make a run, and return its wall time and its result."""
    _, actual = command("train", [*words, "--out", str(out), "--quiet"], cache=cache, folder=folder)
    return actual, json.loads((out / "result.json").read_text())


def _own(result: dict[str, Any]) -> dict[str, Any]:
    """Return what became of the forecast that a run told itself; {} where it told none."""
    told = result.get("foresight")
    if told is None:
        return {}
    actual = told["actual_seconds"]
    return {
        "error": round(told["seconds"] / actual - 1, 4),
        "is_inside_80": _is_inside(told["interval_80"], actual),
        "is_inside_50": _is_inside(told["interval_50"], actual),
    }


def _is_inside(ends: list[float], actual: float) -> bool:
    """Tell whether a run ended within an interval."""
    return ends[0] <= actual <= ends[1]


def _off(forecast: dict[str, float], actual: dict[str, float], whole: float) -> dict[str, float]:
    """Return by how many seconds each stage was forecast too long; what no stopwatch saw was at the end."""
    unseen = whole - sum(actual.values())
    stages = {
        stage: sum(forecast.get(name, 0.0) - actual.get(name, 0.0) for name in names) - (unseen if stage == "end" else 0.0)
        for stage, names in STAGES.items()
    }
    return {stage: round(seconds, 2) for stage, seconds in stages.items()}


def run(names: list[str] | None = None, *, seconds: float = TARGET_S) -> dict[str, Any]:
    """Return the figures of all cases."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_data(folder)
        # One for all, as anybody has: what became of the forecasts before says how wide the later intervals are.
        cache = Path(tempfile.mkdtemp(dir=folder))
        for number, name in enumerate(names or CASES):
            print(f"{name}: ", end="", flush=True)
            found[name] = one(CASES[name], folder, cache=cache, seconds=seconds, is_alone=number % ALONE == 0)
            print(f"    took {found[name]['actual_s']} s: {found[name]['error']:+.1%}{_said(found[name])}", flush=True)
    return {"summary": summary(found), "goals": GOALS, "runs": found}


def _said(found: dict[str, Any]) -> str:
    """Say which stages were off, and what the run itself had told."""
    large = {name: off for name, off in found["off_by_stage"].items() if abs(off) > WORTH_TELLING * found["actual_s"]}
    stages = ", ".join(f"{name} {off:+.2f} s" for name, off in large.items())
    own = "".join(
        f"; {how} {found[how]['error']:+.1%}" for how in ("known", "timed") if found.get(how, {}).get("error") is not None
    )
    return f" ({stages}){own}" if stages else own


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """Return median and 90th percentile of the errors, how often intervals held the outcome, and the price of asking."""
    timed = [each["timed"] for each in found.values() if each.get("timed")]
    shares = [each["probe_share"] for each in timed]
    asked = [each["estimate_s"] for each in found.values()]
    return {
        "estimate": _scores(list(found.values())),
        "train, known": _scores([each["known"] for each in found.values() if each["known"]]),
        "train, timed": _scores([each for each in timed if "error" in each]),
        "estimate_s": {"median": float(np.median(asked)), "most": max(asked)},
        "probe_share": {"median": float(np.median(shares)), "most": max(shares)} if shares else {},
    }


def _scores(each: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how far off forecasts were, to which side, and how often their intervals held."""
    if not each:
        return {"num_runs": 0}
    errors = np.array([one["error"] for one in each])
    return {
        "num_runs": len(each),
        "median_error": round(float(np.median(abs(errors))), 4),
        "p90_error": round(float(np.quantile(abs(errors), 0.9)), 4),
        "bias": round(float(np.median(errors)), 4),
        "coverage_80": round(float(np.mean([one["is_inside_80"] for one in each])), 3),
        "coverage_50": round(float(np.mean([one["is_inside_50"] for one in each])), 3),
    }


def _main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--seconds", type=float, default=TARGET_S)
    given = parser.parse_args()
    if unknown := set(given.cases) - set(CASES):
        parser.error(f"no such cases: {', '.join(unknown)}. There are: {', '.join(CASES)}.")
    print(json.dumps(run(given.cases or None, seconds=given.seconds), indent=1))


if __name__ == "__main__":
    _main()
