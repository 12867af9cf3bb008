"""Mixtures of two pictures of a batch: rows that nobody has labelled, of which teachers tell their students.

A teacher has all but learned its train rows by heart, and says little more of them than their labels do. Of a mixture it has
to say what it has learned, and its student gets as many new rows as there are steps.

Half of the mixtures are blends: one picture shines through the other. In the other half a box of one covers the other. The
share of the second picture is uniform in [0, 1).

Source: L. Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", 2021, arXiv 2106.05237, section
3.1 (the same mixture for teacher and student); S. Yun et al., "CutMix", 2019, arXiv 1905.04899, algorithm 1 (the box).
Differs from the papers: both kinds in one batch, beside rows that are not mixed.

Shape letters: B batch, C channels, H height, W width, S side.
"""

import torch
from torch import Tensor

from tutelage.core.seeds import derive
from tutelage.task.base import Batch

__all__ = ["MIXABLE", "SOFT_WEIGHT", "Mixtures"]

MIXABLE = "image"
"""The tensor that is mixed."""
SOFT_WEIGHT = "soft_weight"
"""The name of what a sample counts for the teachers, where that is not what it counts for the task: of rows without labels."""
BOXES = 0.5
"""Share of the mixtures that are boxes."""


class Mixtures:
    """Makes mixtures of some rows of each batch; which ones depends on the seed and the batch's place alone.

    Of several processes each mixes among its own rows of a batch.
    """

    def __init__(self, share: float, *, seed: int) -> None:
        """Mix a share of the rows, in (0, 1], by the run's seed."""
        self._share, self._seed = share, seed
        self._generator = torch.Generator()

    def __call__(self, batch: Batch, *, position: int) -> Batch:
        """Return a finished batch with mixtures in place of some rows; these count for the teachers alone.

        Args:
            batch: Has `image` [B, C, H, W].
            position: Of the batch among all, any number that is its own.
        """
        image_BCHW = batch[MIXABLE]
        size, device = len(image_BCHW), image_BCHW.device
        generator = self._generator.manual_seed(derive(self._seed, "mixtures", position))
        other_B = torch.randperm(size, generator=generator)
        is_mixed_B, is_box_B = (torch.rand(size, generator=generator) < share for share in (self._share, BOXES))
        share_B = torch.rand(size, generator=generator)
        box_BHW = _boxes(share_B, image_BCHW.shape[-2:], generator)
        share_BHW = torch.where(is_box_B[:, None, None], box_BHW, share_B[:, None, None]) * is_mixed_B[:, None, None]
        share_B1HW = share_BHW[:, None].to(device, image_BCHW.dtype)
        mixed_BCHW = torch.lerp(image_BCHW, image_BCHW[other_B.to(device)], share_B1HW)
        is_own_B = (~is_mixed_B).to(device, torch.float32)
        weight_B = batch.get("weight", torch.ones(size, device=device))
        soft_B = torch.where(is_own_B > 0, batch.get(SOFT_WEIGHT, weight_B), 1.0)
        return {**batch, MIXABLE: mixed_BCHW, "weight": weight_B * is_own_B, SOFT_WEIGHT: soft_B}


def _boxes(share_B: Tensor, sides: torch.Size, generator: torch.Generator) -> Tensor:
    """Return 1 inside of a box that has this share of the picture, unless it reaches over the border, float32 [B, H, W]."""
    inside = []
    for side in sides:
        middle_B1 = (torch.rand(len(share_B), generator=generator) * side)[:, None]
        half_B1 = share_B.sqrt()[:, None] * side / 2
        inside.append(((torch.arange(side) + 0.5 - middle_B1).abs() <= half_B1).float())
    in_rows_BH, in_columns_BW = inside
    return in_rows_BH[:, :, None] * in_columns_BW[:, None, :]
