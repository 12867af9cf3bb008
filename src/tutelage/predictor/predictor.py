"""A trained model as people use it: preprocessing, network and answers as one module, saved in one file that holds no code.

It depends on nothing of the training. The file is safetensors: the weights, and in its header everything else as JSON,
with a SHA-256 over both.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.core import catalog
from tutelage.core.errors import RunError, TutelageError, UsageError
from tutelage.core.shape.base import Shape, shape_from_record
from tutelage.core.typed import first_mistake
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.rows.base import Rows
from tutelage.data.target.base import Target
from tutelage.model.bounded import refuse_misfit, within
from tutelage.model.stored import Announce, load_tensors, save_tensors
from tutelage.predictor.companion import FloorShare, floor_from, parted
from tutelage.predictor.int8 import OnnxNetwork
from tutelage.task.answering import Answering, answer_batches
from tutelage.task.base import TaskSpec

__all__ = ["Predictor", "load_predictor", "restored"]

FORMAT = "predictor-4"
REMEDY = "Use the version that wrote it, or train anew."
Table = dict[str, Any]


class Header(BaseModel):
    """What a predictor's file holds beside its weights; each value of its type, and none else."""

    model_config = ConfigDict(extra="forbid", strict=True)
    model: Table | None
    own_model: str
    task: Table
    prepare: str
    fitted: Table | None
    target: Table | None
    shape: Table
    num_outputs: Annotated[int, Field(ge=0, le=2**31)]
    calibrator: Table | None
    companion: Table | None
    precision: Literal["float32", "bfloat16"]
    device: str
    facts: Table
    onnx: Table | None = None
    is_mirrored: bool = False


@dataclass(frozen=True)
class Predictor:
    """Everything needed to answer for new rows.

    Attributes:
        network: The trained network; with finisher and answer it is `module`.
        model: How the network was built; None for an own module passed from Python.
        task: How outputs become answers.
        prepare: The kind of the fitted preprocessing; "" where there is none.
        fitted: The fitted preprocessing; None where there is none.
        target: What labels mean; None where there are none.
        shape: What the network takes.
        num_outputs: How many numbers it returns per row.
        calibrator: Makes the answers honest; None where they stay as the network gives them.
        companion: The floor whose answers have a share in those that leave; None where there is none.
        is_mirrored: Whether answers are the mean of those for a row and for its mirror image.
        precision: How it computes.
        device: Where it is.
        facts: Where it comes from: the step, the run, its scores.
    """

    network: nn.Module
    model: Any
    task: TaskSpec
    prepare: str
    fitted: Fitted | None
    target: Target | None
    shape: Shape
    num_outputs: int
    calibrator: Calibrator | None = None
    companion: FloorShare | None = None
    is_mirrored: bool = False
    precision: str = "float32"
    device: str = "cpu"
    facts: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def module(self) -> Answering:
        """Finisher, network, answer and calibrator as one module: a compact batch in, answers out."""
        finisher = self.task.finisher(self.fitted)
        names = tuple(self.shape.tensors)
        calibrator = self.calibrator.module().to(self.device) if self.calibrator is not None else None
        mirrored = self.shape.mirrored if self.is_mirrored else {}
        return Answering(
            finisher.to(self.device), self.network, task=self.task, input_names=names, calibrator=calibrator, mirrored=mirrored
        )

    def mirrored(self, wish: Literal["auto", "on", "off"]) -> "Predictor":
        """Return a predictor that averages with mirror images or does not; `auto` = as was decided when it was trained.

        Raises:
            UsageError: Such data have no mirror images.
        """
        if wish == "on" and not self.shape.mirrored:
            raise UsageError(f"mirror = on: such data have no mirror images ({self.shape.say()}). Leave it out.")
        return self if wish == "auto" else replace(self, is_mirrored=wish == "on")

    def calibrated(self, calibrator: Calibrator | None) -> "Predictor":
        """Return a predictor of the same network with another calibrator, or without one.

        Raises:
            RunError: It is for another kind of answers.
        """
        if calibrator is not None and calibrator.answers != self.task.answers:
            raise RunError(
                f"a calibrator of {calibrator.answers} cannot change what task {getattr(self.task, 'kind', '')!r} answers: "
                f"{self.task.answers}. `tutelage list calibrator` has the others."
            )
        return replace(self, calibrator=calibrator)

    def answers(self, part: RowsPart) -> np.ndarray:
        """Return answers in the user's unit: probabilities float64 [N, C], or numbers float64 [N].

        Raises:
            DataError: Rows that do not fit the preprocessing, all of them.
            RunError: This model does not answer for rows.
        """
        found = [answers for _, answers in self.batches(part)]
        return np.concatenate(found) if found else self._target.decode(np.empty(0))

    def prepared(self, part: RowsPart) -> Rows:
        """Return a part's rows as `batches` takes them; errors as in `answers`."""
        if self.fitted is None or self.target is None:
            raise RunError(f"a model of task {getattr(self.task, 'kind', '')!r} does not answer for rows of data.")
        return self.fitted.apply(part)

    def batches(self, part: RowsPart, rows: Rows | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield row numbers int64 [B] and their answers, in the user's unit: however many rows there are, one batch is held.

        Args:
            part: The rows as they were read.
            rows: The same as `prepared` gave them, where that was done before.
        """
        rows = self.prepared(part) if rows is None else rows
        for numbers, answers in answer_batches(self.module, rows, device=self.device, precision=self.precision):
            if self._target.classes and answers.shape[-1] != len(self._target.classes):
                raise RunError(f"the model answers for {answers.shape[-1]} classes, its file names {len(self._target.classes)}.")
            chosen, decoded = numbers.numpy(), self._target.decode(answers.double().numpy())
            yield chosen, decoded if self.companion is None else self.companion.mix(decoded, part.select(chosen))

    @property
    def _target(self) -> Target:
        assert self.target is not None
        return self.target

    def save(self, path: Path, *, announce: Announce | None = None) -> str:
        """Write the predictor to one file, durably, and return the SHA-256 of its weights.

        `announce` is told of the file before it takes its place.
        """
        weights, values = self.content()
        return save_tensors(path, weights, format=FORMAT, values=values, announce=announce)

    def content(self) -> tuple[dict[str, Tensor], Table]:
        """Return what a file holds of it: copies of its tensors on the CPU, and everything else as JSON values."""
        # Copies, since safetensors refuses tensors that share memory (tied weights).
        weights = {key: value.detach().to("cpu", copy=True).contiguous() for key, value in self.network.state_dict().items()}
        values = {
            "model": None if self.model is None else self.model.model_dump(mode="json"),
            "own_model": type(self.network).__name__ if self.model is None else "",
            "task": self.task.model_dump(mode="json"),
            "prepare": self.prepare,
            "fitted": None if self.fitted is None else self.fitted.state(),
            "target": None if self.target is None else self.target.model_dump(mode="json"),
            "shape": self.shape.model_dump(mode="json"),
            "num_outputs": self.num_outputs,
            "calibrator": None if self.calibrator is None else self.calibrator.model_dump(mode="json"),
            "companion": None if self.companion is None else self.companion.record(),
            "precision": self.precision,
            "device": torch.device(self.device).type,
            "facts": self.facts,
        }
        if self.is_mirrored:
            values["is_mirrored"] = True
        if isinstance(self.network, OnnxNetwork):
            values |= {"onnx": self.network.record(), "own_model": ""}
        return weights | ({} if self.companion is None else self.companion.tensors()), values


def load_predictor(path: Path, *, module: nn.Module | None = None, device: str = "auto") -> Predictor:
    """Read a predictor.

    Args:
        path: The file.
        module: A module like the one that was trained, where that was an own one; it is copied, not changed.
        device: Where to put it; auto = the kind of device it was trained on, if there is one here, else the CPU.

    Raises:
        RunError: The file is missing or damaged, or needs an own module that was not given.
    """
    stored = load_tensors(path, formats=(FORMAT,))
    return restored(path, stored.tensors, stored.values, module=module, device=device)


def restored(
    path: Path, tensors: Mapping[str, Tensor], values: Mapping[str, Any], *, module: nn.Module | None = None, device: str = "auto"
) -> Predictor:
    """Build a predictor from what `Predictor.content` gave, read from a file; arguments and errors as of `load_predictor`."""
    try:
        header = Header.model_validate(values)
        return _restored(path, tensors, header, module=module, device=device)
    except RunError:
        raise
    except ValidationError as error:
        raise RunError(f"{path}: {first_mistake(error)}. {REMEDY}") from error
    except (TutelageError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # A border: it is whole, and yet not what this version expects, or was written by another hand.
        raise RunError(f"{path}: does not hold what this version of tutelage expects: {str(error)[:300]}. {REMEDY}") from error


def _restored(path: Path, tensors: Mapping[str, Tensor], header: Header, *, module: nn.Module | None, device: str) -> Predictor:
    """Build a predictor from what its file holds."""
    if device == "auto":
        device = "cuda" if header.device == "cuda" and torch.cuda.is_available() else "cpu"
    shape = shape_from_record(header.shape)
    task: TaskSpec = _restore("task", header.task)
    model = _restore("model", header.model)
    weights, others = parted(tensors)
    if header.onnx is not None:
        device = "cpu"
        network: nn.Module = OnnxNetwork(weights["content"].numpy().tobytes(), **header.onnx)
    else:
        if model is not None:
            with within(weights):
                refuse_misfit(task.make_network(model, shape, header.num_outputs), weights)
        network = _network(path, header, task=task, model=model, shape=shape, module=module)
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise RunError(f"{path}: the weights do not fit the module: {error}") from error
    fitted = _restore_fitted(header)
    # A generator takes random numbers, whatever the rows are that it has learned from.
    if (task.answers_rows or task.continues_series) and fitted is not None and fitted.shape != shape:
        raise RunError(f"{path}: its preprocessing makes {fitted.shape.say()}, its model takes {shape.say()}. {REMEDY}")
    calibrator: Calibrator | None = _restore("calibrator", header.calibrator)
    companion = floor_from(header.companion, others)
    misfits = [calibrator.misfit(shape) if calibrator else "", companion.fitted.misfit(shape) if companion else ""]
    if any(misfits):
        raise RunError(f"{path}: it has {' and '.join(filter(None, misfits))}, its model takes {shape.say()}. {REMEDY}")
    return Predictor(
        network=network.to(device).eval(),
        model=model,
        task=task,
        prepare=header.prepare,
        fitted=fitted,
        target=_restore("target", header.target),
        shape=shape,
        num_outputs=header.num_outputs,
        calibrator=calibrator,
        companion=companion,
        is_mirrored=header.is_mirrored and bool(shape.mirrored),
        precision=header.precision,
        device=device,
        facts=header.facts,
    )


def _network(path: Path, header: Header, *, task: TaskSpec, model: Any, shape: Shape, module: nn.Module | None) -> nn.Module:
    """Build the network anew, or copy the user's."""
    if model is not None:
        return task.make_network(model, shape, header.num_outputs)
    if module is None:
        raise RunError(
            f"{path}: this run trained your own module {header.own_model!r}, which is not stored as code. Pass it: "
            f"tutelage.open_run(..., model={header.own_model}())."
        )
    return deepcopy(module)


def _restore_fitted(header: Header) -> Fitted | None:
    """Return the fitted preprocessing; None where there is none."""
    if not header.prepare:
        return None
    prepare: Prepare = catalog.load("prepare", header.prepare)()
    return prepare.restore(header.fitted or {})


def _restore(family: str, record: Mapping[str, Any] | None) -> Any:
    """Return the component that `model_dump` wrote; None where there was none."""
    return None if record is None else catalog.load(family, str(record.get("kind"))).model_validate(dict(record))
