"""A place of a long text, alone: each token from there on is predicted from those before it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.errors import UsageError
from tutelage.data.part.base import Part
from tutelage.data.prepare.running_text import FittedText
from tutelage.task.example import Example, Told

__all__ = ["text_example"]

MAX_PLACES = 12
"""Places whose prediction is told, from the last ones: these have read most."""


def text_example(fitted: FittedText, part: Part, finisher: nn.Module, row: int, *, file: str) -> Example:
    """Return the piece that begins at a place.

    Args:
        fitted: Turns text into tokens.
        part: The text.
        finisher: Parts a piece into what is given and what is to be predicted.
        row: The place, from 0.
        file: Where the text was read.

    Raises:
        UsageError: No whole piece begins there.
    """
    rows = fitted.apply(part)
    if not 0 <= row < len(rows):
        found = f"pieces of {fitted.length:,} {fitted.unit} begin at the places 1 to {len(rows):,} of the {part.name} part"
        raise UsageError(f"row {row + 1}: {found}.")
    compact = rows.take(torch.tensor([row]))
    batch, piece = finisher(compact), compact["token"][0]
    return Example(
        where=f"{file}, {fitted.unit.removesuffix('s')} {row + 1:,} of the {part.name} part",
        unit="place",
        shown={"text": fitted.decode(piece)},
        target=fitted.decode(piece[1:]),
        wanted=f"{fitted.length:,} tokens, each one place later than what is read",
        changes=fitted.changes(part, row),
        inputs=("token",),
        batch=batch,
        tell=lambda outputs: _tell(fitted, outputs.detach(), batch),
    )


def _tell(fitted: FittedText, logits_1TV: Tensor, batch: dict[str, Tensor]) -> Told:
    """Read the outputs for each place."""
    logs_TV = logits_1TV[0].log_softmax(-1)
    target_T, token_T = batch["target"][0], batch["token"][0]
    loss_T = F.nll_loss(logs_TV, target_T, reduction="none")
    rows = []
    for place in range(max(0, len(target_T) - MAX_PLACES), len(target_T)):
        hit, guess = float(logs_TV[place, target_T[place]].exp()), int(logs_TV[place].argmax())
        read, right, likeliest = (_say(fitted, int(token)) for token in (token_T[place], target_T[place], guess))
        said = f"{likeliest} ({float(logs_TV[place, guess].exp()):.3f})"
        rows.append([str(place + 1), read, right, f"{hit:.4f}", said, f"{float(loss_T[place]):.4g}"])
    mean = float(loss_T.mean())
    is_hit_T = logs_TV.argmax(-1) == target_T
    hits = int(is_hit_T.sum())
    first = f"at the last place: -ln p({rows[-1][2]}) = -ln {rows[-1][3]} = {rows[-1][5]}"
    return Told(
        f"The last {len(rows)} of {len(target_T):,} places, from outputs to probabilities by softmax",
        ("place", "reads", "is to say", "probability of that", "likeliest", "loss"),
        rows,
        f"the likeliest token is the right one at {hits:,} of {len(target_T):,} places",
        (first, f"mean over {len(target_T):,} places = {mean:.4g} nats a token"),
        {"loss_by_place": loss_T.tolist(), "right": hits, "places": len(target_T)},
    )


def _say(fitted: FittedText, token: int) -> str:
    """Write a token so that blanks and ends of lines are seen."""
    return repr(fitted.decode(torch.tensor([token])))
