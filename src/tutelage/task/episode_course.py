"""The course of one episode, for result.json: what was observed and done over time, or some of the pictures that were seen.

Shapes: N = copies, of which the first is told; A = numbers of an action.
"""

import base64
from io import BytesIO
from typing import Any

import torch
from PIL import Image
from torch import Tensor

__all__ = ["EpisodeCourse"]

MOST_STEPS, MOST_NUMBERS, MOST_PICTURES = 1_000, 6, 8
"""What is told of an episode: its first steps, the first numbers of an observation and of an action, and so many pictures."""
LEAST_HEIGHT = 96
"""Pixels, to which smaller pictures are enlarged by whole factors."""
DIGITS = 5


class EpisodeCourse:
    """Looks on while episodes are played, until the first one of the first copy ends."""

    def __init__(self) -> None:
        """Begin before the first step."""
        self._seen: list[Tensor] = []
        self._done: list[Tensor] = []
        self._rewards: list[float] = []
        self._is_over = False

    def add(self, observation: Tensor, action: Tensor, reward: Tensor, is_over: Tensor) -> None:
        """Take note of a step of all copies: what was observed, what was done, and what that brought."""
        if self._is_over or len(self._seen) == MOST_STEPS:
            return
        self._seen.append(observation[0].cpu())
        self._done.append(action[0].cpu())
        self._rewards.append(float(reward[0]))
        self._is_over = bool(is_over[0])

    def told(self) -> dict[str, Any]:
        """Return the lists `observed` and `actions`, one for each number, and `rewards`; `pictures` as base64 PNG."""
        if not self._seen:
            return {}
        told: dict[str, Any] = {"rewards": [round(reward, DIGITS) for reward in self._rewards], "actions": _lists(self._done)}
        if self._seen[0].dtype == torch.uint8 and self._seen[0].ndim == 3:
            return {**told, "pictures": _strip(self._seen)}
        return {**told, "observed": _lists(self._seen)}


def _lists(steps: list[Tensor]) -> list[list[float]]:
    """Return the first numbers over time."""
    numbers = torch.stack([step.flatten()[:MOST_NUMBERS] for step in steps]).double()
    return [[round(value, DIGITS) for value in column] for column in numbers.T.tolist()]


def _strip(seen: list[Tensor]) -> str:
    """Return pictures uint8 [C, H, W] from the first to the last step side by side, as base64 PNG; of stacked ones the newest."""
    count = min(MOST_PICTURES, len(seen))
    places = [round(number * (len(seen) - 1) / max(count - 1, 1)) for number in range(count)]
    channels = 3 if seen[0].shape[0] % 3 == 0 else 1
    newest = [seen[place][-channels:].permute(1, 2, 0) for place in places]
    sheet = torch.cat(newest, dim=1).numpy()
    picture = Image.fromarray(sheet.squeeze(-1) if channels == 1 else sheet)
    factor = max(1, LEAST_HEIGHT // picture.height)
    picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    written = BytesIO()
    picture.save(written, "PNG")
    return base64.b64encode(written.getvalue()).decode()
