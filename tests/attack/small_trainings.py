"""Recipes of trainings of a second or less, of every kind, into which numbers that are none are planted."""

import csv
import random
from pathlib import Path
from typing import Any

__all__ = ["RECIPES", "images", "table"]

STEPS = 60


def table(folder: Path, *, spoil: str = "", target: str = "label", rows: int = 300) -> dict[str, Any]:
    draw = random.Random(0)
    path = folder / "table.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["a", "b", "c", "target"])
        for row in range(rows):
            a, b, c = (draw.gauss(0, 1) for _ in range(3))
            number = a + 0.5 * b + 0.1 * draw.gauss(0, 1)
            out.writerow([spoil if spoil and row % 7 == 3 else a, b, c, number if target == "number" else f"class {number > 0}"])
    return {"source": str(path), "budget": {"steps": STEPS}}


def numbers(folder: Path) -> dict[str, Any]:
    return table(folder, target="number")


def images(folder: Path) -> dict[str, Any]:
    return {"source": "sklearn:digits", "model": {"kind": "cnn"}, "budget": {"steps": STEPS}, "batch_size": 32}


def points(folder: Path) -> dict[str, Any]:
    return {
        "source": {"path": "gaussians:8", "num_points": 600},
        "task": "generate",
        "budget": {"steps": STEPS},
        "batch_size": 64,
    }


def agent(folder: Path) -> dict[str, Any]:
    return {
        "source": "gym:CartPole-v1",
        "task": {"kind": "ppo", "num_envs": 4, "num_steps": 32},
        "batch_size": 32,
        "budget": {"steps": STEPS},
    }


def remembering(folder: Path) -> dict[str, Any]:
    """Return an agent of numbers whose products are rounded, and whose gradients are known in closed form."""
    return {
        "source": "gym:Pendulum-v1",
        "task": {"kind": "sac", "num_envs": 2, "warmup": 100, "capacity": 400},
        "batch_size": 64,
        "precision": "bfloat16",
        "budget": {"steps": STEPS},
    }


def text(folder: Path) -> dict[str, Any]:
    path = folder / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 200, encoding="utf-8")
    model = {"kind": "gpt", "width": 32, "depth": 1, "heads": 2}
    return {"source": f"chars:{path}", "model": model, "budget": {"steps": STEPS}, "batch_size": 8}


RECIPES = {
    "table": table,
    "numbers": numbers,
    "images": images,
    "points": points,
    "agent": agent,
    "remembering agent": remembering,
    "text": text,
}
