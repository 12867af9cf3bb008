"""The convolution over words by hand: each place of a region has its own vectors, the strongest region counts or the mean."""

from typing import Literal

import pytest
import torch

from tutelage.core.shape.texts import TextShape
from tutelage.model.arch.text_cnn import TextCnn

WORDS, REGION, WIDTH = 6, 3, 5


@pytest.mark.parametrize("pooling", ["max", "mean", "both"])
def test_regions_are_summed_by_place_and_pooled_over_those_that_hold_a_word(pooling: Literal["max", "mean", "both"]) -> None:
    torch.manual_seed(0)
    shape = TextShape(vocabulary_size=WORDS, length=8)
    net = TextCnn(width=WIDTH, region=REGION, pooling=pooling, dropout=0.5).build(shape, 2).eval()
    torch.nn.init.normal_(net.bias)
    text = [4, 1, 0, 5]
    token = torch.tensor([[*text, 3, 3, 3], [2, 2, 2, 2, 2, 2, 2]])
    mask = torch.tensor([[True] * 4 + [False] * 3, [True] * 7])
    found = net(token, mask)[0]
    regions = []
    for first in range(-REGION + 1, len(text)):
        summed = net.bias.clone()
        for place in range(REGION):
            if 0 <= first + place < len(text):
                summed = summed + net.places.weight[place * WORDS + text[first + place]]
        regions.append(summed.relu())
    strongest, mean = torch.stack(regions).amax(dim=0), torch.stack(regions).mean(dim=0)
    pooled = {"max": strongest, "mean": mean, "both": torch.cat([strongest, mean])}[pooling]
    torch.testing.assert_close(found, net.head(pooled))
