"""150 image folders as the world has them: each is read rightly, or refused with the file's name, or left out and told."""

import io
import json
import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from tests.attack.case import Case
from tests.attack.child import command
from tests.attack.verdict import Ending, Verdict, judge

__all__ = ["cases"]

NUM_CASES = 150
PER_CLASS = 8
CLASSES = ("cats", "dogs")


@dataclass(frozen=True)
class Oddity:
    """Something in an image folder.

    Attributes:
        put: Puts it into a class's folder and returns the words of which a refusal must name one.
        kind: `fine` is read, `bad` is refused or left out and told, `odd` may be either.
        rows: How many rows it adds where it is fine.
    """

    put: Callable[[Path, random.Random], list[str]]
    kind: Literal["fine", "bad", "odd"]
    rows: int = 1


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Pair each oddity with each layout and policy until there are enough."""
    pairs = [(layout, policy) for policy in ("fail", "skip") for layout in ("flat", "parts", "deep")]
    every = (
        Case(f"{name} {layout} {policy}", partial(_case, name, layout, policy)) for layout, policy in pairs for name in ODDITIES
    )
    if is_sample:
        every = (Case(f"{name} flat fail", partial(_case, name, "flat", "fail")) for name in list(ODDITIES)[::6])
    yield from islice(every, NUM_CASES)


def _case(name: str, layout: str, policy: str, folder: Path) -> Verdict:
    """Make a folder with one oddity, train two steps on it, and judge."""
    oddity, chance = ODDITIES[name], random.Random(f"{name} {layout}")
    root = folder / "photos"
    places = {"flat": [root], "parts": [root / "train", root / "test"], "deep": [root / "train", root / "val", root / "test"]}[
        layout
    ]
    numbers = np.random.default_rng(0)
    for place in places:
        for low, kind in zip((0, 120), CLASSES, strict=True):
            (place / kind).mkdir(parents=True)
            for index in range(PER_CLASS):
                pixels = numbers.integers(low, low + 100, size=(12, 10, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / kind / f"{index}.png")
    words = oddity.put(places[0] / CLASSES[0], chance)
    outcome = command(
        ["train", "photos", "--steps", "2", "--model", "linear", "--on-bad-data", policy, "--out", "run"], folder=folder
    )
    verdict = judge(outcome, is_right=False, is_harmless=True, places=[*words, "photos"])
    if verdict.ending is not Ending.RIGHT:
        if verdict.ending is Ending.REFUSED and oddity.kind == "fine":
            return Verdict(Ending.UNCLEAR, f"refused what is fine: {outcome.tail}")
        return verdict
    record = json.loads((folder / "run" / "data.json").read_text(encoding="utf-8"))
    total, plain = sum(record["parts"].values()), len(places) * len(CLASSES) * PER_CLASS
    is_told = any(word in outcome.err for word in words) or "left out" in outcome.err
    expected = {"fine": {plain + oddity.rows}, "bad": {plain}, "odd": {plain, plain + oddity.rows}}[oddity.kind]
    if total not in expected:
        return Verdict(Ending.SILENT, f"{total} rows, expected {expected}: {outcome.tail}")
    if oddity.kind == "bad" or (oddity.kind == "odd" and total == plain and oddity.rows):
        return Verdict(Ending.TOLD) if is_told else Verdict(Ending.SILENT, f"left out without a word: {outcome.tail}")
    return verdict


def _saved(pixels: np.ndarray, form: str = "PNG", mode: str | None = None, **settings: object) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(out, form, **settings)
    return out.getvalue()


def _pixels(height: int = 12, width: int = 10) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 90, size=(height, width, 3), dtype=np.uint8)


def _file(name: str, content: bytes | Callable[[], bytes]) -> Callable[[Path, random.Random], list[str]]:
    def put(folder: Path, chance: random.Random) -> list[str]:
        (folder / name).write_bytes(content() if callable(content) else content)
        return [name]

    return put


def _bytes_name(name: bytes) -> Callable[[Path, random.Random], list[str]]:
    def put(folder: Path, chance: random.Random) -> list[str]:
        (folder / os.fsdecode(name)).write_bytes(_saved(_pixels()))
        return ["photos"]

    return put


def _cut(form: str) -> bytes:
    content = _saved(_pixels(64, 64), form)
    return content[: len(content) // 2]


def _png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds almost nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", body) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def _bad_checksum() -> bytes:
    content = bytearray(_saved(_pixels()))
    content[45] ^= 0xFF
    return bytes(content)


def _link(target: str) -> Callable[[Path, random.Random], list[str]]:
    def put(folder: Path, chance: random.Random) -> list[str]:
        (folder / "link.png").symlink_to(target)
        return ["link.png"]

    return put


def _loop(folder: Path, chance: random.Random) -> list[str]:
    (folder / "again").symlink_to(folder.parent, target_is_directory=True)
    return ["again"]


def _fifo(folder: Path, chance: random.Random) -> list[str]:
    os.mkfifo(folder / "pipe.png")
    return ["pipe.png"]


def _folder_as_image(folder: Path, chance: random.Random) -> list[str]:
    (folder / "folder.png").mkdir()
    return ["folder.png"]


def _locked(folder: Path, chance: random.Random) -> list[str]:
    (folder / "notes.txt").write_text("my notes", encoding="utf-8")
    return ["notes.txt"]


def _flipped(folder: Path, chance: random.Random) -> list[str]:
    content = bytearray(_saved(_pixels(40, 40), "JPEG"))
    for _ in range(20):
        content[chance.randrange(200, len(content))] ^= 1 << chance.randrange(8)
    (folder / "flipped.jpg").write_bytes(content)
    return ["flipped.jpg"]


def _gif() -> bytes:
    out = io.BytesIO()
    frames = [Image.fromarray(_pixels()), Image.fromarray(_pixels()[::-1].copy())]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    return out.getvalue()


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _saved(_pixels(), "JPEG", exif=exif)


ODDITIES: dict[str, Oddity] = {
    "nothing": Oddity(lambda folder, chance: [], "fine", 0),
    "empty file": Oddity(_file("empty.png", b""), "bad"),
    "cut png": Oddity(_file("cut.png", lambda: _cut("PNG")), "bad"),
    "cut jpeg": Oddity(_file("cut.jpg", lambda: _cut("JPEG")), "bad"),
    "flipped jpeg": Oddity(_flipped, "odd"),
    "bad checksum": Oddity(_file("checksum.png", _bad_checksum), "bad"),
    "text as image": Oddity(_file("text.jpg", b"this is no picture\n" * 10), "bad"),
    "html as image": Oddity(_file("page.jpg", b"<html><body>404 Not Found</body></html>"), "bad"),
    "jpeg named png": Oddity(_file("photo.png", lambda: _saved(_pixels(), "JPEG")), "odd"),
    "upper case": Oddity(_file("PHOTO.JPG", lambda: _saved(_pixels(), "JPEG")), "fine"),
    "gray": Oddity(_file("gray.png", lambda: _saved(_pixels(), mode="L")), "fine"),
    "palette": Oddity(_file("palette.png", lambda: _saved(_pixels(), mode="P")), "fine"),
    "alpha": Oddity(_file("alpha.png", lambda: _saved(_pixels(), mode="RGBA")), "fine"),
    "one bit": Oddity(_file("bit.png", lambda: _saved(_pixels(), mode="1")), "fine"),
    "cmyk": Oddity(_file("cmyk.jpg", lambda: _saved(_pixels(), "JPEG", mode="CMYK")), "fine"),
    "16 bit": Oddity(_file("deep.png", lambda: _saved(_pixels()[..., 0].astype(np.uint16) * 200)), "odd"),
    "float tiff": Oddity(_file("float.tif", lambda: _saved(_pixels()[..., 0].astype(np.float32), "TIFF")), "odd"),
    "turned": Oddity(_file("turned.jpg", _exif), "fine"),
    "moving gif": Oddity(_file("moving.gif", _gif), "odd"),
    "one pixel": Oddity(_file("dot.png", lambda: _saved(_pixels(1, 1))), "fine"),
    "thin": Oddity(_file("thin.png", lambda: _saved(_pixels(1, 5000))), "fine"),
    "bomb": Oddity(_file("bomb.png", lambda: _png_header(60_000, 60_000)), "bad"),
    "huge claim": Oddity(_file("claim.png", lambda: _png_header(2**31 - 1, 2**31 - 1)), "bad"),
    "no size": Oddity(_file("flat.png", lambda: _png_header(0, 0)), "bad"),
    "broken link": Oddity(_link("nowhere.png"), "bad"),
    "link to itself": Oddity(_link("link.png"), "bad"),
    "link to a device": Oddity(_link("/dev/zero"), "bad"),
    "looping folder": Oddity(_loop, "fine", 0),
    "pipe": Oddity(_fifo, "bad"),
    "folder named as image": Oddity(_folder_as_image, "fine", 0),
    "notes beside": Oddity(_locked, "fine", 0),
    "hidden file": Oddity(_file(".DS_Store", b"\0\1"), "fine", 0),
    "hidden image": Oddity(_file("._photo.jpg", b"\0\5\x16\7"), "fine", 0),
    "thumbs": Oddity(_file("Thumbs.db", b"\xd0\xcf"), "fine", 0),
    "not utf-8": Oddity(_bytes_name(b"caf\xe9.png"), "odd"),
    "line break in name": Oddity(_file("a\nb.png", lambda: _saved(_pixels())), "fine"),
    "escape in name": Oddity(_file("\x1b[31mred.png", lambda: _saved(_pixels())), "fine"),
    "emoji name": Oddity(_file("😀.png", lambda: _saved(_pixels())), "fine"),
    "long name": Oddity(_file("x" * 251 + ".png", lambda: _saved(_pixels())), "fine"),
    "quotes in name": Oddity(_file('it\'s "a" cat, really.png', lambda: _saved(_pixels())), "fine"),
    "percent name": Oddity(_file("100%s {0} %d.png", lambda: _saved(_pixels())), "fine"),
    "webp": Oddity(_file("photo.webp", lambda: _saved(_pixels(), "WEBP")), "fine"),
    "bmp": Oddity(_file("photo.bmp", lambda: _saved(_pixels(), "BMP")), "fine"),
    "ico": Oddity(_file("icon.ico", lambda: _saved(_pixels(16, 16), "ICO")), "odd"),
    "svg": Oddity(_file("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "odd"),
    "no ending": Oddity(_file("photo", lambda: _saved(_pixels())), "odd"),
}
