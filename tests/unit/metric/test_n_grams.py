"""Counted runs of tokens: they are probabilities, by hand as in the paper, and they learn."""

import math
import tracemalloc

import numpy as np
import pytest
import torch

from tutelage.floor import n_grams
from tutelage.floor.n_grams import CountedRuns, NGrams
from tutelage.floor.tokens import mixed_logs
from tutelage.task.sampling import FloorVoice


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


@pytest.mark.parametrize("order", [1, 2, 4, 6])
def test_chances_of_all_next_tokens_are_those_of_each(order: int) -> None:
    random = np.random.default_rng(0)
    grams = NGrams.fit(random.integers(0, 5, 300), vocabulary_size=7, order=order)
    for count in (0, 1, 3, 9):
        before_BT = random.integers(0, 6, (4, count))
        chance_BV = grams.chances(before_BT)
        np.testing.assert_allclose(chance_BV.sum(axis=1), 1)
        for before, chances in zip(before_BT, chance_BV, strict=True):
            # The first token of a stretch has no likelihood of its own: one more stands before, far enough away not to count.
            far = np.concatenate([np.full(8, 6), before]) if count >= order - 1 else before
            one = [grams.log_likelihoods(np.append(far, token))[-1] for token in range(7)] if len(far) else np.log(chances)
            np.testing.assert_allclose(np.log(chances), one)


def test_counts_survive_their_file_and_others_are_refused() -> None:
    floor, random = CountedRuns(order=4), np.random.default_rng(0)
    found = floor.fit(None, random.integers(0, 5, 400), num_classes=6, seed=0)  # type: ignore[arg-type]
    tensors = {name: tensor.clone() for name, tensor in found.tensors().items()}
    again, tokens = floor.restore(found.state(), tensors), random.integers(0, 6, 50)
    assert np.array_equal(again.log_likelihoods(tokens), found.log_likelihoods(tokens))
    forged = [
        (found.state() | {"order": 3}, tensors),
        (found.state() | {"vocabulary_size": 2}, tensors),
        (found.state() | {"vocabulary_size": True}, tensors),
        (found.state(), tensors | {"keys.1": tensors["keys.1"].flip(0)}),
        (found.state(), tensors | {"keys.1": tensors["keys.1"] - 100}),
        (found.state(), tensors | {"counts.2": tensors["counts.2"][:-1]}),
        (found.state(), tensors | {"counts.2": tensors["counts.2"].float()}),
        (found.state(), tensors | {"counts.2": -tensors["counts.2"] - 1}),
    ]
    for state, wrong in forged:
        with pytest.raises((ValueError, KeyError)):
            floor.restore(state, wrong)


def test_what_leaves_mixes_probabilities_and_is_drawn_by_them() -> None:
    random = np.random.default_rng(0)
    grams = NGrams.fit(random.integers(0, 5, 300), vocabulary_size=5, order=3)
    voice, logits_BV = FloorVoice(grams, 0.3), torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    first = voice.mix(logits_BV, torch.tensor([[1, 2, 3], [0, 0, 4]]))
    second = voice.mix(logits_BV, torch.tensor([[4], [1]]))
    for found, before in ((first, [[2, 3], [0, 4]]), (second, [[3, 4], [4, 1]])):
        expected = 0.7 * torch.softmax(logits_BV.double(), -1).numpy() + 0.3 * grams.chances(np.array(before))
        np.testing.assert_allclose(found.exp().numpy(), expected)
    assert mixed_logs(np.log([0.5]), np.log([0.1]), share=0.25)[0] == pytest.approx(np.log(0.4))
    assert mixed_logs(np.array([-np.inf]), np.array([-1.0]), share=1.0)[0] == -1.0
