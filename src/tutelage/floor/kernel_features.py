"""The kernels of MiniRocket and the features they give: the share of times at which a kernel's answer exceeds a bias.

84 kernels of length 9, each with three weights 2 and six weights -1, at several dilations. All is done by sums of shifted series,
element by element: a series has the same features in whatever batch it is. Not a component.

Shape letters: N series, T times, C channels, G groups (a kernel at a dilation), F features, K classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

__all__ = ["KernelBank", "KernelNumbers", "draw_bank", "features", "fit_biases"]

TAPS = 9
KERNELS = tuple(combinations(range(TAPS), 3))
"""Places of the weights 2."""
MOST_DILATIONS = 32
MOST_CHANNELS = 9
"""Channels that a kernel looks at together."""
CHUNK_NUMBERS = 2**18
"""Values worked on at a time: few enough to stay near the processor."""
GOLDEN = (5**0.5 + 1) / 2
NOWHERE = -3.0e38


@dataclass(frozen=True)
class KernelBank:
    """Kernels with what was drawn and fitted for them.

    Attributes:
        dilation: int64 [G], times between neighboring weights; groups of one dilation stand together, kernel by kernel.
        count: int64 [G], features of each group.
        channel: bool [G, C], the channels that are summed before the kernel is laid on.
        bias: float32 [F], what an answer must exceed; group by group.
    """

    dilation: np.ndarray
    count: np.ndarray
    channel: np.ndarray
    bias: np.ndarray

    def tensors(self, order: int) -> dict[str, Tensor]:
        """Return all of it under names that tell several banks apart."""
        own = {"dilation": self.dilation, "count": self.count, "channel": self.channel, "threshold": self.bias}
        return {f"{name}{order}": torch.from_numpy(np.ascontiguousarray(values)) for name, values in own.items()}

    @classmethod
    def restored(cls, order: int, *, channels: int, tensors: Mapping[str, Tensor]) -> "KernelBank":
        """Rebuild what `tensors` returned.

        Raises:
            ValueError, KeyError: It is not that.
        """
        dilation, count, channel, bias = (
            tensors[f"{name}{order}"].numpy() for name in ("dilation", "count", "channel", "threshold")
        )
        groups = len(dilation)
        is_whole = groups % len(KERNELS) == 0 and count.shape == (groups,) and channel.shape == (groups, channels)
        if not is_whole or dilation.min(initial=1) < 1 or count.min(initial=1) < 0 or bias.shape != (int(count.sum()),):
            raise ValueError(
                f"kernels of sizes {dilation.shape}, {count.shape}, {channel.shape} and {bias.shape} do not belong together"
            )
        return cls(dilation, count, channel, bias)


@dataclass(frozen=True)
class KernelNumbers:
    """All that random kernels have learned.

    Attributes:
        center: float64 [C], subtracted from each channel.
        scale: float64 [C], what each channel is divided by.
        banks: The kernels over the series, and those over its steps.
        weight: float64 [F, K], of the linear layer, for features as they are; [F, 1] where numbers are answered.
        bias: float64 [K] or [1].
        sharpness: What its answers are multiplied by before the softmax.
        num_classes: K; 0 where numbers are answered.
    """

    center: np.ndarray
    scale: np.ndarray
    banks: tuple[KernelBank, ...]
    weight: np.ndarray
    bias: np.ndarray
    sharpness: float
    num_classes: int


def draw_bank(pieces: Sequence[np.ndarray], *, num_features: int, seed: int) -> KernelBank:
    """Choose dilations by the median length of series [C, T], and channels at random; biases are fitted later."""
    random = np.random.default_rng(seed)
    channels = pieces[0].shape[0]
    length = int(np.median([values_CT.shape[1] for values_CT in pieces]))
    each = max(1, num_features // len(KERNELS))
    top = np.log2(max(1.0, (length - 1) / (TAPS - 1)))
    wanted = np.floor(2.0 ** np.linspace(0, top, min(each, MOST_DILATIONS))).astype(np.int64)
    dilations, shares = np.unique(wanted, return_counts=True)
    counts = np.diff(np.round(np.cumsum([0, *shares]) / shares.sum() * each)).astype(np.int64)
    groups = len(dilations) * len(KERNELS)
    channel_GC = np.zeros((groups, channels), dtype=bool)
    for group in range(groups):
        size = int(2 ** random.uniform(0, np.log2(min(channels, MOST_CHANNELS) + 1)))
        channel_GC[group, random.choice(channels, size, replace=False)] = True
    count_G = np.repeat(counts, len(KERNELS))
    return KernelBank(np.repeat(dilations, len(KERNELS)), count_G, channel_GC, np.zeros(int(count_G.sum()), np.float32))


def fit_biases(bank: KernelBank, pieces: Sequence[np.ndarray], *, seed: int) -> KernelBank:
    """Return the bank with biases: quantiles of a group's answers over one train series, drawn for each group."""
    random = np.random.default_rng(seed)
    ends = np.cumsum(bank.count)
    quantiles = np.arange(1, len(bank.bias) + 1) * GOLDEN % 1
    bias_F = np.empty(len(bank.bias), dtype=np.float32)
    chosen_G = random.integers(0, len(pieces), len(bank.dilation))
    for number in np.unique(chosen_G):
        wanted = np.flatnonzero(chosen_G == number)
        for group, answer_NT, _ in _answers(bank, [pieces[number]], wanted):
            own = slice(ends[group] - bank.count[group], ends[group])
            bias_F[own] = np.quantile(answer_NT[0].numpy(), quantiles[own])
    return replace(bank, bias=bias_F)


def features(bank: KernelBank, pieces: Sequence[np.ndarray]) -> np.ndarray:
    """Return the features of series [C, T], float32 [N, F]."""
    found_NF = np.empty((len(pieces), len(bank.bias)), dtype=np.float32)
    bias_F = torch.from_numpy(bank.bias)
    starts = np.cumsum(bank.count) - bank.count
    for rows in _chunks(pieces):
        every = np.arange(len(bank.dilation))
        chunk_FN = torch.empty(len(bias_F), len(rows))
        for group, answer_NT, times_N in _answers(bank, [pieces[row] for row in rows], every):
            for place in range(starts[group], starts[group] + bank.count[group]):
                chunk_FN[place] = (answer_NT > bias_F[place]).sum(dim=1) / times_N
        found_NF[rows] = chunk_FN.T.numpy()
    return found_NF


def _chunks(pieces: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield rows that are worked on together, of like lengths."""
    lengths = np.array([values_CT.shape[1] for values_CT in pieces], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    begin = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - begin) * lengths[order[end]] > CHUNK_NUMBERS:
            yield order[begin:end]
            begin = end


def _answers(bank: KernelBank, pieces: Sequence[np.ndarray], groups: np.ndarray) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield for each group its number, its answers [N, T], and how many of them count, [N].

    An answer that does not count is lower than any bias. Every other group looks at whole windows only, the rest also at windows
    that reach over the ends; a series that is shorter than a window is always looked at so.
    """
    channels, longest = pieces[0].shape[0], max(values_CT.shape[1] for values_CT in pieces)
    held_CNT = torch.zeros(channels, len(pieces), longest)
    for row, values_CT in enumerate(pieces):
        held_CNT[:, row, : values_CT.shape[1]] = torch.from_numpy(values_CT)
    length_N = torch.tensor([values_CT.shape[1] for values_CT in pieces])
    time_T = torch.arange(longest)
    is_equal = bool((length_N == longest).all())
    for dilation in np.unique(bank.dilation[groups]).tolist():
        reach = dilation * (TAPS // 2)
        padded_CNT = torch.nn.functional.pad(held_CNT, (reach, reach))
        begin_N = torch.where(length_N > 2 * reach, reach, 0)
        inner_NT = (time_T >= begin_N[:, None]) & (time_T < (length_N - begin_N)[:, None])
        whole_NT = time_T < length_N[:, None]
        shifted = _Shifted(padded_CNT, dilation, longest)
        for group in groups[bank.dilation[groups] == dilation].tolist():
            answer_NT = shifted.answer(KERNELS[group % len(KERNELS)], bank.channel[group])
            if (group + group // len(KERNELS)) % 2:
                yield group, torch.where(inner_NT, answer_NT, NOWHERE), length_N - 2 * begin_N
            else:
                yield group, answer_NT if is_equal else torch.where(whole_NT, answer_NT, NOWHERE), length_N


class _Shifted:
    """A batch of series, shifted by each of the kernel's places at one dilation; sums are kept while the channels stay."""

    def __init__(self, padded_CNT: Tensor, dilation: int, length: int) -> None:
        self._padded_CNT, self._dilation, self._length = padded_CNT, dilation, length
        self._channels: tuple[int, ...] = ()
        self._taps: list[Tensor] = []
        self._sum_NT = torch.empty(0)

    def answer(self, twos: tuple[int, ...], channel_C: np.ndarray) -> Tensor:
        """Return the answers of a kernel, float32 [N, T]: thrice its places of weight 2 less all nine."""
        channels = tuple(np.flatnonzero(channel_C).tolist())
        if channels != self._channels:
            summed_NT = self._padded_CNT[channels[0]]
            for channel in channels[1:]:
                summed_NT = summed_NT + self._padded_CNT[channel]
            self._taps = [summed_NT[:, tap * self._dilation :][:, : self._length] for tap in range(TAPS)]
            self._sum_NT = self._taps[0]
            for tap in self._taps[1:]:
                self._sum_NT = self._sum_NT + tap
            self._channels = channels
        first, second, third = (self._taps[place] for place in twos)
        chosen_NT = first + second
        chosen_NT += third
        chosen_NT *= 3
        chosen_NT -= self._sum_NT
        return chosen_NT
