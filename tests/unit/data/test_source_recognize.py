"""A path tells what kind of source reads it, and where none does, what was found there."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutelage.core.errors import UsageError
from tutelage.data.part.image import ImagePart
from tutelage.data.part.table import TablePart
from tutelage.data.source.recognize import recognize
from tutelage.data.source.sklearn_bundled import SklearnBundled
from tutelage.data.source.table import TableSource
from tutelage.data.source.timeline import Timeline

DATA = Path(__file__).parents[3].parent / "shared" / "data"


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (("photos/a/1.jpg", "photos/b/2.jpg"), "image_folder"),
        (("train/a/1.png", "test/a/2.png", "labels.csv"), "image_folder"),
        (("1.png", "notes.csv"), "image_folder"),
        (("train.csv", "test.csv", "README.md"), "table"),
        (("data.parquet",), "table"),
        (("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "notes.csv"), "idx"),
    ],
)
def test_a_folder_is_known_by_its_files(tmp_path: Path, files: tuple[str, ...], kind: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"a,b\n")
    assert recognize(str(tmp_path)).model_fields["kind"].default == kind


def test_a_file_is_known_by_its_name_or_its_content(tmp_path: Path) -> None:
    image = tmp_path / "nameless"
    Image.new("L", (2, 2)).save(image, "PNG")
    assert recognize(str(image)).__name__ == "ImageFolder"
    for name, kind in {
        "a.CSV": "TableSource",
        "a.tsv": "TableSource",
        "a.jpeg": "ImageFolder",
        "x-images-idx3-ubyte": "Idx",
    }.items():
        (tmp_path / name).write_bytes(b"?")
        assert recognize(str(tmp_path / name)).__name__ == kind
    (tmp_path / "b").write_bytes(b"PAR1")
    assert recognize(str(tmp_path / "b")).__name__ == "TableSource"
    assert recognize("sklearn:whatever").__name__ == "SklearnBundled"


def test_what_nobody_understands_is_described(tmp_path: Path) -> None:
    for name in ("a.json", "b.json", "c"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match=r"In it: 2 x \.json file, 1 x nameless file\.\nUnderstood are:\n  [a-z]"):
        recognize(str(tmp_path))
    with pytest.raises(UsageError, match=r"a\.json: a file of 2 bytes that no source understands"):
        recognize(str(tmp_path / "a.json"))
    with pytest.raises(UsageError, match=r"no such file or folder\. Did you mean .*a\.json\?"):
        recognize(str(tmp_path / "a.jso"))


@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not here")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("fashion-mnist", "Idx"),
        ("cats-dogs", "ImageFolder"),
        ("odd-images", "ImageFolder"),
        ("imdb", "TableSource"),
        ("adult", "TableSource"),
        ("adult/train.csv", "TableSource"),
        ("wine-quality", "TableSource"),
        ("etth1", "TableSource"),
        ("california-housing", "TableSource"),
    ],
)
def test_the_real_sets_are_recognized(name: str, kind: str) -> None:
    assert recognize(str(DATA / name)).__name__ == kind


def test_digits_are_small_grey_images() -> None:
    part = SklearnBundled(path="sklearn:digits").collect().train
    assert isinstance(part, ImagePart)
    assert part.pixels is not None
    assert part.labels is not None
    assert (part.pixels.shape, part.pixels.dtype, part.pixels.max()) == ((1797, 8, 8, 1), np.uint8, 255)
    assert part.labels[:3].tolist() == [0, 1, 2]
    assert part.locate(5) == "image 5"


@pytest.mark.parametrize(
    ("name", "rows", "columns", "first"),
    [
        ("iris", 150, 4, "setosa"),
        ("wine", 178, 13, "class_0"),
        ("breast_cancer", 569, 30, "malignant"),
        ("diabetes", 442, 10, 151.0),
    ],
)
def test_the_other_bundled_sets_are_tables_with_named_columns(name: str, rows: int, columns: int, first: object) -> None:
    part = SklearnBundled(path=f"sklearn:{name}").collect().train
    assert isinstance(part, TablePart)
    assert (len(part), part.table.num_columns - 1, part.target) == (rows, columns, "target")
    assert part.labels is not None
    assert part.labels[0] == first
    assert part.locate(0) == f"sklearn:{name} row 1"


def test_an_unknown_bundled_set_or_a_test_part_for_one_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'digits'"):
        SklearnBundled(path="sklearn:digit").collect()
    with pytest.raises(UsageError, match="takes no --test"):
        SklearnBundled(path="sklearn:digits", test="x").collect()
    with pytest.raises(UsageError, match="has no column 'flower'"):
        SklearnBundled(path="sklearn:iris", target="flower").collect()


def test_a_bundled_set_may_be_evaluated_on() -> None:
    part, problems = SklearnBundled().read_input(["sklearn:wine"])
    assert (part.name, len(part), problems) == ("input", 178, ())


@pytest.mark.parametrize(
    ("file", "name"), [("imdb_train.csv", "imdb_train"), ("train.csv", "films"), ("Training.csv", "films"), ("x.csv", "x")]
)
def test_a_set_is_named_after_its_file_or_after_the_folder_where_the_file_says_nothing(
    file: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / "films").mkdir()
    path = tmp_path / "films" / file
    path.write_text("day,a\n" + "".join(f"2024-01-{n:02d},{n % 3}\n" for n in range(1, 20)), encoding="utf-8")
    assert TableSource(path=str(path), target="a").collect().name == name
    assert Timeline(path=str(path)).collect().name == name
