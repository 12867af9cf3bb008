"""Texts in writings without blanks between words are cut into characters; all others as before."""

import pytest

from tutelage.core.unspaced import count_words, latin_length, words_of

WORDS = words_of(joins="'", signs=r"[^\w\s]")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("isn't it über-gut?", ["isn't", "it", "über", "-", "gut", "?"]),
        ("iPhone很好,5G", ["iPhone", "很", "好", ",", "5G"]),
        ("ラーメン大好き", ["ラ", "ー", "メ", "ン", "大", "好", "き"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("ភាសា", ["ភា", "សា"]),
        ("한국어 문장", ["한국어", "문장"]),
    ],
)
def test_words_are_found_in_any_writing(text: str, words: list[str]) -> None:
    assert WORDS.findall(text) == words


def test_characters_are_worth_more_than_letters() -> None:
    assert (count_words("这家餐厅很好吃 OK"), latin_length("很好 OK")) == (4, 9)
    assert (count_words("two words"), latin_length("two words")) == (2, 9)
