"""Augmentations of series: nothing appears behind the end of a row, and how far a batch is padded changes nothing."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.core import catalog
from tutelage.data.augment.jitter import Jitter
from tutelage.data.augment.masking import Masking
from tutelage.data.augment.resample import resampled
from tutelage.data.augment.scaling import Scaling
from tutelage.data.augment.time_warp import TimeWarp
from tutelage.data.augment.window_slice import WindowSlice

KINDS = ["jitter", "scaling", "masking", "time_warp", "window_slice"]


def batch() -> dict[str, Tensor]:
    mask_BT = torch.arange(30) < torch.tensor([30, 17, 5, 1])[:, None]
    series_BTC = torch.randn(4, 30, 2, generator=torch.Generator().manual_seed(0)) * mask_BT[..., None]
    return {"series": series_BTC, "mask": mask_BT}


def changed(kind: str, given: dict[str, Tensor]) -> Tensor:
    found: Tensor = catalog.load("augment", kind)().apply(dict(given), torch.Generator().manual_seed(3))["series"]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_behind_the_end_stays_zero_and_does_not_count(kind: str) -> None:
    given = batch()
    after = changed(kind, given)
    assert not torch.equal(after, given["series"])
    assert not after[~given["mask"]].any()
    padded = {"series": F.pad(given["series"], (0, 0, 0, 9)), "mask": F.pad(given["mask"], (0, 9))}
    torch.testing.assert_close(changed(kind, padded)[:, :30], after, rtol=1e-5, atol=1e-5)


def test_values_between_times_are_on_the_straight_line() -> None:
    series = torch.tensor([[[0.0], [2.0], [6.0], [0.0]]])
    mask = torch.tensor([[True, True, True, False]])
    found = resampled(series, mask, torch.tensor([[0.5, 1.75, 5.0, 0.0]]))
    assert found.flatten().tolist() == [1.0, 5.0, 6.0, 0.0]


def test_warped_time_keeps_begin_end_and_order() -> None:
    ramp = torch.arange(40.0)[None, :, None].expand(16, -1, -1).contiguous()
    mask = torch.ones(16, 40, dtype=torch.bool)
    after = TimeWarp(strength=0.9).apply({"series": ramp, "mask": mask}, torch.Generator().manual_seed(0))["series"]
    assert (after.diff(dim=1) >= 0).all()
    torch.testing.assert_close(after[:, [0, -1]], ramp[:, [0, -1]], rtol=0, atol=1e-3)


def test_at_most_the_longest_stretch_is_hidden() -> None:
    ones = {"series": torch.ones(64, 50, 1), "mask": torch.ones(64, 50, dtype=torch.bool)}
    hidden = (Masking(size=0.2, probability=1.0).apply(ones, torch.Generator().manual_seed(0))["series"] == 0).sum(dim=1)
    assert hidden.max() <= 10
    assert hidden.max() > 5


def test_a_window_is_stretched_over_the_whole_row() -> None:
    ramp = torch.arange(40.0)[None, :, None].expand(64, -1, -1).contiguous()
    mask = torch.ones(64, 40, dtype=torch.bool)
    after = WindowSlice(size=0.6).apply({"series": ramp, "mask": mask}, torch.Generator().manual_seed(0))["series"][..., 0]
    step = after.diff(dim=1)
    torch.testing.assert_close(step, step[:, :1].expand_as(step), rtol=0, atol=1e-4)
    assert 0.6 <= float(step.min()) < 0.65 < 0.95 < float(step.max()) < 1, "the shares of the row that windows are"
    assert float(after.min()) >= 0
    assert float(after.max()) <= 39
    assert float(after[:, 0].max()) > 5, "they begin anywhere"


def test_rows_are_scaled_as_a_whole_and_noise_has_its_deviation() -> None:
    ones = {"series": torch.ones(200, 50, 3), "mask": torch.ones(200, 50, dtype=torch.bool)}
    scaled = Scaling(strength=0.3).apply(ones, torch.Generator().manual_seed(0))["series"]
    assert (scaled == scaled[:, :1, :1]).all()
    assert 0.7 <= float(scaled.min()) < 0.75 < 1.25 < float(scaled.max()) <= 1.3
    noise = Jitter(std=0.2).apply(ones, torch.Generator().manual_seed(0))["series"] - 1
    # 30,000 numbers: the deviation of their mean is 0.0012, that of their deviation 0.0008, that of a correlation 0.006.
    assert float(noise.mean()) == pytest.approx(0, abs=0.005)
    assert float(noise.std()) == pytest.approx(0.2, abs=0.004)
    for one, other in ((noise[1:], noise[:-1]), (noise[:, 1:], noise[:, :-1]), (noise[..., 1:], noise[..., :-1])):
        assert float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1]) == pytest.approx(0, abs=0.03)
