"""Settings as TOML: what is written is read again."""

import tomllib

from tutelage.core.toml import to_toml


def test_lists_of_tables_and_odd_texts_are_read_again_as_they_were() -> None:
    settings = {
        "seed": 0,
        "source": 'a "b" \\ c\nd \u00fc',
        "augment": {"kind": "chain", "steps": [{"kind": "flip", "p": 0.5}, {"kind": "chain", "steps": [{"kind": "shift"}]}]},
        "columns": {"a.b c": "number"},
        "budget": {"corrections": [[1, 2], [3, 4]]},
        "metrics": ["accuracy", {"kind": "f1"}],
    }
    assert tomllib.loads(to_toml(settings)) == settings


def test_what_is_none_is_left_out_at_any_depth() -> None:
    settings = {"a": None, "b": {"c": None, "d": 1}, "e": [{"f": None, "g": 2}], "h": (1, 2)}
    assert tomllib.loads(to_toml(settings)) == {"b": {"d": 1}, "e": [{"g": 2}], "h": [1, 2]}
