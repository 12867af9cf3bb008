"""What `auto` stands for: good values for a kind of data and its size, each with its reason.

Found by measuring on real sets (docs/LOG.md has the numbers); decided from rows, shapes and classes, never from names.
"""

from dataclasses import dataclass, field

from tutelage.core.schema import ArrayShape, ImageShape, TableShape
from tutelage.core.spec import Component
from tutelage.data.augment.none import NoAugment
from tutelage.data.augment.photo import Photo
from tutelage.data.augment.small import Small
from tutelage.model.arch.cnn import Cnn
from tutelage.model.arch.mlp import MLP
from tutelage.model.arch.resnet import Resnet
from tutelage.optim.adamw import AdamW
from tutelage.optim.muon import Muon
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.train.facts import Facts

__all__ = ["Suggestion", "suggest"]


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
    watched: str
    patience: float
    bf16: bool
    why: dict[str, str] = field(default_factory=dict)


def suggest(facts: Facts) -> Suggestion:
    """Return good values for these facts."""
    if isinstance(facts.shape, ImageShape):
        return (
            _for_photos(facts, facts.shape)
            if min(facts.shape.height, facts.shape.width) >= 48
            else _for_small_images(facts, facts.shape)
        )
    if isinstance(facts.shape, TableShape):
        return _for_tables(facts)
    assert isinstance(facts.shape, ArrayShape)
    return _for_arrays(facts)


def _for_photos(facts: Facts, shape: ImageShape) -> Suggestion:
    """Photos: a residual net, strong augmentation, many epochs."""
    return Suggestion(
        model=Resnet(),
        augment=Photo(),
        optim=Muon(),
        schedule=LinearToZero(),
        batch_size=64,
        label_smoothing=0.1,
        ema=0.0,
        clip=0.0,
        epochs=60,
        watched="accuracy",
        patience=0.5,
        bf16=True,
    )


def _for_small_images(facts: Facts, shape: ImageShape) -> Suggestion:
    """Small images: a plain net with early pooling."""
    batch_size = 256 if facts.num_train >= 20_000 else 64
    return Suggestion(
        model=Cnn(),
        augment=Small(),
        optim=Muon(),
        schedule=LinearToZero(),
        batch_size=batch_size,
        label_smoothing=0.1,
        ema=0.0,
        clip=0.0,
        epochs=8 if facts.num_train >= 20_000 else 40,
        watched="accuracy",
        patience=0.5,
        bf16=True,
    )


def _for_tables(facts: Facts) -> Suggestion:
    """Tables: an ensemble of MLPs with shared weights on learned embeddings."""
    return Suggestion(
        model=MLP(members=16),
        augment=NoAugment(),
        optim=AdamW(lr=2e-3),
        schedule=LinearToZero(),
        batch_size=256,
        label_smoothing=0.0,
        ema=0.0,
        clip=0.0,
        epochs=20,
        watched="loss" if facts.task == "classify" else "rmse",
        patience=0.3,
        bf16=False,
    )


def _for_arrays(facts: Facts) -> Suggestion:
    """Plain arrays, often with an own module: careful values."""
    batch_size = 128 if facts.num_train >= 5_000 else 32
    return Suggestion(
        model=MLP(),
        augment=NoAugment(),
        optim=AdamW(lr=1e-3),
        schedule=LinearToZero(),
        batch_size=batch_size,
        label_smoothing=0.0,
        ema=0.0,
        clip=1.0,
        epochs=30,
        watched="loss" if facts.task == "classify" else "rmse",
        patience=0.3,
        bf16=False,
    )
