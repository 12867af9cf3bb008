"""How well it is told when runs end that stop early or run to a target: `TUTELAGE_DATA=FOLDER python -m bench endings`.

Each kind of training is run twice: once until nothing gets better, once until a score that another seed reached late, or never.
`estimate` tells the end from a trial of a tenth of the steps, frozen by its hash before the run begins; the run itself tells it
again once a tenth of its steps is made. None of these data are among those that the forecasts know of (`bench.curves`).
Steps are compared, not seconds, so it may be run beside other work.
"""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import tutelage
from bench.curves import place_of
from bench.forecasts import make_data
from bench.scores import Told, scored
from tutelage.core import catalog

__all__ = ["run", "summary"]

GOALS = {"coverage_80": [0.7, 0.9], "high_over_low": 2.5}
QUICK = {"floor": "none", "calibrate": "none"}
CASES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "iris": ("sklearn:iris", 300, {"model": "mlp", **QUICK}),
    "iris, small steps": ("sklearn:iris", 400, {"model": "mlp", "optim": {"kind": "adamw", "lr": 3e-4}, **QUICK}),
    "wine": ("sklearn:wine", 300, {"model": "mlp", **QUICK}),
    "wine, default network": ("sklearn:wine", 150, QUICK),
    "wine, sgd": ("sklearn:wine", 400, {"model": "mlp", "optim": "sgd", **QUICK}),
    "titanic": ("titanic/titanic.csv", 400, {"target": "Survived", "model": "mlp", **QUICK}),
    "titanic, default network": ("titanic/titanic.csv", 150, {"target": "Survived", **QUICK}),
    "titanic fares": ("titanic/titanic.csv", 400, {"target": "Fare", "task": "regress", "model": "mlp", **QUICK}),
    "adult": ("adult/train.csv", 300, {"target": "income", "model": "mlp", **QUICK}),
    "made table": ("{rows.csv}", 400, {"target": "target", "model": "mlp", "batch_size": 64, **QUICK}),
    "made numbers": ("{numbers.csv}", 400, {"target": "target", "model": "mlp", "batch_size": 64, **QUICK}),
    "made texts": ("{texts.csv}", 200, {"target": "label", "text": "text", "batch_size": 32, **QUICK}),
    "made series": ("{series.csv}", 150, {"series_id": "id", "time_column": "t", "target": "value", "task": "forecast"}),
    "etth1": ("etth1/ETTh1.csv", 150, {"target": "OT", "task": "forecast"}),
}
"""For each kind its data, the most steps, and wishes; each step count can be parted into fifty."""
AT = (0.15, 0.3, 0.45, 0.6, 0.8, 1.1)
"""At which share of what is left after the first tenth the other seed reached the target; beyond 1 it never did."""
EARLY, PATIENCE = 0.1, 0.2
SEEDS = {"early": 10, "other": 11, "target": 12}


def run(names: list[str] | None = None) -> dict[str, Any]:
    """Return the figures of all cases."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        os.environ["TUTELAGE_CACHE"] = f"{place}/cache"
        if any(CASES[name][0].startswith("{") for name in names or CASES):
            make_data(Path(place))
        for number, (name, (source, steps, wishes)) in enumerate(CASES.items()):
            at = str(Path(place) / source[1:-1]) if source.startswith("{") else place_of(source)
            if not at or (names and name not in names):
                continue
            wished = {**wishes, "steps": steps, "quiet": True}
            target = _target(at, wished, share=AT[number % len(AT)], folder=f"{place}/{number}-other")
            for kind, more in (("early", {"stopping": {"patience": PATIENCE}}), ("target", {"until": target})):
                folder = f"{place}/{number}-{kind}"
                found.append(_compared(at, {**wished, **more, "seed": SEEDS[kind]}, name=f"{name}, {kind}", folder=folder))
                print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    return summary(found)


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of many runs."""
    return {"goals": GOALS, **{way: _summed(found, way) for way in ("estimate", "train")}, "runs": found}


def _target(source: str, wishes: dict[str, Any], *, share: float, folder: str) -> str:
    """Return a score that a run of another seed reached at this share of what was left after its first tenth."""
    done = tutelage.train(source, **wishes, seed=SEEDS["other"], stopping={"patience": 1}, out=folder)
    metric = str(done.decided.watched)
    lines = [line for line in map(json.loads, (done.path / "metrics.jsonl").read_text().splitlines()) if f"val/{metric}" in line]
    steps, values = (np.array([line[key] for line in lines], dtype=float) for key in ("step", f"val/{metric}"))
    greater = catalog.load("metric", metric).greater_is_better
    so_far = (np.maximum if greater else np.minimum).accumulate(values)
    ahead, before = so_far[steps > EARLY * wishes["steps"]], so_far[steps <= max(EARLY * wishes["steps"], steps[0])]
    beyond = float(ahead[-1] + (share - 1) * (ahead[-1] - before[-1]))
    return f"{metric}={float(ahead[int(share * len(ahead))]) if share < 1 else beyond!r}"


def _compared(source: str, wishes: dict[str, Any], *, name: str, folder: str) -> dict[str, Any]:
    """Tell the end of one run, make it, and compare."""
    asked = {key: value for key, value in wishes.items() if key != "quiet"}
    estimate = tutelage.estimate(source, **asked)
    assert estimate.endings is not None
    told = estimate.endings.record()
    frozen = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    result = tutelage.train(source, **wishes, out=folder).result
    second = result.get("foresight", {}).get("second", {})
    return {
        "name": name,
        "until": wishes.get("until", ""),
        "most_steps": wishes["steps"],
        "last_step": result["last_step"],
        "stopped": result["stopped"],
        "estimate": told,
        "sha256": frozen,
        "train": second.get("endings"),
        "seconds": [second.get("interval_80"), second.get("actual_seconds")],
        "told_at": second.get("step"),
    }


def _summed(found: list[dict[str, Any]], way: str) -> dict[str, Any]:
    """Return the figures of one way to tell, of all runs and of each half; runs that told nothing, or were over, are counted."""
    told = [
        (each["name"], Told.from_record(each[way], each["last_step"], each["stopped"], name=each["name"]))
        for each in found
        if each[way] is not None and each["last_step"] > EARLY * each["most_steps"]
    ]
    halves = {kind: scored([one for name, one in told if name.endswith(kind)]) for kind in ("early", "target")}
    return {"not_told": len(found) - len(told), "all": scored([one for _, one in told]), **halves}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1:] or None), indent=1))
