"""Several trained models as one: the weighted mean of their answers, in one file.

Use it where runs of the same task differ by seed, architecture or preprocessing: their mistakes differ, and their mean makes
fewer. It costs as much time and memory as all of them. Each member keeps its own preprocessing, calibrator and floor, so the
mean is taken of what leaves each: probabilities, or numbers in the user's unit.

Source: Deep Ensembles (Lakshminarayanan et al. 2017, arXiv 1612.01474), section 2.4, equation (2): p(y|x) = mean of p_m(y|x).
Differs from the paper: weights may differ, and numbers are averaged without a variance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from tutelage.core.errors import RunError
from tutelage.core.typed import first_mistake
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.base import Fitted
from tutelage.data.rows.base import Rows
from tutelage.data.target.base import Target
from tutelage.model.stored import Announce, Stored, load_tensors, save_tensors
from tutelage.predictor.predictor import FORMAT as ONE_FORMAT
from tutelage.predictor.predictor import Facts, Predictor, load_predictor, restored

__all__ = ["Answerer", "Ensemble", "load_answerer", "misfit", "parts_of"]

FORMAT = "ensemble-1"
PREFIX = "member/{}/"
"""What the names of a member's tensors begin with; no network's have a stroke."""
MOST_MEMBERS = 100
SURE = 1e-6
"""How far weights may be from a sum of 1."""


class Header(BaseModel):
    """What an ensemble's file holds beside its tensors."""

    model_config = ConfigDict(extra="forbid", strict=True)
    members: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_MEMBERS)]
    weights: list[Annotated[float, Field(gt=0, le=1)]]
    facts: Facts


@dataclass(frozen=True)
class Ensemble:
    """Models that answer together.

    Attributes:
        members: The models; `misfit` says which go together.
        weights: Of each in the mean, > 0; their sum is 1.
        facts: Where it comes from.
    """

    members: tuple[Predictor, ...]
    weights: tuple[float, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def fitted(self) -> Fitted | None:
        """A preprocessing that says how rows are read; all members' say the same."""
        return self.members[0].fitted

    @property
    def target(self) -> Target | None:
        """What labels mean, to all members alike."""
        return self.members[0].target

    def mirrored(self, wish: Literal["auto", "on", "off"]) -> "Ensemble":
        """Return an ensemble whose members average with mirror images or do not; errors as of `Predictor.mirrored`."""
        return replace(self, members=tuple(member.mirrored(wish) for member in self.members))

    def prepared(self, part: RowsPart) -> tuple[Rows, ...]:
        """Return a part's rows as each member takes them; errors as of `Predictor.prepared`."""
        return tuple(member.prepared(part) for member in self.members)

    def batches(self, part: RowsPart, rows: Sequence[Rows] | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield row numbers int64 [B] and answers in the user's unit, as `Predictor.batches` does.

        Args:
            part: The rows as they were read.
            rows: The same as `prepared` gave them, where that was done before.
        """
        prepared = self.prepared(part) if rows is None else rows
        each = [member.batches(part, own) for member, own in zip(self.members, prepared, strict=True)]
        # All cut rows into batches of one size, in order.
        for found in zip(*each, strict=True):
            answers = sum(weight * own for weight, (_, own) in zip(self.weights, found, strict=True))
            yield found[0][0], np.asarray(answers)

    def answers(self, part: RowsPart) -> np.ndarray:
        """Return answers in the user's unit: probabilities float64 [N, C], or numbers float64 [N]; errors as of a member."""
        found = [answers for _, answers in self.batches(part)]
        return np.concatenate(found) if found else self.members[0].answers(part)

    def save(self, path: Path, *, announce: Announce | None = None) -> str:
        """Write all members to one file, durably, and return the SHA-256 of its tensors."""
        tensors: dict[str, Tensor] = {}
        values = []
        for number, member in enumerate(self.members):
            own, said = member.content()
            tensors |= {PREFIX.format(number) + name: tensor for name, tensor in own.items()}
            values.append(said)
        header = {"members": values, "weights": list(self.weights), "facts": self.facts}
        return save_tensors(path, tensors, format=FORMAT, values=header, announce=announce)


Answerer = Predictor | Ensemble
"""What answers for rows."""


def parts_of(answerer: Answerer) -> tuple[tuple[Predictor, ...], tuple[float, ...]]:
    """Return the models in it, and the weight of each."""
    return (answerer.members, answerer.weights) if isinstance(answerer, Ensemble) else ((answerer,), (1.0,))


def misfit(first: Predictor, other: Predictor) -> str:
    """Say why the answers of two models cannot be averaged; "" where they can."""
    kinds = [getattr(member.task, "kind", "") for member in (first, other)]
    if kinds[0] != kinds[1]:
        return f"its task is {kinds[1]!r}, the first one's {kinds[0]!r}"
    if not (first.task.answers_rows or first.task.continues_series):
        return f"a model of task {kinds[0]!r} has no answer for a row"
    if other.model is None or first.model is None:
        return "it is an own module, which is not stored as code"
    if first.task.answers_rows and (first.target is None or other.target is None):
        return "it was not trained with labels"
    ours, theirs = ([str(name) for name in member.target.classes] if member.target else [] for member in (first, other))
    if ours != theirs:
        odd = sorted(set(ours) ^ set(theirs))
        names = f" ({', '.join(odd[:5])}{', ...' * (len(odd) > 5)} only in one of them)" if odd else " (in another order)"
        return f"its classes are others than the first one's{names}"
    if first.fitted is None or other.fitted is None:
        return "it has no preprocessing, which says how its rows are read"
    if first.fitted.reading() != other.fitted.reading() or first.fitted.takes_texts != other.fitted.takes_texts:
        return "it reads its rows in another way than the first one: columns, dates or texts differ"
    return ""


def load_answerer(path: Path, *, module: Any = None, device: str = "auto") -> Answerer:
    """Read a predictor, or an ensemble; arguments and errors as of `load_predictor`."""
    stored = load_tensors(path, formats=(ONE_FORMAT, FORMAT))
    if stored.format == ONE_FORMAT:
        return load_predictor(path, module=module, device=device)
    return _ensemble(path, stored, device=device)


def _ensemble(path: Path, stored: Stored, *, device: str) -> Ensemble:
    """Build an ensemble from what its file holds."""
    try:
        header = Header.model_validate(stored.values)
    except ValidationError as error:
        raise RunError(f"{path}: {first_mistake(error)}. Make it anew: tutelage ensemble RUN RUN.") from error
    members = tuple(
        restored(path, _own(stored.tensors, number), values, device=device) for number, values in enumerate(header.members)
    )
    odd = [reason for member in members if (reason := misfit(members[0], member))]
    if len(header.weights) != len(members) or abs(sum(header.weights) - 1) > SURE:
        odd.append(f"{len(members)} members have weights {header.weights}")
    if odd:
        raise RunError(f"{path}: does not hold an ensemble: {odd[0]}. Make it anew: tutelage ensemble RUN RUN.")
    return Ensemble(members, tuple(header.weights), header.facts)


def _own(tensors: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    """Return a member's tensors under their own names."""
    prefix = PREFIX.format(number)
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
