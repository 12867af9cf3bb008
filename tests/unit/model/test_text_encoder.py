"""The text encoder: padding does not count, the order of words does, it learns a few rows by heart, bf16 is near float32."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.errors import RecipeError
from tutelage.core.shape.texts import TextShape
from tutelage.model.arch.text_encoder import TextEncoder, look_around

SHAPE = TextShape(vocabulary_size=30, length=40)


def rows(count: int = 8, length: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    token = torch.randint(1, 30, (count, length), generator=generator)
    mask = torch.arange(length) < torch.randint(3, length + 1, (count, 1), generator=generator)
    return token * mask, mask


def learned(spec: TextEncoder, *, steps: int) -> tuple[nn.Module, float]:
    """Train on eight rows; return the network and its last loss."""
    torch.manual_seed(0)
    network, (token, mask), truth = spec.build(SHAPE, 2), rows(), torch.arange(8) % 2
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    loss = torch.zeros(())
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(token, mask), truth)
        loss.backward()
        optimizer.step()
    return network.eval(), float(loss.detach())


@pytest.fixture(scope="module")
def network() -> nn.Module:
    found, loss = learned(TextEncoder(width=32, depth=2, heads=2, dropout=0.0, pooling="both"), steps=60)
    assert loss < 0.01
    return found


def test_padding_does_not_change_answers(network: nn.Module) -> None:
    token, mask = rows()
    padded = F.pad(token, (0, 21), value=5), F.pad(mask, (0, 21))
    torch.testing.assert_close(network(*padded), network(token, mask), rtol=0, atol=1e-5)


def test_order_of_words_counts(network: nn.Module) -> None:
    token = torch.tensor([[3, 4, 5, 6, 7, 8]])
    mask = torch.ones_like(token, dtype=torch.bool)
    turned = torch.tensor([[3, 8, 7, 6, 5, 4]])
    assert (network(token, mask) - network(turned, mask)).abs().max() > 1e-4


def test_half_precision_is_near_single_precision(network: nn.Module) -> None:
    token, mask = rows()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = network(token, mask).float()
    torch.testing.assert_close(coarse.softmax(-1), network(token, mask).softmax(-1), rtol=0, atol=0.05)


def test_plain_products_are_what_the_fused_kernel_computes() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 3, 7, 4, generator=generator) for _ in range(3))
    seen = (torch.arange(7) < torch.tensor([[7], [3]]))[:, None, None, :]
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    torch.testing.assert_close(look_around(q, k, v, seen), expected, rtol=1e-5, atol=1e-6)


def test_a_text_without_a_word_gives_numbers() -> None:
    network = TextEncoder(width=16, heads=2).build(SHAPE, 2).eval()
    answer = network(torch.zeros(2, 8, dtype=torch.int64), torch.zeros(2, 8, dtype=torch.bool))
    assert torch.isfinite(answer).all()


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(RecipeError, match=r"model\.width = 36 must be a multiple of twice model\.heads = 4"):
        TextEncoder(width=36, heads=4).build(SHAPE, 2)
