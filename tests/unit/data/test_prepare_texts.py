"""Texts to codes of words: what is a word, what is kept of a long text, which words have a code."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tutelage.core.errors import DataError
from tutelage.data.part.texts import TextPart
from tutelage.data.prepare.kept_tokens import kept_tokens
from tutelage.data.prepare.texts import Texts, TextsFitted


def part_of(*texts: str) -> TextPart:
    names = np.array([f"row {row}" for row in range(len(texts))], dtype=object)
    return TextPart("train", np.array(texts, dtype=object), None, names, "x")


def finished(fitted: TextsFitted, *texts: str) -> tuple[list[list[int]], list[int]]:
    """Return the codes of each text, padded, and how many each has."""
    rows = fitted.apply(part_of(*texts))
    batch = fitted.finisher()(rows.take(torch.arange(len(texts))))
    return batch["token"].tolist(), batch["mask"].sum(dim=1).tolist()


def words_of(text: str, **settings: object) -> set[str]:
    return set(Texts(**settings).fit(part_of(text)).words)


@pytest.mark.parametrize(("length", "kept"), [(7, "abcdefg"), (9, "abcdefg"), (4, "abfg"), (3, "abg"), (2, "ag"), (1, "a")])
def test_of_a_long_text_the_beginning_and_the_end_are_kept(length: int, kept: str) -> None:
    assert "".join(kept_tokens(np.array(list("abcdefg")), length=length)) == kept


def test_words_have_apostrophes_and_signs_are_words() -> None:
    assert words_of("It's GOOD, isn't it?") == {"it's", "good", ",", "isn't", "it", "?"}
    assert words_of("Good good", lowercase=False) == {"Good", "good"}


def test_markup_is_no_word_and_what_only_looks_like_it_is() -> None:
    assert words_of('fine<br /><br />film <a href="x">here</a>') == {"fine", "film", "here"}
    assert words_of("1 < 2 and 3 > 2") == {"1", "<", "2", "and", "3", ">"}


def test_the_most_frequent_words_have_codes_and_all_others_are_unknown() -> None:
    fitted = Texts(vocabulary_size=3).fit(part_of("b b b a a c"))
    assert fitted.words == ("b", "a")
    codes, counts = finished(fitted, "a b c new", "")
    assert codes[0][:4] == [2, 1, 0, 0]
    assert counts == [4, 1], "a text without words is one unknown word"
    assert len(codes[0]) == 8, "padded to a multiple of 8"


def test_the_vocabulary_does_not_depend_on_the_order_of_rows() -> None:
    texts = ["red green", "blue red", "zebra ant", "ant"]
    assert Texts().fit(part_of(*texts)).words == Texts().fit(part_of(*reversed(texts))).words == (
        "ant", "red", "blue", "green", "zebra",
    )  # fmt: skip


def test_what_was_fitted_survives_its_file() -> None:
    spec = Texts(length=5, lowercase=False)
    fitted = spec.fit(part_of("Some words, some MORE words"))
    again = spec.restore(json.loads(json.dumps(fitted.state())))
    assert again == fitted
    assert finished(again, "some MORE") == finished(fitted, "some MORE")
    assert again.shape == fitted.shape


def test_texts_without_a_single_word_are_refused() -> None:
    with pytest.raises(DataError, match="no text has a single word") as found:
        Texts().fit(part_of("", "  \n"))
    part = part_of("", "  \n")
    assert f"2 texts: {part.locate(0)}: '', {part.locate(1)}: '  \\n'" in str(found.value)


def test_texts_that_are_all_the_same_are_refused_with_the_column() -> None:
    part = replace(part_of("very good", "very good"), text_column="review")
    with pytest.raises(DataError, match="all 2 texts are the same: 'very good'") as found:
        Texts().fit(part)
    assert "train, column review" in str(found.value)
    assert "--text COLUMN names another one" in str(found.value)
