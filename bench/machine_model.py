"""The time of a step foreseen from the machine file alone, beside what it then takes; the model has not run before.

What is measured of this machine (`tutelage hardware`) is taken from its file, or measured first. Then each training is planned,
its operators are counted without numbers, and the forecast is written down; only after all forecasts are made, with their hash
printed, are the trainings run. Reading rows is timed by itself, and environments are stepped a few times at random: neither is
the model. None of the trainings is among those that calibrate the forecast (`run/own_steps.py`).

Goal: a median deviation of at most 15 % over at least 24 trainings.
"""

import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tutelage.core.errors import TutelageError
from tutelage.planning.recipe import recipe_from
from tutelage.run.compose import Composed, compose
from tutelage.run.machine import known_machine
from tutelage.run.own_steps import seconds_of_step
from tutelage.run.start import Request, plan_training
from tutelage.run.step_time import Foreseen, StepModel
from tutelage.training.freed_memory import keep_freed_memory
from tutelage.training.machine import machine_facts

__all__ = ["run"]

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PLANNED = 1000
GOAL = 0.15
SECONDS = 2.0


@dataclass(frozen=True)
class Row:
    """One training.

    Attributes:
        name: Of the row.
        wishes: Its recipe; a source that begins with @ lies in the shared data.
        made: Makes its rows; None where the recipe names its source.
    """

    name: str
    wishes: Mapping[str, Any]
    made: Callable[[np.random.Generator], Any] | None = None


def table(rows: int, columns: int) -> Callable[[np.random.Generator], Any]:
    """Return what makes a table with three classes."""
    return lambda random: (random.standard_normal((rows, columns)).astype(np.float32), random.integers(0, 3, rows))


def pictures(rows: int, width: int) -> Callable[[np.random.Generator], Any]:
    """Return what makes coloured pictures of five classes."""
    return lambda random: (random.integers(0, 256, (rows, width, width, 3)).astype(np.uint8), random.integers(0, 5, rows))


FASHION, SHAKESPEARE, IMDB = "@fashion-mnist", "@tinyshakespeare", "@imdb"
ROWS = (
    Row("digits, 16", {"source": "sklearn:digits", "batch_size": 16}),
    Row("digits, 256, bf16", {"source": "sklearn:digits", "batch_size": 256, "precision": "bfloat16"}),
    Row("digits by MLP, 64", {"source": "sklearn:digits", "batch_size": 64, "model": "mlp", "precision": "float32"}),
    Row("wine, 64", {"source": "@wine-quality/winequality-red.csv", "batch_size": 64}),
    Row("wine, 1024", {"source": "@wine-quality/winequality-white.csv", "batch_size": 1024, "precision": "float32"}),
    Row("adult, 256", {"source": "@adult", "batch_size": 256}),
    Row("adult, 1024", {"source": "@adult", "batch_size": 1024}),
    Row("housing, 128, fp32", {"source": "@california-housing", "batch_size": 128, "precision": "float32"}),
    Row("table of 200 columns, 32", {"batch_size": 32}, table(2000, 200)),
    Row("table of 4 columns, 512", {"batch_size": 512}, table(4000, 4)),
    Row("airline, auto", {"source": "@airline-passengers/airline-passengers.csv"}),
    Row("etth1, auto", {"source": "@etth1/ETTh1.csv"}),
    Row("GunPoint, 16", {"source": "@timeseries/GunPoint", "batch_size": 16}),
    Row("ItalyPower by LSTM, 64", {"source": "@timeseries/ItalyPowerDemand", "batch_size": 64, "model": "lstm"}),
    Row("BasicMotions, 32", {"source": "@timeseries/BasicMotions", "batch_size": 32, "model": "inception"}),
    Row("fashion, 64, fp32", {"source": FASHION, "batch_size": 64, "precision": "float32"}),
    Row("fashion, 256, bf16", {"source": FASHION, "batch_size": 256, "precision": "bfloat16"}),
    Row("fashion by MLP, 128", {"source": FASHION, "batch_size": 128, "model": "mlp"}),
    Row("fashion by ResNet, 32", {"source": FASHION, "batch_size": 32, "model": "resnet"}),
    Row("pictures of 48, 16", {"batch_size": 16, "precision": "float32"}, pictures(300, 48)),
    Row("Shakespeare by GPT, 16, bf16", {"source": SHAKESPEARE, "batch_size": 16, "precision": "bfloat16"}),
    Row("Shakespeare by GPT, 16, fp32", {"source": SHAKESPEARE, "batch_size": 16, "precision": "float32"}),
    Row("Shakespeare by LSTM, 64", {"source": SHAKESPEARE, "batch_size": 64, "model": "lstm"}),
    Row("IMDb, 64", {"source": IMDB, "batch_size": 64}),
    Row("IMDb by encoder, 16", {"source": IMDB, "batch_size": 16, "model": "text_encoder"}),
    Row("Gaussians 5x5, 256", {"source": "gaussians:5x5", "batch_size": 256}),
    Row("Gaussians 8, hinge, 128", {"source": "gaussians:8", "batch_size": 128, "task": {"kind": "generate", "game": "hinge"}}),
    Row("Acrobot by PPO", {"source": "gym:Acrobot-v1", "task": "ppo"}),
    Row("CartPole by PPO, 512", {"source": "gym:CartPole-v1", "task": "ppo", "batch_size": 512}),
    Row("Acrobot by DQN, 256", {"source": "gym:Acrobot-v1", "task": "dqn", "batch_size": 256}),
    Row("MountainCar by SAC, 128", {"source": "gym:MountainCarContinuous-v0", "task": "sac", "batch_size": 128}),
)


def run(rows: tuple[Row, ...] = ROWS, clock: Callable[[], float] = time.perf_counter) -> dict[str, Any]:
    """Foresee all, then run all; prints a line for each on standard error."""
    keep_freed_memory()
    model = StepModel(known_machine(tell=lambda doing, share: None).machine)
    forecasts = {row.name: forecast for row in rows if (forecast := _foresee(row, model)) is not None}
    frozen = {name: (forecast.time.seconds, forecast.time.low, forecast.time.high) for name, forecast in forecasts.items()}
    digest = hashlib.sha256(json.dumps(frozen).encode()).hexdigest()
    _tell(f"{len(frozen)} forecasts, SHA-256 {digest[:16]}")
    found = []
    for row in rows:
        if row.name in forecasts:
            found.append(_measured(row, forecasts[row.name], clock))
            _tell(_line(found[-1]))
    off = sorted(abs(each["ratio"] - 1) for each in found)
    inside = [each["low_s"] <= each["measured_s"] <= each["high_s"] for each in found]
    return {
        "rows": found,
        "left_out": [row.name for row in rows if row.name not in forecasts],
        "forecasts_sha256": digest,
        "median_off": statistics.median(off),
        "p90_off": float(np.quantile(off, 0.9)),
        "bias": statistics.median(each["ratio"] for each in found) - 1,
        "inside_80": sum(inside) / len(inside),
        "goals": {"median_off": GOAL, "num_rows": 24},
    }


def _composed(row: Row) -> Composed | None:
    """Return a training, built and not begun; None where its data or an extra is missing here."""
    wishes = {"budget": {"steps": PLANNED}, "compile": "none", **row.wishes}
    source = wishes.get("source", "")
    if source.startswith("@"):
        path = Path(os.environ.get("TUTELAGE_DATA", DATA)) / source[1:]
        if not path.exists():
            return None
        wishes["source"] = str(path)
    data = None if row.made is None else row.made(np.random.default_rng(1))
    try:
        plan, gathered, _ = plan_training(Request(recipe_from(wishes, where=row.name), data=data, machine=machine_facts("cpu")))
        return compose(plan, gathered.data)
    except TutelageError as error:
        _tell(f"{row.name}: {error}")
        return None


def _foresee(row: Row, model: StepModel) -> Foreseen | None:
    """Return the forecast of a row."""
    composed = _composed(row)
    if composed is None:
        return None
    with closing(composed.problem):
        return model.foresee(composed)


def _measured(row: Row, forecast: Foreseen, clock: Callable[[], float]) -> dict[str, Any]:
    """Run a row and return both."""
    composed = _composed(row)
    assert composed is not None, row.name
    with closing(composed.problem):
        composed.state.task.train()
        measured = seconds_of_step(composed, seconds=SECONDS, clock=clock, has_data=True)
    return {
        "name": row.name,
        "style": forecast.style,
        "forecast_s": forecast.time.seconds,
        "low_s": forecast.time.low,
        "high_s": forecast.time.high,
        "measured_s": measured,
        "ratio": forecast.time.seconds / measured,
        "features": dict(forecast.features),
        "data_s": forecast.data_seconds,
    }


def _line(found: Mapping[str, Any]) -> str:
    """Write a row for people."""
    times = f"{found['forecast_s'] * 1e3:9.2f} ms foreseen {found['measured_s'] * 1e3:9.2f} ms measured"
    return f"{found['name']:32s} {times}  ratio {found['ratio']:.2f}  ({found['style']})"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
