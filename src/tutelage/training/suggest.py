"""What `auto` stands for: good values for a kind of data and its size, each with its reason.

Found by measuring on real sets (docs/LOG.md has the numbers); decided from rows, shapes and classes, never from names.
"""

from dataclasses import dataclass, field

from tutelage.core.schema import ArrayShape, ImageShape, TableShape
from tutelage.core.spec import Component
from tutelage.data.augment.affine import Affine
from tutelage.data.augment.none import NoAugment
from tutelage.data.augment.photo import Photo
from tutelage.data.augment.small import Small
from tutelage.model.arch.cnn import Cnn
from tutelage.model.arch.mlp import MLP
from tutelage.model.arch.resnet import Resnet
from tutelage.optim.adamw import AdamW
from tutelage.optim.muon import Muon
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.plan.facts import Facts

__all__ = ["Suggestion", "suggest"]


PHOTO_SIDE, SMALL_SIDE = 40, 16
"""Sides in pixels from which on images are treated as photos, and as small images rather than tiny ones."""
FEW_IMAGES, MANY_IMAGES = 5_000, 20_000
SMALL_TABLE, LARGE_TABLE = 2_000, 10_000
LARGE_VALIDATION = 2_000
"""Validation rows from which on a share of hits is steady enough to choose weights by."""
IMAGE_MUON = Muon(lr=0.08, momentum=0.85, renormalize="filters", scale="none", adam_lr=5e-3)
COMMON_WHY = {
    "schedule": "a straight line to zero nearly always ends best when the end is known",
    "init": "the architecture's own",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What auto chooses; `why` has a reason for each field.

    Attributes:
        model: Architecture.
        augment: Augmentation.
        optim: Optimizer.
        schedule: Learning-rate schedule.
        batch_size: Rows per step.
        label_smoothing: Share of the target spread over all classes.
        ema: Decay of the weight average; 0 keeps none.
        clip: Largest gradient norm; 0 does not clip.
        epochs: Passes over the train rows where no budget is given.
        useful_epochs: Passes beyond which a longer time budget does not help; 0 where there is no such limit.
        watched: The validation metric that early stopping watches.
        patience: Share of the budget without a better score.
        bf16: Whether bfloat16 products pay for such models, where the machine has them.
        why: Reason by field name.
    """

    model: Component
    augment: Component
    optim: Component
    schedule: Component
    batch_size: int
    label_smoothing: float
    ema: float
    clip: float
    epochs: float
    useful_epochs: float
    watched: str
    patience: float
    bf16: bool
    why: dict[str, str] = field(default_factory=dict)


def suggest(facts: Facts) -> Suggestion:
    """Return good values for these facts."""
    if isinstance(facts.shape, ImageShape):
        return _for_images(facts, facts.shape)
    if isinstance(facts.shape, TableShape):
        return _for_tables(facts)
    assert isinstance(facts.shape, ArrayShape)
    return _for_arrays(facts)


def _for_images(facts: Facts, shape: ImageShape) -> Suggestion:
    """Images: convolutions and Muon; what grows with the image is the net, what shrinks with the set is the caution."""
    side = min(shape.height, shape.width)
    is_few = facts.num_train < FEW_IMAGES
    flip = 0.5 if facts.mirror == "yes" else 0.0
    mirror = {"yes": "mirror images keep their meaning here", "no": "mirror images do not keep their meaning here"}.get(
        facts.mirror, ""
    )
    asked = f"{mirror} (asked of the train images)" if mirror else "no mirror images, as nothing is known of them"
    model: Component
    augment: Component
    if side >= PHOTO_SIDE:
        model, augment = Resnet(), Photo(geometry=Affine(flip=flip))
        why_model, why_augment = f"a residual net for photos of {side} pixels", f"the usual changes of photos; {asked}"
    elif side >= SMALL_SIDE:
        model, augment = Cnn(), Small(flip=flip, shift=0)
        why_model, why_augment = f"early pooling suits images of {side} pixels", asked
    else:
        model, augment = Cnn(), Affine(zoom=0.9, stretch=1.15, degrees=10, flip=flip)
        why_model, why_augment = f"a plain net is enough for images of {side} pixels", f"slight zoom, stretch and turn; {asked}"
    has_large_validation = facts.num_validation >= LARGE_VALIDATION
    why_ema = f"it steadies small sets (fewer than {FEW_IMAGES:,} images)" if is_few else "not needed here"
    why_watched = "enough validation images to count hits" if has_large_validation else "steadier than hits on few rows"
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
        watched="rmse" if facts.task == "regress" else "accuracy" if has_large_validation else "refined_loss",
        useful_epochs=0.0,
        patience=0.5,
        bf16=True,
        why=COMMON_WHY
        | {
            "model": why_model,
            "augment": why_augment,
            "optim": "Muon on the filters, AdamW on the rest, reached the most within a time budget",
            "loss": "label smoothing 0.1: an image net is soon too sure of itself",
            "ema": why_ema,
            "clip": "batch norm keeps gradients in bounds",
            "epochs": f"for {facts.num_train:,} images where no budget is given",
            "stopping.metric": why_watched,
        },
    )


def _for_tables(facts: Facts) -> Suggestion:
    """Tables: an ensemble of networks with shared weights; small sets get a small net and few, careful steps."""
    is_small = facts.num_train < SMALL_TABLE
    watched = "loss" if facts.task == "classify" else "rmse"
    rows = f"{facts.num_train:,} train rows"
    optim: Component
    if is_small:
        steps = 1000
        model = MLP(hidden=(64, 64), members=16, numbers="plain", dropout=0.3)
        optim = AdamW(lr=2e-3, weight_decay=1.0)
        why_model = f"an ensemble of 16 small networks with shared weights: {rows} would be learned by heart by a large one"
        why_optim = "on small tables as good as any, and the cheapest"
    else:
        steps = max(1_500, 20 * facts.num_train // 256)
        dropout = 0.0 if facts.task == "regress" and facts.num_train >= LARGE_TABLE else 0.1
        model = MLP(members=16, dropout=dropout)
        optim = Muon(lr=0.05, adam_lr=4e-3, weight_decay=0.1, scale="match_rms_adamw")
        why_model = f"an ensemble of 16 networks with shared weights on waves of the numbers, for {rows}"
        why_optim = "Muon on the hidden matrices, AdamW on the rest, beat AdamW alone on every large table tried"
    batch_size = 64 if is_small else 256
    return Suggestion(
        model=model,
        augment=NoAugment(),
        optim=optim,
        schedule=LinearToZero(warmup=0.02),
        batch_size=batch_size,
        label_smoothing=0.0,
        ema=0.98 if is_small else 0.0,
        clip=0.0,
        epochs=steps * batch_size / facts.num_train,
        useful_epochs=3 * steps * batch_size / facts.num_train if is_small else 0.0,
        watched=watched,
        patience=0.4 if is_small else 0.3,
        bf16=not is_small,
        why=COMMON_WHY
        | {
            "model": why_model,
            "augment": "rows of a table have no harmless changes",
            "optim": why_optim,
            "ema": "it steadies small sets" if is_small else "the ensemble is steady enough",
            "clip": "such losses have no sudden steep places",
            "epochs": f"{steps:,} steps suit {rows}",
            "stopping.metric": "it judges the probabilities, not only the decisions"
            if facts.task == "classify"
            else "the error itself",
        },
    )


def _for_arrays(facts: Facts) -> Suggestion:
    """Plain arrays, often with an own module: careful values."""
    return Suggestion(
        model=MLP(),
        augment=NoAugment(),
        optim=AdamW(lr=1e-3),
        schedule=LinearToZero(),
        batch_size=128 if facts.num_train >= FEW_IMAGES else 32,
        label_smoothing=0.0,
        ema=0.0,
        clip=1.0,
        epochs=30,
        useful_epochs=0.0,
        watched="loss" if facts.task == "classify" else "rmse",
        patience=0.3,
        bf16=False,
        why=COMMON_WHY
        | {
            "model": "the plain net for arrays of unknown meaning",
            "augment": "nothing is known of the arrays' meaning",
            "optim": "works almost anywhere without tuning",
            "ema": "not asked for",
            "clip": "guards modules that are not known against a steep place",
            "epochs": "where no budget is given",
            "stopping.metric": "it judges the probabilities, not only the decisions"
            if facts.task == "classify"
            else "the error itself",
        },
    )
