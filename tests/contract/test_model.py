"""Every architecture builds for each shape that it can see, answers in the promised form, learns, and refuses the rest."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import History
from tutelage.model.example import example_batch

MODELS = catalog.names("model")
SHAPES = {kind: catalog.load("shape", kind)() for kind in catalog.names("shape")}
PAIRS = [
    pytest.param(model, shape, id=f"{model}-{shape}")
    for model in MODELS
    for shape in SHAPES
    if catalog.load("model", model).takes(SHAPES[shape])
]
OUTPUTS = 3


def build(model: str, shape: str, *, device: str = "cpu") -> nn.Module:
    spec: Any = catalog.load("model", model)()
    torch.manual_seed(0)
    with torch.device(device):
        try:
            module: nn.Module = spec.build(SHAPES[shape], OUTPUTS)
        except RecipeError as refusal:
            said = str(refusal)
        else:
            return module
    assert model in said or "architecture" in said
    pytest.skip("takes other inputs, and says so")


def answer(module: nn.Module, shape: Shape, size: int) -> Tensor:
    output: Tensor = module(*example_batch(shape, size).values())
    return output


def test_every_architecture_takes_some_shape() -> None:
    for model in MODELS:
        taken = 0
        for shape in SHAPES.values():
            try:
                catalog.load("model", model)().build(shape, OUTPUTS)
                taken += 1
            except RecipeError:
                continue
        assert taken, model


@pytest.mark.parametrize("model", MODELS)
def test_what_it_does_not_take_is_refused_by_its_name(model: str) -> None:
    spec: Any = catalog.load("model", model)()
    for shape in SHAPES.values():
        if not spec.takes(shape):
            with pytest.raises(RecipeError, match=f"{model}|architecture"):
                spec.build(shape, OUTPUTS)


@pytest.mark.parametrize(("model", "shape"), PAIRS)
def test_outputs_are_finite_and_their_last_dimension_is_as_asked(model: str, shape: str) -> None:
    module = build(model, shape).eval()
    output = answer(module, SHAPES[shape], 4)
    assert output.shape[0] == 4
    history = SHAPES[shape].view(History)
    if history is None:
        assert output.shape[-1] == OUTPUTS
    else:
        # A history is continued, whatever the number of outputs.
        assert output.shape == (4, history.horizon, history.channels)
    assert torch.isfinite(output).all()
    members = getattr(module, "num_members", 1)
    assert members == 1 or output.shape[1] == members


@pytest.mark.parametrize(("model", "shape"), PAIRS)
def test_rows_do_not_influence_each_other_in_evaluation(model: str, shape: str) -> None:
    module = build(model, shape).eval()
    batch = example_batch(SHAPES[shape], 5)
    together = module(*batch.values())
    alone = module(*(value[2:3] for value in batch.values()))
    torch.testing.assert_close(together[2:3], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("model", "shape"), PAIRS)
def test_every_parameter_gets_a_gradient_or_is_behind_one_that_starts_at_zero(model: str, shape: str) -> None:
    module = build(model, shape)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        (answer(module, SHAPES[shape], 8) - 1.0).square().mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    still = [name for name, parameter in module.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    # Rectifiers may have died, and a table's category may not occur; whole matrices must learn.
    assert not [name for name in still if module.get_parameter(name).ndim >= 2]


@pytest.mark.parametrize(("model", "shape"), PAIRS)
def test_it_is_built_without_memory_on_meta(model: str, shape: str) -> None:
    module = build(model, shape, device="meta")
    assert all(parameter.device.type == "meta" for parameter in module.parameters())
    real = build(model, shape)
    assert {name: value.shape for name, value in module.state_dict().items()} == {
        name: value.shape for name, value in real.state_dict().items()
    }


@pytest.mark.parametrize(("model", "shape"), PAIRS)
def test_the_same_seed_gives_the_same_weights_and_they_survive_being_loaded(model: str, shape: str) -> None:
    first, second = build(model, shape), build(model, shape)
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True))
    torch.manual_seed(5)
    other = catalog.load("model", model)().build(SHAPES[shape], OUTPUTS)
    other.load_state_dict(first.state_dict())
    torch.testing.assert_close(answer(other.eval(), SHAPES[shape], 2), answer(first.eval(), SHAPES[shape], 2), rtol=0, atol=0)


@pytest.mark.parametrize("kind", SHAPES)
def test_an_example_batch_is_what_the_shape_says(kind: str) -> None:
    shape = SHAPES[kind]
    batch = example_batch(shape, 7)
    assert list(batch) == list(shape.tensors)
    for name, spec in shape.tensors.items():
        assert batch[name].shape == (7, *spec.sizes)
        if spec.highs:
            assert (batch[name] < torch.tensor(spec.highs)).all()
            assert (batch[name] >= 0).all()
    assert all(value.device.type == "meta" for value in example_batch(shape, 7, device="meta").values())
    assert shape.say()
    assert shape.views
