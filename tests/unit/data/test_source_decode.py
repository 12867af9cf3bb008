"""Any image file becomes 8-bit pixels, or a reason why not."""

import csv
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutelage.data.source.decode import ImageReadError, check_image, decode_image, is_image, map_files, quiet

ODD = Path(__file__).parents[3].parent / "shared" / "data" / "odd-images"

needs_odd_images = pytest.mark.skipif(not ODD.is_dir(), reason="the odd images are not here")


def saved(folder: Path, image: Image.Image, name: str = "image.png", **options: object) -> Path:
    """Write an image and return its path."""
    path = folder / name
    image.save(path, **options)
    return path


def pixels(path: Path, mode: str = "L") -> list[list[int]]:
    """Return decoded pixels as lists."""
    return np.asarray(decode_image(path, mode=mode)).tolist()  # type: ignore[arg-type]


def refusal(path: Path, **options: int) -> str:
    """Return why a file cannot be decoded; checking must say the same."""
    with pytest.raises(ImageReadError) as caught:
        decode_image(path, **options)  # type: ignore[arg-type]
    with pytest.raises(ImageReadError):
        check_image(path, **options)
    return str(caught.value)


@needs_odd_images
def test_of_the_odd_images_exactly_those_refuse_that_cannot_be_opened() -> None:
    with (ODD / "index.csv").open() as file:
        rows = list(csv.DictReader(file))

    def decodes(path: Path) -> bool:
        try:
            check_image(path)
            assert decode_image(path).mode == "RGB"
            assert decode_image(path, mode="L").mode == "L"
        except ImageReadError:
            return False
        return True

    found = map_files(decodes, [ODD / row["file"] for row in rows])
    assert {row["file"] for row, yes in zip(rows, found, strict=True) if not yes} == {
        row["file"] for row in rows if row["opens"] == "no"
    }


@needs_odd_images
def test_all_eight_ways_of_holding_the_camera_give_the_same_picture() -> None:
    paths = [ODD / f"hopper_orientation_{number}.jpg" for number in range(2, 9)]
    with quiet():
        upright = np.asarray(decode_image(ODD / "hopper.jpg"), dtype=int)
        for path in paths:
            turned = np.asarray(decode_image(path), dtype=int)
            assert np.abs(turned - upright).mean() < 8, path.name  # JPEG loss; a wrong turn differs by about 70


@needs_odd_images
def test_a_png_that_breaks_in_its_lower_half_is_used_and_told_of() -> None:
    with quiet():
        assert check_image(ODD / "broken_data_stream.png") == "damaged: only the upper 88 of 128 rows can be decoded"
        assert check_image(ODD / "truncated_end_chunk.png") == ""


def test_16_bit_grey_keeps_its_whole_range(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 257, 65535, 32768]], dtype=np.uint16))
    assert pixels(saved(tmp_path, image)) == [[0, 1, 255, 128]]


def test_32_bit_integers_and_floats_take_the_smallest_usual_range_that_holds_them(tmp_path: Path) -> None:
    def grey(values: list[float], kind: type) -> list[int]:
        return pixels(saved(tmp_path, Image.fromarray(np.array([values], dtype=kind)), "image.tif"))[0]

    assert grey([0.0, 0.5, 1.0], np.float32) == [0, 128, 255]
    assert grey([0.0, 100.0, 255.0], np.float32) == [0, 100, 255]
    assert grey([0, 100, 255], np.int32) == [0, 100, 255]
    assert grey([0, 257, 65535], np.int32) == [0, 1, 255]
    assert grey([-10.0, 0.0, 10.0], np.float32) == [0, 128, 255]
    assert grey([np.nan, np.inf, 1.0], np.float32) == [0, 0, 255]


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [200, 0, 0, 128]]], dtype=np.uint8))
    assert pixels(saved(tmp_path, image), "RGB") == [[[255, 255, 255], [0, 0, 0], [227, 127, 127]]]
    grey = Image.fromarray(np.array([[7, 9]], dtype=np.uint8))
    assert pixels(saved(tmp_path, grey, transparency=7)) == [[255, 9]]
    deep = Image.fromarray(np.array([[7, 65535 // 255 * 9]], dtype=np.uint16))
    assert pixels(saved(tmp_path, deep, transparency=7)) == [[255, 9]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_becomes_rgb_and_grey(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path, Image.new(mode, (5, 4)))
    assert (decode_image(path).mode, decode_image(path).size) == ("RGB", (5, 4))
    assert (decode_image(path, mode="L").mode, decode_image(path, mode="L").size) == ("L", (5, 4))


@pytest.mark.parametrize("mode", ["CMYK", "LAB", "YCbCr", "F", "I"])
def test_every_mode_of_tiff_becomes_rgb_and_grey(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path, Image.new(mode, (5, 4)), "image.tif")
    assert decode_image(path).mode == "RGB"
    assert decode_image(path, mode="L").mode == "L"


def test_content_decides_what_a_file_is_not_its_name(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("L", (3, 3), 9), "image.txt", format="PNG")
    assert is_image(path)
    assert pixels(path)[0] == [9, 9, 9]


def test_formats_outside_of_the_allow_list_are_refused(tmp_path: Path) -> None:
    assert "not an image of a known format" in refusal(saved(tmp_path, Image.new("RGB", (3, 3)), "image.pcx"))


def test_an_empty_file_a_dead_link_and_a_folder_are_refused(tmp_path: Path) -> None:
    empty, link = tmp_path / "empty.png", tmp_path / "link.png"
    empty.touch()
    link.symlink_to(tmp_path / "nowhere.png")
    assert refusal(empty) == "the file is empty (0 bytes)"
    assert refusal(link) == "a link that leads nowhere"
    assert refusal(tmp_path) == "not a regular file"


def test_too_many_pixels_are_refused_from_the_header(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("L", (30, 20)))
    assert refusal(path, max_pixels=599) == "30 x 20 pixels, more than the limit of 599 (a decompression bomb?)"
    check_image(path, max_pixels=600)


def test_a_bomb_of_20_gigabytes_is_refused_without_decoding(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 80_000, 80_000, 8, 2, 0, 0, 0))
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))
    assert "decompression bomb" in refusal(path)


def test_a_jpeg_cut_off_anywhere_is_found_though_checking_decodes_it_small(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG")
    whole = buffer.getvalue()
    path = tmp_path / "image.jpg"
    for share in (0.3, 0.5, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert "cut off" in refusal(path)


def test_a_jpeg_may_be_decoded_smaller_but_never_below_what_is_asked(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("RGB", (800, 400)), "image.jpg")
    assert decode_image(path, at_least=100).size == (200, 100)
    assert decode_image(path, at_least=101).size == (400, 200)
    assert decode_image(path).size == (800, 400)


def test_damaged_images_give_reasons_and_never_other_errors(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 256, (24, 24, 3), dtype=np.uint8))
    for name in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO"):
        whole = np.frombuffer(saved(tmp_path, image, f"whole.{name.lower()}", format=name).read_bytes(), dtype=np.uint8)
        paths = []
        for number in range(25):
            damaged = whole.copy()
            damaged[random.integers(0, len(whole), 8)] = random.integers(0, 256, 8, dtype=np.uint8)
            paths.append(tmp_path / f"{number}.{name}")
            paths[-1].write_bytes(damaged.tobytes()[: int(random.integers(1, 2 * len(whole)))])

        def outcome(path: Path) -> str:
            try:
                check_image(path)
                return decode_image(path).mode
            except ImageReadError as error:
                return str(error)

        assert all(map_files(outcome, paths))
