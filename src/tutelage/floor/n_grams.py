"""Runs of a few tokens, counted: the plain model of a long text that a language model has to be worth more than.

A network knows what counting does not, and counts know what a short training has not learned yet: the mean of both is better.

Source: R. Kneser and H. Ney, "Improved backing-off for m-gram language modeling", ICASSP 1995; interpolated, with one discount
for each length, as in S. Chen and J. Goodman, 1998, TR-10-98, section 2.7.

Shape letters: N tokens, G different runs of one length, C different contexts, B texts, T tokens before, V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Tokens
from tutelage.data.part.base import RowsPart
from tutelage.floor.tokens import TokenFloor, TokensFitted

__all__ = ["CountedRuns", "NGrams"]

MOST_ORDER = 12
KEYS, COUNTS = "keys.", "counts."
"""What the names of its tensors begin with; the length of the runs follows."""
MAX_TOKENS = 5_000_000
"""Tokens that are counted at most, the last ones: beyond, counting takes longer than a plain model is worth."""
BLOCK_TOKENS = 2**18
"""Tokens that are looked up at once."""
LEAST_DISCOUNT, LARGEST_DISCOUNT = 0.1, 0.95


@dataclass(frozen=True)
class Runs:
    """All runs of one length.

    Attributes:
        keys: int64 [G], ascending: number of the run without its last token, times the vocabulary's size, plus that token.
        counts: float64 [G]: how often each stands in the text; of all but the longest, after how many different tokens.
        totals: float64 [C]: sum of these by the run without its last token.
        num_kinds: float64 [C]: how many different tokens follow that.
        discount: What is taken off each count.
    """

    keys: np.ndarray
    counts: np.ndarray
    totals: np.ndarray
    num_kinds: np.ndarray
    discount: float


class CountedRuns(TokenFloor):
    """Runs of a few tokens, counted, those that were never seen by shorter ones (interpolated Kneser-Ney)."""

    kind: Literal["n_grams"] = "n_grams"
    noun: ClassVar[str] = "runs of a few tokens, counted (interpolated Kneser-Ney)"
    order: int = Field(
        6, ge=1, le=MOST_ORDER, description="Tokens in the longest runs, the predicted one among them. Typical: 4 to 7."
    )

    def fit(self, part: RowsPart, truth: np.ndarray, *, num_classes: int, seed: int) -> "NGrams":
        """Count the runs of a text; see `TokenFloor`."""
        return NGrams.fit(truth, vocabulary_size=num_classes, order=self.order)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "NGrams":
        """Rebuild what was counted.

        Raises:
            ValueError, KeyError: The numbers are not those of counted runs.
        """
        return NGrams.restored(state, tensors)


@dataclass(frozen=True)
class NGrams(TokensFitted):
    """Counts of the runs of a text.

    Attributes:
        runs: By length, from one token on.
        vocabulary_size: Number of different tokens.
    """

    runs: tuple[Runs, ...]
    vocabulary_size: int

    @cached_property
    def reach(self) -> int:  # type: ignore[override]
        """Tokens before one that it looks at, at most."""
        return len(self.runs) - 1

    @classmethod
    def fit(cls, tokens: np.ndarray, *, vocabulary_size: int, order: int = 6) -> "NGrams":
        """Count all runs of up to `order` tokens.

        Args:
            tokens: Whole numbers [N]; of very many, the last `MAX_TOKENS` count.
            vocabulary_size: Number of different tokens.
            order: Length of the longest runs.
        """
        tokens = tokens[-MAX_TOKENS:].astype(np.int64)
        order = min(order, len(tokens))
        keys: list[np.ndarray] = []
        counts: list[np.ndarray] = []
        before = last = np.zeros(len(tokens), dtype=np.int64)  # the run that ends before each token: the empty one
        for _ in range(order):
            found, first, here, count = np.unique(
                before * vocabulary_size + tokens, return_index=True, return_inverse=True, return_counts=True
            )
            if keys:
                # A shorter run counts once for each token that it was seen after: `last` is the run without its first.
                counts[-1] = np.bincount(last[first], minlength=len(keys[-1])).astype(np.float64)
            keys.append(found)
            counts.append(count.astype(np.float64))
            before, last, tokens = here[:-1], here[1:], tokens[1:]
        sizes = [1, *map(len, keys)]
        return cls(tuple(map(_runs, keys, counts, [vocabulary_size] * order, sizes)), vocabulary_size)

    @classmethod
    def restored(cls, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "NGrams":
        """Rebuild what `state` and `tensors` returned; errors as of `CountedRuns.restore`."""
        size, order = state["vocabulary_size"], state["order"]
        if type(size) is not int or type(order) is not int or size < 1 or not 1 <= order <= MOST_ORDER:
            raise ValueError(f"counted runs of up to {order!r} tokens of {size!r} different ones")
        expected = {f"{name}{length}" for name in (KEYS, COUNTS) for length in range(order)}
        if set(tensors) != expected:
            raise ValueError(
                f"tensors of counted runs: {', '.join(sorted(tensors)[:6]) or 'none'}; expected {order} of each kind"
            )
        runs, num_contexts = list[Runs](), 1
        for length in range(order):
            key, count = tensors[f"{KEYS}{length}"], tensors[f"{COUNTS}{length}"]
            if (
                key.dtype != torch.int64
                or count.dtype != torch.int32
                or key.dim() != 1
                or key.shape != count.shape
                or not len(key)
            ):
                raise ValueError(f"counted runs of {length + 1} tokens: a key and a count each were expected")
            keys, counts = key.cpu().numpy(), count.cpu().numpy()
            if keys[0] < 0 or keys[-1] >= num_contexts * size or (np.diff(keys) <= 0).any() or counts.min() < 0:
                raise ValueError(f"counted runs of {length + 1} tokens: keys do not rise from 0, or counts are below 0")
            runs.append(_runs(keys, counts.astype(np.float64), size, num_contexts))
            num_contexts = len(keys)
        return cls(tuple(runs), size)

    def state(self) -> dict[str, Any]:
        """Return the sizes."""
        return {"vocabulary_size": self.vocabulary_size, "order": len(self.runs)}

    def tensors(self) -> dict[str, Tensor]:
        """Return all runs with their counts; the rest follows from these."""
        found = {}
        for length, runs in enumerate(self.runs):
            found[f"{KEYS}{length}"] = torch.from_numpy(runs.keys)
            found[f"{COUNTS}{length}"] = torch.from_numpy(runs.counts.astype(np.int32))
        return found

    def misfit(self, shape: Shape) -> str:
        """Say so where a model reads other tokens."""
        view = shape.view(Tokens)
        is_alike = view is not None and view.vocabulary_size == self.vocabulary_size
        return "" if is_alike else f"counts of {self.vocabulary_size:,} different tokens"

    def chances(self, before_BT: np.ndarray) -> np.ndarray:
        """Return the probability of each token after the last ones of some texts, int64 [B, T]: float64 [B, V]."""
        token_V, count = np.arange(self.vocabulary_size), before_BT.shape[1]
        chance_BV = np.full((len(before_BT), len(token_V)), 1 / self.vocabulary_size)
        for length, runs in enumerate(self.runs[: count + 1]):
            context_B = self._contexts(before_BT[:, count - length :])
            is_seen_B = context_B >= 0
            key_BV = context_B[:, None] * self.vocabulary_size + token_V
            place_BV = np.minimum(np.searchsorted(runs.keys, key_BV), len(runs.keys) - 1)
            is_known_BV = is_seen_B[:, None] & (runs.keys[place_BV] == key_BV)
            total_B = np.where(is_seen_B, runs.totals[context_B], 0)
            kept_BV = np.where(is_known_BV, np.maximum(runs.counts[place_BV] - runs.discount, 0), 0)
            spread_B = runs.discount * runs.num_kinds[context_B]
            numerator_BV = kept_BV + spread_B[:, None] * chance_BV
            np.divide(numerator_BV, total_B[:, None], out=chance_BV, where=(total_B > 0)[:, None])
        return chance_BV

    def _contexts(self, token_BL: np.ndarray) -> np.ndarray:
        """Return the number of the run that these tokens are, int64 [B]; -1 where it was not seen."""
        found_B = np.zeros(len(token_BL), dtype=np.int64)
        for runs, token_B in zip(self.runs, token_BL.T, strict=False):
            key_B = found_B * self.vocabulary_size + token_B
            place_B = np.minimum(np.searchsorted(runs.keys, key_B), len(runs.keys) - 1)
            found_B = np.where((found_B >= 0) & (runs.keys[place_B] == key_B), place_B, -1)
        return found_B

    def log_likelihoods(self, tokens: np.ndarray) -> np.ndarray:
        """Return the logarithm of the probability of each token but the first, given those before it: float64 [N - 1]."""
        # A block at a time, with the tokens before it that count: each takes some hundred bytes while it is looked up.
        found = [np.empty(0)]
        for begin in range(0, len(tokens), BLOCK_TOKENS):
            first = max(0, begin - self.reach)
            found.append(self._logs(tokens[first : begin + BLOCK_TOKENS])[begin - first :])
        return np.concatenate(found)[1:]

    def _logs(self, tokens: np.ndarray) -> np.ndarray:
        """Return the logarithm of the probability of each token, given those before it here: float64 [N]."""
        tokens = tokens.astype(np.int64)
        likelihood = np.full(len(tokens), 1 / self.vocabulary_size)
        before = np.zeros(len(tokens), dtype=np.int64)
        for length, runs in enumerate(self.runs):
            # Tokens that have enough before them: all but the first `length`.
            rest = likelihood[length:]
            keys = before * self.vocabulary_size + tokens[length:]
            place = np.minimum(np.searchsorted(runs.keys, keys), len(runs.keys) - 1)
            is_known = (before >= 0) & (runs.keys[place] == keys)
            total = np.where(before >= 0, runs.totals[before], 0)
            kept = np.where(is_known, np.maximum(runs.counts[place] - runs.discount, 0), 0)
            spread = runs.discount * runs.num_kinds[before]
            np.divide(kept + spread * rest, total, out=rest, where=total > 0)
            before = np.where(is_known, place, -1)[:-1]
        return np.asarray(np.log(likelihood))


def _runs(keys: np.ndarray, counts: np.ndarray, vocabulary_size: int, num_contexts: int) -> Runs:
    """Return runs of one length with what is known of their contexts."""
    context = keys // vocabulary_size
    totals = np.bincount(context, weights=counts, minlength=num_contexts)
    num_kinds = np.bincount(context, weights=counts > 0, minlength=num_contexts)
    once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
    discount = once / (once + 2 * twice) if once else LEAST_DISCOUNT
    return Runs(keys, counts, totals, num_kinds, float(np.clip(discount, LEAST_DISCOUNT, LARGEST_DISCOUNT)))
