"""How long a text may be for a public model, whatever number its padding token has."""

from types import SimpleNamespace

import pytest

from tutelage.run.public_weights import text_length


@pytest.mark.parametrize(
    ("places", "padding", "length"),
    [(512, 0, 256), (514, 1, 256), (130, 1, 128), (64, None, 63), (8192, 50283, 256), (128, 100, 128)],
)
def test_positions_are_counted_from_the_padding_token_only_where_it_is_among_the_first(
    places: int, padding: int | None, length: int
) -> None:
    assert text_length(SimpleNamespace(max_position_embeddings=places, pad_token_id=padding)) == length
