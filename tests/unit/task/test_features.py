"""The features of a row are what the last layer reads; of an answer made of several runs, their mean."""

import pytest
import torch
from torch import nn

from tutelage.core.errors import RecipeError
from tutelage.model.layers.roles import mark
from tutelage.task.features import Features


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), mark(nn.Linear(5, 2), "output"))


def test_an_answer_of_two_runs_has_the_mean_of_both() -> None:
    net, rows = network(), torch.randn(4, 3)
    before = net[:2]
    twice, once = Features(net, runs=2), Features(net)
    for given in (rows + 1, rows, -rows):
        net(given)
    torch.testing.assert_close(twice.take(), (before(rows) + before(-rows)) / 2)
    torch.testing.assert_close(once.take(), before(-rows))


def test_a_network_without_a_last_layer_is_refused() -> None:
    with pytest.raises(RecipeError, match="needs a network whose last layer is known"):
        Features(nn.Linear(3, 2))
