"""Data sets of the hub, from folders in its forms: splits, classes, texts, images, tables, and what fails on the way."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tutelage.core.errors import DataError, TutelageError, UsageError
from tutelage.data.part.image import ImagePart
from tutelage.data.part.table import MixedPart, TablePart
from tutelage.data.part.texts import TextPart
from tutelage.data.source.hub import Hub
from tutelage.data.source.hub_loading import parse_name

datasets = pytest.importorskip("datasets")

WORDS = "a rather long review of a film that is neither good nor bad, number"


def saved(folder: Path, **splits: Any) -> str:
    datasets.DatasetDict(splits).save_to_disk(folder / "set")
    return f"hub:{folder / 'set'}"


def reviews(labels: list[int], **more: Any) -> Any:
    classes = datasets.ClassLabel(names=["bad", "good"])
    columns = {"text": [f"{WORDS} {row}" for row in range(len(labels))], "label": labels, **more}
    features = {"text": datasets.Value("string"), "label": classes} | {name: datasets.Value("int64") for name in more}
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


def pictures(sizes: list[tuple[int, int]]) -> Any:
    random = np.random.default_rng(0)
    images = [Image.fromarray(random.integers(0, 255, size=(*size, 3), dtype=np.uint8)) for size in sizes]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    return datasets.Dataset.from_dict({"image": images, "label": [row % 2 for row in range(len(sizes))]}, features=features)


def test_texts_with_classes_come_as_texts_in_the_parts_of_the_set(tmp_path: Path) -> None:
    path = saved(
        tmp_path, train=reviews([0, 1] * 6), validation=reviews([1, 0]), test=reviews([1, 1, 0]), unsupervised=reviews([-1])
    )
    found = Hub(path=path).collect()
    assert isinstance(found.train, TextPart)
    assert isinstance(found.test, TextPart)
    assert found.train.labels is not None
    assert found.test.labels is not None
    assert found.train.labels.tolist() == ["bad", "good"] * 6
    assert found.test.labels.tolist() == ["good", "good", "bad"]
    assert (len(found.train), found.validation and len(found.validation), found.train.text_column) == (12, 2, "text")
    assert found.train.locate(3).endswith("train row 4")
    assert (found.name, found.train.target) == ("set", "label")
    told = " | ".join(found.notes)
    assert "only column of classes" in told
    assert "not used: unsupervised" in told


def test_a_part_whose_classes_are_kept_secret_is_not_used(tmp_path: Path) -> None:
    found = Hub(path=saved(tmp_path, train=reviews([0, 1] * 6), test=reviews([-1, -1]))).collect()
    assert found.test is None
    assert "test has no label in any row: not used" in found.warnings[0]
    part, problems = Hub(path="hub:x", target="label", text="text").read_input([f"hub:{tmp_path / 'set'}"])
    assert (len(part), part.labels, problems) == (2, None, ())


def test_several_columns_are_a_table_unless_one_is_named_as_texts(tmp_path: Path) -> None:
    path = saved(tmp_path, train=reviews([0, 1] * 6, stars=list(range(12))))
    whole = Hub(path=path).collect().train
    assert type(whole) is TablePart
    assert whole.columns == ("text", "label", "stars")
    assert isinstance(Hub(path=path, text="text").collect().train, MixedPart)
    assert isinstance(Hub(path=path, text="text", text_alone=True).collect().train, TextPart)
    with pytest.raises(DataError, match="no column 'nothing'"):
        Hub(path=path, text="nothing").collect()


def test_images_of_one_size_are_pixels(tmp_path: Path) -> None:
    path = saved(tmp_path, train=pictures([(6, 5)] * 8), test=pictures([(6, 5)] * 4))
    found = Hub(path=path).collect()
    assert isinstance(found.train, ImagePart)
    assert isinstance(found.test, ImagePart)
    assert found.train.pixels is not None
    assert found.train.pixels.shape == (8, 6, 5, 3)
    assert found.train.labels is not None
    assert found.train.labels.tolist() == ["cat", "dog"] * 4
    assert found.train.fingerprint != found.test.fingerprint
    part, _ = Hub(path=path, target="label").read_input([path])
    assert (len(part), part.name) == (4, "input")


def test_images_of_several_sizes_are_files_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    path = saved(tmp_path, train=pictures([(6, 5), (9, 9)] * 4))
    first, again = Hub(path=path).collect().train, Hub(path=path).collect().train
    assert isinstance(first, ImagePart)
    assert isinstance(again, ImagePart)
    assert len(first) == len({file.name for file in first.files}) == 8
    assert first.files == again.files
    assert first.fingerprint == again.fingerprint


def test_an_image_of_the_cache_is_there_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    path = saved(tmp_path, train=pictures([(6, 5), (9, 9)] * 4))
    write = Path.write_bytes

    def stopped(file: Path, content: bytes) -> int:
        write(file, content[:7])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", stopped)
    with pytest.raises(KeyboardInterrupt):
        Hub(path=path).collect()
    assert not [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]


def test_an_image_that_is_damaged_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    rows = pictures([(6, 5)] * 3).cast_column("image", datasets.Image(decode=False)).to_list()
    rows[1]["image"]["bytes"] = b"no image"
    rows[2]["image"] = None
    features = pictures([(6, 5)]).features
    found = Hub(path=saved(tmp_path, train=datasets.Dataset.from_list(rows, features=features))).collect()
    empty, damaged = found.problems
    assert "train row 3: there is no image" in str(empty)
    assert "train row 2: " in str(damaged)
    assert (empty.items, damaged.items) == ((2,), (1,))
    assert isinstance(found.train, ImagePart)
    assert found.train.locate(0).endswith("train row 1")
    assert len(found.train) == len(found.train.files) == 1
    (tmp_path / "more").mkdir()
    with pytest.raises(DataError, match="there is no image"):
        Hub(path=saved(tmp_path / "more", train=datasets.Dataset.from_list(rows[2:], features=features))).collect()


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_folder_of_files_is_read_anew_each_time(tmp_path: Path, form: str) -> None:
    for count in (10, 12):
        for split in ("train", "test"):
            rows = datasets.Dataset.from_dict({"size": [row / 2 for row in range(count)], "kind": ["x", "y"] * (count // 2)})
            getattr(rows, f"to_{form}")(str(tmp_path / f"{split}.{form}"))
        found = Hub(path=f"hub:{tmp_path}").collect()
        assert isinstance(found.train, TablePart)
        assert (len(found.train), found.test and len(found.test), found.train.target) == (count, count, "kind")


def test_a_single_split_is_learned_from_and_of_several_one_has_to_be_said(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    assert len(Hub(path=saved(tmp_path, all=reviews([0, 1] * 4))).collect().train) == 8  # type: ignore[arg-type]
    two = saved(tmp_path / "two", a=reviews([0, 1] * 4), b=reviews([0, 1] * 3))
    with pytest.raises(UsageError, match=r"no split train, but a, b.*source\.split"):
        Hub(path=two).collect()
    assert len(Hub(path=two, split="b").collect().train) == 6  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no split 'c'"):
        Hub(path=two, split="c").collect()


def test_names_may_have_an_owner_and_a_configuration(tmp_path: Path) -> None:
    assert parse_name("hub:glue:sst2") == ("glue", "sst2")
    assert parse_name("hub:me/set") == ("me/set", "")
    (tmp_path / "a:b").mkdir()
    assert parse_name(f"hub:{tmp_path}/a:b") == (f"{tmp_path}/a:b", "")


class DatasetNotFoundError(FileNotFoundError):
    """Stands for the library's own."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionError("Couldn't reach 'me/set' on the Hub"), "cannot be reached.*Check the network.*hub:FOLDER"),
        (
            DatasetNotFoundError("Dataset 'me/set' doesn't exist on the Hub or cannot be accessed."),
            "no such data set.*OWNER/NAME",
        ),
        (DatasetNotFoundError("Dataset 'me/set' is a gated dataset on the Hub. Visit"), "not for everybody.*hf auth login"),
        (ValueError("Config name is missing.\nPlease pick one"), "Config name is missing.*hub:me/set:CONFIG"),
        (RuntimeError("Dataset scripts are no longer supported, but found set.py"), "scripts.*Fetch its files"),
    ],
)
def test_what_fails_is_told_with_what_to_do(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(TutelageError, match=said):
        Hub(path="hub:me/set").collect()


def test_what_is_no_data_set_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "train.json").write_text("{", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for name in ("broken", "empty"):
        with pytest.raises(DataError, match=f"{name}: cannot be read"):
            Hub(path=f"hub:{tmp_path / name}").collect()
    with pytest.raises(UsageError, match="expected hub:NAME"):
        Hub(path="hub:").collect()
    with pytest.raises(UsageError, match="takes no --test"):
        Hub(path="hub:x", test="y").collect()


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UsageError, match=r"tutelage\[hub\]"):
        Hub(path="hub:imdb").collect()


def test_it_can_be_written_to_a_recipe() -> None:
    source = Hub(path="hub:x", split="a", text="t")
    assert Hub.model_validate(json.loads(source.model_dump_json())) == source


def test_the_digest_of_a_table_is_that_of_its_content_however_it_is_cut() -> None:
    import pyarrow as pa

    from tutelage.data.source.hub import _digest

    whole = pa.table({"a": list(range(10)), "b": [str(row) for row in range(10)]})
    parts = pa.concat_tables([whole.slice(0, 3), whole.slice(3, 4), whole.slice(7)])
    assert _digest(parts) == _digest(whole)
    assert _digest(whole.slice(0, 9)) != _digest(whole)
