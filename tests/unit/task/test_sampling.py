"""Drawing tokens: what may be drawn, that texts do not depend on each other, and that remembering changes nothing."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tutelage.core.shape.tokens import TokensShape
from tutelage.model.arch.gpt import Gpt
from tutelage.task.sampling import Drawing, Reader, draw_tokens

LOGITS = torch.log(torch.tensor([[0.1, 0.4, 0.3, 0.2]]))


def drawn(drawing: Drawing, count: int = 400) -> set[int]:
    generator = torch.Generator().manual_seed(0)
    return {int(drawing.draw(LOGITS, [generator])) for _ in range(count)}


@pytest.mark.parametrize(
    ("drawing", "tokens"),
    [
        (Drawing(), {0, 1, 2, 3}),
        (Drawing(temperature=0), {1}),
        (Drawing(top_k=2), {1, 2}),
        (Drawing(top_k=9), {0, 1, 2, 3}),
        (Drawing(top_p=0.1), {1}),
        (Drawing(top_p=0.69), {1, 2}),
        (Drawing(top_p=0.75), {1, 2, 3}),
        (Drawing(never=(1, 3)), {0, 2}),
        (Drawing(temperature=0, never=(1,)), {2}),
    ],
)
def test_what_may_be_drawn_is(drawing: Drawing, tokens: set[int]) -> None:
    assert drawn(drawing) == tokens


def test_tokens_come_as_often_as_the_temperature_says() -> None:
    generators = [torch.Generator().manual_seed(0)] * 5_000
    for temperature in (0.5, 1.0, 2.0):
        counts = np.bincount(Drawing(temperature).draw(LOGITS.expand(5_000, -1), generators), minlength=4) / 5_000
        np.testing.assert_allclose(counts, torch.softmax(LOGITS[0] / temperature, 0), atol=0.03)


def network() -> nn.Module:
    torch.manual_seed(0)
    net = Gpt(width=32, depth=2, heads=2).build(TokensShape(vocabulary_size=20, length=16), 20)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return net


class Steps(nn.Module):
    """A network that can only take one step at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.num_steps = network(), 0

    def begin(self, size: int) -> object:
        return self.inner.begin(size)  # type: ignore[operator]

    def step(self, token_B: Tensor, state: object) -> object:
        self.num_steps += 1
        return self.inner.step(token_B, state)  # type: ignore[operator]


def texts(net: nn.Module, *, num: int = 3, is_cached: bool = True, seed: int = 1) -> Tensor:
    tokens = draw_tokens(
        net, [3, 1, 4], num_texts=num, num_tokens=60, length=16, drawing=Drawing(), seed=seed, is_cached=is_cached
    )
    return torch.stack(list(tokens), dim=1)


def test_remembering_changes_nothing_even_beyond_the_window() -> None:
    net, steps = network(), Steps()
    assert torch.equal(texts(net), texts(net, is_cached=False))
    assert torch.equal(texts(net), texts(steps))
    assert 60 < steps.num_steps < 160, "about two steps a token: the second when the window moves"


def test_a_text_is_the_same_however_many_are_drawn_beside_it() -> None:
    net = network()
    assert torch.equal(texts(net)[:1], texts(net, num=1))
    assert len({tuple(row.tolist()) for row in texts(net)}) == 3
    assert not torch.equal(texts(net), texts(net, seed=2))


def test_the_window_is_never_longer_than_the_pieces_that_were_learned() -> None:
    lengths: list[int] = []

    class Whole(nn.Module):
        def forward(self, token_BT: Tensor) -> Tensor:
            lengths.append(token_BT.shape[1])
            return torch.zeros(*token_BT.shape, 5)

    reader = Reader(Whole(), length=8)
    for _ in range(1, 30):
        reader.next(torch.zeros(1, 1, dtype=torch.int64))
    assert max(lengths) == 8
    assert min(lengths[8:]) == 4


def test_the_network_is_put_back_into_training() -> None:
    net = network().train()
    texts(net)
    assert net.training


@pytest.mark.parametrize("is_cached", [True, False])
def test_a_long_text_takes_no_more_memory_than_its_window(is_cached: bool) -> None:
    held: list[int] = []

    class Remembering(nn.Module):
        def forward(self, token_BT: Tensor) -> Tensor:
            held.append(token_BT.untyped_storage().nbytes() // 8)
            return torch.zeros(*token_BT.shape, 5)

        def begin(self, size: int) -> int:
            return 0

        def step(self, token_B: Tensor, state: int) -> tuple[Tensor, int]:
            held.append(token_B.untyped_storage().nbytes() // 8)
            return torch.zeros(len(token_B), 5), state + 1

    for start in ([1], [1] * 10_000):
        drawn = draw_tokens(
            Remembering(), start, num_texts=3, num_tokens=40, length=8, drawing=Drawing(), seed=0, is_cached=is_cached
        )
        assert len(list(drawn)) == 40
    assert max(held) <= 3 * 9


def test_a_beginning_longer_than_the_window_counts_by_its_end() -> None:
    net, start = network(), torch.randint(20, (40,), generator=torch.Generator().manual_seed(0)).tolist()
    found = [
        torch.stack(list(draw_tokens(net, one, num_texts=1, num_tokens=30, length=16, drawing=Drawing(), seed=1)))
        for one in (start, start[-8:], start[-17:])
    ]
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[0][:8], found[1][:8]), "half of the window goes on"


def test_a_very_small_temperature_draws_the_likeliest() -> None:
    assert drawn(Drawing(temperature=1e-320), count=3) == {1}
