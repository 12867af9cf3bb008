"""Every architecture leaves in every format and answers as in the house; what is done to raw values is done inside as outside."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.contract.examples import network_settings
from tutelage.core import catalog
from tutelage.core.shape.views import Series, Text
from tutelage.data.prepare.intake import RawInput
from tutelage.export.outgoing import Outgoing, Output
from tutelage.model.example import example_batch

pytest.importorskip("onnxruntime")
MODELS = catalog.names("model")
FORMATS = tuple(kind for kind in catalog.names("export") if kind != "safetensors")
SHAPES = {kind: catalog.load("shape", kind)() for kind in catalog.names("shape")}
SMALL = {"width": 8, "depth": 1, "heads": 2, "embedding_size": 8, "widths": (8,), "hidden": (8,), "members": 2}
"""Sizes of the networks, as far as they have such."""
OUTPUTS = 3


def small(model: str, shape: Any) -> nn.Module:
    kind = catalog.load("model", model)
    chosen: dict[str, Any] = network_settings(model, shape)
    for name, value in SMALL.items():
        if name in kind.model_fields:
            try:
                kind(**chosen, **{name: value}).build(shape, OUTPUTS)
            except Exception:
                continue
            chosen[name] = value
    torch.manual_seed(0)
    network: nn.Module = kind(**chosen).build(shape, OUTPUTS).eval()
    return network


class Direct(nn.Module):
    def __init__(self, network: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"answers": self.network(*[given[name] for name in self.names])}


def leaving(model: str, shape: Any) -> Outgoing:
    is_free = shape.view(Series) is not None or shape.view(Text) is not None
    inputs = tuple(
        RawInput(name, spec.dtype, ("length", *spec.sizes[1:]) if is_free else spec.sizes, "", example={"length": 20})
        for name, spec in shape.tensors.items()
    )
    graph = Direct(small(model, shape), tuple(shape.tensors))
    predictor: Any = SimpleNamespace(task=SimpleNamespace(kind="none"))
    return Outgoing(predictor, graph.eval(), inputs, (Output("answers", ("...",), ""),))


def first_shapes() -> list[Any]:
    pairs = []
    for model in MODELS:
        fitting = [kind for kind, shape in SHAPES.items() if catalog.load("model", model).takes(shape)]
        pairs += [
            pytest.param(model, kind, id=f"{model}-{kind}", marks=[] if kind == "table" else [pytest.mark.slow])
            for kind in fitting
        ]
    return pairs


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("model", "shape"), first_shapes())
@pytest.mark.filterwarnings("ignore")
def test_every_architecture_answers_outside_as_inside(model: str, shape: str, kind: str, tmp_path: Path) -> None:
    outgoing, made = leaving(model, SHAPES[shape]), catalog.load("export", kind)()
    path = tmp_path / f"model{made.suffix}"
    made.write(outgoing, path)
    answer = made.read(path)
    for size in (1, 5):
        batch = {name: value.numpy() for name, value in example_batch(SHAPES[shape], size, seed=size).items()}
        if any(one.example and "length" in one.sizes for one in outgoing.inputs):
            batch = {name: value[:, : 10 + size] for name, value in batch.items()}
            batch["mask"][:, 0] = True
        expected = outgoing.run(batch)["answers"]
        np.testing.assert_allclose(answer(batch)["answers"], expected, atol=1e-4 * max(1.0, float(np.abs(expected).max())))
    assert made.told(path)["inputs"][0]["name"] == outgoing.inputs[0].name
