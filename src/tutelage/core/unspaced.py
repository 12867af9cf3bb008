"""Writing that puts no blanks between words, such as Chinese: where such a text is cut, and how many words it is worth.

A program without a dictionary finds no words in it, so each character stands alone, with the marks that belong to it; pairs of
neighbors do what words do elsewhere.

Source: N. Xue, "Chinese Word Segmentation as Character Tagging", 2003; ranges and marks are those of the Unicode Standard.
"""

import re
import unicodedata

__all__ = ["UNSPACED", "count_words", "latin_length", "words_of"]

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
OTHERS = (
    (0x3041, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana, more
    (0xFF66, 0xFF9F),  # Katakana, narrow
    (0x0E01, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
)
UNSPACED = HAN + "".join(f"{chr(first)}-{chr(last)}" for first, last in OTHERS)
"""The characters, as they stand between the brackets of a regular expression."""
MARKS = "".join(
    chr(code) for first, last in OTHERS for code in range(first, last + 1) if unicodedata.category(chr(code)).startswith("M")
)
"""Vowels and tones that are written above, below or behind another character."""

CHARACTERS_IN_WORD = 2
"""Of Chinese; the words of the others are longer."""
LATIN_LETTERS = 3
"""Letters of a Latin script that say as much as one character."""
CHARACTER = re.compile(f"[{UNSPACED}]")


def words_of(*, joins: str, signs: str) -> re.Pattern[str]:
    r"""Return what finds the words of a text: runs of letters and digits, each unspaced character, and some signs.

    Args:
        joins: A sign within a word, such as an apostrophe.
        signs: Pattern of what counts as a word beside these.

    Example:
        >>> len(words_of(joins="'", signs="[!?]+").findall("A\u5f88\u597d isn't it!"))
        6
    """
    letters = rf"[^\W{UNSPACED}]+"
    return re.compile(rf"{letters}(?:{joins}{letters})?|[{UNSPACED}][{MARKS}]*|{signs}")


def count_words(text: str) -> int:
    r"""Return about how many words a text has.

    Example:
        >>> count_words("two words"), count_words("\u8fd9\u5bb6\u9910\u5385")
        (2, 2)
    """
    num = 0 if text.isascii() else len(CHARACTER.findall(text))
    return len(CHARACTER.sub(" ", text).split()) + num // CHARACTERS_IN_WORD if num else len(text.split())


def latin_length(text: str) -> int:
    """Return how many letters of a Latin script would say as much as a text."""
    return len(text) if text.isascii() else len(text) + (LATIN_LETTERS - 1) * len(CHARACTER.findall(text))
