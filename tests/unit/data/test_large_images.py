"""More pixels than the memory should hold: temporary files that leave nothing behind, no copies for selections and statistics."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from tutelage.core.cache_folder import cache_folder
from tutelage.core.errors import DataError
from tutelage.data.part.image import ImagePart
from tutelage.data.part.pixels import ChosenPixels
from tutelage.data.prepare import decoded
from tutelage.data.prepare.image import FittedImage, Image
from tutelage.data.rows.base import Rows
from tutelage.data.scratch import scratch_array, scratch_folders

COUNT = 7


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test a cache and a folder for temporary files of its own, and return the latter."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def noise(count: int = COUNT) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 6, 8, 3)).astype(np.uint8)


def of_files(folder: Path, *, name: str = "train", skip: int = -1) -> ImagePart:
    files = []
    for index, pixels in enumerate(noise()):
        files.append(folder / f"{index}.png")
        Pillow.fromarray(pixels).save(files[-1])
    if skip >= 0:
        files[skip].write_bytes(files[skip].read_bytes()[:60])
    return ImagePart(name, tuple(files), None, None, tuple(file.name for file in files), f"{folder} {skip}")


def of_pixels(pixels: np.ndarray) -> ImagePart:
    return ImagePart("train", (), pixels, None, tuple(f"image {i}" for i in range(len(pixels))), "pixels")


def pixels_of(rows: Rows) -> torch.Tensor:
    return rows.take(torch.arange(len(rows)))["image"]


@pytest.mark.parametrize("name", ["train", "input"])
def test_pixels_beyond_the_limit_go_to_a_file_without_a_name(name: str, tmp_path: Path, own_folders: Path) -> None:
    part = of_files(tmp_path, name=name)
    fitted = Image(memory_bytes=100).fit(part)
    rows = fitted.apply(part)
    assert rows.is_on_disk
    assert torch.equal(pixels_of(rows), torch.from_numpy(noise()))
    assert list(own_folders.iterdir()) == []
    assert not (tmp_path / "cache").exists()
    assert FittedImage.__eq__(fitted, Image().fit(part))


def test_statistics_are_the_same_with_and_without_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = of_files(tmp_path)
    assert Image(memory_bytes=1).fit(part) == Image().fit(part)
    # Every third image is looked at, and of files no other one is decoded for it.
    monkeypatch.setattr("tutelage.data.prepare.pixels.SAMPLED_VALUES", 3 * 6 * 8 * 3)
    fitted = Image(memory_bytes=1).fit(part)
    assert fitted == Image().fit(part) == Image().fit(of_pixels(noise()))
    np.testing.assert_allclose(fitted.mean, noise()[::3].mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(fitted.deviation, noise()[::3].std(axis=(0, 1, 2)))


def test_images_are_worked_on_in_chunks_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = of_files(tmp_path)
    whole = Image(memory_bytes=1, size=5).fit(part)
    monkeypatch.setattr("tutelage.data.prepare.pixels.CHUNK_BYTES", 2 * 5 * 5 * 3)
    pieces = Image(memory_bytes=1, size=5).fit(part)
    assert whole == pieces
    assert torch.equal(pixels_of(whole.apply(part)), pixels_of(pieces.apply(part)))


def test_given_pixels_of_another_size_go_to_a_file_as_well() -> None:
    small, large = Image(size=5), Image(size=5, memory_bytes=1)
    part = of_pixels(noise())
    rows = large.fit(part).apply(part)
    assert rows.is_on_disk
    assert torch.equal(pixels_of(rows), pixels_of(small.fit(part).apply(part)))


@pytest.mark.parametrize("memory_bytes", [1, 2**30])
def test_every_unreadable_file_is_named_by_its_own_number(memory_bytes: int, tmp_path: Path) -> None:
    fitted = Image(memory_bytes=memory_bytes).fit(of_pixels(noise()))
    with pytest.raises(DataError) as caught:
        fitted.apply(of_files(tmp_path, skip=5))
    assert [(problem.where, problem.item) for problem in caught.value.problems] == [("5.png", 5)]


def test_a_sample_names_an_unreadable_file_by_its_own_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = of_files(tmp_path)
    part.files[3].write_bytes(b"nothing")
    monkeypatch.setattr("tutelage.data.prepare.image.SAMPLED_FILES", 3)
    with pytest.raises(DataError) as caught:
        Image().fit(part)
    assert [problem.item for problem in caught.value.problems] == [3]


def test_no_room_is_said_before_anything_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_folders: Path) -> None:
    part = of_files(tmp_path)
    fitted = Image(memory_bytes=1).fit(part)
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("tutelage.data.scratch.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(DataError) as caught:
        fitted.apply(part)
    text = str(caught.value)
    assert "train: 7 images of 6x8 pixels: they need 1,008 bytes in a temporary file" in text
    assert f"{own_folders} has 1,000 free" in text
    assert "set TMPDIR to a folder on a larger disk" in text


def test_the_first_folder_with_room_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    folders = [tmp_path / "file", tmp_path / "new"]
    array = scratch_array((3, 4), dtype=np.int32, folders=folders, what="x", remedy="")
    array[:] = np.arange(12).reshape(3, 4)
    assert array.sum() == 66
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(DataError, match=r"file cannot be written to \(File exists\)"):
        scratch_array((3, 4), dtype=np.int32, folders=folders[:1], what="x", remedy="")
    assert scratch_folders(cache=tmp_path) == [Path(os.environ["TMPDIR"])]
    monkeypatch.delenv("TMPDIR")
    assert scratch_folders(cache=tmp_path)[0] == tmp_path


def test_a_killed_process_leaves_nothing_behind(tmp_path: Path, own_folders: Path) -> None:
    program = """
import os, pathlib, sys
import numpy as np
from tutelage.data.scratch import scratch_array, scratch_folders
array = scratch_array((1000, 1000), dtype=np.uint8, folders=scratch_folders(cache=pathlib.Path("/nowhere")), what="", remedy="")
array[:] = 1
print(array.sum(), os.listdir(os.environ["TMPDIR"]), flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "1000000 []\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert list(own_folders.iterdir()) == []


def test_what_killed_processes_left_half_written_in_the_cache_goes_after_a_day() -> None:
    folder = cache_folder()
    folder.mkdir()
    for name, age in (("old", 2 * 86_400), ("new", 60)):
        path = folder / f"{name}.1.tmp"
        path.write_bytes(b"1")
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    decoded.load_or_make("key", shape=(1, 2, 2, 1), fill=lambda target: target.fill(1))
    assert [path.name for path in folder.glob("*.tmp")] == ["new.1.tmp"]


def test_selecting_images_copies_no_pixels() -> None:
    pixels = noise(20)
    part = of_pixels(pixels).select(np.arange(0, 20, 2)[::-1]).select(np.array([0, 3, 3, 9]))
    rows = [18, 12, 12, 0]
    assert isinstance(part.pixels, ChosenPixels)
    assert part.pixels.whole is pixels
    assert np.array_equal(np.asarray(part.pixels), pixels[rows])
    assert (part.pixels.shape, part.pixels.dtype, len(part.pixels)) == ((4, 6, 8, 3), np.uint8, 4)
    assert [np.array_equal(one, pixels[row]) for one, row in zip(part.pixels, rows, strict=True)] == [True] * 4
    assert np.array_equal(part.pixels[1], pixels[12])
    assert np.array_equal(part.pixels[1:3], pixels[[12, 12]])
    assert part.show(1) == of_pixels(pixels).show(12)
    fitted = Image().fit(part)
    assert fitted == Image().fit(of_pixels(pixels[rows]))
    assert torch.equal(pixels_of(fitted.apply(part)), torch.from_numpy(pixels[rows]))
    smaller = FittedImage((4, 4), 1, "crop", (0.0,), (1.0,))
    assert torch.equal(pixels_of(smaller.apply(part)), pixels_of(smaller.apply(of_pixels(pixels[rows]))))


def test_a_read_only_memory_map_is_used_as_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", noise())
    part = of_pixels(np.load(tmp_path / "x.npy", mmap_mode="r"))
    rows = Image().fit(part).apply(part.select(np.array([4, 2])))
    assert rows.is_on_disk
    assert torch.equal(pixels_of(rows), torch.from_numpy(noise()[[4, 2]]))


def test_the_mirror_question_reads_a_few_images_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Asked:
        lengths, is_on_disk = None, True

        def __len__(self) -> int:
            return 200

        def take(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
            asked.append(len(rows))
            return {"image": torch.from_numpy(noise(200))[rows]}

    fitted = FittedImage((6, 8), 3, "stretch", (0.0,) * 3, (1.0,) * 3)
    target = np.arange(200) % 2
    many = fitted.traits(Asked(), target)
    assert max(asked) <= 50
    assert sum(asked) == 200
    part = of_pixels(noise(200))
    assert many == fitted.traits(fitted.apply(part), target)
