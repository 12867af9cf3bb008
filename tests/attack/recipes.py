"""Seven small trainings, one of each kind, and their data; each has dropout, so that a lost generator shows."""

import os
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["RECIPES", "Recipe", "start_calm"]

EVERY_STEP = ("--set", "save.every_seconds=0")


@dataclass(frozen=True)
class Recipe:
    """A training.

    Attributes:
        make: Makes its data in a folder and returns the source's name.
        words: What follows the source.
        ask: What `predict` can be asked, "" where there are no rows to answer for.
    """

    make: Callable[[Path], str]
    words: tuple[str, ...]
    ask: str = ""

    def train(self, folder: Path) -> list[str]:
        """Make the data and return the words of a training in `folder/run`."""
        return ["train", self.make(folder), *self.words, "--out", "run", "--quiet"]


def start_calm() -> None:
    """Import everything, and let no thread begin: forked processes would not have it."""
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    import importlib.readers
    import importlib.resources
    import importlib.resources.readers
    import unicodedata  # noqa: F401 - a user who is nobody may not read where Python's own modules lie

    # What is otherwise imported by the first optimizer, table or seed, in every case anew.
    import gymnasium  # noqa: F401
    import numpy.ctypeslib  # noqa: F401
    import pandas  # noqa: F401
    import sympy  # noqa: F401
    import torch._dynamo
    import torch.distributed.fsdp
    import torch.distributed.nn
    from PIL import Image

    import tutelage
    from tutelage.core import catalog
    from tutelage.task import acting
    from tutelage.training.machine import machine_facts

    torch.set_num_threads(1)
    # Measured once here, and not once more in each forked process.
    machine_facts("cpu")
    for module in pkgutil.walk_packages(tutelage.__path__, "tutelage."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    Image.init()
    for family in catalog.families():
        catalog.names(family)
    # Agents were watched for half of the time of the attack, and it is not their returns that are attacked.
    acting.VALIDATION_EPISODES, acting.TEST_EPISODES = 2, 3


def table(folder: Path) -> str:
    """Write a table of numbers and words."""
    random = np.random.default_rng(0)
    lines = [f"{random.normal() + 2 * (i % 2):.3f},{'xyz'[i % 3]},{['no', 'yes'][i % 2]}" for i in range(120)]
    (folder / "rows.csv").write_text("\n".join(["size,form,answer", *lines, ""]), encoding="utf-8")
    return "rows.csv"


def images(folder: Path) -> str:
    """Write a folder of small pictures."""
    random = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 120)):
        place = folder / "pictures" / name
        place.mkdir(parents=True)
        for index in range(30):
            pixels = random.integers(low, low + 100, size=(12, 10, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / f"{index}.png")
    return "pictures"


def text(folder: Path) -> str:
    """Write a text of common words."""
    words = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "then", "sleeps"]
    random = np.random.default_rng(0)
    (folder / "words.txt").write_text(" ".join(words[i] for i in random.integers(len(words), size=1_000)), encoding="utf-8")
    return "chars:words.txt"


REMEMBERING = (
    *("--steps", "8", "--set", "batch_size=16", "--set", "task.warmup=40", "--set", "task.capacity=48"),
    *(
        "--set",
        "task.num_envs=2",
        "--set",
        "task.num_steps=2",
        "--set",
        'model={kind="mlp",hidden=[16],dropout=0.1}',
        *EVERY_STEP,
    ),
)
"""An agent that remembers its steps, and has begun to forget the first ones before it ends."""

RECIPES: dict[str, Recipe] = {
    "table": Recipe(table, ("--target", "answer", "--steps", "12", "--set", "precision=float32", *EVERY_STEP), ask="rows.csv"),
    "image": Recipe(
        images,
        (
            *("--steps", "8", "--set", "precision=float32"),
            *("--set", 'model={kind="cnn",stem=8,widths=[8,16],depth=1,dropout=0.2}', *EVERY_STEP),
        ),
        ask="pictures/dark/0.png",
    ),
    "gan": Recipe(
        lambda folder: "gaussians:3",
        (
            *("--task", "generate", "--steps", "8", "--set", "split.validation=0.02", "--set", "split.test=0.02"),
            *("--set", 'model={kind="mlp",hidden=[32,32],dropout=0.1}', *EVERY_STEP),
        ),
    ),
    "ppo": Recipe(
        lambda folder: "gym:CartPole-v1",
        (
            *("--task", "ppo", "--steps", "8", "--set", "batch_size=64", "--set", "task.num_envs=4"),
            *("--set", "task.num_steps=16", "--set", 'model={kind="mlp",hidden=[32],dropout=0.1}', *EVERY_STEP),
        ),
    ),
    "dqn": Recipe(lambda folder: "gym:CartPole-v1", (*REMEMBERING, *("--task", "dqn", "--set", "task.is_prioritized=true"))),
    "sac": Recipe(lambda folder: "gym:Pendulum-v1", (*REMEMBERING, *("--task", "sac"))),
    "language": Recipe(
        text,
        (
            *("--task", "language", "--steps", "8", "--set", "precision=float32", "--set", "prepare.length=16"),
            *("--set", 'model={kind="gpt",width=16,depth=1,heads=2,dropout=0.1}', "--set", "task.sample_length=20", *EVERY_STEP),
        ),
    ),
}
