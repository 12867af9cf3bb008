"""Words and pairs of words learn from texts in writings without blanks between words."""

import numpy as np

from tutelage.data.part.texts import TextPart
from tutelage.floor.word_pairs import WordPairs


def test_order_of_characters_is_learned_where_there_are_no_blanks() -> None:
    random = np.random.default_rng(0)
    pairs = ["好吃", "吃好"]
    fill = "这家餐厅服务员态度价格"
    texts = ["".join(random.permutation(list(fill))[:8]) + pairs[row % 2] for row in range(200)]
    names = np.array([f"row {row}" for row in range(200)], dtype=object)
    part = TextPart("train", np.array(texts, dtype=object), None, names, "x")
    truth = np.arange(200) % 2
    fitted = WordPairs(bits=12).fit(part.select(np.arange(100)), truth[:100], num_classes=2, seed=0)
    assert (fitted.answers(part.select(np.arange(100, 200))).argmax(axis=1) == truth[100:]).mean() > 0.95
