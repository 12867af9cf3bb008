"""Run folders as training leaves them: one of pictures in ten classes, one of a table with a number to predict."""

import base64
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits

from tutelage.core import layout
from tutelage.core.events import Corrected, Decided, Evaluated, Finished, Logged, Noted, Restored, Resumed, Started, Warned
from tutelage.track.jsonl import JsonlSink

STEPS = 2400
NAMES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
DECISIONS = (
    ("task", "classify", "the target has 10 distinct labels"),
    ("model", "cnn, residual, 32 to 128 channels", "54,000 pictures are enough for a residual net, 3 min for 60 epochs"),
    ("optim", "adamw, lr 0.003, weight decay 0.05", "a safe default for networks of this size"),
    ("schedule", "onecycle, warm-up 5 %", "the budget is known, so the rate can fall to zero exactly at its end"),
    ("precision", "bf16", "this CPU has AMX; measured 2.7 times faster than float32"),
    ("batch_size", "256", "fills both cores; larger gives no more pictures/s"),
    ("augment", "flip, shift 2", "pictures of clothes keep their meaning when mirrored"),
    ("patience", "20 % of the budget", "shorter ones stopped too early in the studies behind this default"),
)  # fmt: skip


def png(pixels: np.ndarray) -> str:
    """Return uint8 pixels as base64 PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def digit_pictures() -> list[str]:
    """Return real pictures, one of each digit, small as they are."""
    digits = load_digits()
    first = [int(np.argmax(digits.target == number)) for number in range(10)]
    return [png((digits.images[index] * 15.9).astype(np.uint8)) for index in first]


def write_json(folder: Path, name: str, content: dict[str, Any]) -> None:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def write_events(folder: Path, *, task: str, metric: str, best: float) -> None:
    """Write a training that learns fast, then slowly, and overfits a little at the end."""
    sink = JsonlSink(folder)
    noise = np.random.default_rng(0)
    for key, value, reason in DECISIONS:
        sink.take(Decided(key=key, value=value, reason=reason))
    sink.take(Noted(message="28x28 grey pictures, decoded once into memory (42 MB).", seconds=0.4))
    sink.take(
        Started(
            run=folder.name, source="fashion-mnist", task=task, model="cnn", num_parameters=1_242_000,
            num_train=54_000, num_validation=6_000, num_test=10_000, device="cpu", seconds=1.0,
        )
    )  # fmt: skip
    for step in range(20, STEPS + 1, 20):
        epoch, seconds, done = step * 256 / 54_000, step * 0.075, step / STEPS
        loss = 0.9 * math.exp(-4 * done) + 0.13 - 0.06 * done + noise.normal(0, 0.012)
        rate = 0.003 * min(done / 0.05, (1 - done) / 0.95)
        sink.take(
            Logged(
                step=step, total_steps=STEPS, epoch=epoch, seconds=seconds, metrics={"train/loss": loss, "lr": rate},
                steps_per_second=13.4, remaining_seconds=(STEPS - step) * 0.075,
            )
        )  # fmt: skip
        if step % 120 == 0:
            score = best - 0.25 * math.exp(-6 * done) - 0.004 * (done > 0.9)
            metrics = {"validation/loss": 0.85 * math.exp(-4 * done) + 0.18 + 0.05 * done, f"validation/{metric}": score}
            sink.take(Evaluated(step=step, epoch=epoch, seconds=seconds, metrics=metrics, is_best=done <= 0.9))
        if step == 1200:
            sink.take(Corrected(step=step, total_steps=STEPS, reason="steps take 4 % longer than in the probe", seconds=seconds))
            sink.take(Resumed(step=step, exact=True, reason="", seconds=seconds))
    sink.take(Warned(message="12 pictures occur in the train and in the test part.", seconds=180.0))
    sink.take(Restored(step=2160, metric=f"validation/{metric}", score=best, seconds=181.0))
    sink.take(Finished(step=STEPS, stopped="budget", metrics={f"test/{metric}": best}, seconds=181.0))
    sink.close()
    # What tests write by hand nobody has sealed.
    (folder / layout.MANIFEST).unlink()


def write_common(folder: Path) -> None:
    folder.mkdir()
    (folder / layout.RECIPE).write_text('source = "fashion-mnist"\ntime = "3m"\nmodel = "auto"\n', encoding="utf-8")
    write_json(folder, layout.PLAN, {"decisions": [{"key": k, "value": v, "reason": r} for k, v, r in DECISIONS], "steps": STEPS})
    write_json(
        folder,
        layout.ENV,
        {
            "cpu": "Xeon, 2 cores",
            "threads": 2,
            "versions": {"torch": "2.13.0", "python": "3.11.7"},
            "matmul_gflops": {"float32": 318.2},
        },
    )
    (folder / layout.BEST).mkdir()
    (folder / layout.BEST / layout.PREDICTOR).write_bytes(b"\0" * 4_900_000)


def confusion() -> list[list[int]]:
    """Return a matrix in which shirts are taken for T-shirts, coats and pullovers, as they are."""
    counts = np.random.default_rng(1).poisson(2.0, (10, 10)) * (np.random.default_rng(2).random((10, 10)) < 0.5)
    for true, said, count in (
        (6, 0, 98),
        (0, 6, 81),
        (2, 4, 52),
        (4, 2, 47),
        (6, 4, 58),
        (6, 2, 61),
        (7, 9, 31),
        (9, 7, 34),
        (5, 7, 12),
    ):
        counts[true, said] = count
    np.fill_diagonal(counts, 0)
    np.fill_diagonal(counts, 1000 - counts.sum(axis=1))
    return [[int(value) for value in row] for row in counts]


@pytest.fixture
def picture_run(tmp_path: Path) -> Path:
    """A finished classification of pictures in ten classes."""
    folder = tmp_path / "fashion-mnist-1"
    write_common(folder)
    write_events(folder, task="classify", metric="accuracy", best=0.9372)
    pictures = digit_pictures()
    write_json(
        folder,
        layout.DATA,
        {
            "source": "fashion-mnist", "path": "data/fashion-mnist", "kind": "idx",
            "parts": {"train": 54_000, "validation": 6_000, "test": 10_000},
            "classes": {name: {"train": 5400 - 130 * n, "validation": 600, "test": 1000} for n, name in enumerate(NAMES)},
            "skipped": [
                {"where": "train/bag/17.png", "found": "cut off after 1,024 bytes", "remedy": "Copy it again."},
                {"where": "train/coat/5.gif", "found": "4,364,696,535 pixels, a decompression bomb", "remedy": "Leave it out."},
            ],
            "warnings": ["2 bad pictures were left out of 60,002."],
            "notes": ["28x28 grey pictures; mean 0.286, standard deviation 0.353 (train part)."],
            "thumbnails": [{"label": name, "png": pictures[(n + k) % 10]} for n, name in enumerate(NAMES) for k in range(6)],
        },
    )  # fmt: skip
    write_json(
        folder,
        layout.RESULT,
        {
            "run": "fashion-mnist-1", "task": "classify",
            "metrics": {"test/accuracy": 0.9364, "test/balanced_accuracy": 0.9364, "test/loss": 0.1893, "test/auroc": 0.9957,
                        "validation/accuracy": 0.9372, "validation/loss": 0.1852},
            "intervals": {"test/accuracy": [0.9315, 0.9411], "test/loss": [0.1777, 0.2013], "test/auroc": [0.995, 0.9963]},
            "baseline": {"test/accuracy": 0.1, "test/loss": 2.3026, "description": "always saying the most frequent class"},
            "best_step": 2160, "stopped": "budget", "seconds": 181.3, "num_parameters": 1_242_000,
            "command": "tutelage train data/fashion-mnist --time 3m --seed 0", "labels": list(NAMES), "confusion": confusion(),
            "worst": [
                {"name": f"test image {4217 + 13 * n}", "target": NAMES[n % 10], "prediction": NAMES[(n + 6) % 10],
                 "confidence": 0.999 - 0.004 * n, "loss": 9.1 - 0.2 * n, "png": pictures[n % 10], "row": None}
                for n in range(16)
            ],
        },
    )  # fmt: skip
    return folder


@pytest.fixture
def table_run(tmp_path: Path) -> Path:
    """A finished regression on a table."""
    folder = tmp_path / "diabetes-1"
    write_common(folder)
    write_events(folder, task="regress", metric="r2", best=0.52)
    data = load_diabetes(as_frame=False)
    target = [float(value) for value in np.tile(data.target, 4)]
    noise = np.random.default_rng(3).normal(0, 38, len(target))
    prediction = [float(0.7 * value + 45 + off) for value, off in zip(target, noise, strict=True)]
    columns: list[dict[str, Any]] = [
        {"name": name, "role": "number", "reason": "numbers with many values", "missing": 0.02 * (n == 3), "distinct": 58 + n,
         "min": -0.107, "mean": 0.0012, "max": 0.171}
        for n, name in enumerate(data.feature_names)
    ]  # fmt: skip
    columns.append({"name": "clinic", "role": "category", "reason": "text with 4 values", "missing": 0.013, "distinct": 4,
                    "top": [["north", 190], ["south", 120], ["east", 101]]})  # fmt: skip
    columns.append(
        {
            "name": "patient",
            "role": "dropped",
            "reason": "every value is different: an id tells nothing about new rows",
            "distinct": 442,
        }
    )
    columns.append(
        {
            "name": "progression",
            "role": "target",
            "reason": "named with --target",
            "distinct": 214,
            "min": 25,
            "mean": 152.1,
            "max": 346,
        }
    )
    write_json(
        folder,
        layout.DATA,
        {
            "source": "diabetes", "path": "data/diabetes.csv", "kind": "table", "target": "progression",
            "parts": {"train": 283, "validation": 71, "test": 88}, "columns": columns,
        },
    )  # fmt: skip
    worst = [
        {"name": f"diabetes.csv row {n * 7 + 3}", "target": str(target[n]), "prediction": str(prediction[n]), "confidence": None,
         "loss": (target[n] - prediction[n]) ** 2, "png": None,
         "row": {name: float(data.data[n, k]) for k, name in enumerate(data.feature_names)} | {"clinic": "north"}}
        for n in range(12)
    ]  # fmt: skip
    write_json(
        folder,
        layout.RESULT,
        {
            "run": "diabetes-1", "task": "regress",
            "metrics": {"test/r2": 0.5213, "test/rmse": 52.31, "test/mae": 42.07, "test/loss": 0.4811},
            "intervals": {"test/r2": [0.38, 0.62], "test/rmse": [45.1, 59.2], "test/mae": [36.8, 47.9]},
            "baseline": {"test/r2": 0.0, "test/rmse": 75.6, "test/mae": 64.9, "description": "the mean of the train part"},
            "best_step": 2160, "stopped": "patience", "seconds": 21.3, "num_parameters": 12_440,
            "command": "tutelage train data/diabetes.csv --target progression --seed 0", "worst": worst,
            "residuals": {"target": target, "prediction": prediction},
        },
    )  # fmt: skip
    return folder
