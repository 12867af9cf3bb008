"""Small classifiers of our own for benchmarks of what follows training: of bundled sets, and of a folder where there is one."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["CLASSIFIERS", "Classifier", "here"]

FOLDER = "TUTELAGE_DATA"
"""Environment variable that names a folder with public data sets, one folder each."""


@dataclass(frozen=True)
class Classifier:
    """One training.

    Attributes:
        name: What it is called.
        source: A bundled set, or a path below the folder of data sets.
        wishes: Arguments of `tutelage.train`.
    """

    name: str
    source: str
    wishes: dict[str, Any] = field(default_factory=dict)


CLASSIFIERS = (
    Classifier("digits", "sklearn:digits", {"epochs": 6}),
    Classifier("digits-mlp", "sklearn:digits", {"model": "mlp", "epochs": 20}),
    Classifier("digits-mlp-long", "sklearn:digits", {"model": "mlp", "epochs": 60, "seed": 1}),
    Classifier("digits-no-smoothing", "sklearn:digits", {"epochs": 6, "loss": "cross_entropy", "seed": 2}),
    Classifier("iris", "sklearn:iris", {"epochs": 60}),
    Classifier("iris-mlp", "sklearn:iris", {"model": "mlp", "epochs": 100, "seed": 1}),
    Classifier("wine", "sklearn:wine", {"epochs": 60}),
    Classifier("wine-mlp", "sklearn:wine", {"model": "mlp", "epochs": 60, "seed": 1}),
    Classifier("breast-cancer", "sklearn:breast_cancer", {"epochs": 40}),
    Classifier("breast-cancer-mlp", "sklearn:breast_cancer", {"model": "mlp", "epochs": 60}),
    Classifier("breast-cancer-focal", "sklearn:breast_cancer", {"model": "mlp", "loss": "focal", "epochs": 60}),
    Classifier("titanic", "titanic/titanic.csv", {"target": "Survived", "epochs": 30}),
    Classifier("adult", "adult/train.csv", {"epochs": 2}),
    Classifier("wine-quality", "wine-quality/winequality-red.csv", {"task": "classify", "target": "quality", "epochs": 20}),
    Classifier("fashion-mnist", "fashion-mnist", {"epochs": 1}),
    Classifier("cats-dogs", "cats-dogs", {"epochs": 24}),
)
"""Trainings of a minute or so each, the last of five."""


def here(classifier: Classifier) -> str:
    """Return the source as it is named on this machine; "" where it is not there."""
    if ":" in classifier.source:
        return classifier.source
    path = Path(os.environ.get(FOLDER, "")) / classifier.source
    return str(path) if os.environ.get(FOLDER) and path.exists() else ""
