"""Layers behind lost channels are fitted to what they gave before; what cannot be told by the rows stays as it was."""

from typing import Any

import pytest
import torch
from torch import nn

from tutelage.core import catalog
from tutelage.model.example import example_batch
from tutelage.model.layers.convolution import Residual
from tutelage.model.narrow import Narrowed, narrowed
from tutelage.model.refit import _at, _chosen, _patches, refit


def fit(made: Narrowed, wide: nn.Module, *batches: torch.Tensor) -> tuple[str, ...]:
    layers = {name: made.kept.get(name) for name in made.readers}
    return refit(made.network.eval(), wide, [(batch,) for batch in batches], layers=layers)


def apart(made: Narrowed, wide: nn.Module, rows: torch.Tensor) -> float:
    """Mean square of the difference of the answers, over their variance."""
    with torch.no_grad():
        answers = wide(rows)
        return float((made.network(rows) - answers).square().mean() / answers.var())


@pytest.mark.parametrize("has_bias", [True, False])
def test_what_the_others_know_too_is_given_back(has_bias: bool) -> None:
    torch.manual_seed(0)
    wide = nn.Sequential(
        nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 8, bias=has_bias), nn.ReLU(), nn.Linear(8, 3, bias=has_bias)
    ).eval()
    with torch.no_grad():
        for layer in (wide[0], wide[2]):
            # The second half of the units says half of what the first says.
            layer.weight[4:] = layer.weight[:4] / 2  # type: ignore[operator, index]
            if layer.bias is not None:
                layer.bias[4:] = layer.bias[:4] / 2  # type: ignore[operator, index]
    rows, others = torch.randn(2, 500, 5).unbind()
    made = narrowed(wide, (rows[:2],), share=0.5)
    assert apart(made, wide, others) > 0.01
    assert fit(made, wide, rows[:200], rows[200:]) == ("2", "4")
    assert apart(made, wide, others) < 1e-4


@pytest.mark.parametrize("model", ["cnn", "resnet", "mlp"])
def test_pictures_of_any_network_are_answered_nearer_to_before(model: str) -> None:
    torch.manual_seed(0)
    shape = catalog.load("shape", "image")(height=12, width=12, channels=3)
    wide = catalog.load("model", model)().build(shape, 4)
    rows = example_batch(shape, 2048)["image"]
    for batch in rows.split(512):
        wide(batch)
    made = narrowed(wide.eval(), (rows[:2],), share=0.5)
    before = apart(made, wide, rows[:256])
    assert fit(made, wide, *rows[256:].split(128)) == made.readers
    assert apart(made, wide, rows[:256]) < before / 2


@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(3, 5, (3, 2), stride=(2, 1), padding=(0, 2)), nn.Conv2d(3, 5, 3, dilation=(2, 1))],
)
def test_patches_times_filters_are_the_convolution(layer: nn.Conv2d) -> None:
    pictures = torch.randn(4, 3, 9, 11)
    given = layer(pictures)
    places = _chosen(given, is_picture=True, count=50, generator=torch.Generator().manual_seed(1))
    assert layer.bias is not None
    found = _patches(layer, pictures, places) @ layer.weight.flatten(1).T + layer.bias
    torch.testing.assert_close(found, _at(given, places, is_picture=True))
    assert len({tuple(map(int, place)) for place in zip(*places, strict=True)}) == 50


def test_a_layer_of_which_rows_say_too_little_stays_as_it_was() -> None:
    wide = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
    ).eval()
    rows = torch.randn(8, 1, 8, 8)
    made = narrowed(wide, (rows[:2],), share=0.5)
    head = made.network[5].weight.clone()  # type: ignore[index, union-attr, operator]
    assert fit(made, wide, rows) == ("2",)
    assert torch.equal(made.network[5].weight, head)  # type: ignore[index, union-attr]


def test_what_is_added_to_a_stream_is_fitted_as_a_whole() -> None:
    torch.manual_seed(0)
    wide = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), Residual(8, depth=2, activation="relu"), nn.Conv2d(8, 2, 3))
    for norm in (each for each in wide.modules() if isinstance(each, nn.BatchNorm2d)):
        nn.init.ones_(norm.weight)  # branches begin at zero
    rows = torch.randn(512, 1, 8, 8)
    wide(rows)
    made = narrowed(wide.eval(), (rows[:2],), share=0.5)
    before = apart(made, wide, rows[:128])
    assert fit(made, wide, rows[128:]) == ("1.branch.1",)
    assert apart(made, wide, rows[:128]) < before


@pytest.mark.parametrize("settings", [{"padding": "same"}, {"padding": 1, "padding_mode": "circular"}])
def test_a_convolution_with_other_borders_stays_as_it_was(settings: dict[str, Any]) -> None:
    wide = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, **settings), nn.ReLU(), nn.Conv2d(8, 2, 3)).eval()
    rows = torch.randn(32, 1, 12, 12)
    made = narrowed(wide, (rows[:2],), share=0.5)
    assert "2" not in fit(made, wide, rows)
