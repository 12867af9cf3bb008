"""Tables with a column of texts: found or named, in any format, what is empty and what is not used told."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tutelage.core.errors import DataError
from tutelage.data.part.table import MixedPart, TablePart
from tutelage.data.part.texts import TextPart
from tutelage.data.prepare.texts import Texts
from tutelage.data.source.table import TableSource

ROWS = [(f"this is text number {index} of all those in the table", ["no", "yes"][index % 2]) for index in range(30)]


def as_csv(folder: Path) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join(["text,label", *(f'"{text}",{label}' for text, label in ROWS)]), encoding="utf-8")
    return path


def as_tsv(folder: Path) -> Path:
    path = folder / "rows.tsv"
    path.write_text("\n".join(["text\tlabel", *("\t".join(row) for row in ROWS)]), encoding="utf-8")
    return path


def as_jsonl(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"text": text, "label": label}) for text, label in ROWS), encoding="utf-8")
    return path


@pytest.mark.parametrize("write", [as_csv, as_tsv, as_jsonl])
@pytest.mark.parametrize("wanted", ["auto", "text"])
def test_a_column_of_texts_is_read_from_any_format(write: Callable[[Path], Path], wanted: str, tmp_path: Path) -> None:
    path = write(tmp_path)
    found = TableSource(path=str(path), target="label", text=wanted).collect()
    assert isinstance(found.train, TextPart)
    assert found.train.texts.tolist() == [text for text, _ in ROWS]
    assert found.train.labels is not None
    assert found.train.labels.tolist() == [label for _, label in ROWS]
    assert path.name in found.train.locate(3)
    part, _ = TableSource(path=str(path), target="label", text="text").read_input([str(path)])
    assert isinstance(part, TextPart)


def test_long_texts_of_the_only_column_that_come_several_times_are_texts(tmp_path: Path) -> None:
    def kind(count: int) -> str:
        texts = [f"this is text {index % count} of all those in the table {'and it goes on and on ' * 4}" for index in range(200)]
        lines = [f"{text},{index % count % 2}" for index, text in enumerate(texts)]
        path = tmp_path / f"{count}.csv"
        path.write_text("\n".join(["text,label", *lines, ""]), encoding="utf-8")
        return TableSource(path=str(path), target="label").collect().train.kind

    assert kind(50) == TextPart.kind
    assert kind(5) == TablePart.kind, "five answers are categories, however long"


def write_more(folder: Path, *texts: str) -> Path:
    path = folder / "more.csv"
    lines = [f'{index},"{text}",{["no", "yes"][index % 2]}' for index, text in enumerate(texts)]
    path.write_text("\n".join(["size,review,label", *lines, ""]), encoding="utf-8")
    return path


def test_columns_beside_the_texts_are_learned_from_or_told(tmp_path: Path) -> None:
    path = write_more(tmp_path, *(text for text, _ in ROWS))
    found = TableSource(path=str(path), target="label", text="review").collect()
    assert isinstance(found.train, MixedPart)
    assert any("texts: column review; beside it: size" in note for note in found.notes)
    alone = TableSource(path=str(path), target="label", text="review", text_alone=True).collect()
    assert isinstance(alone.train, TextPart)
    assert any("texts: column review; not learned from: size" in note for note in alone.notes)


def test_of_several_columns_only_long_texts_are_found_by_themselves(tmp_path: Path) -> None:
    path = write_more(tmp_path, *(text for text, _ in ROWS))
    assert type(TableSource(path=str(path), target="label").collect().train) is TablePart
    path = write_more(tmp_path, *(f"{text}, and {text}" for text, _ in ROWS))
    assert isinstance(TableSource(path=str(path), target="label").collect().train, MixedPart)
    assert type(TableSource(path=str(path), target="label", text="none").collect().train) is TablePart


def test_empty_texts_are_rows_and_named_with_their_place(tmp_path: Path) -> None:
    path = write_more(tmp_path, "a good text", "", "fine words", "   ", "more words", "and more")
    part = TableSource(path=str(path), target="label", text="review", text_alone=True).collect().train
    assert isinstance(part, TextPart)
    assert len(part) == 6
    (warning,) = Texts().fit(part).odd_rows(part)
    assert warning.startswith("train: texts that are empty or blank: 2 (more.csv row 3, more.csv row 5): ")


def test_where_all_texts_are_empty_nothing_is_trained(tmp_path: Path) -> None:
    path = write_more(tmp_path, *[" "] * 6)
    part = TableSource(path=str(path), target="label", text="review", text_alone=True).collect().train
    with pytest.raises(DataError, match="no text has a single word"):
        Texts().fit(part)


def test_a_column_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    path = write_more(tmp_path, *(text for text, _ in ROWS))
    with pytest.raises(DataError, match="there is no column 'reviews' of texts"):
        TableSource(path=str(path), target="label", text="reviews").collect()
    with pytest.raises(DataError, match="column 'size' holds"):
        TableSource(path=str(path), target="label", text="size").collect()


def write_lines(tmp_path: Path, *more: bytes) -> Path:
    """Write records of texts, one a line, and further lines after the third."""
    lines = [
        json.dumps({"review": f"a good text, number {row}, of many words in all", "label": "ab"[row % 2]}) for row in range(60)
    ]
    path = tmp_path / "more.jsonl"
    path.write_bytes(b"\n".join([*(line.encode() for line in lines[:3]), *more, *(line.encode() for line in lines[3:])]) + b"\n")
    return path


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"review": "caf\xe9 \xe4", "label": "a"}', "more.jsonl row 4: bytes that are no text.* Save the file as UTF-8"),
        (b'{"review": "zero \0 byte", "label": "a"}', "more.jsonl row 4: bytes that are no text"),
        (b'{"review": ["a", "list"], "label": "a"}', "more.jsonl row 4, column review: a list or a record.* Give it a value"),
        (b'{"review": "no end', "more.jsonl row 4: not JSON"),
        (b'{"review": "no label"}', "more.jsonl row 4, column label: the target is missing"),
        (b'["a"]', "more.jsonl row 4: no record but a list"),
    ],
)
def test_a_bad_line_is_named_and_can_be_left_out(tmp_path: Path, line: bytes, said: str) -> None:
    rest = '{"review": "größer und weiter über Öl", "label": "b"}'.encode()
    found = TableSource(path=str(write_lines(tmp_path, line, rest)), target="label").collect()
    (problem,) = found.problems
    assert re.search(said, str(problem))
    assert problem.item == 3
    assert isinstance(found.train, TextPart)
    assert found.train.texts[3] == "größer und weiter über Öl"
    assert len(found.train) == 61


def test_a_column_of_lists_is_named_where_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"review": ["a", "b"], "label": 1}\n' * 5, encoding="utf-8")
    with pytest.raises(DataError, match=r"one column only \('label'\); .*column review holds lists or records \(5 x\): left out"):
        TableSource(path=str(path), target="label").collect()


def test_bytes_that_are_no_text_in_a_list_of_records_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes('[{"review": "größer"},\n{"review": "'.encode() + b'\xe4"}]\n')
    with pytest.raises(DataError, match=r"x\.json line 2: bytes that are no text"):
        TableSource(path=str(path), target="label").collect()


def test_of_several_columns_of_texts_it_is_said_that_one_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("one,two,label\n" + "a good film,not bad at all,1\n" * 5, encoding="utf-8")
    with pytest.raises(DataError, match=r"names 2 columns of texts.* join them"):
        TableSource(path=str(path), target="label", text="one,two").collect()


def unspaced(path: Path, *, other: str = "") -> Path:
    """Write texts in two writings without blanks between words."""
    texts = [
        "这家餐厅很好吃服务员态度不错价格便宜",
        "とても美味しいです。また来ます、ありがとう",
        "太差了难吃又贵不会再来垃圾服务环境不好",
    ]
    rows = [f"{texts[row % 3]}{row},{['好', '坏'][row % 2]}{f',{row}' if other else ''}" for row in range(30)]
    path.write_text("\n".join([f"文本,类别{f',{other}' if other else ''}", *rows]), encoding="utf-8")
    return path


def test_a_column_of_texts_without_blanks_is_recognized_and_cut_into_characters(tmp_path: Path) -> None:
    found = TableSource(path=str(unspaced(tmp_path / "zh.csv")), target="类别").collect()
    assert isinstance(found.train, TextPart)
    fitted = Texts().fit(found.train)
    assert {"餐", "厅", "と"} <= set(fitted.words)
    assert all(len(word) == 1 or word.isdigit() for word in fitted.words)
    assert (fitted.encode(["餐厅 unseen"])[0] > 0).tolist() == [True, True, False]


def test_names_of_a_few_characters_are_no_texts(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("\n".join(["name,y", *(f"北京市第{row}中学,{row % 2}" for row in range(30))]), encoding="utf-8")
    assert isinstance(TableSource(path=str(path), target="y").collect().train, TablePart)
