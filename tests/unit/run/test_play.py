"""An animation of a long episode does not hold all of its pictures in full color."""

import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from torch import nn

from tutelage.run import play


def test_each_picture_is_made_small_before_the_next_one_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    in_color: list[weakref.ref[Image.Image]] = []

    def steps(*_: Any, **__: Any) -> Iterator[tuple[Image.Image, float]]:
        for number in range(5):
            picture = Image.new("RGB", (8, 8), (40 * number, 0, 0))
            in_color.append(weakref.ref(picture))
            holder = [picture]
            del picture
            yield holder.pop(), 1.0
            assert all(one() is None for one in in_color)

    monkeypatch.setattr(play, "_steps", steps)
    data: Any = SimpleNamespace(make=lambda count, device: SimpleNamespace(close=lambda: None))
    plan: Any = SimpleNamespace(device="cpu")
    rollout = play._played(data, plan, nn.Identity(), seed=0, max_steps=4, frames_per_second=30, is_drawn=True)
    assert (rollout.steps, rollout.total) == (4, 5.0)
    assert rollout.animation.startswith(b"GIF")
