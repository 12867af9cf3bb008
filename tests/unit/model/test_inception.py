"""InceptionTime over series of unequal length: what is behind the end of a row changes nothing, in training either."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.shape.series import SeriesShape
from tutelage.model.arch.inception import Inception
from tutelage.model.layers.masked import MaskedBatchNorm


def batch(*lengths: int, channels: int = 2) -> tuple[Tensor, Tensor]:
    longest = max(lengths)
    generator = torch.Generator().manual_seed(0)
    mask_BT = torch.arange(longest) < torch.tensor(lengths)[:, None]
    return torch.randn(len(lengths), longest, channels, generator=generator), mask_BT


def net(**settings: object) -> nn.Module:
    torch.manual_seed(0)
    return Inception(width=4, depth=3, **settings).build(SeriesShape(channels=2, length=50), 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [64, 16])
@pytest.mark.parametrize("is_training", [False, True])
def test_padding_changes_nothing(length: int, is_training: bool) -> None:
    series, mask = batch(50, 23, 1)
    first, second = net(length=length).train(is_training), net(length=length).train(is_training)
    padded = F.pad(series, (0, 0, 0, 21), value=7.0)
    torch.testing.assert_close(second(padded, F.pad(mask, (0, 21))), first(series, mask), rtol=0, atol=1e-5)
    for name, buffer in first.named_buffers():
        torch.testing.assert_close(second.get_buffer(name), buffer, rtol=1e-5, atol=1e-6)


def test_a_long_series_is_cut_into_patches() -> None:
    seen: list[int] = []
    module = net(length=16)
    module.layers[0].register_forward_hook(lambda layer, inputs, output: seen.append(output.shape[-1]))  # type: ignore[union-attr,operator]
    module(*batch(50, 49))
    assert seen == [13]


def test_without_padding_the_norm_is_torchs_own() -> None:
    masked, plain = MaskedBatchNorm(4), nn.BatchNorm2d(4)
    x = torch.randn(3, 4, 1, 9, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(3, 1, 1, 9, dtype=torch.bool)
    torch.testing.assert_close(masked(x, mask), plain(x))
    torch.testing.assert_close(masked.running_var, plain.running_var)
    torch.testing.assert_close(masked.eval()(x, mask), plain.eval()(x))


def test_it_overfits_eight_rows() -> None:
    module = net()
    series, mask = batch(*range(20, 28))
    target = torch.arange(8) % 3
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(module(series, mask), target).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert F.cross_entropy(module(series, mask), target) < 0.05
