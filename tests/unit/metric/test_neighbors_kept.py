"""Who is near whom is found once for all metrics that ask, and anew for other samples."""

import numpy as np
import pytest

from tutelage.metric import neighbors
from tutelage.metric.neighbors import inside, radii


def test_equal_samples_are_compared_once_and_changed_ones_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    plain = neighbors.distances
    monkeypatch.setattr(neighbors, "distances", lambda left, right: calls.append(1) or plain(left, right))
    random = np.random.default_rng(5)
    real, made = random.standard_normal((60, 3)), random.standard_normal((50, 3))
    first = inside(real, made, neighbors=5)
    assert len(calls) == 2
    assert inside(real.copy(), made.copy(), neighbors=5) is first
    assert len(calls) == 2
    made[7] = real[3]
    assert inside(real, made, neighbors=5)[3, 7]
    assert not np.array_equal(inside(real, made, neighbors=5), first)
    assert len(calls) == 3, "the real ones' own distances were known"
    assert np.array_equal(radii(real, neighbors=4), np.sort(plain(real, real), axis=1)[:, 4])
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = True
