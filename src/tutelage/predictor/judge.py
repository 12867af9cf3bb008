"""The judge in a generator's predictor: what it rejects is made once more."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tutelage.core import catalog
from tutelage.core.shape.base import Shape
from tutelage.core.typed import Finite, take
from tutelage.model.bounded import refuse_misfit, within
from tutelage.model.layers.rejecting import Judge
from tutelage.task.sample_maker import SampleMaker

__all__ = ["judge_from", "judge_record", "judge_tensors"]

PREFIX = "judge/"
"""What the names of its tensors begin with; a network's have points, never a stroke."""


def judge_record(judge: Judge) -> dict[str, Any]:
    """Return what the predictor's header says of a judge."""
    return {"model": judge.model.model_dump(mode="json"), "cut": judge.cut}


def judge_tensors(judge: Judge) -> dict[str, Tensor]:
    """Return its tensors as they stand in the predictor's file."""
    weights = judge.network.state_dict()
    return {PREFIX + name: value.detach().to("cpu", copy=True).contiguous() for name, value in weights.items()}


def judge_from(
    record: Mapping[str, Any] | None, tensors: Mapping[str, Tensor], *, task: Any, shape: Shape | None
) -> tuple[Judge | None, dict[str, Tensor]]:
    """Return what `judge_record` and `judge_tensors` say, None where there is none, and the tensors that are not a judge's.

    Args:
        record: Of the header.
        tensors: All of the file.
        task: Whose samples it looks at.
        shape: What the preprocessing makes, which is what it takes.

    Raises:
        ValueError, TypeError, LookupError, RuntimeError: They do not say it.
    """
    own = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items() if name.startswith(PREFIX)}
    others = {name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)}
    if record is None:
        if own:
            raise ValueError(f"{len(own)} tensors of a judge, and nothing is said of one")
        return None, others
    if not isinstance(task, SampleMaker) or shape is None:
        raise ValueError("a judge of samples, and a model that makes none")
    said = dict(record["model"])
    model: Any = catalog.load("model", str(said.get("kind"))).model_validate(said)
    with within(own):
        refuse_misfit(model.build(shape, max(task.classes, 1)), own)
    network = model.build(shape, max(task.classes, 1))
    network.load_state_dict(own)
    return Judge(model, network.eval(), take(record, "cut", Finite)), others
