"""Networks that continue series: whatever the length and the number of series, on any level, with what is known beforehand."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.shape.forecast import ForecastShape
from tutelage.core.shape.views import History
from tutelage.model.arch.patch_transformer import PatchTransformer
from tutelage.model.example import example_batch
from tutelage.model.layers.attention import attend
from tutelage.model.layers.repeating import usual
from tutelage.model.layers.reversible import Level, reversible
from tutelage.task.modes import evaluation_mode

RECURRENT = ("rnn", "lstm", "gru", "min_gru")
KINDS = ("patch_transformer", "nlinear", *RECURRENT)
SMALL: dict[str, dict[str, Any]] = {kind: {"width": 16, "embedding_size": 16, "depth": 1} for kind in RECURRENT} | {
    "patch_transformer": {"dropout": 0.0, "depth": 1, "patch": 8},
    "nlinear": {},
}


def build(kind: str, *, settings: dict[str, Any] | None = None, **sizes: int) -> nn.Module:
    torch.manual_seed(0)
    module: nn.Module = catalog.load("model", kind)(**(SMALL[kind] | (settings or {}))).build(shape(**sizes), 1)
    for parameter in module.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.05)  # what begins at zero would hide what lies before it
    return module


def shape(*, channels: int = 3, length: int = 40, horizon: int = 12, known: int = 0) -> ForecastShape:
    return ForecastShape(channels=channels, length=length, horizon=horizon, known=known)


def answer(module: nn.Module, *inputs: Tensor) -> Tensor:
    with evaluation_mode(module), torch.no_grad():
        told: Tensor = module(*inputs)
    return told


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "sizes",
    [
        {"channels": 1, "length": 1, "horizon": 1},
        {"length": 5, "horizon": 30, "known": 2},
        {"length": 17, "horizon": 1},
        {"channels": 1, "length": 41, "known": 1},
    ],
)
def test_any_length_of_window_and_horizon_has_an_answer(kind: str, sizes: dict[str, int]) -> None:
    batch = example_batch(shape(**sizes), 4)
    told = answer(build(kind, **sizes), *batch.values())
    assert told.shape == (4, sizes.get("horizon", 12), sizes.get("channels", 3))
    assert told.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_answers_follow_level_and_scale_of_the_window(kind: str) -> None:
    module, (past,) = build(kind), example_batch(shape(), 4).values()
    moved = answer(module, 3.0 * past + 7.0)
    # The epsilon beside the variance is all that differs.
    torch.testing.assert_close(moved, 3.0 * answer(module, past) + 7.0, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_constant_windows_are_continued_near_their_level(kind: str) -> None:
    told = answer(build(kind), torch.full((2, 40, 3), 5.0))
    torch.testing.assert_close(told, torch.full_like(told, 5.0), rtol=0, atol=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_known_of_coming_times_counts(kind: str) -> None:
    module = build(kind, known=2)
    past, known = example_batch(shape(known=2), 4).values()
    for place in (45, 10):  # after the moment, and before it
        other = known.clone()
        other[:, place] += 1.0
        differs = (answer(module, past, other) - answer(module, past, known)).abs().amax(dim=(0, 2)) > 1e-6
        if place >= 40:
            assert differs[place - 40]
        elif kind != "nlinear":
            assert differs.any()


@pytest.mark.parametrize("kind", ["patch_transformer", "nlinear"])
def test_each_series_is_continued_from_its_own_past(kind: str) -> None:
    module, (past,) = build(kind), example_batch(shape(), 4).values()
    whole, other = answer(module, past), past.clone()
    other[:, :, 0] = 0.0
    torch.testing.assert_close(answer(module, other)[:, :, 1:], whole[:, :, 1:])
    torch.testing.assert_close(answer(module, past.flip(2)).flip(2), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_it_overfits_eight_rows(kind: str) -> None:
    torch.manual_seed(0)
    sizes = {"channels": 2, "length": 16, "horizon": 6, "known": 2}
    module = catalog.load("model", kind)(**SMALL[kind]).build(shape(**sizes), 1)
    batch = example_batch(shape(**sizes), 8)
    target = torch.randn(8, 6, 2, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.03, weight_decay=0.0)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = (module(*batch.values()) - target).square().mean()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    # A linear map of 16 places, one for both series, cannot learn 16 rows by heart to the last digit within so few steps.
    assert losses[-1] < (0.05 if kind != "nlinear" else 0.3) * losses[0]


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_gives_nearly_the_same(kind: str) -> None:
    module, batch = build(kind, known=2), example_batch(shape(known=2), 4)
    with torch.autocast("cpu", torch.bfloat16):
        half = answer(module, *batch.values())
    assert half.dtype == torch.float32
    # bfloat16 has 8 bits; the answers are of size 1.
    torch.testing.assert_close(half, answer(module, *batch.values()), rtol=0.05, atol=0.1)


def test_three_hundred_series_take_one_pass() -> None:
    sizes = {"channels": 300, "length": 48, "horizon": 8}
    module, (past,) = build("patch_transformer", **sizes), example_batch(shape(**sizes), 2).values()
    whole = answer(module, past)
    torch.testing.assert_close(whole[1:, :, 299:], answer(module, past[1:, :, 299:]), rtol=1e-4, atol=1e-5)
    assert sum(parameter.numel() for parameter in module.parameters()) < 100_000  # none belongs to one series


@pytest.mark.parametrize("length", [3, 16, 17, 96])
def test_patches_cover_the_window_and_end_at_its_last_value(length: int) -> None:
    module: Any = build("patch_transformer", length=length)
    patches = module.cut(torch.arange(float(length))[None])
    assert patches.shape[1] == module.num_patches
    assert patches[0, -1, -1] == length - 1
    assert set(range(length)) == set(patches.flatten().int().tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_a_season_on_any_level_is_continued_before_anything_is_learned(kind: str) -> None:
    """Four seasons of 7 in the window, each on a level of its own: the pattern is said again on the last one's."""
    pattern = torch.randn(7, generator=torch.Generator().manual_seed(0))
    pattern -= pattern.mean()
    level = torch.tensor([3.0, -1.0, 4.0, 9.0, 2.0, 6.0])
    past = (level[:, None] + pattern).flatten()[-40:, None].expand(40, 3)[None]
    module: Any = catalog.load("model", kind)(**SMALL[kind]).build(shape().model_copy(update={"season": 7}), 1)
    if kind in RECURRENT:
        nn.init.zeros_(module.net.head.weight)
    expected = (level[-1] + pattern).repeat(2)[:12]
    torch.testing.assert_close(answer(module, past)[0, :, 1], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("season", [1, 41])
@pytest.mark.parametrize("level", ["mean", "last"])
@pytest.mark.parametrize("kind", ["patch_transformer", "nlinear"])
def test_without_a_whole_season_the_last_value_is_said_again(kind: str, level: str, season: int) -> None:
    (past,) = example_batch(shape(), 4).values()
    module = catalog.load("model", kind)(level=level).build(shape().model_copy(update={"season": season}), 1)
    torch.testing.assert_close(answer(module, past), past[:, -1:].expand(-1, 12, -1))


def test_what_is_usual_weighs_as_much_as_there_is() -> None:
    for season in (1, 2, 7, 40, 41):
        weights = usual(History(3, 40, 12, 0, season))
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(12))


@pytest.mark.parametrize("level", ["mean", "last"])
def test_without_its_linear_path_it_begins_at_the_level(level: Level) -> None:
    (past,) = example_batch(shape(), 4).values()
    told = answer(PatchTransformer(level=level, linear=False).build(shape(), 1), past)
    expected = past.mean(dim=1) if level == "mean" else past[:, -1]
    torch.testing.assert_close(told, expected[:, None].expand(-1, 12, -1))


def test_a_width_that_heads_do_not_share_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"model\.width = 20"):
        PatchTransformer(width=20).build(shape(), 1)


def test_reversible_undoes_what_it_did_and_takes_spread_and_level_out() -> None:
    past = 5.0 + 3.0 * torch.randn(4, 50, 2, generator=torch.Generator().manual_seed(0))
    for level in ("mean", "last"):
        scale = reversible(past, level=level)
        torch.testing.assert_close(scale.undo(scale.apply(past)), past)
    ours = reversible(past).apply(past)
    torch.testing.assert_close(ours.mean(dim=1), torch.zeros(4, 2), rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.std(dim=1, unbiased=False), torch.ones(4, 2), rtol=1e-4, atol=0)
    assert not reversible(past, level="last").apply(past)[:, -1].any()


def test_attention_without_a_mask_sees_all_in_either_way() -> None:
    q, k, v = torch.randn(3, 2, 2, 7, 8, generator=torch.Generator().manual_seed(0)).unbind(0)
    plain, fused = (attend(q, k, v, seen_TS=None, way=way) for way in ("plain", "flash"))
    torch.testing.assert_close(plain, fused)
    other = v.clone()
    other[:, :, -1] += 1.0
    assert ((attend(q, k, other, seen_TS=None, way="flash") - fused).abs() > 1e-6).any(dim=-1).all()
