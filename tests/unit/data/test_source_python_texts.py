"""Lists of texts handed over in Python."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tutelage.core.errors import DataError
from tutelage.data.part.table import MixedPart, TablePart
from tutelage.data.part.texts import TextPart
from tutelage.data.source.arrays import collect_arrays

TEXTS = ["a good film", "an awful plot", "", "fine"]
LABELS = ["pos", "neg", "neg", "pos"]


@pytest.mark.parametrize(
    "texts",
    [TEXTS, tuple(TEXTS), np.array(TEXTS), np.array(TEXTS, dtype=object), pd.Series(TEXTS), pa.array(TEXTS)],
    ids=["list", "tuple", "str array", "object array", "series", "arrow"],
)
def test_one_text_a_row_in_whatever_holds_them(texts: object) -> None:
    found = collect_arrays((texts, LABELS), test=(texts, ["POS", "neg", "neg", "pos"]))
    assert isinstance(found.train, TextPart)
    assert found.train.texts.tolist() == TEXTS
    assert found.train.labels is not None
    assert found.train.labels.tolist() == LABELS
    assert found.train.locate(2) == "train row 2"
    assert isinstance(found.test, TextPart)
    assert found.test.labels is not None
    assert found.test.labels.tolist() == LABELS, "in the spelling of the train part"


def test_to_predict_on_labels_may_be_absent() -> None:
    found = collect_arrays(TEXTS, is_input=True)
    assert isinstance(found.train, TextPart)
    assert found.train.name == "input"
    assert found.train.labels is None


def test_missing_texts_and_labels_are_named_and_left_out() -> None:
    found = collect_arrays((["a", None, "c", "d", "e"], ["x", "x", None, "y", "y"]))
    assert {problem.where for problem in found.problems} == {"train row 1", "train labels row 2"}
    assert isinstance(found.train, TextPart)
    assert found.train.texts.tolist() == ["a", "d", "e"]


def test_lists_that_mix_texts_and_numbers_are_refused() -> None:
    with pytest.raises(DataError):
        collect_arrays((["a", 1, "c"], ["x", "y", "x"]))
    with pytest.raises(DataError):
        collect_arrays((TEXTS, ["x", "y"]))


def test_a_table_with_a_column_of_texts_stays_a_table() -> None:
    found = collect_arrays({"text": TEXTS, "label": LABELS}, target="label")
    assert isinstance(found.train, TablePart)


def test_the_fingerprint_is_that_of_texts_and_labels() -> None:
    def of(texts: list[str], labels: list[str]) -> str:
        return collect_arrays((texts, labels)).train.fingerprint

    assert of(TEXTS, LABELS) == of(list(TEXTS), list(LABELS))
    assert of(TEXTS, LABELS) != of([*TEXTS[:3], "bad"], LABELS)
    assert of(TEXTS, LABELS) != of(TEXTS, ["neg", *LABELS[1:]])


def test_texts_in_a_data_frame_are_learned_from() -> None:
    frame = pd.DataFrame
    review = [f"a text of many words, number {row}, about nothing at all, and long enough to be no name" for row in range(20)]
    answer = ["no", "yes"] * 10
    alone = collect_arrays(frame({"review": review, "label": answer}))
    assert isinstance(alone.train, TextPart)
    assert any("texts: column review" in note for note in alone.notes)
    whole = frame({"size": range(20), "review": review, "label": answer})
    both = collect_arrays(whole, test=whole)
    assert isinstance(both.train, MixedPart)
    assert isinstance(both.test, MixedPart)
    asked = collect_arrays(frame({"size": range(20), "review": review}), is_input=True, reading={"text": "review"}).train
    assert isinstance(asked, TextPart)
    assert type(collect_arrays(frame({"size": range(20), "review": review}), is_input=True).train) is TablePart
