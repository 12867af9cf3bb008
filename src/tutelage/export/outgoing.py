"""A model on its way out: one module from raw tensors to answers, with everything that stands beside it as JSON.

Shape letters: B batch, C classes.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.errors import RunError
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.intake import Feed, Intake, JoinedIntake, RawInput
from tutelage.predictor.ensemble import Answerer, parts_of
from tutelage.predictor.int8 import OnnxNetwork
from tutelage.predictor.predictor import Predictor

__all__ = ["VERSION", "Outgoing", "Output", "Rows", "answers_of_rows", "is_as_precise", "on_cpu"]

VERSION = "export-1"
"""What a record says that it is."""
COLUMN = "column "
"""Stands before the name of a column that is called like an output."""


@dataclass(frozen=True)
class Output:
    """One output of a graph.

    Attributes:
        name: Such as `probabilities`.
        sizes: Dimensions after the batch; a word names one that may differ.
        meaning: In words.
    """

    name: str
    sizes: tuple[int | str, ...]
    meaning: str


@dataclass(frozen=True)
class Outgoing:
    """A model that is to be written.

    Attributes:
        predictor: The model, or models, on the CPU and in float32.
        graph: Raw tensors by name to outputs by name.
        inputs: What the graph takes.
        outputs: What it gives.
        labels: Names of the classes, by their number; () where there are none.
        recipe: How inputs are made of what people have, where that takes more than the graph.
        facts: Where it comes from.
    """

    predictor: Answerer
    graph: nn.Module
    inputs: tuple[RawInput, ...]
    outputs: tuple[Output, ...]
    labels: tuple[Any, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """The kind of what was learned."""
        members, _ = parts_of(self.predictor)
        return str(getattr(members[0].task, "kind", ""))

    def record(self) -> dict[str, Any]:
        """Return all that is said beside the graph, as JSON."""
        return {
            "format": VERSION,
            "task": self.task,
            "inputs": [one.record() for one in self.inputs],
            "outputs": [{"name": one.name, "sizes": ["batch", *one.sizes], "meaning": one.meaning} for one in self.outputs],
            "labels": list(self.labels),
            "recipe": dict(self.recipe),
            "facts": dict(self.facts),
        }

    def samples(self, batch: int = 2) -> dict[str, Tensor]:
        """Return tensors with which the graph is drawn."""
        return {one.name: one.sample(batch) for one in self.inputs}

    @torch.no_grad()
    def run(self, raw: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return what the module itself gives for raw inputs as people have them."""
        given = {one.name: torch.from_numpy(np.ascontiguousarray(one.coded(raw[one.handed]))) for one in self.inputs}
        return {name: found.numpy() for name, found in self.graph(given).items()}


class _Graph(nn.Module):
    """Raw tensors to answers: intake, network, answer, calibrator, the target's unit, and the floor's share."""

    def __init__(self, answering: nn.Module, decoder: nn.Module, *, name: str, names: Mapping[str, str]) -> None:
        super().__init__()
        self.answering, self.decoder = answering, decoder
        self.output, self.names = name, dict(names)
        self.floor: nn.Module | None = None
        self.share = 0.0
        self.calibrator: nn.Module | None = None

    def forward(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the answers by name."""
        raw = {self.names[name]: value for name, value in given.items()}
        answers = self.decoder(self.answering(raw))
        if self.floor is not None:
            beside = self.floor(raw)["answers"]
            answers = ((1 - self.share) * answers.double() + self.share * beside).to(answers.dtype)
            # With a floor, what is calibrated is the mean of both; else the calibrator is the last layer of `answering`.
            answers = answers if self.calibrator is None else self.calibrator(answers)
        return {self.output: answers}


def answers_of_rows(predictor: Predictor, *, facts: Mapping[str, Any]) -> tuple[Outgoing, "Rows"]:
    """Return a model that answers for rows, ready to be written, and what feeds it.

    Raises:
        RunError: Its preprocessing, or the floor beside its network, has no form that could leave.
    """
    if isinstance(predictor.network, OnnxNetwork):
        found = f"this model's network is an ONNX graph in {predictor.network.products} already, which goes into no other graph"
        raise RunError(f"{found}. Export the run that it was made from.")
    predictor = on_cpu(predictor)
    fitted, target, floor = predictor.fitted, predictor.target, predictor.companion
    intake = None if fitted is None else fitted.intake()
    if intake is None or target is None:
        raise RunError(f"preprocessing {predictor.prepare!r} cannot leave with the model: it has no form inside a graph.")
    beside = None if floor is None else floor.fitted.intake()
    if floor is not None and beside is None:
        kind = getattr(floor.floor, "kind", "")
        found = f"the floor {kind!r} has a share of {floor.share:g} in the answers, and no form inside a graph"
        raise RunError(f"{found}. Train without it: --set floor=none.")
    names = {"probabilities"} if target.classes else {"value"}
    output = (
        Output("probabilities", (len(target.classes),), "of each class")
        if target.classes
        else Output("value", (), "in the unit of the data")
    )
    whole: Intake = intake if beside is None else JoinedIntake((intake, beside))
    taken = names | {"label"}
    renamed = {COLUMN + one.name if one.name in taken else one.name: one.name for one in whole.inputs}
    answering = deepcopy(predictor.module)
    answering.finisher = intake.module()
    graph = _Graph(answering, target.decoder(), name=output.name, names=renamed)
    if beside is not None and floor is not None:
        graph.floor, graph.share = beside.module(), floor.share
        graph.calibrator = None if predictor.calibrator is None else predictor.calibrator.module()
    inputs = tuple(replace(one, name=name) for name, one in zip(renamed, whole.inputs, strict=True))
    outgoing = Outgoing(predictor, graph.eval(), inputs, (output,), tuple(target.classes), whole.recipe(), facts)
    return outgoing, Rows(whole, renamed)


@dataclass(frozen=True)
class Rows:
    """Feeds the rows of a part to an exported model.

    Attributes:
        intake: Makes raw inputs.
        renamed: The name of each input, and what the intake calls it.
    """

    intake: Intake
    renamed: Mapping[str, str]

    def feed(self, part: RowsPart) -> Feed:
        """Yield row numbers and raw inputs."""
        for rows, raw in self.intake.feed(part):
            yield rows, {name: raw[own] for name, own in self.renamed.items()}


def on_cpu(predictor: Predictor) -> Predictor:
    """Return a copy on the CPU that computes in float32: what an exported graph does."""
    return replace(predictor, network=deepcopy(predictor.network).to("cpu").eval(), device="cpu", precision="float32")


def is_as_precise(answerer: Answerer, outgoing: Answerer) -> bool:
    """Tell whether a model in the house computes with the precision of the one that leaves."""
    own, other = ([member.precision for member in parts_of(one)[0]] for one in (answerer, outgoing))
    return own == other
