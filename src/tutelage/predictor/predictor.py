"""A trained model as people use it: preprocessing, model and target as one, saved in one file that holds no code.

It depends on nothing of the training. The file is safetensors: the weights, and in its header everything else as JSON,
with a SHA-256 over both.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from safetensors.torch import save
from torch import Tensor, nn

from tutelage.core import catalog
from tutelage.core.durable import write_durably
from tutelage.core.errors import RunError
from tutelage.core.schema import InputShape, shape_from_record, shape_to_record
from tutelage.data.prepare.base import Fitted
from tutelage.data.prepare.target import ClassTarget, TargetEncoder, restore_target
from tutelage.data.part.base import Part
from tutelage.model.arch.base import Model
from tutelage.task.base import TaskSpec
from tutelage.task.prediction import predict_rows

__all__ = ["Predictor", "load_predictor"]

FORMAT = "predictor-1"


@dataclass(frozen=True)
class Predictor:
    """Everything needed to answer for new rows.

    Attributes:
        module: The model with its trained weights.
        model: How the module was built; None for an own module passed from Python.
        task: How outputs become answers.
        prepare: The kind of the fitted preprocessing.
        fitted: The fitted preprocessing.
        target: Class names, or mean and deviation.
        shape: What the module takes.
        num_outputs: How many numbers it returns per row.
        precision: How it computes.
        device: Where it is.
        facts: Where it comes from: the step, the run, its scores.
    """

    module: nn.Module
    model: Model | None
    task: TaskSpec
    prepare: str
    fitted: Fitted
    target: TargetEncoder
    shape: InputShape
    num_outputs: int
    precision: str = "float32"
    device: str = "cpu"
    facts: dict[str, Any] = field(default_factory=dict)

    def answers(self, part: Part) -> np.ndarray:
        """Return probabilities float64 [N, C], or numbers float64 [N] in the target's unit.

        Raises:
            DataError: Rows that do not fit the preprocessing, all of them.
        """
        raw = predict_rows(
            self.module,
            lambda inputs: self.task.answer(self.module(*inputs).float()),
            self.fitted.apply(part),
            input_names=self.fitted.input_names,
            finish=self.fitted.finish,
            device=self.device,
            precision=self.precision,
        )
        return self.decode(raw.double().numpy())

    def decode(self, answers: np.ndarray) -> np.ndarray:
        """Turn raw answers into the user's unit; probabilities stay."""
        return answers if isinstance(self.target, ClassTarget) else self.target.decode(answers)

    def labels(self, answers: np.ndarray) -> list[Any]:
        """Return the class name of the largest probability of each row, or the numbers themselves."""
        if isinstance(self.target, ClassTarget):
            return list(self.target.decode(answers.argmax(axis=1)))
        return [float(number) for number in answers]

    def save(self, path: Path) -> None:
        """Write the predictor to one file, durably."""
        # Copies, since safetensors refuses tensors that share memory (tied weights).
        weights = {key: value.detach().to("cpu", copy=True).contiguous() for key, value in self.module.state_dict().items()}
        values = {
            "model": None if self.model is None else self.model.model_dump(mode="json"),
            "own_model": type(self.module).__name__ if self.model is None else "",
            "task": self.task.model_dump(mode="json"),
            "prepare": self.prepare,
            "fitted": self.fitted.state(),
            "target": self.target.state(),
            "shape": shape_to_record(self.shape),
            "num_outputs": self.num_outputs,
            "precision": self.precision,
            "facts": self.facts,
        }
        text = json.dumps(values)
        # One header entry only: several would be written in random order, and equal models must be equal files.
        header = {"tutelage": json.dumps({"format": FORMAT, "values": text, "sha256": _hash(weights, text)})}
        write_durably(path, save(weights, header))


def load_predictor(path: Path, *, module: nn.Module | None = None, device: str = "cpu") -> Predictor:
    """Read a predictor.

    Args:
        path: The file.
        module: The module to fill with the weights, where the training was given an own one.
        device: Where to put it.

    Raises:
        RunError: The file is missing or damaged, or needs an own module that was not given.
    """
    weights, values = _read(path)
    shape = shape_from_record(values["shape"])
    model: Model | None = None
    if values["model"] is not None:
        model = catalog.load("model", values["model"]["kind"]).model_validate(values["model"])
        assert model is not None
        module = model.build(shape, values["num_outputs"])
    elif module is None:
        raise RunError(
            f"{path}: this run trained your own module {values['own_model']!r}, which is not stored as code. Pass it: "
            f"tutelage.open_run(..., model={values['own_model']}())."
        )
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(f"{path}: the weights do not fit the module: {error}") from error
    prepare = catalog.load("prepare", values["prepare"])()
    return Predictor(
        module=module.to(device).eval(),
        model=model,
        task=catalog.load("task", values["task"]["kind"]).model_validate(values["task"]),
        prepare=values["prepare"],
        fitted=prepare.restore(values["fitted"]),
        target=restore_target(values["target"]),
        shape=shape,
        num_outputs=values["num_outputs"],
        precision=values["precision"],
        device=device,
        facts=values["facts"],
    )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read and verify the file."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
            header = json.loads((file.metadata() or {})["tutelage"])
        values: dict[str, Any] = json.loads(header["values"])
    except FileNotFoundError as error:
        raise RunError(f"{path}: there is no trained model here. Was the run ended before its first evaluation?") from error
    except (safetensors.SafetensorError, KeyError, ValueError, OSError) as error:
        raise RunError(f"{path}: the model cannot be read ({error}).") from error
    if _hash(weights, header["values"]) != header.get("sha256"):
        raise RunError(f"{path}: the content does not match its SHA-256: the file was damaged after it was written.")
    return weights, values


def _hash(weights: Mapping[str, Tensor], text: str) -> str:
    """Return the SHA-256 over all weights and the text."""
    sha = hashlib.sha256(text.encode())
    for key in sorted(weights):
        sha.update(f"{key}|{weights[key].dtype}|{tuple(weights[key].shape)}|".encode())
        sha.update(weights[key].reshape(-1).view(torch.uint8).numpy().tobytes() if weights[key].numel() else b"")
    return sha.hexdigest()
