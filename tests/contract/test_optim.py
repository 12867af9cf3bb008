"""Every optimizer is torch's own arithmetic, descends, and goes on from its saved state with the same bits."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tutelage.core import catalog
from tutelage.optim.adagrad import Adagrad
from tutelage.optim.adam import Adam
from tutelage.optim.adamax import Adamax
from tutelage.optim.adamw import AdamW
from tutelage.optim.base import NamedParameter, Optim
from tutelage.optim.moved import Moved
from tutelage.optim.nadam import NAdam
from tutelage.optim.radam import RAdam
from tutelage.optim.rmsprop import RMSprop
from tutelage.optim.sgd import SGD

KINDS = catalog.names("optim")

VARIANTS: dict[str, list[Optim]] = {
    "sgd": [SGD(), SGD(momentum=0), SGD(nesterov=False), SGD(lr=0.01, momentum=0.5, weight_decay=0)],
    "adam": [Adam(), Adam(lr=0.01, beta1=0.5, beta2=0.9, eps=1e-3, weight_decay=0.1), Adam(beta1=0)],
    "adamw": [AdamW(), AdamW(lr=0.01, beta1=0.5, beta2=0.9, eps=1e-3, weight_decay=0), AdamW(weight_decay=0.3)],
    "adagrad": [Adagrad(), Adagrad(lr=0.1, initial_sum=0.5, eps=1e-3, weight_decay=0.1)],
    "rmsprop": [RMSprop(), RMSprop(alpha=0.9, momentum=0.5, centered=True, eps=1e-3, weight_decay=0.1), RMSprop(centered=True)],
    "nadam": [NAdam(), NAdam(lr=0.01, beta1=0.8, beta2=0.9, momentum_decay=0.01, eps=1e-3, weight_decay=0.1)],
    "radam": [RAdam(), RAdam(lr=0.01, beta1=0.8, beta2=0.9, eps=1e-3, weight_decay=0.1)],
    "adamax": [Adamax(), Adamax(lr=0.01, beta1=0.8, beta2=0.9, eps=1e-3, weight_decay=0.1)],
}


def plain_options(optim: Any) -> tuple[type[Optimizer], dict[str, Any]]:
    """Torch's class and its options for the same settings, spelled out here once more on purpose."""
    loops = {"foreach": False}
    match optim:
        case SGD():
            nesterov = optim.nesterov and optim.momentum > 0
            return torch.optim.SGD, {"momentum": optim.momentum, "nesterov": nesterov, "fused": False, **loops}
        case Adagrad():
            return torch.optim.Adagrad, {"initial_accumulator_value": optim.initial_sum, "eps": optim.eps, **loops}
        case RMSprop():
            chosen = {"alpha": optim.alpha, "momentum": optim.momentum, "centered": optim.centered}
            return torch.optim.RMSprop, {**chosen, "eps": optim.eps, **loops}
    betas = {"betas": (optim.beta1, optim.beta2), "eps": optim.eps, **loops}
    match optim:
        case Adam():
            return torch.optim.Adam, {**betas, "fused": False}
        case AdamW():
            return torch.optim.AdamW, {**betas, "fused": False}
        case NAdam():
            return torch.optim.NAdam, {**betas, "momentum_decay": optim.momentum_decay, "decoupled_weight_decay": True}
        case RAdam():
            return torch.optim.RAdam, {**betas, "decoupled_weight_decay": True}
        case Adamax():
            return torch.optim.Adamax, betas
    raise AssertionError(f"no plain twin of {optim!r}")


def variants(kind: str) -> list[Optim]:
    return VARIANTS.get(kind) or [catalog.load("optim", kind)()]


ALL = [pytest.param(optim, id=f"{kind}-{i}") for kind in KINDS for i, optim in enumerate(variants(kind))]
PLAIN = [pytest.param(optim, id=f"{kind}-{i}") for kind in VARIANTS for i, optim in enumerate(variants(kind))]


def parameters(dtype: torch.dtype = torch.float32) -> list[NamedParameter]:
    """A small net's shapes: a 4-D kernel, biases, matrices."""
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "conv.weight": (4, 3, 3, 3),
        "conv.bias": (4,),
        "norm.weight": (4,),
        "hidden.weight": (6, 16),
        "hidden.bias": (6,),
        "head.weight": (2, 6),
    }
    draw = {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}
    return [(name, nn.Parameter(value.to(dtype))) for name, value in draw.items()]


def set_gradients(named: Sequence[NamedParameter], step: int) -> None:
    """A noisy pull towards 0, the same for equal weights; one parameter has no gradient now and then."""
    generator = torch.Generator().manual_seed(step)
    for name, parameter in named:
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64).to(parameter.dtype)
        parameter.grad = None if name == "hidden.bias" and step % 7 == 3 else parameter.detach() + 0.3 * noise


def follow(optimizer: Optimizer, named: Sequence[NamedParameter], steps: range, *, factor: Callable[[int], float]) -> None:
    for step in steps:
        set_gradients(named, step)
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor(step)
        optimizer.step()


def falling(step: int) -> float:
    return 1 - step / 400


def test_every_optimizer_of_ours_has_variants_here() -> None:
    assert set(KINDS) - set(VARIANTS) <= {"muon"}  # that one has tests of its own


@pytest.mark.parametrize("optim", PLAIN)
def test_two_hundred_steps_equal_torchs_plain_loop(optim: Any) -> None:
    ours, plain = parameters(torch.float64), parameters(torch.float64)
    kind, options = plain_options(optim)
    groups = [
        {"params": [p for _, p in plain if p.ndim >= 2], "weight_decay": optim.weight_decay},
        {"params": [p for _, p in plain if p.ndim < 2], "weight_decay": 0.0},
    ]
    reference = kind([group | {"initial_lr": optim.lr} for group in groups], lr=optim.lr, **options)
    follow(optim.build(ours), ours, range(200), factor=falling)
    follow(reference, plain, range(200), factor=falling)
    for (name, mine), (_, theirs) in zip(ours, plain, strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-12, atol=1e-14), name


@pytest.mark.parametrize("optim", ALL)
def test_every_parameter_is_in_one_group_with_its_learning_rate(optim: Any) -> None:
    named = parameters()
    optimizer = optim.build(named)
    grouped = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(map(id, grouped)) == sorted(id(parameter) for _, parameter in named)
    assert all(group["initial_lr"] == group["lr"] > 0 for group in optimizer.param_groups)


@pytest.mark.parametrize("kind", KINDS)
def test_only_weights_of_two_or_more_dimensions_decay(kind: str) -> None:
    named = parameters()
    optimizer = catalog.load("optim", kind)(weight_decay=0.1).build(named)
    for group in optimizer.param_groups:
        assert {parameter.ndim >= 2 for parameter in group["params"]} == {group["weight_decay"] > 0}


@pytest.mark.parametrize("optim", ALL)
def test_a_zero_learning_rate_moves_nothing(optim: Any) -> None:
    named = parameters()
    before = [parameter.detach().clone() for _, parameter in named]
    follow(optim.build(named), named, range(3), factor=lambda step: 0.0)
    assert all(torch.equal(a, b) for a, (_, b) in zip(before, named, strict=True))


@pytest.mark.parametrize("optim", ALL)
def test_a_quadratic_is_descended(optim: Any) -> None:
    named = parameters()
    optimizer = optim.build(named)
    first = sum(float(parameter.detach().square().sum()) for _, parameter in named)
    follow(optimizer, named, range(400), factor=lambda step: 1 - step / 400)
    last = sum(float(parameter.detach().square().sum()) for _, parameter in named)
    assert last < 0.95 * first  # default learning rates: AdaGrad and RAdam are slow by nature


@pytest.mark.parametrize("kind", KINDS)
def test_rosenbrocks_valley_is_followed_down(kind: str) -> None:
    point = nn.Parameter(torch.tensor([[-1.2, 1.0]]))
    special = {"sgd": {"lr": 0.05}, "adagrad": {"lr": 0.5}, "adamax": {"lr": 0.5}, "muon": {"adam_lr": 0.1}}
    settings = {**special.get(kind, {"lr": 0.1}), "weight_decay": 0}
    optimizer = catalog.load("optim", kind)(**settings).build([("point", point)])

    def valley() -> Tensor:
        # A hundredth of the usual: RAdam's first steps are plain momentum steps, for which it is too steep.
        x, y = point[0]
        return (1 - x) ** 2 / 100 + (y - x**2) ** 2

    first = valley().item()
    for step in range(1000):
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * (1 - step / 1000)
        optimizer.zero_grad()
        valley().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert first == pytest.approx(0.242)
    assert valley().item() < first / 20


@pytest.mark.parametrize("optim", ALL)
def test_state_is_tensors_and_numbers_under_each_parameter(optim: Any) -> None:
    named = parameters()
    optimizer = optim.build(named)
    follow(optimizer, named, range(2), factor=falling)
    known = {id(parameter) for _, parameter in named}
    for parameter, state in optimizer.state.items():
        assert id(parameter) in known
        assert all(isinstance(value, Tensor | int | float) for value in state.values())


@pytest.mark.parametrize("optim", ALL)
def test_saved_by_name_and_loaded_into_a_new_optimizer_it_goes_on_with_the_same_bits(optim: Any) -> None:
    straight = parameters()
    optimizer = optim.build(straight)
    follow(optimizer, straight, range(10), factor=falling)
    weights = {name: parameter.detach().clone() for name, parameter in straight}
    state = {
        name: {key: value.clone() if isinstance(value, Tensor) else value for key, value in optimizer.state[parameter].items()}
        for name, parameter in straight
        if parameter in optimizer.state
    }
    follow(optimizer, straight, range(10, 30), factor=falling)

    resumed = [(name, nn.Parameter(weights[name])) for name, _ in straight]
    again = optim.build(resumed)
    for name, parameter in resumed:
        if name in state:
            again.state[parameter] = state[name]
    follow(again, resumed, range(10, 30), factor=falling)
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(straight, resumed, strict=True))


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "adagrad"])
def test_updates_are_fused_where_torch_can(kind: str) -> None:
    optimizer = catalog.load("optim", kind)().build(parameters())
    assert all(group["fused"] for group in optimizer.param_groups)


@pytest.mark.gpu
@pytest.mark.parametrize("optim", PLAIN)
def test_on_a_gpu_the_same_steps_are_taken(optim: Any) -> None:
    here = parameters(torch.float64)
    there = [(name, nn.Parameter(parameter.detach().cuda())) for name, parameter in parameters(torch.float64)]
    optimizers = optim.build(here), optim.build(there)
    for step in range(50):
        set_gradients(here, step)
        for (_, mine), (_, theirs) in zip(here, there, strict=True):
            theirs.grad = None if mine.grad is None else mine.grad.cuda()
        for optimizer in optimizers:
            optimizer.step()
    for (_, mine), (_, theirs) in zip(here, there, strict=True):
        # On a card torch counts steps in float32 (capturable): corrections by the step differ from the eighth digit on, and
        # RAdam's, a difference of numbers of some thousand, from the fourth.
        assert torch.allclose(mine, theirs.cpu(), rtol=1e-3 if optim.kind == "radam" else 1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_the_rule_is_told_as_a_formula(kind: str) -> None:
    component = catalog.load("optim", kind)
    # It says what becomes of a weight and its gradient, and names the settings that take part.
    assert re.search(r"\bw = .*w - lr\b", component.rule)
    assert "nesterov" not in component.model_fields or "nesterov" in component.rule.lower()


@pytest.mark.parametrize("optim", [optim for kind in ("sgd", "adam", "adamw") for optim in VARIANTS[kind]])
def test_the_sums_of_one_weight_come_out(optim: Any) -> None:
    weight = nn.Parameter(torch.tensor([[0.5, -0.3]]))
    optimizer = optim.build([("weight", weight)])
    for _ in range(3):
        state = {key: float(value.flatten()[0]) for key, value in optimizer.state[weight].items() if isinstance(value, Tensor)}
        before = weight.detach().clone()
        weight.grad = 2 * before + 0.1
        gradient = weight.grad.clone()
        optimizer.step()
        after = {key: float(value.flatten()[0]) for key, value in optimizer.state[weight].items() if isinstance(value, Tensor)}
        settings = optimizer.param_groups[0]
        found = [float(each[0, 0]) for each in (before, gradient, weight.detach())]
        *_, sum_, result = optim.worked(Moved(found[0], found[1], state, after, found[2], settings))[-1].split(" = ")
        assert eval(sum_) == pytest.approx(float(result), rel=5e-4)
        assert float(result) == pytest.approx(found[2], rel=1e-5)
