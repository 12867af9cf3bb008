"""Random kernels: features as defined, the same however rows are grouped; strictness by rows left out, as by leaving them out."""

import numpy as np
import torch

from tutelage.data.part.series import SeriesPart, as_objects
from tutelage.floor.kernel_features import KERNELS, TAPS, draw_bank, features, fit_biases
from tutelage.floor.random_kernels import RandomKernels
from tutelage.floor.ridge import fit_ridge, probabilities


def pieces(count: int, *, channels: int = 1, seed: int = 0, shortest: int = 30, longest: int = 60) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(size=(channels, random.integers(shortest, longest + 1))).astype(np.float32) for _ in range(count)]


def by_hand(values_T: np.ndarray, *, kernel: int, dilation: int, bias: float, inner: bool) -> float:
    """The share of times at which a kernel's answer exceeds a bias, by the definition."""
    weights = np.full(TAPS, -1.0)
    weights[list(KERNELS[kernel])] = 2
    reach = dilation * (TAPS // 2)
    padded = np.pad(values_T.astype(np.float64), reach)
    answers = np.array([weights @ padded[time : time + TAPS * dilation : dilation] for time in range(len(values_T))])
    return float(((answers[reach:-reach] if inner else answers) > bias).mean())


def test_features_are_those_of_the_definition() -> None:
    held = pieces(5)
    bank = fit_biases(draw_bank(held, num_features=500, seed=0), held, seed=0)
    found = features(bank, held)
    starts = np.cumsum(bank.count) - bank.count
    assert len(np.unique(bank.dilation)) > 1
    for group in (0, 1, 90, len(bank.dilation) - 1):
        place, kernel = starts[group], group % len(KERNELS)
        is_inner = bool((group + group // len(KERNELS)) % 2)
        for row, values_CT in enumerate(held):
            dilation = int(bank.dilation[group])
            inner = is_inner and values_CT.shape[1] > dilation * (TAPS - 1)
            wanted = by_hand(values_CT[0], kernel=kernel, dilation=dilation, bias=float(bank.bias[place]), inner=inner)
            assert abs(found[row, place] - wanted) < 1.5 / values_CT.shape[1]


def test_a_series_has_the_same_features_alone_and_among_longer_ones() -> None:
    held = pieces(7, channels=3, shortest=2)
    bank = fit_biases(draw_bank(held, num_features=300, seed=1), held, seed=1)
    together = features(bank, held)
    assert np.array_equal(together, np.concatenate([features(bank, [values_CT]) for values_CT in held]))
    assert torch.equal(bank.tensors(0)["threshold0"], torch.from_numpy(bank.bias))


def test_every_group_looks_at_a_channel_and_biases_are_as_many_as_counted() -> None:
    bank = draw_bank(pieces(3, channels=12), num_features=5_000, seed=0)
    assert bank.channel.any(axis=1).all()
    assert len(bank.bias) == bank.count.sum()
    assert abs(len(bank.bias) - 5_000) < len(KERNELS)


def test_the_last_features_count_for_as_much_as_is_best_for_rows_left_out() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 80)
    noise = random.normal(size=(80, 400))
    told = (2.0 * truth - 1)[:, None] + 0.3 * random.normal(size=(80, 1))
    x = np.concatenate([noise, told], axis=1)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    other = np.concatenate([random.normal(size=(80, 400)), (2.0 * truth - 1)[:, None]], axis=1)
    right = []
    for shares in ((0.0003,), (0.0003, 3.0)):
        ridge = fit_ridge(scaled, truth, num_classes=2, num_last=1, shares=shares)
        right.append((probabilities(other @ ridge.weight + ridge.bias, sharpness=ridge.sharpness).argmax(axis=1) == truth).mean())
    assert right[1] > 0.98
    assert right[1] > right[0]


def test_a_few_rows_that_are_all_right_do_not_make_it_certain() -> None:
    truth = np.arange(20) % 2
    x = np.concatenate([np.random.default_rng(0).normal(size=(20, 30)) * 0.01, (2.0 * truth - 1)[:, None]], axis=1)
    ridge = fit_ridge(x, truth, num_classes=2, num_last=1, shares=(1.0,))
    sure = probabilities(x @ ridge.weight + ridge.bias, sharpness=ridge.sharpness).max(axis=1)
    assert 0.85 < sure.mean() < 0.985


def waves(level_N: np.ndarray, *, seed: int) -> SeriesPart:
    """Noisy waves around levels, of unequal length, some values missing."""
    random = np.random.default_rng(seed)
    series = [
        level + np.sin(np.arange(40 + row % 7)) + 0.1 * random.normal(size=40 + row % 7) for row, level in enumerate(level_N)
    ]
    series[0][3:6] = np.nan
    held = as_objects([values[:, None] for values in series])
    return SeriesPart("train", held, None, as_objects([f"row {row}" for row in range(len(held))]), "x")


def test_numbers_are_answered_in_their_unit_and_the_same_after_saving() -> None:
    random = np.random.default_rng(0)
    level, other = 500 + 3 * random.normal(size=120), 500 + 3 * random.normal(size=60)
    fitted = RandomKernels(num_features=500).fit(waves(level, seed=1), 10 * level, num_classes=0, seed=0)
    answers = fitted.answers(waves(other, seed=2))
    # The levels are told by the mean of the series, which noise moves by a 200th; their deviation is 30.
    assert np.sqrt(np.mean((answers - 10 * other) ** 2)) < 3
    again = RandomKernels(num_features=500).restore(fitted.state(), fitted.tensors())
    np.testing.assert_array_equal(again.answers(waves(other, seed=2)), answers)


def test_classes_are_told_on_other_series() -> None:
    random = np.random.default_rng(0)
    truth, other = random.integers(0, 3, 120), random.integers(0, 3, 60)
    fitted = RandomKernels(num_features=500).fit(waves(100 + 2.0 * truth, seed=1), truth, num_classes=3, seed=0)
    answers = fitted.answers(waves(100 + 2.0 * other, seed=2))
    np.testing.assert_allclose(answers.sum(axis=1), 1)
    assert (answers.argmax(axis=1) == other).mean() > 0.98


def test_series_that_are_all_the_same_are_answered_by_how_common_classes_are() -> None:
    x_NF, truth_N = np.zeros((8, 5)), np.array([0, 1, 0, 1, 0, 1, 0, 0])
    ridge = fit_ridge(x_NF, truth_N, num_classes=2, num_last=2, shares=(1.0,))
    assert not ridge.weight.any()
    np.testing.assert_allclose(ridge.bias, [0.25, -0.25])
