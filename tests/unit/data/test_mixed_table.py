"""Tables with a text a row: columns and words side by side, learned from train alone, and the same for rows to answer for."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from tutelage.core.errors import DataError, RecipeError
from tutelage.core.shape.base import shape_from_record
from tutelage.core.shape.views import Mixed
from tutelage.data.part.table import MixedPart, TablePart
from tutelage.data.prepare.mixed_table import FittedMixedTable, MixedTable
from tutelage.data.source.table import TableSource
from tutelage.floor.word_pairs import WordPairs
from tutelage.model.arch.mlp import MLP

TEXTS = ["a great film", "dull, dull", "", "great plot and great sound"] * 6


def part(**columns: Any) -> MixedPart:
    cells = {"size": [row % 5 + 0.5 for row in range(24)], "shop": ["a", "b", "c"] * 8, **columns}
    table = pa.table({**cells, "review": TEXTS, "label": [row % 2 for row in range(24)]})
    return MixedPart(TablePart("train", table, "x.csv", np.arange(2, 26), "label", "0"), "review")


def taken(fitted: FittedMixedTable, rows: TablePart, numbers: list[int]) -> dict[str, torch.Tensor]:
    batch: dict[str, torch.Tensor] = fitted.finisher()(fitted.apply(rows).take(torch.tensor(numbers)))
    return batch


def test_columns_and_words_come_side_by_side_and_the_same_after_json() -> None:
    fitted = MixedTable().fit(part())
    again = MixedTable().restore(json.loads(json.dumps(fitted.state())))
    batch, after = taken(fitted, part(), [3, 0, 2]), taken(again, part(), [3, 0, 2])
    assert set(batch) == set(fitted.shape.tensors)
    assert all(torch.equal(value, after[name]) for name, value in batch.items())
    assert batch["mask"].sum(dim=1).tolist() == [5, 3, 1]
    assert (batch["number"].shape, batch["category"].shape) == ((3, fitted.shape.numbers), (3, 1))
    assert fitted.shape.view(Mixed) is not None
    assert shape_from_record(json.loads(json.dumps(fitted.shape.model_dump(mode="json")))) == fitted.shape
    assert ("columns.review", "texts", "its words count") in fitted.decisions()
    assert any(column["role"] == "texts" for column in fitted.summary(part())["columns"])
    assert "empty or blank: 6" in fitted.odd_rows(part())[0]


def test_a_row_is_the_same_whatever_is_beside_it_in_the_batch() -> None:
    fitted = MixedTable().fit(part())
    network = MLP(hidden=(8,), dropout=0).build(fitted.shape, 2).eval()
    names = tuple(fitted.shape.tensors)

    def answer(numbers: list[int]) -> torch.Tensor:
        batch = taken(fitted, part(), numbers)
        outputs: torch.Tensor = network(*(batch[name] for name in names))
        return outputs

    torch.testing.assert_close(answer([3, 1, 2])[1:2], answer([1]))
    assert not torch.allclose(answer([0]), answer([5])), "texts differ"


def test_rows_to_answer_for_need_no_target_and_no_other_reading(tmp_path: Path) -> None:
    fitted = MixedTable().fit(part())
    (tmp_path / "new.csv").write_text("size,shop,review\n1.5,b,a great film\n2.5,c,5\n", encoding="utf-8")
    settings = {key: value for key, value in fitted.reading().items() if key in TableSource.model_fields}
    rows, _ = TableSource(path="", **settings).read_input([str(tmp_path / "new.csv")])
    assert isinstance(rows, TablePart)
    assert taken(fitted, rows, [0, 1])["mask"].sum(dim=1).tolist() == [3, 1]
    with pytest.raises(DataError, match="column review"):
        fitted.apply(rows.without(["review"]))
    with pytest.raises(DataError, match="column shop"):
        fitted.apply(rows.without(["shop"]))


def test_without_usable_columns_the_texts_alone_are_learned_from() -> None:
    rows = part().without(["size", "shop"])
    fitted = MixedTable().fit(rows)
    assert (fitted.shape.numbers, fitted.shape.cardinalities) == (0, ())
    batch = taken(fitted, rows, [0, 1])
    for model in (MLP(hidden=(8,)), MLP(hidden=(8,), members=4, numbers="plain")):
        network = model.build(fitted.shape, 2)
        network(*(batch[name] for name in fitted.shape.tensors)).sum().backward()


def test_the_column_of_texts_takes_no_other_role() -> None:
    with pytest.raises(RecipeError, match=r"columns\.review = 'dropped'.*--text none"):
        MixedTable(columns={"review": "dropped"}).fit(part())
    assert MixedTable(columns={"shop": "dropped"}).fit(part()).shape.cardinalities == ()


def test_selected_rows_keep_their_texts() -> None:
    chosen = part().select(np.array([4, 5])).renamed("test")
    assert isinstance(chosen, MixedPart)
    assert chosen.text_column == "review"
    assert chosen.labels is not None
    assert chosen.labels.tolist() == [0, 1]


def test_the_floor_of_words_reads_tables_too() -> None:
    rows = part()
    fitted = WordPairs(bits=10).fit(rows, rows.labels, num_classes=2, seed=0)  # type: ignore[arg-type]
    again = WordPairs(bits=10).restore(json.loads(json.dumps(fitted.state())), fitted.tensors())
    plain = TablePart("input", rows.table, "y.csv", rows.lines, "", "1")
    assert np.array_equal(fitted.answers(rows), again.answers(plain))
    with pytest.raises(DataError, match="no texts"):
        again.answers(plain.without(["review"]))
