"""Words and pairs of words, weighted by how much oftener they stand in a class than elsewhere, and a linear layer.

Source: S. Wang and C. Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", ACL 2012, section 2.3.
Differs from the paper: logistic loss; words and pairs are hashed into a fixed number of places, so no vocabulary is kept.

Shape letters: N rows, P places, C classes.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.unspaced import words_of
from tutelage.data.part.base import RowsPart
from tutelage.data.part.table import MixedPart, TablePart
from tutelage.data.part.texts import TextPart
from tutelage.data.source.text_column import texts_of
from tutelage.floor.base import FittedFloor, Floor, Telling
from tutelage.floor.word_graph import WordIntake

__all__ = ["WordPairs", "text_places"]

WORD = words_of(joins="'", signs="[!?\uff01\uff1f]+")
MIXERS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd numbers by which hashes are spread over the places."""
HOW = (
    "words of the text in small letters; code = crc32 << 32 | adler32 of each in UTF-8; place = code * mixers[0] modulo 2^64, "
    "its upper bits; of a pair (code * mixers[0] + next code * mixers[1]) * mixers[1]; each place once, ascending"
)
"""What another program has to do to find the same places."""
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
"""How far the linear layer may leave zero where numbers are learned; rows left out choose."""
MAX_TEXTS = 2_000
"""Texts that are looked at for the words that speak for a class."""
LEAST_TEXTS = 2
"""Texts that a word must be in to be named."""


class WordPairs(Floor):
    """Settings of the linear model of words and pairs of words."""

    kind: Literal["word_pairs"] = "word_pairs"
    answers: ClassVar[frozenset[str]] = frozenset({"classes", "numbers"})
    noun: ClassVar[str] = "words and pairs of words, weighted, with a linear layer"
    bits: int = Field(20, ge=8, le=26, description="2^bits places that words and pairs share. Typical: 18 to 22.")
    smoothing: float = Field(1.0, gt=0, le=1e6, description="Added to each count before the weights are taken.")
    strength: float = Field(0.3, gt=0, le=1e6, description="How far the linear layer may leave the weights; less is stricter.")

    def fit(self, part: RowsPart, truth: np.ndarray, *, num_classes: int, seed: int) -> "FittedWordPairs":
        """Count, weigh, and fit the linear layer."""
        from scipy.optimize import minimize  # slow to import, and only needed for texts

        column = part.text_column if isinstance(part, MixedPart) else ""
        counts = _places(_as_text(part, column), bits=self.bits)
        if not num_classes:
            weight, bias = _fit_numbers(counts, truth, seed=seed)
            return FittedWordPairs(weight[None].astype(np.float32), np.array([bias], dtype=np.float32), self.bits, 0, column)
        weights, biases = [], []
        for code in range(num_classes) if num_classes > 2 else (1,):
            sign = np.where(truth == code, 1.0, -1.0)
            ratio = _log_ratio(counts, sign > 0, smoothing=self.smoothing)
            scaled = counts.multiply(ratio[None]).tocsr()
            found = minimize(
                _logistic,
                np.zeros(len(ratio) + 1),
                args=(scaled, scaled.T.tocsr(), sign, self.strength),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": 60, "maxcor": 8},
            ).x
            weights.append((found[:-1] * ratio).astype(np.float32))
            biases.append(found[-1])
        return FittedWordPairs(np.stack(weights), np.array(biases, dtype=np.float32), self.bits, num_classes, column)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "FittedWordPairs":
        """Rebuild what was fitted."""
        num_classes = int(state["num_classes"])
        weight, bias = tensors["weight"].numpy(), tensors["bias"].numpy()
        rows = num_classes if num_classes > 2 else 1
        if num_classes < 0:
            raise ValueError(f"a floor of {num_classes} classes")
        if weight.shape != (rows, 2**self.bits) or bias.shape != (rows,):
            raise ValueError(f"weights {weight.shape} and {bias.shape} of a floor with 2^{self.bits} places and {rows} answers")
        return FittedWordPairs(weight, bias, self.bits, num_classes, str(state["column"]))


@dataclass(frozen=True)
class FittedWordPairs(FittedFloor):
    """A fitted linear model of words.

    Attributes:
        weight: float32 [C, P]; [1, P] for two classes, of the second, or for numbers.
        bias: float32 [C] or [1].
        bits: P = 2^bits.
        num_classes: C; 0 where numbers are answered.
        column: The column of a table that holds the texts; "" where rows are texts.
    """

    weight: np.ndarray
    bias: np.ndarray
    bits: int
    num_classes: int
    column: str = ""

    def answers(self, part: RowsPart) -> np.ndarray:
        """Return probabilities float64 [N, C], or numbers float64 [N]."""
        if not self.num_classes:
            placed = _shortened(_places(_as_text(part, self.column), bits=self.bits))
            return np.asarray(placed @ self.weight[0].astype(np.float64) + float(self.bias[0]))
        logits = _places(_as_text(part, self.column), bits=self.bits) @ self.weight.T.astype(np.float64) + self.bias
        if self.num_classes == 2:
            second = 1 / (1 + np.exp(-logits[:, 0]))
            return np.stack([1 - second, second], axis=1)
        odds = 1 / (1 + np.exp(-logits))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def telling(self, part: RowsPart, *, limit: int) -> tuple[tuple[Telling, ...], ...]:
        """Return for each class the words, and pairs of words, that add most to its answer: by weight times root of count."""
        if not self.num_classes:
            return ()
        found = _words_and_pairs(_as_text(part, self.column))
        count = np.array([number for number, _ in found.values()])
        place = np.array([place >> np.uint64(64 - self.bits) for _, place in found.values()], dtype=np.int64)
        names = list(found)
        weights = np.concatenate([-self.weight, self.weight]) if self.num_classes == 2 else self.weight
        classes = []
        for weight in weights[:, place] if len(place) else ():
            pull = weight * np.sqrt(count)
            best = [row for row in np.argsort(-pull, kind="stable")[:limit].tolist() if pull[row] > 0]
            classes.append(tuple(Telling(names[row], round(float(weight[row]), 3), int(count[row])) for row in best))
        return tuple(classes)

    def intake(self) -> WordIntake:
        """Return the way from texts."""
        rule = {"pattern": WORD.pattern, "mixers": [int(mixer) for mixer in MIXERS], "bits": self.bits, "how": HOW}

        def places_of(part: RowsPart) -> list[np.ndarray]:
            return text_places([str(text) for text in _as_text(part, self.column).texts], bits=self.bits)

        return WordIntake(self.weight, self.bias, self.num_classes, places_of, rule)

    def state(self) -> dict[str, Any]:
        """Return the number of classes, and where the texts are."""
        return {"num_classes": self.num_classes, "column": self.column}

    def tensors(self) -> dict[str, Tensor]:
        """Return weights and biases."""
        return {"weight": torch.from_numpy(self.weight), "bias": torch.from_numpy(self.bias)}


def _logistic(w: np.ndarray, x: Any, x_t: Any, sign: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
    """Return the mean logistic loss with an L2 penalty, and its gradient."""
    margin = sign * (x @ w[:-1] + w[-1])
    loss = np.logaddexp(0, -margin).sum() * strength + 0.5 * float(w[:-1] @ w[:-1])
    slope = -strength * sign / (1 + np.exp(margin))
    return loss, np.append(x_t @ slope + w[:-1], slope.sum())


def _fit_numbers(counts: Any, truth: np.ndarray, *, seed: int) -> tuple[np.ndarray, float]:
    """Return weights [P] and bias of a linear layer for numbers; rows left out decide how strict it is."""
    x, mean = _shortened(counts), float(truth.mean())
    scale = float(truth.std()) or 1.0
    y = (truth - mean) / scale
    order = np.random.default_rng(seed).permutation(len(y))
    held = order[: max(1, len(y) // 10)]
    kept = order[len(held) :] if len(y) > 1 else order
    errors = {each: float(((x[held] @ _least_squares(x[kept], y[kept], each) - y[held]) ** 2).mean()) for each in STRENGTHS}
    weight = _least_squares(x, y, min(STRENGTHS, key=lambda each: errors[each]))
    return weight * scale, mean


def _least_squares(x: Any, y: np.ndarray, strength: float) -> np.ndarray:
    """Return the weights of the least squared error with an L2 penalty."""
    from scipy.sparse.linalg import lsqr

    return np.asarray(lsqr(x, y, damp=strength**-0.5, iter_lim=100)[0])


def _shortened(counts: Any) -> Any:
    """Return rows of length 1, so that a long text counts as much as a short one."""
    from scipy.sparse import diags

    length = np.sqrt(np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1.0))
    return diags(1 / length) @ counts


def _log_ratio(counts: Any, is_in: np.ndarray, *, smoothing: float) -> np.ndarray:
    """Return for each place the logarithm of how much oftener it is in a class than in all others, float64 [P]."""
    inside = smoothing + np.asarray(counts[is_in].sum(axis=0)).ravel()
    outside = smoothing + np.asarray(counts[~is_in].sum(axis=0)).ravel()
    return np.asarray(np.log(inside / inside.sum()) - np.log(outside / outside.sum()))


def _places(part: TextPart, *, bits: int) -> Any:
    """Return which places each text has, a sparse matrix of 0 and 1, [N, P]."""
    from scipy.sparse import csr_matrix

    rows = text_places(part.texts, bits=bits)
    places = np.concatenate([np.empty(0, np.int32), *rows])
    ends = np.cumsum([0, *map(len, rows)])
    return csr_matrix((np.ones(len(places)), places, ends), shape=(len(rows), 2**bits))


def text_places(texts: Iterable[str], *, bits: int) -> list[np.ndarray]:
    """Return the places of the words, and pairs of words, of each text, each once and ascending, int32 [L]."""
    code = cache(_code)
    rows = []
    for text in texts:
        words = np.fromiter((code(word) for word in WORD.findall(text.lower())), dtype=np.uint64)
        pairs = words[:-1] * MIXERS[0] + words[1:] * MIXERS[1]
        found = np.unique(np.concatenate([words * MIXERS[0], pairs * MIXERS[1]]) >> np.uint64(64 - bits))
        rows.append(found.astype(np.int32))
    return rows


def _words_and_pairs(part: TextPart) -> dict[str, tuple[int, np.uint64]]:
    """Return in how many of some texts each word and pair of words is, where that is more than one, and its hash."""
    code = cache(_code)
    counts: Counter[tuple[str, ...]] = Counter()
    for text in part.texts[:: -(-len(part) // MAX_TEXTS) or 1]:  # over all of them, since they may be sorted by class
        words = WORD.findall(text.lower())
        counts.update({*((word,) for word in words), *pairwise(words)})
    found = {}
    with np.errstate(over="ignore"):  # hashes wrap around
        for key, count in sorted(counts.items()):
            if count >= LEAST_TEXTS:
                one = np.uint64(code(key[0])) * MIXERS[0]
                hashed = one if len(key) == 1 else (one + np.uint64(code(key[1])) * MIXERS[1]) * MIXERS[1]
                found[" ".join(key)] = (count, hashed)
    return found


def _code(word: str) -> int:
    """Return a number for a word that is the same in every process."""
    raw = word.encode("utf-8", "surrogatepass")
    return zlib.crc32(raw) << 32 | zlib.adler32(raw)


def _as_text(part: RowsPart, column: str) -> TextPart:
    """Return the part if its rows are texts, or those of a table's column.

    Raises:
        DataError: They are not.
    """
    if isinstance(part, TextPart):
        return part
    if isinstance(part, TablePart) and column in part.columns:
        return texts_of(part, column)
    raise DataError([DataProblem(part.name, "its rows are no texts", "The model was trained on texts: give it the same.")])
