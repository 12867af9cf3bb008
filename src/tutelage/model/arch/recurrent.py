"""Settings that all recurrent architectures share, and how their networks are put together."""

from typing import ClassVar

from pydantic import Field
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import History, Series, Text, Tokens, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.continued import Continued
from tutelage.model.layers.recurrent import Pool, RecurrentLayer, RecurrentNet, TwoWay

__all__ = ["RecurrentModel"]

TOKEN_STD, WORD_STD = 1.0, 0.1
"""Spread of the starting vectors. Gates see little of smaller ones, and learn late; long ones of rare words are noise."""


class RecurrentModel(Model):
    """Sizes of a recurrent network; a subclass says what its layers are."""

    views: ClassVar[tuple[type[View], ...]] = (Series, Text, Tokens, History)
    widths_of: ClassVar[tuple[str, ...]] = ("width", "embedding_size")
    depths_of: ClassVar[tuple[str, ...]] = ("depth",)
    clip: ClassVar[float] = 1.0
    drops_between: ClassVar[bool] = True
    """Whether the network drops numbers after each layer; else the layers do so themselves."""
    width: int = Field(128, ge=1, le=2**16, description="Numbers a layer remembers, in each direction. Typical: 64 to 512.")
    depth: int = Field(2, ge=1, le=100, description="Layers, one above another. Typical: 1 to 3.")
    bidirectional: bool = Field(True, description="Whether rows are read from both ends; a running text never is.")
    embedding_size: int = Field(128, ge=1, le=2**16, description="Numbers that stand for a token, or for the values at a time.")
    dropout: float = Field(
        0.0, ge=0, lt=1, description="Probability that a number is left out after each layer. Typical: 0 to 0.5."
    )
    pool: tuple[Pool, ...] = Field(
        ("mean", "max", "last"), min_length=1, max_length=3, description="What of a row's steps is answered from."
    )

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network.

        Returns:
            Takes series or words [B, T] and a mask [B, T], gives [B, num_outputs]; tokens [B, T] -> [B, T, num_outputs]; of a
            history, past [B, L, C] and known numbers [B, L + H, K] -> [B, H, C].
        """
        self.require(shape)
        series, text, tokens, history = shape.view(Series), shape.view(Text), shape.view(Tokens), shape.view(History)
        view = series or text or tokens or history
        assert view is not None
        is_two_way = self.bidirectional and tokens is None
        net = RecurrentNet(
            self.embedding(view),
            self.layers(view.length, is_two_way=is_two_way),
            dropout=self.dropout if self.drops_between else 0.0,
            pool=self.pool if tokens is None else None,
            num_outputs=history.horizon * history.channels if history else num_outputs,
        )
        return Continued(net, history) if history else net

    def embedding(self, view: Series | Text | Tokens | History) -> nn.Module:
        """Make what turns inputs into vectors; of tokens, some numbers are dropped too."""
        if isinstance(view, History):
            return nn.Linear(view.channels + view.known, self.embedding_size)
        if isinstance(view, Series):
            return nn.Linear(view.channels, self.embedding_size)
        embedding = nn.Embedding(view.vocabulary_size, self.embedding_size)
        nn.init.normal_(embedding.weight, std=TOKEN_STD if isinstance(view, Tokens) else WORD_STD)
        return nn.Sequential(embedding, nn.Dropout(self.dropout))

    def layers(self, length: int, *, is_two_way: bool) -> list[nn.Module]:
        """Make the layers; `length` is the most steps of a row."""
        made: list[nn.Module] = []
        num_inputs = self.embedding_size
        for _ in range(self.depth):
            made.append(self.one_or_two(num_inputs, length, is_two_way=is_two_way))
            num_inputs = int(made[-1].width)  # type: ignore[arg-type]
        return made

    def one_or_two(self, num_inputs: int, length: int, *, is_two_way: bool) -> RecurrentLayer | TwoWay:
        """Make a layer that reads in one direction, or two of them that read in both."""
        onward = self.layer(num_inputs, length)
        return TwoWay(onward, self.layer(num_inputs, length)) if is_two_way else onward

    def layer(self, num_inputs: int, length: int) -> RecurrentLayer:
        """Make a layer that reads in one direction."""
        raise NotImplementedError
