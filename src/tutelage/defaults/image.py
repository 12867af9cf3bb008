"""Images: convolutions and Muon; what grows with the image is the net, what shrinks with the set is the caution."""

from typing import Literal

from tutelage.core.shape.views import Grid
from tutelage.core.spec import Component
from tutelage.data.augment.affine import Affine
from tutelage.data.augment.photo import Photo
from tutelage.data.augment.small import Small
from tutelage.defaults.base import COMMON_WHY, Defaults, Suggestion
from tutelage.model.arch.cnn import Cnn
from tutelage.model.arch.resnet import Resnet
from tutelage.optim.muon import Muon
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts

__all__ = ["ImageDefaults"]

PHOTO_SIDE, SMALL_SIDE = 40, 16
"""Sides in pixels from which on images are treated as photos, and as small images rather than tiny ones."""
FEW_IMAGES, MANY_IMAGES = 5_000, 20_000
LARGE_VALIDATION = 2_000
"""Validation rows from which on a fraction of hits is steady enough to choose weights by."""
IMAGE_MUON = Muon(lr=0.08, momentum=0.85, renormalize="filters", scale="none", adam_lr=5e-3)


class ImageDefaults(Defaults):
    """What auto means for images."""

    kind: Literal["image"] = "image"

    def suggest(self, facts: Facts) -> Suggestion:
        """Choose by the size of the images and their number."""
        grid = facts.shape.view(Grid)
        side = min(grid.height, grid.width) if grid is not None else 0
        is_few = facts.num_train < FEW_IMAGES
        model, augment, why = _choose_net(side, facts.traits.get("mirror", ""))
        has_large_validation = facts.num_validation >= LARGE_VALIDATION
        return Suggestion(
            model=model,
            augment=augment,
            optim=IMAGE_MUON,
            schedule=LinearToZero(warmup=0.05),
            batch_size=256 if facts.num_train >= MANY_IMAGES else 128 if facts.num_train >= FEW_IMAGES else 64,
            label_smoothing=0.1,
            ema=0.995 if is_few else 0.0,
            clip=0.0,
            epochs=8 if facts.num_train >= MANY_IMAGES else 15 if not is_few else 60 if side >= PHOTO_SIDE else 24,
            judge="decisions" if has_large_validation else "refinement",
            useful_epochs=0.0,
            patience=0.5,
            bf16=True,
            why=COMMON_WHY
            | why
            | {
                "optim": "Muon on the filters, AdamW on the rest, reached the most within a time budget",
                "loss": "label smoothing 0.1: an image net is soon too sure of itself",
                "ema": f"it steadies small sets (fewer than {FEW_IMAGES:,} images)" if is_few else "not needed here",
                "clip": "batch norm keeps gradients in bounds",
                "epochs": f"for {facts.num_train:,} images where no budget is given",
                "judge": "enough validation images to count hits" if has_large_validation else "steadier than hits on few rows",
            },
        )


def _choose_net(side: int, mirror: str) -> tuple[Component, Component, dict[str, str]]:
    """Return architecture and augmentation for images of `side` pixels, and why.

    Args:
        side: The shorter side.
        mirror: Whether mirror images keep their meaning: `yes`, `no`, or "" where that is not known.
    """
    flip = 0.5 if mirror == "yes" else 0.0
    asked = {
        "yes": "mirror images keep their meaning here (asked of the train images)",
        "no": "mirror images do not keep their meaning here (asked of the train images)",
    }.get(mirror, "no mirror images, as nothing is known of them")
    if side >= PHOTO_SIDE:
        why = {"model": f"a residual net for photos of {side} pixels", "augment": f"the usual changes of photos; {asked}"}
        return Resnet(), Photo(geometry=Affine(flip=flip)), why
    if side >= SMALL_SIDE:
        return Cnn(), Small(flip=flip, shift=0), {"model": f"early pooling suits images of {side} pixels", "augment": asked}
    why = {"model": f"a plain net is enough for images of {side} pixels", "augment": f"slight zoom, stretch and turn; {asked}"}
    return Cnn(), Affine(zoom=0.9, stretch=1.15, degrees=10, flip=flip), why
