"""The words that speak for a class: found by the floor, kept in result.json, shown in the report."""

import numpy as np
import pytest

from tutelage.data.part.texts import TextPart
from tutelage.floor import word_pairs
from tutelage.floor.word_pairs import FittedWordPairs, WordPairs


def part_of(texts: list[str]) -> TextPart:
    names = np.array([f"row {row}" for row in range(len(texts))], dtype=object)
    return TextPart("train", np.array(texts, dtype=object), None, names, "x")


def fitted(tell: list[str]) -> tuple[FittedWordPairs, TextPart]:
    """Fit to texts of a class each, all alike but for the words that tell."""
    random = np.random.default_rng(0)
    codes = random.integers(0, len(tell), 300)
    words = np.array(["the", "a", "film", "plot", "scene"])
    part = part_of([" ".join([*random.choice(words, 5), tell[code], *random.choice(words, 3)]) for code in codes])
    return WordPairs(bits=16).fit(part, codes, num_classes=len(tell), seed=0), part


def test_the_words_that_tell_a_class_are_named_for_it() -> None:
    for tell in (["awful", "great"], ["dull", "fine", "lovely"]):
        floor, part = fitted(tell)
        found = floor.telling(part, limit=5)
        assert [things[0].name for things in found] == tell
        assert all(things[0].weight > 0 and things[0].rows > 50 for things in found)
        assert all(len(things) <= 5 for things in found)


def test_pairs_of_words_are_named_and_weighed_as_in_the_answer() -> None:
    floor, part = fitted(["not good", "good good"])
    names = [[thing.name for thing in things] for things in floor.telling(part, limit=4)]
    assert "not good" in names[0]
    assert "good good" in names[1]
    pair = next(thing for thing in floor.telling(part, limit=4)[1] if thing.name == "good good")
    alone = floor.answers(part_of(["zzz good good"])), floor.answers(part_of(["zzz good zzz good"]))
    logits = [np.log(answer[0, 1] / answer[0, 0]) for answer in alone]
    others = [floor.telling(part_of([text] * 2), limit=50) for text in ("zzz good good", "zzz good zzz good")]
    sums = [sum(thing.weight for thing in classes[1]) - sum(thing.weight for thing in classes[0]) for classes in others]
    assert abs((logits[0] - logits[1]) - (sums[0] - sums[1])) < 0.02
    assert pair.weight > 0


def test_words_of_one_text_alone_are_not_named_and_all_classes_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    floor, part = fitted(["awful", "great"])
    once = part_of([*part.texts.tolist(), "unheard of"])
    assert not any(thing.name == "unheard" for things in floor.telling(once, limit=10_000) for thing in things)
    order = np.argsort(["great" in text for text in part.texts], kind="stable")
    few = part.select(order)
    monkeypatch.setattr(word_pairs, "MAX_TEXTS", 20)
    found = floor.telling(few, limit=1)
    assert [things[0].name for things in found] == ["awful", "great"]
    assert floor.telling(part_of([]), limit=5) == ()
