"""A trained model as people use it: preprocessing, network and answers as one module, saved in one file that holds no code.

It depends on nothing of the training. The file is safetensors: the weights, and in its header everything else as JSON,
with a SHA-256 over both.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.conformal import Conformal
from tutelage.calibrate.restored import conformal_from
from tutelage.core import catalog
from tutelage.core.errors import RunError, TutelageError, UsageError
from tutelage.core.shape.base import Shape, shape_from_record
from tutelage.core.typed import first_mistake
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.rows.base import Rows
from tutelage.data.target.base import Target
from tutelage.hardware.held_memory import hold_memory
from tutelage.model.bounded import refuse_misfit, within
from tutelage.model.layers.rejecting import Judge, Rejecting
from tutelage.model.stored import Announce, load_tensors, save_tensors
from tutelage.predictor.companion import FloorShare, floor_from, parted
from tutelage.predictor.header import Facts, Header, Table
from tutelage.predictor.int8 import OnnxNetwork, graph_network
from tutelage.predictor.judge import judge_from, judge_record, judge_tensors
from tutelage.task.answering import Answering, answer_batches
from tutelage.task.base import TaskSpec

__all__ = ["Facts", "Predictor", "load_predictor", "restored"]

FORMAT = "predictor-4"
REMEDY = "Use the version that wrote it, or train anew."


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
        calibrator: Makes the answers honest; None where they stay as they are. Where there is a companion, it changes the mean of
            network and floor, after `module`.
        companion: The floor whose answers have a share in those that leave; None where there is none.
        conformal: Scores of held-out rows, for sets and intervals; None where there are none.
        is_mirrored: Whether answers are the mean of those for a row and for its mirror image.
        judge: Looks at generated samples before they leave; None where all of them do.
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
    conformal: Conformal | None = None
    is_mirrored: bool = False
    judge: Judge | None = None
    precision: str = "float32"
    device: str = "cpu"
    facts: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def module(self) -> Answering:
        """Finisher, network, answer and calibrator as one module: a compact batch in, answers out.

        Without the calibrator where a floor has a share in the answers: what is calibrated is what leaves, see `batches`.
        """
        finisher = self.task.finisher(self.fitted)
        names = tuple(self.shape.tensors)
        is_inside = self.calibrator is not None and self.companion is None
        calibrator = self.calibrator.module().to(self.device) if self.calibrator is not None and is_inside else None
        mirrored = self.shape.mirrored if self.is_mirrored else {}
        return Answering(
            finisher.to(self.device), self.network, task=self.task, input_names=names, calibrator=calibrator, mirrored=mirrored
        )

    @property
    def num_parameters(self) -> int:
        """How many numbers its network has learned, also where they stand in an ONNX file."""
        if isinstance(self.network, OnnxNetwork):
            return self.network.num_parameters
        return sum(parameter.numel() for parameter in self.network.parameters())

    @cached_property
    def maker(self) -> nn.Module:
        """What makes samples of latents: the network, with the judge where there is one."""
        if self.judge is None or self.fitted is None:
            return self.network
        task: Any = self.task
        seen = self.fitted.seen().to(self.device)
        # A copy: this predictor may be on another device than the one that it was made of.
        judge = replace(self.judge, network=deepcopy(self.judge.network))
        both = Rejecting(self.network, judge, seen=seen, sizes=task.sizes, latent_size=task.latent_size)
        return both.to(self.device).eval()

    def mirrored(self, wish: Literal["auto", "on", "off"]) -> "Predictor":
        """Return a predictor that averages with mirror images or does not; `auto` = as was decided when it was trained.

        Other answers than those of the training have no scores of held-out rows, so no sets or intervals.

        Raises:
            UsageError: Such data have no mirror images.
        """
        if wish == "on" and not self.shape.mirrored:
            raise UsageError(f"mirror = on: such data have no mirror images ({self.shape.say()}). Leave it out.")
        if wish == "auto" or self.is_mirrored == (wish == "on"):
            return self
        return replace(self, is_mirrored=wish == "on", conformal=None)

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
        classes = len(self.target.classes) if self.target is not None else 0
        if calibrator is not None and calibrator.num_classes not in (0, classes):
            raise RunError(f"a calibrator of {calibrator.num_classes} classes cannot change answers for {classes}.")
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
            if self.companion is not None:
                # As rows that nobody sees again: nothing made of some of them is kept.
                decoded = self.companion.mix(decoded, part.select(chosen).renamed("input"))
                decoded = decoded if self.calibrator is None else self.calibrator.apply(decoded)
            yield chosen, decoded

    def around(self, answers: np.ndarray, *, coverage: float, method: str = "") -> np.ndarray:
        """Return what holds the truth with a stated probability, beside answers of `batches`, from scores of held-out rows.

        Args:
            answers: Probabilities float64 [N, C], or numbers float64 [N].
            coverage: The probability, in (0, 1).
            method: How sets are made; "" = the usual one.

        Returns:
            bool [N, C], which classes are in each row's set; or float64 [N, 2], the ends of each row's interval.

        Raises:
            RunError: The model has no such scores.
            UsageError: A coverage or a method that it cannot give.
        """
        if not 0 < coverage < 1:
            raise UsageError(f"coverage {coverage:g}: expected a probability between 0 and 1, such as 0.9.")
        if self.conformal is None:
            raise RunError(
                "this model has no scores of held-out rows for sets or intervals: tutelage calibrate RUN --data SOURCE; or "
                "mirror images were switched on or off, and the scores are of other answers: leave --mirror out."
            )
        return self.conformal.around(answers, coverage=coverage, method=method or self.conformal.methods[0])

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
            "conformal": None if self.conformal is None else self.conformal.record(),
            "precision": self.precision,
            "device": torch.device(self.device).type,
            "facts": self.facts,
        }
        if self.is_mirrored:
            values["is_mirrored"] = True
        if self.judge is not None:
            values["judge"] = judge_record(self.judge)
            weights |= judge_tensors(self.judge)
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
    hold_memory()
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
    fitted = _restore_fitted(header)
    judge, tensors = judge_from(header.judge, tensors, task=task, shape=None if fitted is None else fitted.shape)
    weights, others = parted(tensors)
    if header.onnx is not None:
        device = "cpu"
        network: nn.Module = graph_network(header.onnx, weights, shape)
    else:
        if model is not None:
            with within(weights):
                refuse_misfit(task.make_network(model, shape, header.num_outputs), weights)
        network = _network(path, header, task=task, model=model, shape=shape, module=module)
        _load_weights(network, weights, path=path)
    # A generator takes random numbers, whatever the rows are that it has learned from.
    if (task.answers_rows or task.continues_series) and fitted is not None and fitted.shape != shape:
        raise RunError(f"{path}: its preprocessing makes {fitted.shape.say()}, its model takes {shape.say()}. {REMEDY}")
    calibrator: Calibrator | None = _restore("calibrator", header.calibrator)
    conformal, target = conformal_from(header.conformal), _restore("target", header.target)
    _refuse_strange(path, calibrator=calibrator, conformal=conformal, task=task, target=target)
    companion = floor_from(header.companion, others)
    misfits = [calibrator.misfit(shape) if calibrator else "", companion.fitted.misfit(shape) if companion else ""]
    if companion is not None and task.answers not in companion.floor.answers:
        misfits.append(f"a floor that answers with {' or '.join(sorted(companion.floor.answers))} in place of {task.answers}")
    if any(misfits):
        raise RunError(f"{path}: it has {' and '.join(filter(None, misfits))}, its model takes {shape.say()}. {REMEDY}")
    return Predictor(
        network=network.to(device).eval(),
        model=model,
        task=task,
        prepare=header.prepare,
        fitted=fitted,
        target=target,
        shape=shape,
        num_outputs=header.num_outputs,
        calibrator=calibrator,
        companion=companion,
        conformal=conformal,
        is_mirrored=header.is_mirrored and bool(shape.mirrored),
        judge=judge,
        precision=header.precision,
        device=device,
        facts=header.facts,
    )


def _refuse_strange(
    path: Path, *, calibrator: Calibrator | None, conformal: Conformal | None, task: TaskSpec, target: Target | None
) -> None:
    """Refuse a calibrator, or scores of held-out rows, that are for other answers than the task gives."""
    classes = len(target.classes) if target is not None else 0
    for name, found in (("calibrator", calibrator), ("conformal", conformal)):
        if found is not None and found.answers != task.answers:
            raise RunError(f"{path}: its {name} is for {found.answers}, its task answers with {task.answers}. {REMEDY}")
    if calibrator is not None and calibrator.num_classes not in (0, classes):
        raise RunError(f"{path}: its calibrator is for {calibrator.num_classes} classes, it has {classes}. {REMEDY}")


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


def _load_weights(network: nn.Module, weights: Mapping[str, Tensor], *, path: Path) -> None:
    """Put a file's weights into a network."""
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(f"{path}: the weights do not fit the module: {error}") from error


def _restore_fitted(header: Header) -> Fitted | None:
    """Return the fitted preprocessing; None where there is none."""
    if not header.prepare:
        return None
    prepare: Prepare = catalog.load("prepare", header.prepare)()
    return prepare.restore(header.fitted or {})


def _restore(family: str, record: Mapping[str, Any] | None) -> Any:
    """Return the component that `model_dump` wrote; None where there was none."""
    return None if record is None else catalog.load(family, str(record.get("kind"))).model_validate(dict(record))
