"""Augmentations on hand-made pictures, and by their laws."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from tutelage.core import catalog
from tutelage.core.shape.image import ImageShape
from tutelage.data.augment.affine import Affine
from tutelage.data.augment.base import Augment
from tutelage.data.augment.chain import Chain
from tutelage.data.augment.color import Color
from tutelage.data.augment.cutout import Cutout
from tutelage.data.augment.flip import Flip
from tutelage.data.augment.none import NoAugment
from tutelage.data.augment.photo import Photo
from tutelage.data.augment.shift import Shift
from tutelage.data.augment.small import Small
from tutelage.data.augment.symmetry import try_mirror

STILL = {"zoom": 1.0, "stretch": 1.0, "degrees": 0.0, "flip": 0.0}


def picture(rows: list[list[float]], *, copies: int = 1) -> Tensor:
    """Return one grey picture, repeated: [copies, 1, H, W]."""
    return torch.tensor(rows).expand(copies, 1, -1, -1).contiguous(memory_format=torch.channels_last)


def noise(batch_size: int = 16, channels: int = 3, height: int = 12, width: int = 12) -> Tensor:
    images = torch.randn(batch_size, channels, height, width, generator=torch.Generator().manual_seed(1))
    return images.contiguous(memory_format=torch.channels_last)


def augmented(augment: Augment, image: Tensor, *, seed: int = 0) -> Tensor:
    return augment.apply({"image": image}, torch.Generator().manual_seed(seed))["image"]


def every_augment() -> list[Augment]:
    found = [catalog.load("augment", kind)() for kind in catalog.names("augment")]
    return [augment for augment in found if augment.suits(ImageShape())]


@pytest.mark.parametrize("augment", every_augment(), ids=lambda augment: augment.kind)
def test_one_seed_gives_one_batch_and_leaves_its_input(augment: Augment) -> None:
    image = noise()
    before = image.clone()
    first, second = augmented(augment, image, seed=5), augmented(augment, image, seed=5)
    assert torch.equal(first, second)
    assert torch.equal(image, before)
    assert first.shape == image.shape
    assert first.dtype == torch.float32
    assert first.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("augment", [Flip(), Shift(), Affine(), Color(), Cutout(), Photo(), Small()], ids=lambda a: a.kind)
def test_another_seed_gives_another_batch(augment: Augment) -> None:
    assert not torch.equal(augmented(augment, noise(), seed=1), augmented(augment, noise(), seed=2))


@pytest.mark.parametrize("augment", every_augment(), ids=lambda augment: augment.kind)
def test_targets_and_other_inputs_are_passed_on(augment: Augment) -> None:
    batch = {"image": noise(4), "target": torch.arange(4), "weight": torch.ones(4)}
    after = augment.apply(batch, torch.Generator().manual_seed(0))
    assert torch.equal(after["target"], batch["target"])
    assert torch.equal(after["weight"], batch["weight"])


@pytest.mark.parametrize("augment", every_augment(), ids=lambda augment: augment.kind)
def test_images_that_are_not_square_keep_their_shape(augment: Augment) -> None:
    assert augmented(augment, noise(3, 1, 5, 9)).shape == (3, 1, 5, 9)


def test_none_returns_the_batch_itself() -> None:
    batch = {"image": noise()}
    assert NoAugment().apply(batch, torch.Generator()) is batch


def test_flip_mirrors_left_and_right() -> None:
    image = picture([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert torch.equal(augmented(Flip(probability=1), image), picture([[3, 2, 1], [6, 5, 4], [9, 8, 7]]))
    assert torch.equal(augmented(Flip(probability=0), image), image)


def test_flip_can_turn_upside_down() -> None:
    image = picture([[1, 2], [3, 4]])
    assert torch.equal(augmented(Flip(probability=1, direction="vertical"), image), picture([[3, 4], [1, 2]]))


def test_flip_mirrors_about_its_share_of_the_images() -> None:
    mirrored = augmented(Flip(probability=0.25), picture([[0.0, 1.0]], copies=4000))[:, 0, 0, 0].mean()
    assert abs(float(mirrored) - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 4000)


def test_shift_moves_whole_pixels_and_mirrors_the_border() -> None:
    image = picture([[1, 2, 3], [4, 5, 6], [7, 8, 9]], copies=400)
    columns = {(1, 2, 3): -1, (2, 1, 2): 0, (2, 3, 2): 1}
    rows = [tuple(row) for row in augmented(Shift(pixels=1), image)[:, 0, 1].tolist()]
    # The middle row is 4 5 6 unmoved vertically, 1 2 3 or 7 8 9 otherwise; take it back to 1 2 3.
    bases = {tuple((value - 1) % 3 + 1 for value in row) for row in rows}
    assert bases == set(columns)
    assert {(max(row) - 1) // 3 for row in rows} == {0, 1, 2}


def test_every_shift_is_about_as_frequent() -> None:
    image = picture([[0, 1, 2, 3, 4, 5, 6]], copies=5000)
    middle = augmented(Shift(pixels=2), image)[:, 0, 0, 3].long()
    counts = torch.bincount(middle, minlength=7)
    assert counts[[0, 6]].sum() == 0
    assert ((counts[1:6] / 5000 - 0.2).abs() < 4 * math.sqrt(0.2 * 0.8 / 5000)).all()


def test_shift_by_nothing_changes_nothing() -> None:
    assert torch.equal(augmented(Shift(pixels=0), noise()), noise())


def test_shift_reaches_no_further_than_a_tiny_image() -> None:
    assert augmented(Shift(pixels=5), noise(4, 1, 2, 2)).shape == (4, 1, 2, 2)


def test_affine_without_changes_is_the_identity() -> None:
    torch.testing.assert_close(augmented(Affine(**STILL), noise()), noise(), rtol=0, atol=1e-5)


def test_affine_can_mirror_exactly() -> None:
    mirrored = augmented(Affine(**STILL | {"flip": 1.0}), noise())
    torch.testing.assert_close(mirrored, noise().flip(3), rtol=0, atol=1e-5)


def test_affine_turns_by_up_to_its_angle() -> None:
    matrices = Affine(**STILL | {"degrees": 30.0}).draw(noise(500, 1, 4, 4), torch.Generator().manual_seed(0))
    angles = torch.rad2deg(torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    assert 28 < angles.max() <= 30
    assert -30 <= angles.min() < -28


def test_affine_turns_oblong_images_without_shearing() -> None:
    matrices = Affine(**STILL | {"degrees": 90.0}).draw(noise(50, 1, 4, 8), torch.Generator().manual_seed(0))
    # In pixels a turn is orthogonal: positions are in shares of half the sides, 4 and 2 pixels.
    to_pixels = torch.diag(torch.tensor([4.0, 2.0]))
    turns = to_pixels @ matrices[:, :, :2] @ to_pixels.inverse()
    torch.testing.assert_close(turns @ turns.mT, torch.eye(2).expand(50, 2, 2), rtol=0, atol=1e-5)


def test_affine_zooms_inside_the_image() -> None:
    inside = Affine(zoom=0.5, stretch=1.0, degrees=0.0)
    matrices = inside.draw(noise(500, 1, 4, 4), torch.Generator().manual_seed(0))
    reach = matrices[:, :, :2].abs().sum(dim=2) + matrices[:, :, 2].abs()
    assert reach.max() <= 1 + 1e-6
    assert 0.5 <= matrices[:, 1, 1].min() < 0.51


def test_affine_stretches_up_to_its_ratio() -> None:
    matrices = Affine(**STILL | {"stretch": 1.5}).draw(noise(500, 1, 4, 4), torch.Generator().manual_seed(0))
    ratios = matrices[:, 0, 0] / matrices[:, 1, 1]
    assert 1.48 < ratios.max() <= 1.5 + 1e-5
    assert 1 / 1.5 - 1e-5 <= ratios.min() < 1 / 1.48


def test_color_is_linear_in_the_pixels() -> None:
    image = noise(8)
    changed = augmented(Color(brightness=0.5, contrast=0.4, tint=0.3), image)
    slope = (changed[:, :, 0, 1] - changed[:, :, 0, 0]) / (image[:, :, 0, 1] - image[:, :, 0, 0])
    offset = changed[:, :, 0, 0] - slope * image[:, :, 0, 0]
    torch.testing.assert_close(changed, image * slope[:, :, None, None] + offset[:, :, None, None], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(slope[:, 0], slope[:, 1], rtol=1e-3, atol=1e-3)
    assert ((slope >= 0.6 - 1e-3) & (slope <= 1.4 + 1e-3)).all()
    assert offset.abs().max() <= 0.8 + 1e-3
    assert (offset[:, 0] - offset[:, 1]).abs().max() > 0.01


def test_color_gives_grey_images_no_tint() -> None:
    image = torch.zeros(500, 1, 2, 2)
    assert augmented(Color(brightness=0.2, contrast=0.0, tint=5.0), image).abs().max() <= 0.2


def test_color_without_changes_is_the_identity() -> None:
    assert torch.equal(augmented(Color(brightness=0, contrast=0, tint=0), noise()), noise())


def test_cutout_hides_one_square() -> None:
    after = augmented(Cutout(size=0.5), torch.ones(300, 2, 8, 8))
    assert torch.equal(after[:, 0], after[:, 1])
    hidden = (after[:, 0] == 0).sum(dim=(1, 2))
    assert hidden.max() == 16
    assert hidden.min() >= 4
    rows = (after[:, 0] == 0).any(dim=2).sum(dim=1)
    columns = (after[:, 0] == 0).any(dim=1).sum(dim=1)
    assert torch.equal(rows * columns, hidden)


def test_cutout_cuts_about_its_share_of_the_images() -> None:
    cut = (augmented(Cutout(probability=0.3), torch.ones(3000, 1, 4, 4)) == 0).any(dim=3).any(dim=2).float().mean()
    assert abs(float(cut) - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 3000)


def test_a_chain_makes_its_steps_in_order() -> None:
    chain = Chain(steps=("flip", {"kind": "shift", "pixels": 1}, Color()))
    generator = torch.Generator().manual_seed(3)
    batch = {"image": noise()}
    for step in (Flip(), Shift(pixels=1), Color()):
        batch = step.apply(batch, generator)
    assert torch.equal(augmented(chain, noise(), seed=3), batch["image"])


def test_small_without_flip_never_mirrors() -> None:
    image = picture([[1, 2, 3]], copies=50)
    assert torch.equal(augmented(Small(flip=0, shift=0), image), image)
    assert {tuple(row) for row in augmented(Small(flip=0.5, shift=0), image)[:, 0, 0].tolist()} == {
        (1, 2, 3),
        (3, 2, 1),
    }


def test_photo_is_geometry_then_light() -> None:
    photo = Photo(geometry={"zoom": 0.8}, light={"tint": 0.5})
    generator = torch.Generator().manual_seed(3)
    batch = Color(tint=0.5).apply(Affine(zoom=0.8).apply({"image": noise()}, generator), generator)
    assert torch.equal(augmented(photo, noise(), seed=3), batch["image"])


def stripes(*, is_mirrored: bool) -> np.ndarray:
    """Return noisy pictures, bright on the left or, mirrored, on the right."""
    pixels = np.random.default_rng(0).integers(0, 60, (200, 8, 8, 1)).astype(np.uint8)
    half = slice(4, None) if is_mirrored else slice(0, 4)
    pixels[:, :, half] += 150
    return pixels


def test_classes_that_are_each_others_mirror_image_forbid_mirroring() -> None:
    pixels = np.concatenate([stripes(is_mirrored=False), stripes(is_mirrored=True)])
    result = try_mirror(pixels, np.repeat([0, 1], 200))
    assert (result.as_is, result.mirrored, result.keeps_meaning) == (1.0, 0.0, False)


def test_classes_that_look_the_same_mirrored_allow_mirroring() -> None:
    dark = np.random.default_rng(1).integers(0, 60, (200, 8, 8, 1)).astype(np.uint8)
    result = try_mirror(np.concatenate([dark, dark + 100]), np.repeat([0, 1], 200))
    assert (result.as_is, result.mirrored, result.keeps_meaning) == (1.0, 1.0, True)


def test_classes_that_cannot_be_told_apart_allow_mirroring() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (300, 40, 33, 3)).astype(np.uint8)
    assert try_mirror(pixels, np.arange(300) % 2).keeps_meaning


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_handful_of_images_is_no_reason_to_fail(count: int) -> None:
    assert 0 <= try_mirror(np.zeros((count, 4, 4, 1), dtype=np.uint8), np.arange(count)).as_is <= 1


def test_digits_may_not_be_mirrored() -> None:
    digits = load_digits()
    pixels = np.rint(digits.images * 255 / 16).astype(np.uint8)[..., None]
    assert not try_mirror(pixels, digits.target).keeps_meaning
