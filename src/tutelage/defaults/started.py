"""What auto means for a training that starts from what is known: the same architecture, smaller steps, the head first.

Source of the treatment: J. Howard and S. Ruder, 2018, arXiv 1801.06146, section 3.3 (gradual unfreezing, smaller steps for deeper
layers); A. Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", 2022, arXiv
2202.10054 (head first, then all). Differs from the papers: two stages, not one for each layer.
"""

from dataclasses import dataclass
from typing import Literal

from tutelage.defaults.base import Suggestion
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.facts import Facts, Known

__all__ = ["Treatment", "started", "treatment"]

LEAST_STEPS = 300
"""A few dozen rows are read often, as far as early stopping lets them be."""
MOST_EPOCHS = 100
SMALL_BATCH, ROWS_A_BATCH = 16, 20
"""Of few rows a step takes a small part, so that an epoch has some steps."""
FEW_ROWS = 2_000
"""Up to which a plain model that looks through what is known is worth its price: it answers twice as slowly."""
PROBED = "of few rows a linear layer on what all stages gave before learns as much as the network, and makes other mistakes"
PUBLIC_EPOCHS, PUBLIC_BATCH = 3.0, 32
PUBLIC_OPTIM = AdamW(lr=1e-3, weight_decay=0.01)
"""Of the head; what was learned elsewhere takes steps of a twentieth of that and less: 5e-5, as is usual for such networks."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """How what was learned before is treated.

    Attributes:
        head: Fraction of the steps in which only what is new learns.
        factor: On the learning rate of what was taken over, next to the head.
        deepest: The same next to the data.
    """

    head: float
    factor: float
    deepest: float


OF_A_RUN = Treatment(head=0.1, factor=0.5, deepest=0.1)
OF_PUBLIC_WEIGHTS = Treatment(head=0.2, factor=0.05, deepest=0.01)
OF_SEVERAL = Treatment(head=0.0, factor=0.5, deepest=0.5)
"""Of networks that answer each other, such as generator and critic: none may fall behind."""


def treatment(facts: Facts, *, starts: Literal["never", "at once", "head first"]) -> Treatment:
    """Return how what is known is treated where nobody says, in a task that starts so."""
    assert facts.known is not None
    if starts == "at once":
        return OF_SEVERAL
    return OF_PUBLIC_WEIGHTS if facts.known.is_public else OF_A_RUN


def _is_probed(known: Known, facts: Facts) -> bool:
    """Tell whether a linear layer on what the network gave before is worth having beside it."""
    is_chain = bool(getattr(known.model, "has_stages", False))
    return is_chain and not known.is_public and facts.num_train <= FEW_ROWS


def started(auto: Suggestion, facts: Facts) -> Suggestion:
    """Return the defaults of a kind of data, changed for a training that starts from what is known; else as they are."""
    known = facts.known
    if known is None:
        return auto
    why = {"model": f"that of {known.name}, whose weights it begins with"}
    if not facts.num_train:  # an environment: of its steps there is no end, and a batch is what it was
        return auto.but(model=known.model, why=why)
    size = PUBLIC_BATCH if known.is_public else auto.batch_size
    batch_size = min(size, max(SMALL_BATCH, facts.num_train // ROWS_A_BATCH))
    often = min(LEAST_STEPS * batch_size / facts.num_train, MOST_EPOCHS)
    usual = PUBLIC_EPOCHS if known.is_public else auto.epochs / 2
    changed = auto.but(
        model=known.model,
        batch_size=batch_size,
        epochs=max(usual, often),
        useful_epochs=max(auto.useful_epochs, often) if auto.useful_epochs else 0.0,
        why=why | {"epochs": "less is new than from scratch; of few rows often, as far as early stopping lets them be"},
    )
    if not auto.floor and _is_probed(known, facts):
        changed = changed.but(floor="linear_probe", why={"floor": PROBED})
    if not known.is_public:
        return changed
    return changed.but(
        optim=PUBLIC_OPTIM,
        schedule=LinearToZero(warmup=0.1),
        clip=1.0,
        ema=0.0,
        why={
            "optim": "what was learned from far more data moves slowly, in steps of about the same size for all weights",
            "clip": "the first gradients of a new head are large",
            "ema": "not needed for so few steps",
        },
    )
