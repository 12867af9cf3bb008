"""Tables in awkward files."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.attack.table_case import NAMELESS, PLAIN, ROWS, Case, text

__all__ = ["KINDS"]

PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def packed() -> list[Case]:
    table, bare = text(ROWS).encode(), text(ROWS, names="").encode()

    def zipped(**files: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name.replace("__", "."), content)
        return buffer.getvalue()

    cases = []
    for suffix, pack in PACKERS.items():
        cases += [
            Case(f"csv{suffix}", pack(table), f"t.csv{suffix}", **PLAIN),
            Case(f"data{suffix}", pack(bare), f"t.data{suffix}", **NAMELESS),
            Case(f"named-plain-but-{suffix}", pack(table), "t.csv", **PLAIN),
            Case(f"plain-but-named-{suffix}", table, f"t.csv{suffix}", **PLAIN),
            Case(f"utf-16{suffix}", pack(text(ROWS).encode("utf-16")), f"t.csv{suffix}", told=["not UTF-8"], **PLAIN),
            Case(f"cut{suffix}", pack(table)[:-20], f"t.csv{suffix}", refused=r"t\.csv.*near byte|damaged"),
            Case(f"empty{suffix}", pack(b""), f"t.csv{suffix}", refused="nothing but blanks|empty"),
            Case(f"twice{suffix}", pack(pack(table)), f"t.csv{suffix}", refused="problem"),
        ]
        flipped = bytearray(pack(table * 30))
        flipped[len(flipped) // 2] ^= 0xFF
        cases.append(Case(f"flipped{suffix}", bytes(flipped), f"t.csv{suffix}", refused="near byte"))
    return [
        *cases,
        Case("zip", zipped(t__csv=table), "t.zip", **PLAIN),
        Case("zip-nameless", zipped(t__data=bare), "t.zip", **NAMELESS),
        Case("zip-of-two", zipped(a__csv=table, b__csv=table), "t.zip", refused="2 files"),
        Case("zip-of-none", zipped(), "t.zip", refused="no source|damaged or empty"),
        Case("zip-cut", zipped(t__csv=table)[:-30], "t.csv.zip", refused="damaged"),
        Case("gz-rest", gzip.compress(table) + b"garbage after it", "t.csv.gz", refused="near byte"),
        Case(
            "gz-two-members",
            gzip.compress(text(ROWS[:20]).encode()) + gzip.compress(text(ROWS[20:], names="").encode()),
            "t.csv.gz",
            **PLAIN,
        ),
        Case("bomb", gzip.compress(b"0" * 2**21 + b"\n", 9), "t.csv.gz", refused="one column|unpack"),
    ]


def records() -> list[Case]:
    items = [{"size": float(a), "count": int(b), "word": c, "y": d} for a, b, c, d in ROWS]

    def lines(values: Sequence[object]) -> str:
        return "".join(json.dumps(value) + "\n" for value in values)

    def changed(**more: object) -> list[dict[str, object]]:
        return [{**item, **more} for item in items]

    table = lines(items)
    return [
        Case("jsonl", table, "t.jsonl", **PLAIN),
        Case("ndjson", table, "t.ndjson", **PLAIN),
        Case("json", json.dumps(items, indent=1), "t.json", **PLAIN),
        Case("jsonl-gz", gzip.compress(table.encode()), "t.jsonl.gz", **PLAIN),
        Case("jsonl-nameless", table, "t.data", **PLAIN),
        Case("bom", "\ufeff" + table, "t.jsonl", **PLAIN),
        Case("blank-lines", table.replace("\n", "\n\n"), "t.jsonl", **PLAIN),
        Case("missing-key", table + '{"size": 1, "count": 2, "y": "no"}\n', "t.jsonl", num_rows=41, num_missing=1),
        Case("late-key", table + lines([{**items[0], "new": 1}]), "t.jsonl", num_rows=41, num_missing=40, target="y"),
        Case("null", lines([*items, {**items[0], "size": None}]), "t.jsonl", num_rows=41, num_missing=1),
        Case("nested", lines(changed(tags=["a", "b"])), "t.jsonl", told=["lists or records"], **PLAIN),
        Case("zip-codes", lines(changed(word="01234")), "t.jsonl", num_rows=40, values={"word": ["01234"]}),
        Case("words-of-missing", lines(changed(word="NA")), "t.jsonl", num_rows=40, values={"word": ["NA"]}),
        Case("mixed-kinds", lines([*changed(word=1), items[0]]), "t.jsonl", num_rows=41, values={"word": ["1"]}),
        Case("dates", lines(changed(word="2020-01-31")), "t.jsonl", num_rows=40, values={"word": [datetime(2020, 1, 31)]}),
        Case("not-json", table + "size=1\n", "t.jsonl", num_rows=40, num_refused=1, told=["not JSON"]),
        Case("cut", table[:-10], "t.jsonl", num_rows=39, num_refused=1, told=["not JSON"]),
        Case("json-cut", json.dumps(items)[:-10], "t.json", refused="not JSON"),
        Case("list-on-a-line", table + "[1, 2]\n", "t.jsonl", num_rows=40, num_refused=1, told=["no record but a list"]),
        Case(
            "twice-a-key",
            table + '{"size": 1, "size": 2, "y": "no"}\n',
            "t.jsonl",
            num_rows=40,
            num_refused=1,
            told=["stands twice"],
        ),
        Case("deep", table + '{"size":' * 100_000 + "\n", "t.jsonl", num_rows=40, num_refused=1, told=["deeply|not JSON"]),
        Case("deep-lists", table + "[" * 200_000 + "]" * 200_000 + "\n", "t.jsonl", num_rows=40, num_refused=1, told=["deep"]),
        Case(
            "huge-number",
            table + '{"size": 1e999, "count": 1, "word": "a", "y": "no"}\n',
            "t.jsonl",
            num_rows=40,
            num_refused=1,
            told=["finite"],
        ),
        Case(
            "5000-digits",
            table + '{"size": ' + "9" * 5000 + ', "y": "no"}\n',
            "t.jsonl",
            num_rows=40,
            num_refused=1,
            told=["cannot be read"],
        ),
        Case(
            "half-a-character",
            table + '{"size": 1, "word": "\\ud83d", "y": "no"}\n',
            "t.jsonl",
            num_rows=40,
            num_refused=1,
            told=["surrogate"],
        ),
        Case("whole-emoji", lines(changed(word="\U0001f408")), "t.jsonl", num_rows=40, values={"word": ["\U0001f408"]}),
        Case("empty-key", lines(changed(**{"": 1})), "t.jsonl", num_rows=40, num_refused=1, told=["key that is empty"]),
        Case("a-config", '{"a": 1}', "t.json", refused="no list of records"),
        Case("empty-list", "[]", "t.json", refused="no list of records"),
        Case("only-lists", "[[1, 2], [3, 4]]", "t.json", refused="no list of records"),
        Case("no-lines", "", "t.jsonl", refused="no records"),
        Case("truth", lines(changed(word=True)), "t.jsonl", num_rows=40, values={"word": [True]}),
    ]


def workbooks() -> list[Case]:
    rows: list[list[object]] = [[float(a), int(b), c, d] for a, b, c, d in ROWS]
    names: list[object] = ["size", "count", "word", "y"]

    def book(
        *sheets: tuple[str, list[list[object]]], change: Callable[[Any], object] = lambda book: None
    ) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            import openpyxl

            made = openpyxl.Workbook()
            made.remove(made.active)
            for name, content in sheets:
                sheet = made.create_sheet(name)
                for row in content:
                    sheet.append(row)
            change(made)
            made.save(path)

        return write

    plain = ("one", [names, *rows])

    def merge(made: Any) -> None:
        made["one"].merge_cells("A2:A3")

    def cut(path: Path) -> None:
        book(plain)(path)
        path.write_bytes(path.read_bytes()[:-300])

    def renamed(path: Path) -> None:
        book(plain)(path)

    return [
        Case("plain", book(plain), "t.xlsx", **PLAIN),
        Case("nameless", book(("one", rows)), "t.xlsx", **NAMELESS),
        Case("two-sheets", book(plain, ("two", [["a"], [1]])), "t.xlsx", told=["sheet 'one' of one, two"], **PLAIN),
        Case("second-sheet", book(("two", [["a", "y"], [1, 2]]), plain), "t.xlsx", settings={"sheet": "one"}, **PLAIN),
        Case("no-such-sheet", book(plain), "t.xlsx", settings={"sheet": "three"}, refused="no sheet 'three'"),
        Case(
            "formula",
            book(("one", [names, *rows, ["=1+1", 1, "wa", "no"]])),
            "t.xlsx",
            num_rows=40,
            num_refused=1,
            told=["value is not stored"],
        ),
        Case(
            "error",
            book(("one", [names, *rows, ["#DIV/0!", 1, "wa", "no"]])),
            "t.xlsx",
            num_rows=40,
            num_refused=1,
            told=["DIV/0"],
        ),
        Case("merged", book(plain, change=merge), "t.xlsx", num_rows=40, num_missing=1, told=["merged"]),
        Case("rows-on-top", book(("one", [[], [], names, *rows])), "t.xlsx", **PLAIN),
        Case(
            "dates",
            book(("one", [names, *([datetime(2020, 1, 1 + i % 28), *row[1:]] for i, row in enumerate(rows))])),
            "t.xlsx",
            num_rows=40,
            values={"size": [datetime(2020, 1, 1), datetime(2020, 1, 2)]},
        ),
        Case(
            "truth",
            book(("one", [names, *([i % 2 == 0, *row[1:]] for i, row in enumerate(rows))])),
            "t.xlsx",
            num_rows=40,
            values={"size": [True, False]},
        ),
        Case("empty", book(("one", [])), "t.xlsx", refused="nothing in it"),
        Case("cut", cut, "t.xlsx", refused="damaged"),
        Case("not-one", b"PK\x03\x04 and nothing", "t.xlsx", refused="damaged"),
        Case("other-name", renamed, "t.dat", **PLAIN),
        Case("csv-named-so", text(ROWS), "t.xlsx", **PLAIN),
        Case("old", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "t.xls", refused="save it as CSV"),
    ]


def prose() -> list[Case]:
    lines = (
        "It was a bright cold day in April, and the clocks were striking thirteen.\n"
        "Winston Smith, his chin nuzzled into his breast,\n"
        "slipped quickly through the glass doors.\n\nThe hallway smelt of boiled cabbage and old rag mats.\n"
    ) * 9
    poem = "Tyger Tyger, burning bright\nIn the forests, of the night\n" * 2
    code = "import os\n\n\ndef main(a, b):\n    return a + b\n\n\nprint(main(1, 2), os.name)\n" * 4
    return [
        *(
            Case(f"{name}{suffix or '-nameless'}", content, f"t{suffix}", refused="chars:")
            for name, content in (
                ("novel", lines),
                ("poem", poem),
                ("code", code),
                ("one-line", "just one line\n"),
                ("word", "word"),
            )
            for suffix in (".text", "")
        ),
        Case("binary", bytes(range(256)) * 40, "t.dat", refused="no source understands"),
        Case("elf", b"\x7fELF" + b"\1\2\3" * 1000, "t", refused="no source understands"),
        Case(
            "messages",
            "".join(f"{'ham' if i % 3 else 'spam'}\tCall me at {i}, or not: it is up to you\n" for i in range(30)),
            "SMS",
            num_rows=30,
            told=["no header row", "texts: column column 2"],
            target="column 1",
        ),
    ]


KINDS: tuple[Callable[[], list[Case]], ...] = (packed, records, workbooks, prose)
