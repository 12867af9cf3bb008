"""Samples are compared by what is known of them: as they are, by principal components, or by a classifier's features."""

import numpy as np
import pytest
import torch

from tutelage.task.sample_pictures import closest, interpolated
from tutelage.task.sample_space import choose_space, gaussian_samples


def test_few_numbers_are_compared_as_they_are() -> None:
    samples = torch.randn(50, 2)
    space = choose_space(samples, None, seed=0)
    assert not space.is_learned
    np.testing.assert_array_equal(space.features(samples), samples.double().numpy())


def test_many_numbers_without_labels_by_principal_components_which_keep_distances() -> None:
    samples = torch.randn(200, 3) @ torch.randn(3, 100)
    features = choose_space(samples, None, seed=0).features(samples)
    assert features.shape == (200, 64)
    expected = float(torch.dist(samples[0], samples[1]))
    assert float(np.linalg.norm(features[0] - features[1])) == pytest.approx(expected, rel=1e-4)


def large(rows: int) -> torch.Tensor:
    """Samples of 6,912 numbers, of whose covariance the eigenvectors would take minutes; of photos of 96 x 96 pixels, hours."""
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(rows, 3, generator=generator) @ torch.randn(3, 3 * 48 * 48, generator=generator)
    return (2.0 + mixed).view(rows, 3, 48, 48)


def test_components_of_large_samples_keep_distances_too() -> None:
    samples = large(100)
    features = choose_space(samples, None, seed=0).features(samples)
    assert features.shape == (100, 64)
    expected = float(torch.dist(samples[0], samples[1]))
    assert float(np.linalg.norm(features[0] - features[1])) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("numbers", [3, 3 * 48 * 48])
def test_samples_of_one_gaussian_have_the_mean_and_covariance_of_the_others(numbers: int) -> None:
    samples = large(60).flatten(1)[:, :numbers]
    drawn = gaussian_samples(samples, 4_000, random=np.random.default_rng(0))
    assert drawn.shape == (4_000, numbers)
    assert drawn.dtype == np.float32
    some = samples[:, :3].numpy()
    # Over 4,000 draws the error of a covariance is about 2 %.
    np.testing.assert_allclose(np.cov(drawn[:, :3], rowvar=False), np.cov(some, rowvar=False), atol=0.15 * some.var())
    np.testing.assert_allclose(drawn[:, :3].mean(0), some.mean(0), atol=0.1 * some.std())


def test_labelled_samples_by_a_classifier_that_tells_the_classes_apart_and_leaves_the_generator_alone() -> None:
    classes = torch.arange(120) % 3
    samples = torch.randn(120, 1, 8, 8) * 0.1
    samples[torch.arange(120), 0, classes * 2] += 1.0
    before = torch.get_rng_state()
    space = choose_space(samples, np.array(["a", "b", "c"])[classes.numpy()], seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    assert space.is_learned
    assert "3 classes" in space.said
    features = space.features(samples)
    centers = np.stack([features[classes.numpy() == number].mean(0) for number in range(3)])
    nearest = np.linalg.norm(features[:, None] - centers[None], axis=2).argmin(1)
    assert (nearest == classes.numpy()).mean() > 0.95
    again = choose_space(samples, np.array(["a", "b", "c"])[classes.numpy()], seed=0)
    np.testing.assert_array_equal(again.features(samples), features)


def test_the_classifier_leaves_the_generators_of_devices_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    choose_space(torch.randn(40, 1, 8, 8), np.arange(40) % 2, seed=0)
    assert not seeded


def test_amounts_are_no_classes() -> None:
    assert not choose_space(torch.randn(60, 100), np.arange(60) * 0.5, seed=0).is_learned


def test_a_copy_is_nearest_to_what_it_copies() -> None:
    train, real = torch.randn(30, 1, 4, 4), torch.randn(20, 1, 4, 4)
    near = closest(train[[7, 3]], real, train=train)
    assert near.rows == (7, 3)
    assert near.generated < 1e-3 < near.real


def test_steps_between_two_draws_begin_and_end_at_them() -> None:
    ends = torch.randn(4, 16)
    between = interpolated(ends)
    assert between.shape == (16, 16)
    torch.testing.assert_close(between[[0, 7, 8, 15]], ends, atol=1e-6, rtol=0)


def test_a_class_is_asked_for_in_full_between_two_samples_of_it() -> None:
    ends = torch.cat([torch.randn(4, 16), torch.eye(3)[[0, 0, 2, 2]]], dim=1)
    between = interpolated(ends)
    assert torch.equal(between[:, 16:], torch.eye(3)[[0] * (len(between) // 2) + [2] * (len(between) // 2)])
