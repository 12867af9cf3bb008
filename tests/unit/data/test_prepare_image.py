"""Images from files or pixels to normalized tensors: sizes, framing, statistics, cache, state."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from tutelage.core.border import BorderError
from tutelage.core.cache_folder import cache_folder
from tutelage.core.errors import DataError
from tutelage.core.shape.image import ImageShape
from tutelage.data.part.image import ImagePart
from tutelage.data.part.table import TablePart
from tutelage.data.prepare import decoded
from tutelage.data.prepare.decoded import load_or_make
from tutelage.data.prepare.framing import choose_size, frame
from tutelage.data.prepare.image import FittedImage, Image
from tutelage.data.rows.base import Rows
from tutelage.data.rows.dense import DenseRows

RED, BLUE = (200, 0, 0), (0, 0, 100)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test a cache of its own."""
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def from_pixels(pixels: np.ndarray) -> ImagePart:
    return ImagePart("train", (), pixels, None, tuple(f"image {i}" for i in range(len(pixels))), "pixels")


def from_files(files: list[Path], *, name: str = "train") -> ImagePart:
    return ImagePart(name, tuple(files), None, None, tuple(file.name for file in files), "-".join(map(str, files)))


def save(path: Path, *, size: tuple[int, int], color: tuple[int, int, int] = RED, mode: str = "RGB") -> Path:
    """Write one picture of one color; `size` is width and height."""
    Pillow.new("RGB", size, color).convert(mode).save(path)
    return path


def pixels_of(rows: Rows) -> torch.Tensor:
    """Return all images, uint8 [N, H, W, C]."""
    return rows.take(torch.arange(len(rows)))["image"]


def noise(count: int = 6, height: int = 5, width: int = 7, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, channels)).astype(np.uint8)


def test_pixels_of_one_size_are_not_copied() -> None:
    pixels = noise()
    rows = Image().fit(from_pixels(pixels)).apply(from_pixels(pixels))
    assert isinstance(rows, DenseRows)
    assert rows.tensors["image"].data_ptr() == pixels.ctypes.data
    assert rows.tensors["image"].shape == (6, 5, 7, 3)


def test_finish_normalizes_with_exact_train_statistics() -> None:
    pixels = noise()
    fitted = Image().fit(from_pixels(pixels))
    image = fitted.finisher()({"image": pixels_of(fitted.apply(from_pixels(pixels)))})["image"]
    expected = (pixels - pixels.mean(axis=(0, 1, 2))) / pixels.std(axis=(0, 1, 2))
    np.testing.assert_allclose(image.permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)
    assert image.dtype == torch.float32
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert fitted.shape == ImageShape(channels=3, height=5, width=7)


def test_finish_leaves_other_tensors() -> None:
    pixels = noise()
    fitted = Image().fit(from_pixels(pixels))
    target = torch.arange(6)
    assert fitted.finisher()({"image": pixels_of(fitted.apply(from_pixels(pixels))), "target": target})["target"] is target


def test_one_color_only_stays_finite() -> None:
    pixels = np.full((3, 4, 4, 1), 7, dtype=np.uint8)
    fitted = Image().fit(from_pixels(pixels))
    assert fitted.finisher()({"image": pixels_of(fitted.apply(from_pixels(pixels)))})["image"].abs().max() == 0


def test_statistics_of_a_large_part_come_from_some_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutelage.data.prepare.pixels.SAMPLED_VALUES", 50)
    pixels = np.repeat(np.arange(10, dtype=np.uint8), 25).reshape(10, 5, 5, 1)
    assert Image().fit(from_pixels(pixels)).mean == (np.mean([0, 5]),)


def test_state_passes_json_and_gives_the_same_bits() -> None:
    pixels = noise()
    fitted = Image(framing="pad").fit(from_pixels(pixels))
    restored = Image().restore(json.loads(json.dumps(fitted.state())))
    assert restored == fitted
    batch = {"image": pixels_of(fitted.apply(from_pixels(pixels)))}
    assert torch.equal(restored.finisher()(batch)["image"], fitted.finisher()(batch)["image"])


def test_grey_and_color_pixels_become_what_was_fitted() -> None:
    grey = Image().fit(from_pixels(noise(channels=1)))
    color = Image().fit(from_pixels(noise(channels=3)))
    assert (grey.channels, color.channels) == (1, 3)
    assert pixels_of(grey.apply(from_pixels(noise(channels=3)))).shape == (6, 5, 7, 1)
    widened = pixels_of(color.apply(from_pixels(noise(channels=1))))
    assert torch.equal(widened, torch.from_numpy(noise(channels=1)).expand(-1, -1, -1, 3))


def test_pixels_of_another_size_are_resized() -> None:
    fitted = Image(size=(4, 8)).fit(from_pixels(noise()))
    assert pixels_of(fitted.apply(from_pixels(noise()))).shape == (6, 4, 8, 3)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(28, 28)] * 9, (28, 28)),
        ([(8, 8)] * 9, (8, 8)),
        ([(28, 20)] * 9, (28, 20)),
        ([(160, 120)] * 5 + [(120, 160)] * 5, (96, 96)),
        ([(40, 60)] * 5 + [(60, 40)] * 5, (40, 40)),
        ([(1080, 1920)] * 9, (72, 128)),
        ([(500, 500)] * 9, (96, 96)),
    ],
)
def test_auto_size_follows_the_images(sizes: list[tuple[int, int]], expected: tuple[int, int]) -> None:
    assert choose_size(np.array(sizes), limit=96) == expected


def test_stretch_shows_all_crop_the_middle_pad_a_border() -> None:
    # Three stripes of 4 pixels each: red, blue, red; 12 wide and 4 high.
    wide = Pillow.new("RGB", (12, 4), RED)
    wide.paste(BLUE, (4, 0, 8, 4))
    crop = frame(wide, size=(4, 4), how="crop")
    # Cubic resampling looks two pixels beyond each edge of the part, so only the middle is pure.
    assert crop[:, 1:3].reshape(-1, 3).tolist() == [list(BLUE)] * 8
    stretch = frame(wide, size=(4, 3), how="stretch")
    assert np.abs(stretch[:, 1].astype(int) - BLUE).max() < 40
    assert np.abs(stretch[:, 0].astype(int) - RED).max() < 40
    pad = frame(wide, size=(12, 12), how="pad")
    np.testing.assert_array_equal(pad[4:8], np.asarray(wide))
    np.testing.assert_allclose(pad[0, 0], np.asarray(wide).mean(axis=(0, 1)), atol=1)


def test_files_become_what_their_pixels_say(tmp_path: Path) -> None:
    files = [save(tmp_path / "a.png", size=(6, 4)), save(tmp_path / "b.png", size=(6, 4), color=BLUE)]
    image = pixels_of(Image().fit(from_files(files)).apply(from_files(files)))
    assert image.shape == (2, 4, 6, 3)
    assert image[0, 0, 0].tolist() == list(RED)
    assert image[1, 3, 5].tolist() == list(BLUE)


def test_rotated_photos_count_with_the_size_they_are_seen_in(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("RGB", (20, 10), RED).save(tmp_path / "a.jpg", exif=exif)
    assert Image().fit(from_files([tmp_path / "a.jpg"])).size == (20, 10)


def test_files_without_color_become_grey(tmp_path: Path) -> None:
    grey = [save(tmp_path / "a.png", size=(5, 5), color=(9, 9, 9)), save(tmp_path / "b.png", size=(5, 5), mode="L")]
    assert Image().fit(from_files(grey)).channels == 1
    assert Image().fit(from_files([*grey, save(tmp_path / "c.png", size=(5, 5))])).channels == 3


def test_every_unreadable_file_is_named(tmp_path: Path) -> None:
    files = [save(tmp_path / f"{number}.png", size=(5, 5)) for number in range(4)]
    for number in (1, 3):
        files[number].write_bytes(files[number].read_bytes()[:40])
    fitted = Image().fit(from_files([files[0], files[2]]))
    with pytest.raises(DataError) as caught:
        fitted.apply(from_files(files))
    assert [(problem.where, problem.item) for problem in caught.value.problems] == [("1.png", 1), ("3.png", 3)]
    with pytest.raises(DataError):
        Image().fit(from_files(files))


def test_what_is_not_images_is_refused() -> None:
    table = TablePart("train", None, "a.csv", np.arange(0), "", "")
    with pytest.raises(DataError, match="not images"):
        Image().fit(table)


def test_the_second_time_nothing_is_decoded(tmp_path: Path) -> None:
    files = [save(tmp_path / "a.png", size=(6, 4))]
    first = pixels_of(Image().fit(from_files(files)).apply(from_files(files))).clone()
    files[0].unlink()
    fitted = FittedImage((4, 6), 3, "stretch", (0.0,) * 3, (1.0,) * 3)
    assert torch.equal(pixels_of(fitted.apply(from_files(files))), first)


def test_writing_to_decoded_images_does_not_change_the_cache(tmp_path: Path) -> None:
    files = [save(tmp_path / "a.png", size=(6, 4))]
    fitted = Image().fit(from_files(files))
    pixels_of(fitted.apply(from_files(files))).zero_()
    assert pixels_of(fitted.apply(from_files(files))).sum() > 0


def test_input_to_predict_on_is_not_kept(tmp_path: Path, own_cache: Path) -> None:
    files = [save(tmp_path / "a.png", size=(6, 4))]
    fitted = FittedImage((4, 6), 3, "stretch", (0.0,) * 3, (1.0,) * 3)
    fitted.apply(from_files(files, name="input"))
    assert not own_cache.exists()


def test_a_damaged_cache_file_is_made_again() -> None:
    shape = (3, 2, 2, 1)
    load_or_make("key", shape=shape, fill=lambda target: target.fill(7))
    (path,) = cache_folder().glob("*.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert load_or_make("key", shape=shape, fill=lambda target: target.fill(8)).max() == 8
    path.write_bytes(content[:-3])
    assert load_or_make("key", shape=shape, fill=lambda target: target.fill(9)).min() == 9


def test_a_failed_decoding_leaves_nothing_behind() -> None:
    def fail(target: np.ndarray) -> None:
        raise ValueError("unreadable")

    with pytest.raises(ValueError, match="unreadable"):
        load_or_make("key", shape=(3, 2, 2, 1), fill=fail)
    assert list(cache_folder().iterdir()) == []


@pytest.mark.parametrize("refused", ["replace", "write_text"])
def test_a_disk_that_refuses_the_last_file_costs_the_cache_and_nothing_else(
    refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, refused, full)
    assert load_or_make("key", shape=(3, 2, 2, 1), fill=lambda target: target.fill(7)).min() == 7
    assert list(cache_folder().iterdir()) == []


def test_the_cache_forgets_what_was_not_used_for_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded, "LIMIT_BYTES", 5000)
    for key in ("a", "b", "c"):
        load_or_make(key, shape=(1, 40, 50, 1), fill=lambda target: target.fill(1))
    assert len(list(cache_folder().glob("*.npy"))) == 2
    assert len(list(cache_folder().glob("*.json"))) == 2


def test_a_folder_that_cannot_be_written_to_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "file"))
    assert load_or_make("key", shape=(1, 2, 2, 1), fill=lambda target: target.fill(3)).min() == 3


def test_the_cache_folder_is_where_the_system_keeps_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUTELAGE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "tutelage"


def test_real_photos_of_mixed_sizes_become_squares() -> None:
    folder = Path(__file__).parents[3].parent / "shared" / "data" / "cats-dogs" / "train"
    if not folder.exists():
        pytest.skip("the data set cats-dogs is not here")
    files = sorted(folder.glob("*/*.jpg"))[::100]
    fitted = Image().fit(from_files(files))
    assert fitted.shape == ImageShape(channels=3, height=96, width=96)
    image = fitted.finisher()({"image": pixels_of(fitted.apply(from_files(files)))})["image"]
    torch.testing.assert_close(image.mean(dim=(0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(image.var(dim=(0, 2, 3), correction=0), torch.ones(3), rtol=0, atol=1e-3)


@pytest.mark.parametrize("odd", [{"mean": [0.0]}, {"deviation": []}, {"mean": [0.0] * 4, "deviation": [1.0] * 4}])
def test_a_stored_preprocessing_has_a_mean_and_a_deviation_for_each_channel(odd: dict[str, list[float]]) -> None:
    state = {"size": [8, 8], "channels": 3, "framing": "crop", "mean": [0.0] * 3, "deviation": [1.0] * 3}
    assert Image().restore(state).channels == 3
    with pytest.raises(BorderError, match="for 3 channels"):
        Image().restore({**state, **odd})


def test_images_are_joined_with_all_that_is_known_of_them_unless_they_are_of_two_kinds(tmp_path: Path) -> None:
    pixels = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    first, second = from_pixels(pixels), from_pixels(pixels[::-1])
    both = first.select(np.array([1])).joined(second)
    assert both is not None
    assert both.pixels is not None
    assert np.array_equal(both.pixels[:], pixels[[1, 1, 0]])
    assert both.names == ("image 1", "image 0", "image 1")
    assert both.fingerprint not in (first.fingerprint, second.fingerprint)
    files = from_files([tmp_path / "a.png"], name="train")
    all_files = files.joined(from_files([tmp_path / "b.png"], name="input"))
    assert all_files is not None
    assert all_files.files == (tmp_path / "a.png", tmp_path / "b.png")
    assert first.joined(files) is None
    assert first.joined(from_pixels(np.zeros((1, 5, 4, 1), np.uint8))) is None
