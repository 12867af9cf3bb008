"""A small example for each kind of source: a new kind is judged from its first day, once it has one here."""

import gzip
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tutelage.core.shape.views import Text


def image_folder(folder: Path) -> str:
    random = np.random.default_rng(0)
    for part, count in (("train", 12), ("test", 4)):
        for name, low in (("dark", 0), ("light", 120)):
            place = folder / "pictures" / part / name
            place.mkdir(parents=True)
            for index in range(count):
                pixels = random.integers(low, low + 100, size=(12, 10, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{index}.png")
    return str(folder / "pictures")


def idx(folder: Path) -> str:
    random = np.random.default_rng(0)
    labels = np.arange(60, dtype=np.uint8) % 3
    pixels = (random.integers(0, 60, size=(60, 8, 8)) + 60 * labels[:, None, None]).astype(np.uint8)
    for name, values in (("images-idx3", pixels), ("labels-idx1", labels)):
        header = struct.pack(">HBB" + "I" * values.ndim, 0, 8, values.ndim, *values.shape)
        (folder / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(header + values.tobytes()))
    return str(folder)


def table(folder: Path) -> str:
    random = np.random.default_rng(0)
    lines = [f"{random.normal() + 2 * (i % 2):.3f},{'xyz'[i % 3]},{['no', 'yes'][i % 2]}" for i in range(80)]
    (folder / "rows.csv").write_text("\n".join(["size,form,answer", *lines, ""]), encoding="utf-8")
    return str(folder / "rows.csv")


def text_folder(folder: Path) -> str:
    random = np.random.default_rng(0)
    words = np.array(["the", "a", "film", "story", "actor", "scene"])
    for part, count in (("train", 12), ("test", 4)):
        for name, told in (("bad", "dull"), ("good", "great")):
            place = folder / "reviews" / part / name
            place.mkdir(parents=True)
            for index in range(count):
                text = " ".join([*random.choice(words, 5), told, *random.choice(words, 3)])
                (place / f"{index}.txt").write_text(text, encoding="utf-8")
    return str(folder / "reviews")


def chars(folder: Path) -> str:
    words = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "then", "sleeps"]
    random = np.random.default_rng(0)
    text = " ".join(words[i] for i in random.integers(len(words), size=1_000))
    (folder / "words.txt").write_text(text + "\n", encoding="utf-8")
    return f"chars:{folder / 'words.txt'}"


def plain_text(folder: Path) -> str:
    chars(folder)
    return str(folder / "words.txt")


def series(folder: Path) -> str:
    random = np.random.default_rng(0)
    for part, count in (("TRAIN", 30), ("TEST", 12)):
        lines = ["@univariate false", "@dimensions 2", "@classLabel true slow quick", "@data"]
        for row in range(count):
            times = np.arange(12 + row % 5)
            noisy = np.sin(times * (0.5 + row % 2) + random.uniform(0, 6)) + 0.1 * random.normal(size=(2, len(times)))
            lines.append(
                ":".join([*(",".join(f"{value:.4f}" for value in values) for values in noisy), ["slow", "quick"][row % 2]])
            )
        (folder / f"Swings_{part}.ts").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder)


def hub(folder: Path) -> str:
    table(folder)
    return f"hub:{folder}"


def timeline(folder: Path) -> str:
    random = np.random.default_rng(0)
    hours = np.datetime64("2024-01-01T00", "h") + np.arange(400)
    place = np.arange(400) * 2 * np.pi / 24
    waves = np.column_stack([np.sin(place), 5 + 2 * np.cos(place)]) + 0.1 * random.normal(size=(400, 2))
    lines = [f"{str(hour).replace('T', ' ')}:00,{a:.4f},{b:.4f}" for hour, (a, b) in zip(hours, waves, strict=True)]
    (folder / "load.csv").write_text("\n".join(["time,north,south", *lines, ""]), encoding="utf-8")
    return f"timeline:{folder / 'load.csv'}"


SOURCES: dict[str, Callable[[Path], str]] = {
    "image_folder": image_folder,
    "idx": idx,
    "table": table,
    "text_folder": text_folder,
    "sklearn_bundled": lambda folder: "sklearn:iris",
    "chars": chars,
    "plain_text": plain_text,
    "series": series,
    "timeline": timeline,
    "gaussians": lambda folder: "gaussians:3",
    "gym": lambda folder: "gym:CartPole-v1",
    "hub": hub,
}


@dataclass(frozen=True)
class TaskExample:
    """Data from which a task learns within seconds, and the wishes that keep it small."""

    source: Callable[[Path], str]
    wishes: Mapping[str, Any] = field(default_factory=dict)


TASKS: dict[str, TaskExample] = {
    "classify": TaskExample(table),
    "regress": TaskExample(lambda folder: "sklearn:diabetes"),
    "language": TaskExample(
        chars,
        {
            "model": {"kind": "gpt", "width": 16, "depth": 1, "heads": 2},
            "prepare": {"length": 16},
            "task": {"sample_length": 20},
            # Where bfloat16 pays is measured, and a machine that is busy for a moment may decide otherwise.
            "precision": "float32",
        },
    ),
    "forecast": TaskExample(
        timeline,
        {"task": {"horizon": 6}, "model": "nlinear", "prepare": {"length": 24}, "split": {"validation": 0.1, "test": 0.1}},
    ),
    "generate": TaskExample(lambda folder: "gaussians:3", {"split": {"validation": 0.02, "test": 0.02}}),
    "dqn": TaskExample(
        lambda folder: "gym:CartPole-v1", {"batch_size": 16, "task": {"num_envs": 2, "warmup": 40, "is_prioritized": True}}
    ),
    "sac": TaskExample(lambda folder: "gym:Pendulum-v1", {"batch_size": 16, "task": {"num_envs": 2, "warmup": 40}}),
    "ppo": TaskExample(lambda folder: "gym:CartPole-v1", {"batch_size": 64, "task": {"num_envs": 4, "num_steps": 16}}),
}


TEXT_NETWORK = json.dumps(
    {
        "model_type": "bert",
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "vocab_size": 256,
        "max_position_embeddings": 300,
    }
)


def network_settings(model: str, shape: Any) -> dict[str, Any]:
    """What an architecture must be told of a shape: one that holds somebody's network is for pictures or for texts."""
    return {"config": TEXT_NETWORK} if model == "pretrained" and shape.view(Text) is not None else {}
