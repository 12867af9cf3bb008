"""Every initialization keeps its promise about the first forward pass, and is the same for the same seed."""

import pytest
import torch
from torch import Tensor, nn

from tutelage.core import catalog
from tutelage.model.init.base import Init
from tutelage.model.init.he import He
from tutelage.model.init.orthogonal import Orthogonal
from tutelage.model.init.small_normal import SmallNormal
from tutelage.model.init.xavier import Xavier
from tutelage.model.init.zero import Zero

KINDS = catalog.names("init")
WIDTH, DEPTH = 512, 20


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(kind: str) -> Init:
    component: Init = catalog.load("init", kind)()
    return component


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(2, 4, 3),
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.Conv3d(2, 4, 3),
        nn.Linear(12, 6),
        nn.Linear(6, 3, bias=False),
    )


def filled(init: Init, *shape: int, seed: int = 0) -> Tensor:
    weight = torch.full(shape, torch.nan)
    init.fill(weight, generator(seed))
    return weight


def variance_gain(init: Init, activation: nn.Module | None) -> float:
    """Mean square after 20 layers over that before; of the pre-activations where there is an activation."""
    signal = torch.randn(256, WIDTH, generator=generator(1))
    before = float(signal.square().mean())
    for layer in range(DEPTH):
        if activation is not None and layer:
            signal = activation(signal)
        signal = signal @ filled(init, WIDTH, WIDTH, seed=layer + 2).T
    return float(signal.square().mean()) / before


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bits(kind: str) -> None:
    first, second = network(), network()
    make(kind).apply(first, generator(3))
    make(kind).apply(second, generator(3))
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "zero"])
def test_another_seed_gives_other_weights(kind: str) -> None:
    assert not torch.equal(filled(make(kind), 8, 8, seed=1), filled(make(kind), 8, 8, seed=2))


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_generator_is_not_touched(kind: str) -> None:
    module = network()
    before = torch.get_rng_state()
    make(kind).apply(module, generator())
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(6, 12), (12, 6), (8, 3, 3, 3), (4, 64, 1, 1), (1, 5)])
def test_every_entry_is_filled_with_a_finite_number_around_zero(kind: str, shape: tuple[int, ...]) -> None:
    weight = filled(make(kind), *shape)
    assert torch.isfinite(weight).all()
    assert weight.mean().abs() <= weight.abs().max()


@pytest.mark.parametrize("kind", KINDS)
def test_biases_become_zero_and_other_layers_stay(kind: str) -> None:
    module = network()
    nn.init.constant_(module[2].weight, 0.7)
    make(kind).apply(module, generator())
    assert all(torch.all(module[i].bias == 0) for i in (0, 1, 3, 4))
    assert torch.all(module[2].weight == 0.7)


@pytest.mark.parametrize("kind", KINDS)
def test_modules_that_keep_their_own_init_are_left_alone_with_all_below(kind: str) -> None:
    kept = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4)))
    kept.keeps_own_init = True  # type: ignore[assignment]
    before = [parameter.clone() for parameter in kept.parameters()]
    make(kind).apply(nn.Sequential(kept, nn.Linear(4, 4)), generator())
    assert all(torch.equal(a, b) for a, b in zip(before, kept.parameters(), strict=True))


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("fan", ["in", "out"])
def test_he_preserves_variance_through_twenty_rectifiers(fan: str, distribution: str) -> None:
    # The first layer has no rectifier before it, so it doubles; 20 layers of width 512 scatter by about 15 %.
    gain = variance_gain(He(fan=fan, distribution=distribution), nn.ReLU())  # type: ignore[arg-type]
    assert gain / 2 == pytest.approx(1, rel=0.5)


def test_he_for_leaky_rectifiers_takes_the_slope_into_account() -> None:
    gain = variance_gain(He(negative_slope=0.3), nn.LeakyReLU(0.3))
    assert gain * (1 + 0.3**2) / 2 == pytest.approx(1, rel=0.5)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_xavier_preserves_variance_through_twenty_linear_layers(distribution: str) -> None:
    assert variance_gain(Xavier(distribution=distribution), None) == pytest.approx(1, rel=0.5)  # type: ignore[arg-type]


def test_orthogonal_preserves_the_norm_of_every_sample_through_twenty_layers() -> None:
    assert variance_gain(Orthogonal(), None) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    ("init", "shape", "std"),
    [
        (He(), (400, 300), (2 / 300) ** 0.5),
        (He(fan="out"), (400, 300), (2 / 400) ** 0.5),
        (He(), (200, 30, 3, 3), (2 / 270) ** 0.5),
        (He(fan="out", distribution="uniform"), (200, 30, 3, 3), (2 / 1800) ** 0.5),
        (Xavier(), (400, 300), (2 / 700) ** 0.5),
        (Xavier(distribution="normal", gain=5 / 3), (200, 30, 3, 3), 5 / 3 * (2 / 2070) ** 0.5),
        (SmallNormal(), (400, 300), 0.02),
        (SmallNormal(std=0.005), (200, 30, 3, 3), 0.005),
    ],
)
def test_the_standard_deviation_is_the_formula_of_the_paper(init: Init, shape: tuple[int, ...], std: float) -> None:
    # The standard deviation of n draws is known to 1 / sqrt(2 n): 0.3 % for these sizes; four times that.
    assert float(filled(init, *shape).std()) == pytest.approx(std, rel=0.012)


@pytest.mark.parametrize("shape", [(6, 12), (12, 6), (12, 12), (8, 3, 3, 3), (64, 3, 3, 3)])
@pytest.mark.parametrize("gain", [1.0, 2**0.5])
def test_orthogonal_rows_or_columns_are_orthonormal(shape: tuple[int, ...], gain: float) -> None:
    matrix = filled(Orthogonal(gain=gain), *shape).flatten(1).double() / gain
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    assert torch.allclose(product, torch.eye(len(product), dtype=torch.float64), atol=1e-5)


def test_zero_is_exactly_zero() -> None:
    assert torch.count_nonzero(filled(Zero(), 5, 7)) == 0
