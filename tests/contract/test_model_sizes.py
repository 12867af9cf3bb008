"""Every architecture that has widths has smaller versions, down to the share of its parameters asked for, or says why not."""

import pytest
import torch

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.image import ImageShape
from tutelage.model.arch.base import Model
from tutelage.model.arch.cnn import Cnn

SHAPES: list[Shape] = [catalog.load("shape", kind)() for kind in catalog.names("shape")]
WIDE = [kind for kind in catalog.names("model") if catalog.load("model", kind).widths_of]
OUTPUTS = 3


def shape_for(model: Model) -> Shape:
    return next(shape for shape in SHAPES if model.takes(shape))


@pytest.mark.parametrize("fraction", [1 / 4, 1 / 16])
@pytest.mark.parametrize("kind", WIDE)
def test_a_smaller_version_has_at_most_its_share_of_the_parameters_and_builds(kind: str, fraction: float) -> None:
    model: Model = catalog.load("model", kind)()
    shape = shape_for(model)
    most = fraction * model.count(shape, OUTPUTS)
    if model.flatter(fraction**0.5).scaled(1e-9).count(shape, OUTPUTS) > most:
        with pytest.raises(RecipeError, match="Name another architecture"):
            model.smaller(shape, OUTPUTS, fraction=fraction)
        return
    smaller = model.smaller(shape, OUTPUTS, fraction=fraction)
    assert type(smaller) is type(model)
    built = smaller.build(shape, OUTPUTS)
    assert sum(parameter.numel() for parameter in built.parameters() if parameter.requires_grad) <= most
    wider = model.smaller(shape, OUTPUTS, fraction=0.9)
    assert wider.count(shape, OUTPUTS) >= smaller.count(shape, OUTPUTS)


@pytest.mark.parametrize("kind", [kind for kind in WIDE if catalog.load("model", kind).depths_of])
def test_a_smaller_version_has_fewer_layers(kind: str) -> None:
    model: Model = catalog.load("model", kind)()
    deep = model.but(**dict.fromkeys(model.depths_of, 4))
    shape = shape_for(deep)
    smaller = deep.smaller(shape, OUTPUTS, fraction=1 / 4)
    assert [getattr(smaller, name) for name in model.depths_of] == [2] * len(model.depths_of)
    assert deep.flatter(1e-9) == deep.but(**dict.fromkeys(model.depths_of, 1))


def test_a_narrower_version_keeps_its_layers_and_each_by_about_as_much() -> None:
    shape = ImageShape(channels=1, height=28, width=28)
    whole = Cnn()
    half = whole.narrower(shape, 10, fraction=0.25)
    assert half.depth == whole.depth
    assert half.count(shape, 10) <= whole.count(shape, 10) / 4
    shares = [now / before for now, before in zip(half.widths, whole.widths, strict=True)]
    assert max(shares) < 1.6 * min(shares)


@pytest.mark.parametrize("kind", sorted({*catalog.names("model")} - {*WIDE}))
def test_an_architecture_without_widths_says_so(kind: str) -> None:
    model: Model = catalog.load("model", kind)()
    with pytest.raises(RecipeError, match="Name another architecture"):
        model.smaller(shape_for(model), OUTPUTS, fraction=0.25)


def test_counting_costs_nothing_and_draws_nothing() -> None:
    state = torch.get_rng_state()
    model: Model = catalog.load("model", WIDE[0])()
    assert model.count(shape_for(model), OUTPUTS) > 0
    assert torch.equal(torch.get_rng_state(), state)
