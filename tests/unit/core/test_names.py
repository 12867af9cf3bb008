"""Names that are no Unicode: readable where they are shown, and back to the same path where a file is opened."""

import os
import tomllib

import pytest

from tutelage.core.errors import DataProblem, RecipeError
from tutelage.core.names import from_address, is_unicode, readable, short_name, shorten, to_address
from tutelage.core.outlet import visible
from tutelage.core.toml import to_toml
from tutelage.planning.recipe import recipe_from

ODD = [b"caf\xe9", b"\xff\xfe", b"a\xe9/\x80b", b"%41\xe9", b"chars:/x/\xe9.txt"]


@pytest.mark.parametrize("name", ODD)
def test_a_path_that_is_no_unicode_goes_through_a_recipe_file(name: bytes) -> None:
    path = os.fsdecode(name)
    recipe = recipe_from({"source": {"path": path, "kind": "table"}, "test": path}, where="here")
    assert recipe.source == path
    text = to_toml(recipe.model_dump(mode="json", exclude_defaults=True))
    assert is_unicode(text)
    again = recipe_from(tomllib.loads(text), where="there")
    assert (again.source, again.test) == (path, path)


@pytest.mark.parametrize("name", ODD)
def test_what_is_shown_of_a_name_can_be_written_everywhere(name: bytes) -> None:
    path = os.fsdecode(name)
    for shown in (readable(path), short_name(path), to_address(path), str(DataProblem(path, path, path))):
        shown.encode("utf-8")
    assert from_address(to_address(path)) == path


def test_names_that_are_unicode_stay_as_they_are() -> None:
    for name in ("caf\u00e9", "\U0001f600", "\u202e", "a\\xe9", "/x/%41", "\ufeff"):
        assert readable(name) == to_address(name) == from_address(name) == name


@pytest.mark.parametrize("path", ["a\0b", "\ud800"])
def test_what_no_file_can_be_called_is_refused(path: str) -> None:
    with pytest.raises(RecipeError, match="source"):
        recipe_from({"source": path}, where="here")


def test_part_of_a_folder_name_is_one_short_line() -> None:
    assert short_name("a\n/\x1b[31m" + "\U0001f600" * 300).startswith("a___[31m")
    assert len(short_name("\U0001f600" * 300).encode()) <= 240
    assert short_name("  ") == short_name("") == "data"


def test_toml_carries_every_character_in_keys_and_values() -> None:
    points = [*range(0x3000), *range(0x3000, 0xD800, 97), *range(0xE000, 0x110000, 997), 0x1F600, 0x10FFFF]
    for point in points:
        sign = chr(point)
        settings = {"target": f"a{sign}b", "columns": {sign: "number"}}
        assert tomllib.loads(to_toml(settings)) == settings, hex(point)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, "1.5"),
        ("a" * 60, repr("a" * 60)),
        ("a" * 61, f"{'a' * 60!r}... (61 characters)"),
        ([1] * 100, f"{str([1] * 100)[:60]}... (300 characters)"),
    ],
)
def test_long_values_are_cut_whatever_they_are(value: object, expected: str) -> None:
    assert shorten(value) == expected


@pytest.mark.parametrize("name", ODD)
def test_a_byte_of_a_name_looks_the_same_in_a_message_and_on_a_screen(name: bytes) -> None:
    text = name.decode("utf-8", "surrogateescape")
    assert visible(text) == readable(text)
