"""Finds the encoder for a column's role, and rebuilds a saved one.

Not a component.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tutelage.core.typed import Words, take
from tutelage.data.prepare.column import Role
from tutelage.data.prepare.encode_numbers import DateEncoder, NumberEncoder, fit_date, fit_number
from tutelage.data.prepare.encode_words import BooleanEncoder, CategoryEncoder, WordsEncoder, fit_boolean, fit_category, fit_words
from tutelage.data.prepare.encoded import Encoder, Rules
from tutelage.data.prepare.scaling import restore_scale

__all__ = ["fit_encoder", "restore_encoder", "value_names"]


def fit_encoder(name: str, column: pa.ChunkedArray, *, role: Role, as_text: bool, rules: Rules) -> Encoder | None:
    """Fit a column.

    Args:
        name: Of the column.
        column: Train cells.
        role: What the column is taken for.
        as_text: A category whose words, not whole cells, are used.
        rules: How to fit.

    Returns:
        The encoder, or None for a column that is not used or gives nothing.
    """
    encoder: Encoder
    match role:
        case "number":
            encoder = fit_number(name, column, rules)
        case "boolean":
            encoder = fit_boolean(name, column)
        case "date":
            encoder = fit_date(name, column, rules)
        case "category":
            encoder = fit_words(name, column) if as_text else fit_category(name, column, rules)
        case _:
            return None
    return encoder if encoder.number_names or any(size > 1 for size in encoder.cardinalities) else None


def restore_encoder(state: Mapping[str, Any]) -> Encoder:
    """Rebuild what an encoder's `state` returned."""
    name, has_missing = take(state, "name", str), take(state, "has_missing", bool)
    match state["encoder"]:
        case "number":
            words = tuple(take(state, "missing_words", Words))
            return NumberEncoder(name, restore_scale(take(state, "scale", dict)), has_missing, words)
        case "category":
            return CategoryEncoder(name, tuple(take(state, "words", Words)), has_missing)
        case "boolean":
            return BooleanEncoder(name, has_missing)
        case "date":
            scales = take(state, "scales", dict[str, dict[str, Any]])
            return DateEncoder(name, {part: restore_scale(scale) for part, scale in scales.items()}, has_missing)
        case "words":
            return WordsEncoder(name, tuple(take(state, "words", Words)), has_missing)
    raise ValueError(f"unknown column encoder {state['encoder']!r}")


def value_names(encoder: Encoder) -> list[tuple[str, ...]]:
    """Return for each category of a column what its codes stand for, with the column's name; code 0 is none of the known."""
    words = getattr(encoder, "words", ())
    found = []
    for name, size in zip(encoder.code_names, encoder.cardinalities, strict=True):
        known = words if len(encoder.code_names) == 1 and size > len(words) > 0 else ()
        # What stands before the words is the missing value; a truth value and a flag have fixed codes.
        before = [f"value {code}" for code in range(1, size - len(known))] if not known else ["missing"] * (size - 1 - len(known))
        found.append(tuple(f"{name} = {value}" for value in ("none of the known", *before, *known)))
    return found
