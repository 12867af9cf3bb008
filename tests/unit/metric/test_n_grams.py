"""Counted runs of tokens: they are probabilities, by hand as in the paper, and they learn."""

import math
import tracemalloc

import numpy as np
import pytest

from tutelage.floor import n_grams
from tutelage.floor.n_grams import NGrams


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_probabilities_of_all_next_tokens_sum_to_one(order: int) -> None:
    random = np.random.default_rng(0)
    grams = NGrams.fit(random.integers(0, 5, 300), vocabulary_size=7, order=order)
    for before in (random.integers(0, 7, 8), np.array([6, 6]), np.array([0])):
        chances = [math.exp(grams.log_likelihoods(np.append(before, token))[-1]) for token in range(7)]
        assert sum(chances) == pytest.approx(1)
        assert min(chances) > 0


def test_pairs_by_hand() -> None:
    """The text abab: pairs ab twice and ba once; each letter follows one kind of letter."""
    grams = NGrams.fit(np.array([0, 1, 0, 1]), vocabulary_size=3, order=2)
    # Discounts: of single tokens 2 once, 0 twice: 2 / 2, held at 0.95; of pairs 1 once, 1 twice: 1 / 3.
    single = (1 - 0.95) / 2 + 0.95 * 2 / 2 / 3
    pair = (2 - 1 / 3) / 2 + (1 / 3) * 1 / 2 * single
    assert grams.log_likelihoods(np.array([0, 1]))[0] == pytest.approx(math.log(pair))


def test_what_repeats_is_learned_and_the_same_text_gives_the_same_numbers() -> None:
    text = np.frombuffer(b"the cat sat on the mat, and the rat sat on that. " * 40, dtype=np.uint8)
    one, two = (NGrams.fit(text[:1500], vocabulary_size=128).log_likelihoods(text[1500:]) for _ in range(2))
    assert np.array_equal(one, two)
    assert -one.mean() < 0.2
    assert len(one) == len(text) - 1501


@pytest.mark.parametrize("size", [1, 3, 6, 50])
def test_a_long_text_is_looked_up_block_by_block_with_what_stands_before(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    grams, tokens = NGrams.fit(random.integers(0, 4, 500), vocabulary_size=5), random.integers(0, 5, 120)
    whole = grams.log_likelihoods(tokens)
    monkeypatch.setattr(n_grams, "BLOCK_TOKENS", size)
    np.testing.assert_array_equal(grams.log_likelihoods(tokens), whole)


def test_a_text_of_many_blocks_takes_the_memory_of_one_to_be_looked_up() -> None:
    grams, tokens = NGrams.fit(np.arange(500) % 5, vocabulary_size=5), np.zeros(2_000_000, dtype=np.uint8)
    tracemalloc.start()
    grams.log_likelihoods(tokens)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Twice the result, of eight bytes a token, and one block.
    assert peak < 3 * 8 * len(tokens) + 200 * n_grams.BLOCK_TOKENS < 105 * len(tokens)


def test_a_tiny_text_is_fine() -> None:
    assert np.isfinite(NGrams.fit(np.array([1, 1, 2]), vocabulary_size=4).log_likelihoods(np.array([3, 1, 2]))).all()
