"""Mixtures of pictures: a teacher's answer for them is all that is known, and the seed and the place say which they are."""

import pytest
import torch
from torch import Tensor

from tutelage.task.mixtures import Mixtures

B, SIDE = 400, 6


def batch(**beside: Tensor) -> dict[str, Tensor]:
    """Pictures of one color each, so that a mixture tells what it was made of."""
    color_B = torch.arange(B, dtype=torch.float32)
    image_BCHW = color_B[:, None, None, None].expand(B, 2, SIDE, SIDE).clone(memory_format=torch.channels_last)
    return {"image": image_BCHW, "target": torch.zeros(B, dtype=torch.int64), **beside}


def test_a_picture_that_is_mixed_counts_for_the_teachers_alone_and_another_one_stays() -> None:
    given = batch(weight=torch.full((B,), 3.0))
    found = Mixtures(0.5, seed=1)(given, position=7)
    is_own_B = found["weight"] > 0
    assert found["weight"][is_own_B].eq(3).all()
    assert found["soft_weight"].tolist() == torch.where(is_own_B, 3.0, 1.0).tolist()
    assert torch.equal(found["image"][is_own_B], given["image"][is_own_B])
    assert 0.4 < (~is_own_B).float().mean() < 0.6  # four standard errors
    is_changed_B = (found["image"] != given["image"]).flatten(1).any(dim=1)
    assert is_changed_B[~is_own_B].float().mean() > 0.9


def test_half_are_blends_and_half_are_boxes_of_two_pictures_by_uniform_shares() -> None:
    given = batch()
    found = Mixtures(1.0, seed=1)(given, position=0)["image"]
    assert found.is_contiguous(memory_format=torch.channels_last)
    num_colors_B = torch.tensor([len(picture.unique()) for picture in found])
    assert (num_colors_B <= 2).all()
    is_boxed_B = num_colors_B == 2
    assert 0.3 < is_boxed_B.float().mean() < 0.6, "some boxes cover all or nothing"
    boxed = found[is_boxed_B]
    share_N = (boxed != given["image"][is_boxed_B]).float().mean(dim=(1, 2, 3))
    assert 0.2 < share_N.mean() < 0.55, "a box that reaches over the border covers less"


def test_the_seed_and_the_place_decide() -> None:
    one, other = Mixtures(0.5, seed=1), Mixtures(0.5, seed=1)
    first = one(batch(), position=0)["image"]
    assert not torch.equal(one(batch(), position=400)["image"], first)
    assert torch.equal(other(batch(), position=0)["image"], first)
    assert torch.equal(one(batch(), position=0)["image"], first)
    assert not torch.equal(Mixtures(0.5, seed=2)(batch(), position=0)["image"], first)


@pytest.mark.parametrize("size", [1, 3])
def test_a_batch_of_any_size_is_mixed(size: int) -> None:
    few = {name: tensor[:size] for name, tensor in batch().items()}
    assert Mixtures(1.0, seed=1)(few, position=0)["image"].shape == few["image"].shape
