"""Folders of images: which folder is what, and everything wrong with the files, told at once."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutelage.core.errors import DataError, UsageError
from tutelage.data.augment.symmetry import try_mirror
from tutelage.data.part.image import ImagePart
from tutelage.data.quality.look import look_all
from tutelage.data.source.image_folder import ImageFolder

DATA = Path(__file__).parents[3].parent / "shared" / "data"


def put(path: Path, *, seed: int = 0) -> Path:
    """Write a small image of noise, a different one for each seed and name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([seed, *os.fsencode(path.name), *os.fsencode(path.parent.name)])
    Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    return path


def collect(root: Path, **settings: str) -> tuple[list[str], list[str]]:
    """Return names of the train and of the test images."""
    found = ImageFolder(path=str(root), **settings).collect()
    assert isinstance(found.train, ImagePart)
    assert found.test is None or isinstance(found.test, ImagePart)
    return list(found.train.names), list(found.test.names) if found.test else []


def test_folders_are_classes_at_any_depth_in_natural_order(tmp_path: Path) -> None:
    for name in ("b/img10.png", "b/img9.png", "a/deep/er/x.png", "10/y.png", "9/z.png"):
        put(tmp_path / name)
    found = ImageFolder(path=str(tmp_path)).collect().train
    assert isinstance(found, ImagePart)
    assert found.names == ("9/z.png", "10/y.png", "a/deep/er/x.png", "b/img9.png", "b/img10.png")
    assert found.labels is not None
    assert found.labels.tolist() == ["9", "10", "a", "b", "b"]


def test_train_and_test_folders_are_parts(tmp_path: Path) -> None:
    for name in ("Train/a/1.png", "Train/b/2.png", "test/a/3.png", "test/b/4.png"):
        put(tmp_path / name)
    assert collect(tmp_path) == (["Train/a/1.png", "Train/b/2.png"], ["test/a/3.png", "test/b/4.png"])


def test_a_validation_folder_is_the_test_part_only_if_there_is_no_other(tmp_path: Path) -> None:
    for name in ("train/a/1.png", "train/b/2.png", "val/a/3.png", "val/b/4.png"):
        put(tmp_path / name)
    found = ImageFolder(path=str(tmp_path)).collect()
    assert isinstance(found.test, ImagePart)
    assert found.test.names == ("val/a/3.png", "val/b/4.png")
    assert any("val is used as the test part" in note for note in found.notes)
    put(tmp_path / "test/a/5.png")
    found = ImageFolder(path=str(tmp_path)).collect()
    assert isinstance(found.test, ImagePart)
    assert found.test.names == ("test/a/5.png",)
    assert isinstance(found.validation, ImagePart)
    assert found.validation.names == ("val/a/3.png", "val/b/4.png")
    assert found.validation.name == "validation"
    assert any("val is the validation part" in note for note in found.notes)
    assert not any("not used" in note for note in found.notes)


@pytest.mark.parametrize("name", ["val", "Valid", "validation"])
def test_a_validation_folder_is_kept_where_the_test_part_is_given(name: str, tmp_path: Path) -> None:
    for path in ("train/a/1.png", "train/b/2.png", f"{name}/A/3.png", f"{name}/b/4.png"):
        put(tmp_path / "photos" / path)
    put(tmp_path / "other/a/5.png")
    found = ImageFolder(path=str(tmp_path / "photos"), test=str(tmp_path / "other")).collect()
    assert isinstance(found.test, ImagePart)
    assert isinstance(found.validation, ImagePart)
    assert found.test.names == ("a/5.png",)
    assert found.validation.labels is not None
    assert found.validation.labels.tolist() == ["a", "b"]


def test_what_is_wrong_with_a_validation_folder_is_told(tmp_path: Path) -> None:
    for name in ("train/a/1.png", "train/b/2.png", "test/a/3.png", "val/a/4.png", "val/c/5.png"):
        put(tmp_path / name)
    (tmp_path / "val/a/6.png").write_bytes(b"no image")
    shutil.copy(tmp_path / "train/a/1.png", tmp_path / "val/a/7.png")
    found = ImageFolder(path=str(tmp_path)).collect()
    assert [problem.where for problem in found.problems] == ["val/a/6.png", "validation, class c"]
    leaked = [finding for finding in look_all(found).findings if finding.check == "leaked_rows"]
    assert [finding.where for finding in leaked] == ["validation"]
    assert "so the validation score is too good" in leaked[0].found


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("bus/1.png", "car/2.png", "train/3.png"):
        put(tmp_path / name)
    assert collect(tmp_path) == (["bus/1.png", "car/2.png", "train/3.png"], [])


def test_one_part_takes_a_test_part_from_elsewhere(tmp_path: Path) -> None:
    for name in ("here/a/1.png", "here/b/2.png", "there/a/3.png", "whole/train/a/4.png", "whole/test/b/5.png"):
        put(tmp_path / name)
    assert collect(tmp_path / "here", test=str(tmp_path / "there"))[1] == ["a/3.png"]
    assert collect(tmp_path / "here", test=str(tmp_path / "whole"))[1] == ["test/b/5.png"]


def test_a_single_folder_around_the_classes_is_looked_into(tmp_path: Path) -> None:
    for name in ("photos/a/1.png", "photos/b/2.png"):
        put(tmp_path / name)
    found = ImageFolder(path=str(tmp_path)).collect()
    assert found.train.labels is not None
    assert found.train.labels.tolist() == ["a", "b"]
    assert "photos" in found.notes[0]


def test_what_is_no_image_by_intention_is_passed_over_and_counted(tmp_path: Path) -> None:
    put(tmp_path / "a/1.png")
    put(tmp_path / "b/2.png")
    for name in ("a/Thumbs.db", "a/.DS_Store", "a/notes.txt", "a/labels.csv", ".git/config", "a/.hidden/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("words")
    put(tmp_path / "loose.png")
    found = ImageFolder(path=str(tmp_path)).collect()
    assert len(found.train) == 2
    assert not found.problems
    counted = "1 x .csv file (a/labels.csv), 1 x .txt file (a/notes.txt), 2 x hidden or system file (a/.DS_Store)"
    assert found.notes == (f"train: passed over {counted}",)
    assert "1 files beside the class folders" in found.warnings[0]


def test_an_image_with_the_name_of_a_note_is_an_image(tmp_path: Path) -> None:
    put(tmp_path / "b/2.png")
    put(tmp_path / "a/1.png").rename(tmp_path / "a/1.txt")
    assert collect(tmp_path)[0] == ["a/1.txt", "b/2.png"]


def test_all_bad_files_are_told_at_once_and_left_out(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b/3.png", "b/4.png"):
        put(tmp_path / name)
    (tmp_path / "a/2.png").write_bytes(b"")
    (tmp_path / "b/3.png").write_bytes((tmp_path / "b/4.png").read_bytes()[:100])
    (tmp_path / "b/movie.mp4").write_bytes(b"not an image")
    found = ImageFolder(path=str(tmp_path)).collect()
    assert [(problem.where, problem.item) for problem in found.problems] == [("a/2.png", 1), ("b/3.png", 2), ("b/movie.mp4", 4)]
    assert isinstance(found.train, ImagePart)
    assert found.train.names == ("a/1.png", "b/4.png")
    assert "empty" in found.problems[0].found
    assert found.problems[0].remedy == "Replace the file by a whole image, or remove it."


@pytest.mark.skipif(not (DATA / "odd-images").is_dir(), reason="the odd images are not here")
def test_the_odd_images_give_exactly_their_known_problems(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for file in (DATA / "odd-images").iterdir():
            shutil.copyfile(file, tmp_path / name / file.name)
    found = ImageFolder(path=str(tmp_path)).collect()
    bad = (
        "bmp_b_badbitcount.bmp", "broken.png", "decompression_bomb.gif", "png_decompression_dos.png", "truncated_jpeg.jpg",
        "ultrahdr.jpg", "unknown_compression_method.png",
    )  # fmt: skip
    assert [problem.where for problem in found.problems] == [f"{name}/{file}" for name in "ab" for file in bad]
    assert all(problem.item >= 0 for problem in found.problems)
    assert len(found.train) == 2 * (57 - len(bad))
    assert [warning.split(":")[0] for warning in found.warnings] == ["a/broken_data_stream.png", "b/broken_data_stream.png"]


def test_one_class_and_an_empty_class_folder_are_problems(tmp_path: Path) -> None:
    put(tmp_path / "a/1.png")
    (tmp_path / "b").mkdir()
    found = ImageFolder(path=str(tmp_path)).collect()
    assert [str(problem).split(". ")[0] for problem in found.problems] == [
        "b: a class folder without images",
        "train: only one class (a)",
    ]


def test_images_without_class_folders_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "1.png")
    with pytest.raises(DataError, match="no images in class folders"):
        ImageFolder(path=str(tmp_path)).collect()


def test_a_test_class_that_is_not_in_train_is_a_problem_but_another_spelling_is_not(tmp_path: Path) -> None:
    for name in ("train/Cats/1.png", "train/dogs/2.png", "test/cats /3.png", "test/dogs/4.png", "test/birds/5.png"):
        put(tmp_path / name)
    found = ImageFolder(path=str(tmp_path)).collect()
    assert [(problem.where, problem.items) for problem in found.problems] == [("test, class birds", (0,))]
    assert "1 images of a class" in found.problems[0].found
    assert "such as test/birds/5.png" in found.problems[0].found
    assert found.test is not None
    assert found.test.labels is not None
    assert found.test.labels.tolist() == ["Cats", "dogs"]
    assert found.warnings == ("test: the label 'cats ' was read as the class 'Cats' of the training data (1 x)",)


def test_a_test_part_of_unknown_classes_only_cannot_be_skipped(tmp_path: Path) -> None:
    for name in ("train/a/1.png", "train/b/2.png", "test/c/3.png"):
        put(tmp_path / name)
    found = ImageFolder(path=str(tmp_path)).collect()
    assert [problem.can_skip for problem in found.problems] == [True, False]


def test_two_spellings_of_a_class_in_train_are_told(tmp_path: Path) -> None:
    for name in ("dog/1.png", "Dog/2.png"):
        put(tmp_path / name)
    warnings = look_all(ImageFolder(path=str(tmp_path)).collect()).warnings
    assert any("'Dog' and 'dog'" in warning for warning in warnings)


def test_images_that_are_in_train_and_test_are_told_without_reading_files_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png"):
        put(tmp_path / name)
    shutil.copyfile(tmp_path / "train/a/1.png", tmp_path / "test/b/copy.png")
    found = ImageFolder(path=str(tmp_path)).collect()
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("a file was opened again"))
    (leaked,) = [finding for finding in look_all(found).findings if finding.check == "leaked_rows"]
    assert leaked.examples == ("test/b/copy.png = train/a/1.png",)
    assert "1 of 3 rows (33 %) are also in the train part, so the test score is too good" in str(leaked)


def test_links_are_followed_but_loops_end(tmp_path: Path) -> None:
    put(tmp_path / "set/a/1.png")
    put(tmp_path / "elsewhere/2.png")
    (tmp_path / "set/b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set/a/up").symlink_to(tmp_path / "set")
    (tmp_path / "set/a/here").symlink_to(tmp_path / "set/a")
    (tmp_path / "elsewhere/self").symlink_to(tmp_path / "elsewhere/self")
    found = ImageFolder(path=str(tmp_path / "set")).collect()
    assert isinstance(found.train, ImagePart)
    assert found.train.names == ("a/1.png", "b/2.png")
    assert [str(problem) for problem in found.problems] == [
        "b/self: a link that leads nowhere. Replace the file by a whole image, or remove it."
    ]
    assert "train: not read, since what they lead to is read already: 2 (a/here, a/up)" in found.notes


def test_a_class_that_is_a_link_back_or_to_another_class_is_told_of(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/2.png", "elsewhere/3.png"):
        put(tmp_path / "set" / name if name[1] == "/" else tmp_path / name)
    (tmp_path / "set/all").symlink_to(tmp_path / "set")
    (tmp_path / "set/a2").symlink_to(tmp_path / "set/a")
    (tmp_path / "set/b/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set/gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "set/self").symlink_to(tmp_path / "set/self")
    found = ImageFolder(path=str(tmp_path / "set")).collect()
    assert isinstance(found.train, ImagePart)
    assert found.train.names == ("a/1.png", "b/2.png", "b/more/3.png")
    assert [f"{problem.where} {problem.found}" for problem in found.problems] == ["a2 leads to the same folder as class a"]
    assert found.notes == (
        "train: not read, since what they lead to is read already: 1 (all)",
        "train: followed links to folders: 1 (b/more)",
    )
    assert [warning for warning in found.warnings if "nowhere" in warning] == [
        "gone: a link that leads nowhere, not used",
        "self: a link that leads nowhere, not used",
    ]


def test_the_fingerprint_follows_content_and_names_not_places(tmp_path: Path) -> None:
    for name in ("one/a/1.png", "one/b/2.png"):
        put(tmp_path / name)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    prints = [ImageFolder(path=str(tmp_path / name)).collect().train.fingerprint for name in ("one", "two")]
    assert prints[0] == prints[1]
    put(tmp_path / "two/a/1.png", seed=1)
    assert ImageFolder(path=str(tmp_path / "two")).collect().train.fingerprint != prints[0]


def test_input_may_be_files_or_folders_with_or_without_classes(tmp_path: Path) -> None:
    paths = [put(tmp_path / name) for name in ("set/a/1.png", "set/b/2.png", "flat/3.png")]
    (tmp_path / "flat/bad.jpg").write_bytes(b"bad")
    source = ImageFolder(path=str(tmp_path))
    labelled, problems = source.read_input([str(tmp_path / "set")])
    assert labelled.labels is not None
    assert (labelled.labels.tolist(), problems) == (["a", "b"], ())
    flat, problems = source.read_input([str(tmp_path / "flat"), str(paths[0])])
    assert flat.labels is None
    assert flat.names == (str(paths[2]), str(paths[0]))
    assert [problem.where for problem in problems] == [str(tmp_path / "flat/bad.jpg")]


def test_of_a_source_with_parts_the_test_part_is_read_as_input(tmp_path: Path) -> None:
    for name in ("train/a/1.png", "train/b/2.png", "test/a/3.png"):
        put(tmp_path / name)
    part, _ = ImageFolder(path=str(tmp_path)).read_input([str(tmp_path)])
    assert part.names == (str(tmp_path / "test/a/3.png"),)


def test_input_that_is_not_there_is_refused(tmp_path: Path) -> None:
    source = ImageFolder(path=str(tmp_path))
    with pytest.raises(UsageError, match="no such file"):
        source.read_input([str(tmp_path / "nothing.png")])
    with pytest.raises(DataError, match="no images there"):
        source.read_input([str(tmp_path)])


@pytest.mark.skipif(not (DATA / "cats-dogs").is_dir(), reason="the photos are not here")
def test_four_thousand_photos_are_verified_without_a_complaint() -> None:
    found = ImageFolder(path=str(DATA / "cats-dogs")).collect()
    assert (len(found.train), len(found.test or ())) == (2000, 2000)
    assert not found.problems
    assert not found.warnings


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_names_that_are_no_unicode_are_read_and_can_be_written_down(tmp_path: Path) -> None:
    for folder in (b"caf\xe9", b"b"):
        for name in (b"x\xff.png", b"y.png"):
            put(tmp_path / os.fsdecode(folder) / os.fsdecode(name))
    found = ImageFolder(path=str(tmp_path)).collect()
    assert isinstance(found.train, ImagePart)
    assert found.train.labels is not None
    assert sorted(set(found.train.labels.tolist())) == ["b", "caf\\xe9"]
    assert "caf\\xe9/x\\xff.png" in found.train.names
    assert all(file.is_file() for file in found.train.files)


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_two_folders_of_one_readable_name_are_not_one_class(tmp_path: Path) -> None:
    for folder in (b"caf\xe9", b"caf\\xe9", b"b"):
        put(tmp_path / os.fsdecode(folder) / "1.png")
    problems = ImageFolder(path=str(tmp_path)).collect().problems
    assert any("two folders make the class" in str(problem) for problem in problems)


@pytest.mark.parametrize("shape", [(2, 300), (300, 2)])
def test_stripes_of_images_can_be_asked_for_mirror_images(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, *shape, 1), dtype=np.uint8)
    assert try_mirror(pixels, np.arange(20) % 2).chance <= 1


def test_a_flat_folder_is_one_part_without_labels_where_nothing_is_to_be_predicted(tmp_path: Path) -> None:
    for name in ("2.png", "10.png", "deep/er/x.png"):
        put(tmp_path / "flat" / name)
    (tmp_path / "flat" / "notes.csv").write_text("a\n1\n", encoding="utf-8")
    found = ImageFolder(path=str(tmp_path / "flat"), target="none").collect()
    assert isinstance(found.train, ImagePart)
    assert found.train.labels is None
    assert found.train.names == ("2.png", "10.png", "deep/er/x.png")
    assert not found.problems
    assert any("passed over 1 x .csv file" in note for note in found.notes)
    for name in ("a/1.png", "b/2.png"):
        put(tmp_path / "classes" / name)
    classes = ImageFolder(path=str(tmp_path / "classes"), target="none").collect().train
    assert isinstance(classes, ImagePart)
    assert classes.labels is not None
    assert classes.labels.tolist() == ["a", "b"]
    for name in ("train/1.png", "train/2.png", "test/3.png"):
        put(tmp_path / "parts" / name)
    assert collect(tmp_path / "parts", target="none") == (["train/1.png", "train/2.png"], ["test/3.png"])
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="no images that can be read"):
        ImageFolder(path=str(tmp_path / "none"), target="none").collect()
