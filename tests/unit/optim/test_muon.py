"""Muon against torch's own, AdamW against torch's own, and its state."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from tutelage.optim.muon import Muon, orthogonalize

SHAPES = [(6, 4), (8, 8), (5, 12), (5, 12)]


def make_parameters(shapes: list[tuple[int, ...]]) -> list[tuple[str, nn.Parameter]]:
    """Return parameters with fixed pseudo-random values, named by position."""
    generator = torch.Generator().manual_seed(0)
    return [(f"p{i}", nn.Parameter(torch.randn(shape, generator=generator))) for i, shape in enumerate(shapes)]


def set_grads(parameters: list[tuple[str, nn.Parameter]], *, step: int) -> None:
    generator = torch.Generator().manual_seed(100 + step)
    for _, parameter in parameters:
        parameter.grad = torch.randn(parameter.shape, generator=generator)


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("scale", ["original", "match_rms_adamw"])
def test_hidden_matrices_move_as_with_torchs_muon(nesterov: bool, scale: str) -> None:
    ours, theirs = make_parameters(SHAPES), make_parameters(SHAPES)
    settings = {"lr": 0.03, "momentum": 0.9, "nesterov": nesterov, "weight_decay": 0.1, "ns_steps": 5}
    optimizer = Muon(**settings, scale=scale).build(ours)
    reference = torch.optim.Muon([p for _, p in theirs[1:-1]], adjust_lr_fn=scale, **settings)
    for step in range(5):
        set_grads(ours, step=step)
        set_grads(theirs, step=step)
        optimizer.step()
        reference.step()
    for (_, own), (_, other) in zip(ours[1:-1], theirs[1:-1], strict=True):
        # Both iterate in bfloat16 (3 digits), from norms taken in different precision: updates of 0.03 agree to 2 %.
        torch.testing.assert_close(own, other, rtol=0, atol=5 * 0.03 * 0.02)


def test_everything_else_moves_as_with_torchs_adamw() -> None:
    shapes = [(6, 4), (6,), (8, 8), (8,), (3, 8)]
    ours, theirs = make_parameters(shapes), make_parameters(shapes)
    optimizer = Muon(adam_lr=0.01, weight_decay=0.1, adam_betas=(0.8, 0.9)).build(ours)
    common = {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-8}
    decayed = torch.optim.AdamW([theirs[0][1], theirs[4][1]], weight_decay=0.1, **common)
    plain = torch.optim.AdamW([theirs[1][1], theirs[3][1]], weight_decay=0.0, **common)
    for step in range(5):
        set_grads(ours, step=step)
        set_grads(theirs, step=step)
        for each in (optimizer, decayed, plain):
            each.step()
    for index in (0, 1, 3, 4):
        # The fused kernel rounds in another order.
        torch.testing.assert_close(ours[index][1], theirs[index][1], rtol=1e-5, atol=1e-6)


def test_a_filter_moves_as_its_flattened_matrix() -> None:
    filters = make_parameters([(4, 2, 3, 3), (8, 4, 3, 3), (5, 8)])
    matrices = [(name, nn.Parameter(p.detach().flatten(1).clone())) for name, p in filters]
    pair = [Muon(lr=0.1, scale="none").build(filters), Muon(lr=0.1, scale="none").build(matrices)]
    set_grads(filters, step=0)
    for (_, matrix), (_, parameter) in zip(matrices, filters, strict=True):
        assert parameter.grad is not None
        matrix.grad = parameter.grad.flatten(1)
    for optimizer in pair:
        optimizer.step()
    torch.testing.assert_close(filters[1][1].flatten(1), matrices[1][1], rtol=0, atol=0)


def test_channels_last_filters_move_alike() -> None:
    plain, other = (
        make_parameters([(4, 2, 3, 3), (8, 4, 3, 3), (5, 8)]),
        make_parameters([(4, 2, 3, 3), (8, 4, 3, 3), (5, 8)]),
    )
    other[1][1].data = other[1][1].data.contiguous(memory_format=torch.channels_last)
    pair = [Muon(renormalize="filters").build(plain), Muon(renormalize="filters").build(other)]
    for step in range(3):
        set_grads(plain, step=step)
        set_grads(other, step=step)
        assert other[1][1].grad is not None
        other[1][1].grad = other[1][1].grad.contiguous(memory_format=torch.channels_last)
        for optimizer in pair:
            optimizer.step()
    torch.testing.assert_close(plain[1][1], other[1][1].contiguous(), rtol=1e-6, atol=1e-6)


def test_the_first_and_the_last_matrix_and_vectors_go_to_adamw() -> None:
    parameters = make_parameters([(4, 1, 3, 3), (4,), (8, 4, 3, 3), (8,), (3, 8)])
    groups = Muon().build(parameters).param_groups
    sizes = {group["algorithm"]: 0 for group in groups}
    for group in groups:
        sizes[group["algorithm"]] += len(group["params"])
    assert sizes == {"muon": 1, "adamw": 4}


def test_a_linear_model_is_left_to_adamw_alone() -> None:
    groups = Muon().build(make_parameters([(3, 8), (3,)])).param_groups
    assert [group["algorithm"] for group in groups] == ["adamw", "adamw"]


def test_each_group_carries_its_initial_lr() -> None:
    groups = Muon(lr=0.1, adam_lr=0.01).build(make_parameters(SHAPES)).param_groups
    assert {(group["algorithm"], group["initial_lr"]) for group in groups} == {("muon", 0.1), ("adamw", 0.01)}


def test_orthogonalize_brings_singular_values_near_one() -> None:
    matrices = torch.randn(3, 16, 40, generator=torch.Generator().manual_seed(0))
    for work in (matrices, matrices.mT):
        singular = torch.linalg.svdvals(orthogonalize(work).float())
        assert singular.min() > 0.65
        assert singular.max() < 1.25


def test_orthogonalize_leaves_a_zero_gradient_zero() -> None:
    assert orthogonalize(torch.zeros(1, 4, 4)).abs().max() == 0


@pytest.mark.parametrize(("which", "expected"), [("filters", (True, False)), ("always", (True, True)), ("never", (False, False))])
def test_renormalize_brings_norms_to_the_root_of_rows(which: str, expected: tuple[bool, bool]) -> None:
    parameters = make_parameters([(4, 1, 3, 3), (8, 4, 3, 3), (8, 8), (3, 8)])
    optimizer = Muon(lr=1e-9, renormalize=which).build(parameters)
    set_grads(parameters, step=0)
    optimizer.step()
    for (_, parameter), is_normalized in zip(parameters[1:3], expected, strict=True):
        assert (abs(float(parameter.detach().norm()) - math.sqrt(8)) < 1e-4) == is_normalized


def test_a_parameter_without_gradient_stays() -> None:
    parameters = make_parameters(SHAPES)
    before = [p.detach().clone() for _, p in parameters]
    Muon(weight_decay=0.1).build(parameters).step()
    assert all(torch.equal(p, b) for (_, p), b in zip(parameters, before, strict=True))


def test_a_tensor_learning_rate_gives_the_same_bits() -> None:
    pair = [make_parameters(SHAPES), make_parameters(SHAPES)]
    for parameters, is_tensor in zip(pair, (False, True), strict=True):
        optimizer = Muon(lr=0.5, adam_lr=0.25).build(parameters)
        for group in optimizer.param_groups:
            group["lr"] = torch.tensor(group["lr"]) if is_tensor else group["lr"]
        set_grads(parameters, step=0)
        optimizer.step()
    for (_, one), (_, two) in zip(*pair, strict=True):
        assert torch.equal(one, two)


def test_saved_and_restored_state_gives_the_same_bits() -> None:
    straight = make_parameters([*SHAPES, (4,)])
    optimizer = Muon().build(straight)
    for step in range(3):
        set_grads(straight, step=step)
        optimizer.step()
    resumed = [(name, nn.Parameter(p.detach().clone())) for name, p in straight]
    second = Muon().build(resumed)
    second.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for step in range(3, 6):
        for parameters, each in ((straight, optimizer), (resumed, second)):
            set_grads(parameters, step=step)
            each.step()
    for (_, one), (_, two) in zip(straight, resumed, strict=True):
        assert torch.equal(one, two)


def test_state_holds_only_tensors_and_numbers() -> None:
    parameters = make_parameters([*SHAPES, (4,)])
    optimizer = Muon().build(parameters)
    set_grads(parameters, step=0)
    optimizer.step()
    assert len(optimizer.state) == len(parameters)
    assert all(isinstance(v, Tensor | int | float) for state in optimizer.state.values() for v in state.values())


@pytest.mark.parametrize("found", [0.0, 1.0])
def test_an_update_that_the_device_refuses_changes_nothing_and_any_other_is_the_same_bit_for_bit(found: float) -> None:
    shapes = [(6, 4), (8, 8), (5, 3, 3, 3), (5, 12), (7,)]
    plain, told = make_parameters(shapes), make_parameters(shapes)
    settings = {"weight_decay": 0.1, "renormalize": "always"}
    optimizers = [Muon(**settings).build(each) for each in (plain, told)]
    for parameters, optimizer in zip((plain, told), optimizers, strict=True):
        set_grads(parameters, step=0)
        optimizer.step()
    before = copy.deepcopy([p.data for _, p in told]), copy.deepcopy(optimizers[1].state_dict()["state"])
    set_grads(plain, step=1)
    set_grads(told, step=1)
    if found:
        for _, parameter in told:
            parameter.grad[0] = math.nan
    optimizers[1].found_inf = torch.tensor(found)
    optimizers[1].step()
    optimizers[0].step()
    expected = before if found else ([p.data for _, p in plain], optimizers[0].state_dict()["state"])
    torch.testing.assert_close([p.data for _, p in told], expected[0], rtol=0, atol=0)
    torch.testing.assert_close(optimizers[1].state_dict()["state"], expected[1], rtol=0, atol=0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("nesterov", [True, False])
def test_a_step_that_is_begun_tells_of_any_number_that_is_not_finite_and_changes_nothing(
    bad: float, place: int, nesterov: bool
) -> None:
    parameters = make_parameters([(6, 4), (8, 8), (5, 3, 3, 3), (5, 12), (7,)])
    optimizer = Muon(weight_decay=0.1, nesterov=nesterov).build(parameters)
    set_grads(parameters, step=0)
    optimizer.step()
    before = copy.deepcopy([p.data for _, p in parameters]), copy.deepcopy(optimizer.state_dict()["state"])
    set_grads(parameters, step=1)
    assert all(bool(told.isfinite().all()) for told in optimizer.begin())
    optimizer.drop()
    gradient = parameters[place][1].grad
    assert gradient is not None
    gradient.view(-1)[-1] = bad
    assert not all(bool(told.isfinite().all()) for told in optimizer.begin())
    optimizer.drop()
    torch.testing.assert_close([p.data for _, p in parameters], before[0], rtol=0, atol=0)
    torch.testing.assert_close(optimizer.state_dict()["state"], before[1], rtol=0, atol=0)


def test_a_step_after_one_that_was_begun_and_dropped_is_that_of_its_own_gradients() -> None:
    plain, dropped = make_parameters(SHAPES), make_parameters(SHAPES)
    optimizers = [Muon().build(each) for each in (plain, dropped)]
    set_grads(dropped, step=7)
    optimizers[1].begin()
    optimizers[1].drop()
    for parameters, optimizer in zip((plain, dropped), optimizers, strict=True):
        set_grads(parameters, step=0)
        optimizer.step()
    torch.testing.assert_close([p.data for _, p in plain], [p.data for _, p in dropped], rtol=0, atol=0)
