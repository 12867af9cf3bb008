"""Recurrent networks: padding changes nothing, a step at a time gives the same as all at once, starting values, they learn."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tutelage.core import catalog
from tutelage.core.shape.series import SeriesShape
from tutelage.core.shape.texts import TextShape
from tutelage.core.shape.tokens import TokensShape
from tutelage.model.layers.recurrent import reverse
from tutelage.model.layers.scan import scan
from tutelage.work.trace import tracing

KINDS = ("rnn", "lstm", "gru", "min_gru")
LENGTHS = torch.tensor([9, 1, 4, 9])
SMALL = {"width": 16, "embedding_size": 8}


def build(kind: str, shape: Any, *, num_outputs: int = 3, **settings: Any) -> nn.Module:
    torch.manual_seed(0)
    module: nn.Module = catalog.load("model", kind)(**(SMALL | settings)).build(shape, num_outputs)
    for name, parameter in module.named_parameters():
        if name.startswith("head") and not parameter.any():
            nn.init.normal_(parameter, std=0.1)  # a head that begins at zero would hide everything before it
    return module


def mask(length: int) -> Tensor:
    return torch.arange(length) < LENGTHS[:, None]


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_answers_do_not_depend_on_the_padding(kind: str, bidirectional: bool) -> None:
    series = torch.randn(4, 9, 2, generator=torch.Generator().manual_seed(1))
    net = build(kind, SeriesShape(channels=2, length=20), bidirectional=bidirectional).eval()
    padded = torch.cat([series, torch.full((4, 5, 2), 1e3)], dim=1)
    padded[~mask(14)] = float("nan")
    torch.testing.assert_close(net(padded, mask(14)), net(series, mask(9)), rtol=0, atol=1e-5)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = net(series[row : row + 1, :length], torch.ones(1, length, dtype=torch.bool))
        torch.testing.assert_close(alone[0], net(series, mask(9))[row], rtol=0, atol=1e-5)
    net(padded, mask(14)).sum().backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in net.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_reading_from_both_ends_sees_the_order_and_the_other_end(kind: str) -> None:
    net = build(kind, TextShape(vocabulary_size=7, length=9), pool=("last",), depth=1).eval()
    token = torch.randint(7, (4, 9), generator=torch.Generator().manual_seed(2))
    assert not torch.allclose(net(token, mask(9))[0], net(reverse(token[..., None], LENGTHS)[..., 0], mask(9))[0], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_running_text_is_answered_step_by_step_as_all_at_once_and_never_from_what_follows(kind: str) -> None:
    net = build(kind, TokensShape(vocabulary_size=11, length=40), num_outputs=11).eval()
    token = torch.randint(11, (3, 40), generator=torch.Generator().manual_seed(3))
    whole = net(token)
    state: Any = net.begin(3)  # type: ignore[operator]
    for place in range(40):
        logits, state = net.step(token[:, place], state)  # type: ignore[operator]
        torch.testing.assert_close(logits, whole[:, place], rtol=0, atol=1e-5)
    torch.testing.assert_close(net(token[:, :17]), whole[:, :17], rtol=0, atol=1e-5)


def step_by_step(keep: Tensor, add: Tensor) -> Tensor:
    state, states = torch.zeros_like(add[:, 0]), []
    for place in range(add.shape[1]):
        state = keep[:, place] * state + add[:, place]
        states.append(state)
    return torch.stack(states, dim=1)


@pytest.mark.parametrize("length", [1, 2, 3, 17, 2_048])
def test_the_scan_is_the_recurrence_and_so_is_its_gradient(length: int) -> None:
    random = torch.Generator().manual_seed(4)
    keep = torch.sigmoid(4 * torch.randn(2, length, 8, generator=random))
    add = (1 - keep) * torch.randn(2, length, 8, generator=random)
    weight = torch.randn(2, length, 8, generator=random)
    found, wanted = [], []
    for run, into in ((scan, found), (step_by_step, wanted)):
        inputs = [keep.clone().requires_grad_(), add.clone().requires_grad_()]
        h = run(*inputs)
        into.extend([h.detach(), *torch.autograd.grad((h * weight).sum(), inputs)])
    torch.testing.assert_close(found[0], wanted[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(found[1:], wanted[1:], rtol=1e-4, atol=1e-4)


def test_the_scan_of_a_graph_is_the_same_and_takes_no_more_memory_than_its_rows_do(monkeypatch: pytest.MonkeyPatch) -> None:
    keep, add = torch.rand(2, 37, 3), torch.randn(2, 37, 3)
    wanted = scan(keep, add)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    with tracing() as trace:
        scan(torch.zeros(2, 37, 3), torch.zeros(2, 37, 3))
    assert max(block.num_bytes for block in trace.storages.blocks) <= keep.nbytes
    assert torch.allclose(scan(keep, add), wanted, atol=1e-6)


def test_the_scan_keeps_what_never_fades_and_forgets_what_is_dropped() -> None:
    keep = torch.ones(1, 2_048, 2)
    keep[0, 1_000, 1] = 0.0
    add = torch.zeros(1, 2_048, 2)
    add[0, 0] = 1.0
    h = scan(keep, add)
    assert (h[0, :, 0] == 1).all()
    assert (h[0, 999, 1], h[0, 1_000, 1]) == (1, 0)


def test_a_min_gru_in_one_pass_is_itself_step_by_step_over_2048_steps() -> None:
    net = build("min_gru", TokensShape(vocabulary_size=11, length=2_048), num_outputs=11, update_bias="chrono", depth=1).eval()
    token = torch.randint(11, (2, 2_048), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        whole, state = net(token), net.begin(2)  # type: ignore[operator]
        for place in range(2_048):
            logits, state = net.step(token[:, place], state)  # type: ignore[operator]
            torch.testing.assert_close(logits, whole[:, place], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("kind", "part"), [("lstm", 1), ("gru", 1)])
def test_matrices_between_steps_are_orthogonal_and_gates_begin_open_to_the_past(kind: str, part: int) -> None:
    setting = {"lstm": "forget_bias", "gru": "update_bias"}[kind]
    shape = SeriesShape(channels=2, length=500)
    kernel: Any = build(kind, shape, bidirectional=False).layers[0].kernel  # type: ignore[union-attr, index]
    for gate in kernel.weight_hh_l0.split(16):
        torch.testing.assert_close(gate @ gate.T, torch.eye(16), rtol=0, atol=1e-5)
    assert (kernel.bias_ih_l0.split(16)[part] == 1).all()
    kernel = build(kind, shape, bidirectional=False, width=400, **{setting: "chrono"}).layers[0].kernel  # type: ignore[union-attr, index]
    keep = (kernel.bias_ih_l0 + kernel.bias_hh_l0).split(400)[part].detach()
    assert 0 < keep.min() < 2
    assert 5.5 < keep.max() < 6.22  # log 499 = 6.21
    if kind == "lstm":
        assert torch.equal(kernel.bias_ih_l0.split(400)[0], -keep)


@pytest.mark.parametrize("kind", KINDS)
def test_eight_rows_are_learned_by_heart(kind: str) -> None:
    random = torch.Generator().manual_seed(6)
    token, target = torch.randint(9, (8, 9), generator=random), torch.arange(8) % 3
    there = torch.arange(9) < torch.randint(1, 10, (8, 1), generator=random)
    net = build(kind, TextShape(vocabulary_size=9, length=9), depth=1, width=32)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(100):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(token, there), target)
        loss.backward()
        optimizer.step()
    assert loss < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_answers_are_those_of_float32_within_its_rounding(kind: str) -> None:
    net = build(kind, TextShape(vocabulary_size=9, length=9))
    token = torch.randint(9, (4, 9), generator=torch.Generator().manual_seed(7))
    wanted = net(token, mask(9))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = net(token, mask(9))
    found.float().sum().backward()
    torch.testing.assert_close(found.float(), wanted, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wider_or_narrower_embedding_fits(kind: str) -> None:
    net = build(kind, SeriesShape(channels=2, length=9), embedding_size=24, dropout=0.5)
    assert net(torch.zeros(4, 9, 2), mask(9)).shape == (4, 3)
