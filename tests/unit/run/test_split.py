"""Cutting validation and test rows."""

import numpy as np
import pytest

from tutelage.data.split import cut


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_each_class_gives_its_share(share: float) -> None:
    classes = np.repeat([0, 1, 2], [600, 300, 100])
    stay, gone = cut(classes, num_rows=1000, fraction=share, seed=0, purpose="test")
    assert sorted([*stay, *gone]) == list(range(1000))
    assert np.bincount(classes[gone]).tolist() == pytest.approx([600 * share, 300 * share, 100 * share], abs=1)


def test_no_class_loses_all_its_rows() -> None:
    for seed in range(50):
        classes = np.array([0] * 20 + [1, 1] + [2])
        stay, _ = cut(classes, num_rows=23, fraction=0.5, seed=seed, purpose="test")
        assert set(classes[stay]) == {0, 1, 2}


def test_another_purpose_or_seed_cuts_elsewhere() -> None:
    def gone(seed: int, purpose: str) -> list[int]:
        return cut(None, num_rows=100, fraction=0.2, seed=seed, purpose=purpose)[1].tolist()

    assert gone(0, "test") == gone(0, "test")
    assert gone(0, "test") != gone(0, "validation")
    assert gone(0, "test") != gone(1, "test")
