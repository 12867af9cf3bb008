"""Text drawn from a language model, one token after another, for several texts at once.

A network that remembers what it has read (`begin` and `step`, such as a transformer's keys and values) reads each token once;
any other reads the whole window for each token. Both see the same window, so that both draw the same text.

Shape letters: B texts, N tokens so far, V vocabulary.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.seeds import derive
from tutelage.floor.tokens import TokensFitted
from tutelage.task.modes import evaluation_mode

__all__ = ["Drawing", "FloorVoice", "Reader", "draw_tokens"]


@dataclass(frozen=True)
class Drawing:
    """How tokens are drawn.

    Attributes:
        temperature: Divides the logits: below 1 cautiously, 1 as the model says; 0 takes the likeliest token.
        top_k: Only so many of the likeliest tokens; 0 = all.
        top_p: Only the likeliest tokens that together have this probability; 1 = all.
        never: Tokens that are never drawn.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    never: tuple[int, ...] = ()

    def draw(self, logits_BV: Tensor, generators: list[torch.Generator]) -> Tensor:
        """Return the next token of each text, int64 [B]; each text has a generator of its own."""
        logits_BV = logits_BV.detach().to("cpu", torch.float64, copy=True)
        logits_BV[:, list(self.never)] = -torch.inf
        if not self.temperature:
            return logits_BV.argmax(dim=-1)
        ordered_BV, token_BV = logits_BV.sort(dim=-1, descending=True, stable=True)
        # Less the largest one first: divided by a very small number it would be infinite.
        chance_BV = torch.softmax((ordered_BV - ordered_BV[:, :1]) / self.temperature, dim=-1)
        if self.top_k:
            chance_BV[:, self.top_k :] = 0
        if self.top_p < 1:
            # A token is left out if those before it have enough already; the first one always stays.
            chance_BV = chance_BV / chance_BV.sum(dim=-1, keepdim=True)
            chance_BV[chance_BV.cumsum(dim=-1) - chance_BV >= self.top_p] = 0
        places = [torch.multinomial(chance_V, 1, generator=own) for chance_V, own in zip(chance_BV, generators, strict=True)]
        return token_BV.gather(1, torch.stack(places)).squeeze(1)


@dataclass
class FloorVoice:
    """A floor that has a share in what comes next.

    Attributes:
        floor: What was counted.
        share: Of the floor in the probabilities, in (0, 1]; the network has the rest.
    """

    floor: TokensFitted
    share: float
    _before: np.ndarray | None = field(default=None, repr=False)

    def mix(self, logits_BV: Tensor, token_BT: Tensor) -> Tensor:
        """Return logarithms of the mean probabilities, float64 [B, V]; the tokens follow those of earlier calls."""
        before = token_BT.cpu().numpy() if self._before is None else np.hstack([self._before, token_BT.cpu().numpy()])
        self._before = before[:, max(0, before.shape[1] - self.floor.reach) :]
        floor_BV = torch.from_numpy(np.log(self.floor.chances(self._before)))
        if self.share == 1:
            return floor_BV
        network_BV = torch.log_softmax(logits_BV.detach().to("cpu", torch.float64), dim=-1)
        return torch.logaddexp(network_BV + np.log1p(-self.share), floor_BV + np.log(self.share))


@dataclass
class Reader:
    """Asks a network for what comes next, within a window of `length` tokens.

    When the window is full, it goes on with its last half: so it moves seldom, and what was remembered can be kept meanwhile.

    Attributes:
        network: Token numbers [B, T] to logits [B, T, V].
        length: Tokens of the longest window.
        is_cached: Whether to use what the network remembers, where it can.
    """

    network: Any
    length: int
    is_cached: bool = True
    _window: Tensor | None = field(default=None, repr=False)
    _num_read: int = 0
    _state: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.is_cached = self.is_cached and hasattr(self.network, "begin") and hasattr(self.network, "step")

    def next(self, token_BT: Tensor) -> Tensor:
        """Return logits [B, V] for the token after these, which follow those of earlier calls; only a window is kept."""
        window_BT = token_BT if self._window is None else torch.cat([self._window, token_BT], dim=1)
        if window_BT.shape[1] > self.length:
            window_BT, self._state = window_BT[:, -max(1, self.length // 2) :], None
        self._window = window_BT
        if not self.is_cached:
            logits_BV: Tensor = self.network(window_BT)[:, -1]
            return logits_BV
        if self._state is None:
            self._state, self._num_read = self.network.begin(len(window_BT)), 0
        return self._read(window_BT[:, self._num_read :])

    def _read(self, token_BT: Tensor) -> Tensor:
        """Let the network read the tokens that are new to it."""
        self._num_read += token_BT.shape[1]
        if hasattr(self.network, "read"):
            logits_BV, self._state = self.network.read(token_BT, self._state)
        else:
            for token_B in token_BT.unbind(1):
                logits_BV, self._state = self.network.step(token_B, self._state)
        found: Tensor = logits_BV
        return found


@torch.no_grad()
def draw_tokens(
    network: nn.Module,
    start: list[int],
    *,
    num_texts: int,
    num_tokens: int,
    length: int,
    drawing: Drawing,
    seed: int,
    device: str = "cpu",
    is_cached: bool = True,
    voice: FloorVoice | None = None,
) -> Iterator[Tensor]:
    """Yield the next token of each text, int64 [B] on the CPU, one after another.

    Args:
        network: Put into evaluation mode while it is asked.
        start: Tokens that all texts begin with; at least one.
        num_texts: B.
        num_tokens: How many to draw.
        length: Tokens of the longest window that the network sees.
        drawing: How they are drawn.
        seed: Each text has its own generator made of it: the first one is the same however many there are.
        device: Where the network is.
        is_cached: Whether to use what the network remembers; makes no difference but for rounding.
        voice: The floor that has a share in it; None = the network alone. A new one for each call.
    """
    generators = [torch.Generator().manual_seed(derive(seed, "text", number)) for number in range(num_texts)]
    # Of a long beginning no more is looked at than tells that it is longer than a window.
    token_BT = torch.tensor([start[-length - 1 :]] * num_texts, dtype=torch.int64, device=device)
    reader = Reader(network, length, is_cached)
    for _ in range(num_tokens):
        with evaluation_mode(network):
            logits_BV = reader.next(token_BT)
        if voice is not None:
            logits_BV = voice.mix(logits_BV, token_BT)
        drawn_B = drawing.draw(logits_BV, generators)
        yield drawn_B
        token_BT = drawn_B[:, None].to(device)
