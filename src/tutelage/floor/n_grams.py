"""Runs of a few tokens, counted: the plain model of a long text that a language model has to be worth more than.

Source: R. Kneser and H. Ney, "Improved backing-off for m-gram language modeling", ICASSP 1995; interpolated, with one discount
for each length, as in S. Chen and J. Goodman, 1998, TR-10-98, section 2.7.

Shape letters: N tokens, G different runs of one length, C different contexts.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["ORDER", "NGrams"]

ORDER = 6
"""Tokens in the longest runs, the predicted one among them."""
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


@dataclass(frozen=True)
class NGrams:
    """Counts of the runs of a text.

    Attributes:
        runs: By length, from one token on.
        vocabulary_size: Number of different tokens.
    """

    runs: tuple[Runs, ...]
    vocabulary_size: int

    @classmethod
    def fit(cls, tokens: np.ndarray, *, vocabulary_size: int, order: int = ORDER) -> "NGrams":
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

    def log_likelihoods(self, tokens: np.ndarray) -> np.ndarray:
        """Return the logarithm of the probability of each token but the first, given those before it: float64 [N - 1]."""
        # A block at a time, with the tokens before it that count: each takes some hundred bytes while it is looked up.
        reach, found = len(self.runs) - 1, [np.empty(0)]
        for begin in range(0, len(tokens), BLOCK_TOKENS):
            first = max(0, begin - reach)
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
