"""Whole learning curves of small trainings of every kind, to the end of their budgets: what forecasts of ends are learned from.

`TUTELAGE_DATA=FOLDER python -m bench.curves FILE [NAME ...]` writes them as lines of JSON; FOLDER holds public data
sets, one folder each.
Runs that are in the file already are not made again.
"""

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tutelage.core.errors import TutelageError
from tutelage.planning.recipe import recipe_from
from tutelage.run.pilot import Pilot
from tutelage.run.start import Request, start_training
from tutelage.training.state import TrainState

__all__ = ["CASES", "Case", "curve_of", "place_of", "wishes_of"]

FOLDER = "TUTELAGE_DATA"
"""Environment variable that names a folder with public data sets."""
EARLY, EARLY_LOOKS, LOOKS = 0.1, 10, 50
"""The first part of a run, how often it is looked at there, and how often the whole run is."""
SEEDS = (0, 1)


@dataclass(frozen=True)
class Case:
    """One kind of training.

    Attributes:
        name: What it is called.
        source: A bundled set, or a path below the folder of data sets.
        steps: Of the whole budget.
        wishes: Of its recipe.
        looks: How often it is evaluated; fewer where that takes long.
    """

    name: str
    source: str
    steps: int
    wishes: dict[str, Any] = field(default_factory=dict)
    looks: int = LOOKS


CASES = (
    Case("digits", "sklearn:digits", 300),
    Case("digits mlp", "sklearn:digits", 500, {"model": "mlp"}),
    Case("digits generate", "sklearn:digits", 300, {"task": "generate"}),
    Case("breast cancer", "sklearn:breast_cancer", 400),
    Case("breast cancer mlp", "sklearn:breast_cancer", 600, {"model": "mlp"}),
    Case("diabetes", "sklearn:diabetes", 400),
    Case("diabetes mlp", "sklearn:diabetes", 600, {"model": "mlp"}),
    Case("gaussians", "gaussians:8", 500, {"task": "generate"}),
    Case("california", "california-housing/housing.csv", 300, {"target": "median_house_value"}),
    Case("california mlp", "california-housing/housing.csv", 500, {"target": "median_house_value", "model": "mlp"}),
    Case("red wine", "wine-quality/winequality-red.csv", 400, {"target": "quality"}),
    Case("red wine mlp", "wine-quality/winequality-red.csv", 500, {"target": "quality", "model": "mlp"}),
    Case("red wine classes", "wine-quality/winequality-red.csv", 300, {"target": "quality", "task": "classify", "model": "mlp"}),
    Case("fashion mlp", "fashion-mnist", 300, {"model": "mlp", "batch_size": 64}),
    Case("vowels", "timeseries/JapaneseVowels", 200),
    Case("gun point", "timeseries/GunPoint", 200),
    Case("plaid", "timeseries/PLAID", 120),
    Case("passengers", "airline-passengers/airline-passengers.csv", 200),
    Case("shakespeare gru", "tinyshakespeare", 150, {"model": "gru", "batch_size": 8}, 25),
    Case("cartpole ppo", "gym:CartPole-v1", 100, {"task": "ppo"}, 25),
)
"""Trainings of seconds, none on the data that `bench.endings` is scored on."""


@dataclass
class Recorder(Pilot):
    """Evaluates a whole training often, at its beginning above all, and keeps what was found.

    Attributes:
        looks: How often, in all.
        points: The steps, and what was measured there.
    """

    looks: int = LOOKS
    points: list[tuple[int, dict[str, float]]] = field(default_factory=list)

    def run(self, state: TrainState) -> None:
        """Keep what was just measured, and say when to measure next."""
        step, total = state.clock.step, state.control.total_steps
        self.total_steps = total
        self.next_step = step + 1
        if self._evaluate.seconds_spent > self._seen:
            self._seen = self._evaluate.seconds_spent
            self.points.append((step, dict(self._evaluate.last_metrics)))
        every = EARLY * total / EARLY_LOOKS if step < EARLY * total else total / self.looks
        self._evaluate.next_step = max(step + 1, round((int(step / every + 1e-9) + 1) * every))


def place_of(source: str) -> str:
    """Return a source as it is named on this machine; "" where it is not there."""
    if ":" in source:
        return source
    path = Path(os.environ.get(FOLDER, "")) / source
    return str(path) if os.environ.get(FOLDER) and path.exists() else ""


def wishes_of(case: Case, *, seed: int) -> dict[str, Any]:
    """Return the recipe of a case without what makes its end longer."""
    floor = {} if case.wishes.get("task") in ("generate", "ppo", "dqn", "sac") else {"floor": "none", "calibrate": "none"}
    return {"source": place_of(case.source), "budget": {"steps": case.steps}, "seed": seed, **floor, **case.wishes}


def curve_of(case: Case, *, seed: int) -> dict[str, Any]:
    """Train to the end of the budget, and return what every evaluation gave."""
    recorder, began = Recorder(looks=case.looks), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        request = Request(recipe_from(wishes_of(case, seed=seed), where=case.name), out=f"{folder}/run", watching=recorder)
        start_training(request)
    assert recorder.plan is not None
    return {
        "name": case.name,
        "source": case.source,
        "seed": seed,
        "total": recorder.total_steps,
        "watched": recorder.plan.watched,
        "patience": recorder.plan.patience,
        "steps": [step for step, _ in recorder.points],
        "metrics": {
            name.removeprefix("val/"): [round(point[name], 6) for _, point in recorder.points]
            for name in recorder.points[0][1]
        },
        "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def main(path: Path, *names: str) -> None:
    """Make all runs that are not there yet, or those that are named."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    made = {(line["name"], line["seed"]) for line in map(json.loads, lines)}
    for seed in SEEDS:
        for case in CASES:
            if (case.name, seed) in made or not place_of(case.source) or (names and case.name not in names):
                continue
            try:
                found = curve_of(case, seed=seed)
            except TutelageError as error:
                print(f"{case.name}: {error}", file=sys.stderr, flush=True)
                continue
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            print(f"{case.name} {seed}: {found['seconds']} s, {len(found['steps'])} evaluations", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
