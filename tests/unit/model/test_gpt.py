"""The decoder: step by step as in one pass, blind for what comes later, either attention the same, logits capped."""

from typing import Any

import pytest
import torch

from tutelage.core.errors import RecipeError
from tutelage.core.shape.tokens import TokensShape
from tutelage.model.arch.gpt import Decoder, Gpt
from tutelage.model.layers.attention import attend, is_fused, look_back, rotary_tables, rotate

SHAPE = TokensShape(vocabulary_size=20, length=16)
VARIANTS: list[dict[str, Any]] = [
    {},
    {"mlp": "swiglu"},
    {"positions": "none"},
    {"query_key_norm": False, "cap": 0.0},
    {"attention": "flash"},
    {"attention": "plain"},
]


def make(**settings: Any) -> Decoder:
    torch.manual_seed(0)
    net = Gpt(width=32, depth=2, heads=2, **settings).build(SHAPE, 20).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    assert isinstance(net, Decoder)
    return net


@torch.no_grad()
def test_a_drawn_graph_takes_any_number_of_tokens_the_most_and_a_single_one_too() -> None:
    net, any_size = make(), torch.export.Dim.DYNAMIC
    drawn = torch.export.export(
        net, (torch.zeros(2, 5, dtype=torch.int64),), dynamic_shapes=({0: any_size, 1: any_size},), strict=False
    ).module()
    for length in (1, 9, SHAPE.length):
        token_BT = torch.randint(20, (3, length))
        torch.testing.assert_close(drawn(token_BT), net(token_BT), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", VARIANTS)
@torch.no_grad()
def test_step_by_step_is_the_whole_pass(settings: dict[str, Any]) -> None:
    net, token_BT = make(**settings), torch.randint(20, (3, 16))
    whole_BTV = net(token_BT)
    state, steps = net.begin(3), []
    for token_B in token_BT.unbind(1):
        logits_BV, state = net.step(token_B, state)
        steps.append(logits_BV)
    torch.testing.assert_close(torch.stack(steps, dim=1), whole_BTV, rtol=1e-5, atol=2e-5)
    _, state = net.read(token_BT[:, :7], net.begin(3))
    torch.testing.assert_close(net.read(token_BT[:, 7:12], state)[0], whole_BTV[:, 11], rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("settings", VARIANTS)
@torch.no_grad()
def test_what_comes_later_changes_nothing_and_what_came_before_does(settings: dict[str, Any]) -> None:
    net, token_BT = make(**settings), torch.randint(20, (2, 16))
    other = token_BT.clone()
    other[:, 9] = (other[:, 9] + 1) % 20
    one, two = net(token_BT), net(other)
    torch.testing.assert_close(one[:, :9], two[:, :9], rtol=0, atol=1e-6)
    assert ((one - two).abs().amax(dim=(0, 2))[9:] > 1e-4).all()


@torch.no_grad()
def test_order_counts_only_with_positions() -> None:
    """The last place sees the same tokens in another order: without positions, a single block cannot tell."""
    one = torch.tensor([[1, 2, 3, 4]])
    two = torch.tensor([[3, 1, 2, 4]])
    for positions, differs in (("rotary", True), ("none", False)):
        torch.manual_seed(0)
        net = Gpt(width=32, depth=1, heads=2, positions=positions).build(SHAPE, 20)
        for parameter in net.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        assert bool((net(one)[0, -1] - net(two)[0, -1]).abs().max() > 1e-3) is differs


def test_scores_depend_on_distances_alone() -> None:
    tables = rotary_tables(40, 8)
    query, key = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)
    near = (rotate(query, tables[:, 9:10]) * rotate(key, tables[:, 2:3])).sum()
    far = (rotate(query, tables[:, 37:38]) * rotate(key, tables[:, 30:31])).sum()
    torch.testing.assert_close(near, far)


def test_plain_and_fused_attention_agree_with_their_gradients() -> None:
    inputs = [torch.randn(2, 3, 11, 8, requires_grad=True) for _ in range(3)]
    seen = look_back(11, device=torch.device("cpu"))
    plain, fused = (attend(*inputs, seen_TS=seen, way=way) for way in ("plain", "flash"))
    torch.testing.assert_close(plain, fused)
    one, two = (torch.autograd.grad(out.square().sum(), inputs) for out in (plain, fused))
    for a, b in zip(one, two, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_auto_is_plain_for_short_pieces_on_a_cpu_and_fused_elsewhere() -> None:
    assert not is_fused("auto", device="cpu", length=128)
    assert is_fused("auto", device="cpu", length=4096)
    assert is_fused("auto", device="cuda", length=128)
    assert not is_fused("plain", device="cuda", length=128)


@torch.no_grad()
def test_logits_are_capped_and_the_tables_go_beyond_their_length() -> None:
    net = make(cap=2.0)
    assert net(torch.randint(20, (2, 16))).abs().max() <= 2
    assert net(torch.randint(20, (1, 40))).shape == (1, 40, 20)
    assert "tables" not in net.state_dict()


def test_a_width_that_does_not_fit_the_heads_is_refused() -> None:
    with pytest.raises(RecipeError, match="multiple of twice"):
        Gpt(width=36, heads=8).build(SHAPE, 20)
