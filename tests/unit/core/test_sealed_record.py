"""A record that carries its own SHA-256 is read as it was written, or not at all."""

import json

import pytest

from tutelage.core.border import BorderError
from tutelage.core.sealed_record import sealed, unsealed

RECORD = {"name": "caf\u00e9", "numbers": [1, 0.1, 1e-300, 2**60], "inner": {"b": None, "a": True}}


def test_what_was_sealed_is_read_again() -> None:
    assert unsealed(sealed(RECORD)) == RECORD


def test_the_order_of_keys_says_nothing() -> None:
    turned = dict(reversed(json.loads(sealed(RECORD)).items()))
    assert unsealed(json.dumps(turned, indent=1).encode()) == RECORD


def test_every_changed_bit_is_found() -> None:
    whole = sealed(RECORD)
    for place in range(len(whole)):
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        try:
            found = unsealed(changed)
        except BorderError:
            continue
        # Only how it is written has changed, not what it says.
        assert found == RECORD


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"a": 1}', b'{"a": 1, "sha256": 5}', b"{" * 100_000])
def test_what_was_never_sealed_is_refused(content: bytes) -> None:
    with pytest.raises(BorderError):
        unsealed(content)
