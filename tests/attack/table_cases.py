"""The awkward tables, one function a kind."""

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

from tests.attack.table_case import Case, Rows, plain_rows, text

__all__ = ["KINDS"]

ROWS = plain_rows()
SIZES = [float(row[0]) for row in ROWS]
COUNTS = [int(row[1]) for row in ROWS]
PLAIN: dict[str, Any] = {"num_rows": 40, "values": {"size": SIZES[:3], "count": COUNTS[:3], "word": ["wa", "wb", "wc"]}, "target": "y"}
NAMELESS: dict[str, Any] = {
    "num_rows": 40,
    "values": {"column 1": SIZES[:3], "column 2": COUNTS[:3]},
    "target": "column 4",
    "told": ["no header row"],
}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "blanks": "   "}
PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def column(cells: Sequence[str], *, name: str = "x", delimiter: str = ",") -> str:
    """Write a table of one column, a number and a label."""
    rows = [[cell, str(i), "ab"[i % 2]] for i, cell in enumerate(cells)]
    return text(rows, names=f"{name},n,y", delimiter=delimiter)


def delimiters() -> list[Case]:
    cases = []
    for name, delimiter in DELIMITERS.items():
        for end in ("\n", "\r\n", "\r"):
            shown = {"\n": "lf", "\r\n": "crlf", "\r": "cr"}[end]
            told = ["runs of blanks"] if name == "blanks" else []
            cases.append(Case("delimiters", f"{name}-{shown}", text(ROWS, delimiter=delimiter, end=end), told=told, **PLAIN))
    mixed = text(ROWS[:20]) + text(ROWS[20:], names="", end="\r\n")
    cases.append(Case("delimiters", "mixed-line-ends", mixed, **PLAIN))
    cases.append(Case("delimiters", "lone-return-within", text(ROWS[:20]) + text(ROWS[20:], names="", end="\r"), **PLAIN))
    cases.append(Case("delimiters", "no-last-line-end", text(ROWS).rstrip(), **PLAIN))
    cases.append(Case("delimiters", "tabs-and-blanks", "".join(f"{a}  {b}\t{c} \t {d}\n" for a, b, c, d in ROWS), "t.data",
                      **{**NAMELESS, "told": ["runs of blanks", "no header row"]}))
    cases.append(Case("delimiters", "leading-blanks", "".join(f"   {a}  {b} {c}  {d} \n" for a, b, c, d in ROWS), "t.data", **NAMELESS))
    cases.append(Case("delimiters", "comma-and-blank", text(ROWS, delimiter=", "), **PLAIN))
    cases.append(Case("delimiters", "sep-line", "sep=;\r\n" + text(ROWS, delimiter=";", end="\r\n"), told=["first line says"], **PLAIN))
    cases.append(Case("delimiters", "colon", text(ROWS, delimiter=":"), refused="one column only"))
    cases.append(Case("delimiters", "quoted-blank-cells", "".join(f'{a}  {b} {d} "big {c}"\n' for a, b, c, d in ROWS), "auto.data",
                      settings={"target": "column 3"}, num_rows=40, values={"column 4": ["big wa"]}))
    cases.append(Case("delimiters", "semicolons-in-text", text([[a, b, f"{c};x", d] for a, b, c, d in ROWS]), num_rows=40,
                      values={"word": ["wa;x"]}))
    return cases


def encodings() -> list[Case]:
    cases = []
    rows = [[a, b, f"{c}é", d] for a, b, c, d in ROWS]
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"):
        told = [] if encoding.startswith("utf-8") else ["not UTF-8"]
        for name, names in (("named", "size,count,word,ÿ"), ("nameless", "")):
            key, last = ("word", "ÿ") if names else ("column 3", "column 4")
            content = text(rows, names=names).encode(encoding)
            more = {} if names else {"told": [*told, "no header row"]}
            cases.append(Case("encodings", f"{encoding}-{name}", content, "t.data", num_rows=40, values={key: ["waé", "wbé"]},
                              target=last, **{"told": told, **more}))
    cases.append(Case("encodings", "stray-byte", text(rows).encode() + b"1,2,\xff\xfe,no\n", num_rows=40, num_refused=1,
                      told=["no text in this file's encoding"]))
    cases.append(Case("encodings", "nul-in-a-cell", text(ROWS) + "1,2,w\0a,no\n", num_rows=40, num_refused=1, told=["no text"]))
    cases.append(Case("encodings", "nul-everywhere", b"\0" * 10_000, "t.data", refused="no source understands"))
    cases.append(Case("encodings", "nul-everywhere-csv", b"\0" * 10_000, refused="problem"))
    cases.append(Case("encodings", "shift-jis", text([[a, b, "日本", d] for a, b, _, d in ROWS]).encode("shift-jis"), told=["not UTF-8"],
                      num_rows=40))
    cases.append(Case("encodings", "emoji", text([[a, b, "🐈", d] for a, b, _, d in ROWS], names="📏,count,🐈,y"), num_rows=40,
                      values={"🐈": ["🐈"]}))
    cases.append(Case("encodings", "no-break-space", text([[f"{a}\u00a0", b, c, d] for a, b, c, d in ROWS]), **PLAIN))
    cases.append(Case("encodings", "form-feed-line-separators", text([[a, b, f"{c}\u2028x", d] for a, b, c, d in ROWS]), num_rows=40))
    return cases


def headers() -> list[Case]:
    cases = [
        Case("headers", f"none{suffix or '-nameless'}", text(ROWS, names=""), f"t{suffix}", **NAMELESS)
        for suffix in (".csv", ".data", ".dat", ".txt", ".train", ".test", ".all", ".tsv", ".trn", "", ".xyz", ".2019")
    ]
    numbers = [[str(i * j % 17 + 0.5) for j in range(1, 6)] for i in range(40)]
    years = [[str(float(row[0]) + i), *row[1:]] for i, row in enumerate(numbers)]
    say = "taken as column names"
    asked = {"target": "column 5"}
    cases += [
        Case("headers", "years", text(years, names="2001,2002,2003,2004,2005"), num_rows=40, told=[say], target="2005"),
        Case("headers", "places", text(numbers, names="0,1,2,3,4"), num_rows=40, told=[say], target="4"),
        Case("headers", "country-and-years", text([[f"c{i}x", *row] for i, row in enumerate(numbers)],
             names="country,2001,2002,2003,2004,2005"), num_rows=40, told=[say]),
        Case("headers", "numbers-not-counting", text(numbers, names=""), settings=asked, num_rows=40, told=["no header row"]),
        Case("headers", "all-words-none", text([["ab"[i % 2], "cde"[i % 3], "fg"[i % 2]] for i in range(40)], names=""),
             settings={"target": "column 3"}, num_rows=40, told=["no header row"]),
        Case("headers", "all-words", text([["ab"[i % 2], "cde"[i % 3], "fg"[i % 2]] for i in range(40)], names="p,q,y"),
             num_rows=40, target="y"),
        Case("headers", "all-different-words", text([[f"p{'abcdefghijklmnop'[i]}", f"q{'abcdefghijklmnop'[i]}"] for i in range(16)],
             names="p,y"), num_rows=16, told=["nothing tells it from the others"]),
        Case("headers", "duplicates", text(ROWS, names="size,size,word,y"), refused="two columns are called 'size'"),
        Case("headers", "duplicates-none", text([["1", "1", "0", "ab"[i % 2]] for i in range(9)] + [["2", "3", "1", "a"]], names=""),
             num_rows=10, told=["no header row"], target="column 4"),
        Case("headers", "empty-name", text(ROWS, names="size,,word,y"), refused="column 2 has no name"),
        Case("headers", "index", text([[str(i), *row] for i, row in enumerate(ROWS)], names=",size,count,word,y"),
             told=["only counts the rows"], **PLAIN),
        Case("headers", "one-name-less", text([[str(i + 1), *row] for i, row in enumerate(ROWS)]), told=["only counts the rows"], **PLAIN),
        Case("headers", "one-name-less-words", text([[f"r{i}", *row] for i, row in enumerate(ROWS)]), refused="column 1 has no name"),
        Case("headers", "two-lines", "length,number,,\n" + text(ROWS, names="m,1,text,y"), refused="has no name"),
        Case("headers", "title-above", "Report of 2020\n\n" + text(ROWS), refused="one column only|has 1"),
        Case("headers", "only", "size,count,word,y\n", refused="no rows"),
        Case("headers", "only-no-line-end", "size,count,word,y", refused="no rows"),
        Case("headers", "first-on-numbers", text(numbers, names="1.5,2.5,7.5,3.5,9.5"), settings={"header": "first"}, num_rows=40,
             target="9.5"),
        Case("headers", "none-on-words", text(ROWS), settings={"header": "none", "target": "column 4"}, num_rows=41,
             told=["as asked for", "no number|count as missing"], num_missing=2),
        Case("headers", "names-given", text(ROWS, names=""), settings={"names": ("size", "count", "word", "y")},
             told=["given order"], **PLAIN),
        Case("headers", "too-few-names-given", text(ROWS, names=""), settings={"names": ("size", "y")}, refused="4 columns, but"),
        Case("headers", "quoted", text(ROWS, names='"size","count","word","y"'), **PLAIN),
        Case("headers", "with-break", text(ROWS, names='"size\nin m",count,word,y'), num_rows=40, values={"size\nin m": SIZES[:2]}),
        Case("headers", "blanks-around", text(ROWS, names=" size , count , word , y "), **PLAIN),
        Case("headers", "units", text(ROWS, names="size [m],count,word,y"), num_rows=40, values={"size [m]": SIZES[:2]}),
        Case("headers", "first-row-missing", text([["?", "?", "wa", "no"], *ROWS], names=""),
             **{**NAMELESS, "num_rows": 41, "num_missing": 2, "values": {"column 1": [None, 0.25]}}),
        Case("headers", "one-odd-name", text(ROWS, names="size,7,word,y"), num_rows=40, told=["may be data"]),
        Case("headers", "one-row", "1,2,3\n", settings={"target": "column 3"}, refused="every row has the same value"),
        Case("headers", "dates", text([[f"2020-01-{i % 28 + 1:02}", *row] for i, row in enumerate(ROWS)], names=""),
             num_rows=40, told=["no header row"], target="column 5"),
        Case("headers", "codes", text([[f"A{i % 4}", f"B{i % 3}", "no" if i % 2 else "yes"] for i in range(40)], names=""),
             settings={"target": "column 3"}, num_rows=40, told=["no header row"]),
    ]
    return cases


def comments() -> list[Case]:
    table, bare = text(ROWS), text(ROWS, names="")
    passed = "of comment on top passed over"
    return [
        *(Case("comments", f"{sign}-{name}", f"{sign} made by hand\n{sign}{sign}\n" + body, "t.data", **{**more, "told": [passed]})
          for sign in "#%|" for name, body, more in (("named", table, PLAIN), ("nameless", bare, NAMELESS))),
        Case("comments", "uci", "|1x3 Cross validator\n" + bare, "adult.test", **{**NAMELESS, "told": [passed, "no header row"]}),
        Case("comments", "names-in-a-comment", "# size,count,word,y\n" + bare, told=["from the comment"], **PLAIN),
        Case("comments", "names-in-a-comment-blanks", "# size count word y\n" + text(ROWS, names="", delimiter=" "), "t.dat",
             told=["from the comment"], **PLAIN),
        Case("comments", "hash-names", "#size,count,word,y\n" + bare, told=["from the comment"], **PLAIN),
        Case("comments", "quotes-in-comments", '# it\'s "so\n' + table, told=[passed], **PLAIN),
        Case("comments", "blank-lines-on-top", "\n\n\n" + table, **PLAIN),
        Case("comments", "in-the-middle", text(ROWS[:20]) + "# a note\n" + text(ROWS[20:], names=""), num_rows=40, num_refused=1,
             told=["row 22: 1 cells"]),
        Case("comments", "all-rows-begin-so", text([[f"#{a}", b, c, d] for a, b, c, d in ROWS], names=""), num_rows=40,
             told=["no header row|taken as column names"], values={"column 2": COUNTS[:2]}),
    ]


def missing() -> list[Case]:
    cases = []
    for word in ("", "?", "NA", "N/A", "nan", "NaN", "null", "NULL", "None", "-", "#N/A", " ? "):
        cells = [str(i + 0.5) for i in range(18)] + [word, word]
        cases.append(Case("missing", f"number-{word.strip() or 'empty'}", column(cells), num_rows=20, num_missing=2,
                          values={"x": [0.5, 1.5]}))
    for word in ("missing", "unknown", "n.a.", "--", "999x", "NIL"):
        cells = [str(i + 0.5) for i in range(99)] + [word]
        cases.append(Case("missing", f"rare-{word}", column(cells), num_rows=100, num_missing=1, told=["count as missing"]))
    cases.append(Case("missing", "common-word", column(["1.5", "2.5", "unknown", "unknown"] * 5), num_rows=20,
                      values={"x": ["1.5", "2.5", "unknown"]}))
    cases.append(Case("missing", "column-empty", column([""] * 20), num_rows=20, num_missing=20))
    cases.append(Case("missing", "target", text([*ROWS, ["1", "2", "wa", ""]]), num_rows=40, num_refused=1, told=["target is missing"]))
    cases.append(Case("missing", "target-question", text([*ROWS, ["1", "2", "wa", "?"]]), num_rows=40, num_refused=1,
                      told=["target is missing"]))
    return cases


def ragged() -> list[Case]:
    table = text(ROWS)
    return [
        Case("ragged", "short", table + "1,2\n", num_rows=40, num_refused=1, told=["2 cells, the header has 4"]),
        Case("ragged", "long", table + "1,2,wa,no,5\n", num_rows=40, num_refused=1, told=["5 cells"]),
        Case("ragged", "short-nameless", text(ROWS, names="") + "1,2\n", **{**NAMELESS, "num_refused": 1,
             "told": ["2 cells, the first row has 4"]}),
        Case("ragged", "half-of-them", text([row if i % 2 else row[:3] for i, row in enumerate(ROWS)]), num_rows=20, num_refused=20),
        Case("ragged", "all-open", "size,count,word,y\n" + text(ROWS, names="", end=",\n"), **PLAIN),
        Case("ragged", "all-open-nameless", text(ROWS, names="", end=",\n"), **NAMELESS),
        Case("ragged", "all-open-with-header", text(ROWS, end=",\n"), told=["has no name and is empty"], **PLAIN),
        Case("ragged", "blank-lines", table.replace("\n", "\n\n"), told=["without any value"], **PLAIN),
        Case("ragged", "blank-lines-at-end", table + "\n\n  \n", **PLAIN),
        Case("ragged", "empty-rows", table + ",,,\n" + text(ROWS[:1], names=""), told=["without any value"], num_rows=41),
        Case("ragged", "footer", table + "Total,40\n", num_rows=40, num_refused=1, told=["2 cells"]),
        Case("ragged", "footer-in-full", table + "Total,3,,\n", num_rows=40, num_refused=1, told=["target is missing"]),
        Case("ragged", "footer-text", table + "(c) 2020 somebody\n", num_rows=40, num_refused=1, told=["1 cells"]),
        Case("ragged", "cut-off", table[:-8], num_rows=39, num_refused=1, told=["cells"]),
        Case("ragged", "two-tables", table + table, num_rows=80, num_refused=1, told=["names again"]),
        Case("ragged", "two-tables-of-words", text([row[2:] for row in ROWS], names="word,y") * 2, num_rows=80, num_refused=1,
             told=["names again"]),
        Case("ragged", "rule-below-header", "a|b|y\n---|---|---\n" + text([row[1:] for row in ROWS], names="", delimiter="|"),
             num_rows=40, told=["line of dashes"]),
        Case("ragged", "markdown", "| a | b | y |\n|---|---|---|\n" + "".join(f"| {b} | {c} | {d} |\n" for _, b, c, d in ROWS), "t.txt",
             num_rows=40, told=["line of dashes"], values={"a": COUNTS[:3]}),
    ]


def quotes() -> list[Case]:
    table = text(ROWS)
    def words(word: str) -> str:
        return text([[a, b, word, d] for a, b, _, d in ROWS])
    return [
        Case("quotes", "commas", words('"a, b"'), num_rows=40, values={"word": ["a, b"]}),
        Case("quotes", "doubled", words('"say ""hi"""'), num_rows=40, values={"word": ['say "hi"']}),
        Case("quotes", "breaks", words('"a\nb"'), num_rows=40, values={"word": ["a\nb"]}),
        Case("quotes", "blank-before", text([[f" {cell}" for cell in [a, b, '"a, b"', d]] for a, b, _, d in ROWS]), num_rows=40,
             values={"word": ["a, b"]}),
        Case("quotes", "never-closed", table + '1,2,"wa,no\n' + text(ROWS[:3], names=""), refused="never closed"),
        Case("quotes", "text-after", table + '1,2,"w"a,no\n', num_rows=40, num_refused=1, told=["after a closing quote"]),
        Case("quotes", "inches", words('5" pipe'), num_rows=40, values={"word": ['5" pipe']}),
        Case("quotes", "single", words("'a'"), num_rows=40, values={"word": ["'a'"]}),
        Case("quotes", "single-with-comma", words("'a, b'"), refused="has no name"),
        Case("quotes", "empty", words('""'), num_rows=40, num_missing=40),
        Case("quotes", "numbers", text([[f'"{cell}"' for cell in row] for row in ROWS]), **PLAIN),
        Case("quotes", "backslash", words('"a\\"b"'), refused="quote|cells"),
        Case("quotes", "huge", words('"' + "x" * 300_000 + '"')[: 300_100 * 5].rsplit("\n", 1)[0] + "\n", num_rows=5),
        Case("quotes", "line-of-a-million", text([*ROWS, ["1", "2", "x" * 3_000_000, "no"]]), num_rows=41),
        Case("quotes", "many-quotes", table + '"' * 1001 + "\n", refused="quote|cells"),
    ]


def numbers() -> list[Case]:
    hundred = range(100)
    cases = [
        Case("numbers", "decimal-comma", column([f"{i},5" for i in hundred], delimiter=";"), told=["decimal comma"],
             num_rows=100, values={"x": [0.5, 1.5]}),
        Case("numbers", "decimal-comma-nameless", column([f"{i},5" for i in hundred], delimiter=";").partition("\n")[2], "t.data",
             told=["decimal comma", "no header row"], num_rows=100, values={"column 1": [0.5, 1.5]}),
        Case("numbers", "decimal-comma-quoted", column([f'"{i},5"' for i in hundred]), told=["decimal comma|thousands"], num_rows=100),
        Case("numbers", "thousands", column([f'"{i + 1},{i + 100}"' for i in hundred]), told=["thousands"], num_rows=100,
             values={"x": [1100.0, 2101.0]}),
        Case("numbers", "thousands-points", column([f"{i + 1}.{i + 100},5" for i in hundred], delimiter=";"), told=["decimal comma"],
             num_rows=100, values={"x": [1100.5, 2101.5]}),
        Case("numbers", "thousands-blank", column([f"{i + 1} {i + 100}" for i in hundred]), num_rows=100, values={"x": ["1 100"]}),
        Case("numbers", "too-large", column(["1e400", *[str(i + 0.5) for i in hundred]]), num_rows=100, num_refused=1,
             told=["not a finite number"]),
        Case("numbers", "too-small", column(["1e-400", *[str(i + 0.5) for i in hundred]]), num_rows=101, values={"x": [0.0]}),
        Case("numbers", "infinite", column(["inf", *[str(i + 0.5) for i in hundred]]), num_rows=100, num_refused=1, told=["finite"]),
        Case("numbers", "5000-digits", column(["9" * 5000, *[str(i + 0.5) for i in hundred]]), num_rows=100, num_refused=1,
             told=["finite"]),
        Case("numbers", "20-digits", column([str(10**19 + i * 10**5) for i in hundred]), num_rows=100),
        Case("numbers", "plus", column([f"+{i}.5" for i in hundred]), num_rows=100, values={"x": [0.5, 1.5]}),
        Case("numbers", "leading-zeros", column([f"0{i + 1000}" for i in hundred]), num_rows=100, values={"x": ["01000"]}),
        Case("numbers", "underscore", column([f"1_{i}" for i in hundred]), num_rows=100, values={"x": ["1_0"]}),
        Case("numbers", "hex", column([f"0x{i:02x}" for i in hundred]), num_rows=100, values={"x": ["0x00"]}),
        Case("numbers", "fraction", column([f"{i}/100" for i in hundred]), num_rows=100, values={"x": ["0/100"]}),
        Case("numbers", "superscript", column([f"{i}²" for i in hundred]), num_rows=100, values={"x": ["0²"]}),
        Case("numbers", "arabic-digits", column(["٣", "٤"] * 50), num_rows=100, values={"x": ["٣"]}),
        Case("numbers", "minus-sign", column([f"−{i}.5" for i in hundred]), num_rows=100, values={"x": ["−0.5"]}),
        Case("numbers", "trailing-minus", column([f"{i}.5-" for i in hundred]), num_rows=100, values={"x": ["0.5-"]}),
        Case("numbers", "brackets", column([f"({i}.5)" for i in hundred]), num_rows=100, values={"x": ["(0.5)"]}),
        Case("numbers", "fortran", column([f"{i}.5D+02" for i in hundred]), num_rows=100, values={"x": ["0.5D+02"]}),
        Case("numbers", "word-target", text([*([str(i), f"{i}.5"] for i in hundred), ["1", "abc"]], names="a,y"), num_rows=100,
             num_refused=1, told=["'abc' is not a number"]),
        Case("numbers", "huge-target", text([[str(i), f"{i}e305"] for i in hundred], names="a,y"), num_rows=100),
    ]
    for name, form in {"unit": "{} kg", "unit-close": "{}kg", "dollar": "${}", "euro": "{} €", "percent": "{}%"}.items():
        cells = [form.format(i + 0.5) for i in hundred]
        cases.append(Case("numbers", name, column(cells), num_rows=100, values={"x": cells[:2]}))
        nameless = column(cells).partition("\n")[2]
        cases.append(Case("numbers", f"{name}-nameless", nameless, "t.data", num_rows=100, values={"column 1": cells[:2]},
                          told=["no header row"], target="column 3"))
        mixed = [*(str(i + 0.5) for i in range(60)), *(form.format(i) for i in range(40))]
        cases.append(Case("numbers", f"{name}-mixed", column(mixed), num_rows=100, told=["read as text"], values={"x": mixed[:2]}))
    return cases


def dates() -> list[Case]:
    forms = {
        "iso": "%Y-%m-%d", "time": "%Y-%m-%d %H:%M:%S", "zulu": "%Y-%m-%dT%H:%M:%SZ", "german": "%d.%m.%Y", "us": "%m/%d/%Y",
        "month-name": "%d %b %Y", "compact": "%Y%m%d", "year-month": "%Y-%m",
    }  # fmt: skip
    days = [datetime(2020, 1 + i % 12, 1 + i % 28, 1) for i in range(60)]
    cases = [Case("dates", name, column([day.strftime(form) for day in days]), num_rows=60) for name, form in forms.items()]
    iso = [day.strftime("%Y-%m-%d") for day in days]
    return [
        *cases,
        Case("dates", "one-odd", column([*iso, "soon"]), num_rows=61, num_missing=1, told=["count as missing"]),
        Case("dates", "impossible", column([*iso, "2020-02-31"]), num_rows=61, num_missing=1, told=["count as missing"]),
        Case("dates", "two-forms", column([*iso, *(day.strftime("%d.%m.%Y") for day in days)]), num_rows=120),
        Case("dates", "year-1", column([*iso, "0001-01-01"]), num_rows=61),
        Case("dates", "year-9999", column([*iso, "9999-12-31"]), num_rows=61),
        Case("dates", "zone", column([f"{day}T10:00:00+02:00" for day in iso]), num_rows=60),
        Case("dates", "ambiguous", column([f"0{i % 9 + 1}/0{i % 8 + 1}/2020" for i in range(60)]), num_rows=60, told=["month first"]),
    ]


def shapes() -> list[Case]:
    wide = ["x" + str(i) for i in range(10_000)]
    rows = [[str((i * j) % 97 + 0.5) for j in range(9_999)] + ["ab"[i % 2]] for i in range(12)]
    return [
        Case("shapes", "one-column", "a\n1\n2\n3\n", refused="one column only"),
        Case("shapes", "one-column-nameless", "1.5\n2.5\n3.5\n", refused="one column only"),
        Case("shapes", "one-column-txt", "1.5\n2.5\n3.5\n", "t.txt", refused="No table"),
        Case("shapes", "one-column-of-words", "name\nJohn Smith\nMary Jones\n", refused="one column only"),
        Case("shapes", "10000-columns", text(rows, names=",".join(wide)), num_rows=12, target="x9999"),
        Case("shapes", "10000-columns-nameless", text(rows, names=""), "t.data", num_rows=12, target="column 10000",
             told=["no header row"]),
        Case("shapes", "empty", "", refused="empty"),
        Case("shapes", "empty-data", "", "t.data", refused="no source understands|empty"),
        Case("shapes", "blanks", " \n\t\n", refused="nothing but blanks"),
        Case("shapes", "one-row", "a,b,y\n1,2,3\n", refused="same value"),
        Case("shapes", "one-class", text([[*row[:3], "no"] for row in ROWS]), refused="same value"),
        Case("shapes", "ids", text([[f"id-{i:05}", *row] for i, row in enumerate(ROWS)], names="id,size,count,word,y"), **PLAIN),
        Case("shapes", "booleans", column(["true", "False"] * 20), num_rows=40, values={"x": [True, False]}),
        Case("shapes", "yes-no", column(["yes", "no"] * 20), num_rows=40, values={"x": ["yes", "no"]}),
        Case("shapes", "t-f", column(["T", "F"] * 20), num_rows=40, values={"x": ["T", "F"]}),
        Case("shapes", "boolean-one-odd", column(["true", "False"] * 20 + ["maybe"]), num_rows=41, values={"x": ["true", "False"]}),
        Case("shapes", "columns-alike", text([[c, c, c, d] for _, _, c, d in ROWS]), num_rows=40),
    ]


def targets() -> list[Case]:
    last = [[str(i * 0.37), str(i * 1.1), str(i % 3)] for i in range(60)]
    first = [[row[2], row[0], row[1]] for row in last]
    def case(name: str, rows: Rows, **more: Any) -> Case:
        return Case("targets", name, text(rows, names=""), "t.data", **more)
    return [
        case("last-classes", last, num_rows=60, target="column 3", told=["last column"]),
        case("first-classes", first, num_rows=60, target="column 1", told=["first column"]),
        case("last-words", [[*row[:2], "ab"[i % 2]] for i, row in enumerate(last)], num_rows=60, target="column 3"),
        case("first-words", [["MF"[i % 2], *row[:2]] for i, row in enumerate(last)], num_rows=60, target="column 1"),
        case("middle-words", [[row[0], "MB"[i % 2], row[1]] for i, row in enumerate(last)], num_rows=60, target="column 2"),
        case("no-classes", [row[:2] + [str(i * 2.2)] for i, row in enumerate(last)], refused='--target "column 3"'),
        case("both-ends-words", [["ab"[i % 2], row[0], "cd"[i // 2 % 2]] for i, row in enumerate(last)], refused='--target "column 1"'),
        case("both-ends-numbers", [[str(i % 4), row[0], str(i % 5)] for i, row in enumerate(last)], refused="not plain"),
        case("few-against-many", [[str(i % 14), row[0], str(i % 2)] for i, row in enumerate(last)], num_rows=60, target="column 3"),
        case("counts-last", [["MFI"[i % 3], row[0], str(i % 28)] for i, row in enumerate(last * 3)], refused="not plain"),
        case("said", last, settings={"target": "column 2"}, num_rows=60, target="column 2"),
        case("said-wrongly", last, settings={"target": "column 9"}, refused="has no column 'column 9'"),
        case("said-by-number", last, settings={"target": "3"}, refused="has no column '3'"),
    ]


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
            Case("packed", f"csv{suffix}", pack(table), f"t.csv{suffix}", **PLAIN),
            Case("packed", f"data{suffix}", pack(bare), f"t.data{suffix}", **NAMELESS),
            Case("packed", f"named-plain-but-{suffix}", pack(table), "t.csv", **PLAIN),
            Case("packed", f"plain-but-named-{suffix}", table, f"t.csv{suffix}", **PLAIN),
            Case("packed", f"utf-16{suffix}", pack(text(ROWS).encode("utf-16")), f"t.csv{suffix}", told=["not UTF-8"], **PLAIN),
            Case("packed", f"cut{suffix}", pack(table)[:-20], f"t.csv{suffix}", refused=r"t\.csv.*near byte|damaged"),
            Case("packed", f"empty{suffix}", pack(b""), f"t.csv{suffix}", refused="nothing but blanks|empty"),
            Case("packed", f"twice{suffix}", pack(pack(table)), f"t.csv{suffix}", refused="problem"),
        ]
        flipped = bytearray(pack(table * 30))
        flipped[len(flipped) // 2] ^= 0xFF
        cases.append(Case("packed", f"flipped{suffix}", bytes(flipped), f"t.csv{suffix}", refused="near byte"))
    return [
        *cases,
        Case("packed", "zip", zipped(t__csv=table), "t.zip", **PLAIN),
        Case("packed", "zip-nameless", zipped(t__data=bare), "t.zip", **NAMELESS),
        Case("packed", "zip-of-two", zipped(a__csv=table, b__csv=table), "t.zip", refused="2 files"),
        Case("packed", "zip-of-none", zipped(), "t.zip", refused="no source|damaged or empty"),
        Case("packed", "zip-cut", zipped(t__csv=table)[:-30], "t.csv.zip", refused="damaged"),
        Case("packed", "gz-rest", gzip.compress(table) + b"garbage after it", "t.csv.gz", refused="near byte"),
        Case("packed", "gz-two-members", gzip.compress(text(ROWS[:20]).encode()) + gzip.compress(text(ROWS[20:], names="").encode()),
             "t.csv.gz", **PLAIN),
        Case("packed", "bomb", gzip.compress(b"0" * 2**21 + b"\n", 9), "t.csv.gz", refused="one column|unpack"),
    ]


def records() -> list[Case]:
    items = [{"size": float(a), "count": int(b), "word": c, "y": d} for a, b, c, d in ROWS]

    def lines(values: Sequence[object]) -> str:
        return "".join(json.dumps(value) + "\n" for value in values)

    def changed(**more: object) -> list[dict[str, object]]:
        return [{**item, **more} for item in items]

    table = lines(items)
    return [
        Case("records", "jsonl", table, "t.jsonl", **PLAIN),
        Case("records", "ndjson", table, "t.ndjson", **PLAIN),
        Case("records", "json", json.dumps(items, indent=1), "t.json", **PLAIN),
        Case("records", "jsonl-gz", gzip.compress(table.encode()), "t.jsonl.gz", **PLAIN),
        Case("records", "jsonl-nameless", table, "t.data", **PLAIN),
        Case("records", "bom", "\ufeff" + table, "t.jsonl", **PLAIN),
        Case("records", "blank-lines", table.replace("\n", "\n\n"), "t.jsonl", **PLAIN),
        Case("records", "missing-key", table + '{"size": 1, "count": 2, "y": "no"}\n', "t.jsonl", num_rows=41, num_missing=1),
        Case("records", "late-key", table + lines([{**items[0], "new": 1}]), "t.jsonl", num_rows=41, num_missing=40, target="y"),
        Case("records", "null", lines([*items, {**items[0], "size": None}]), "t.jsonl", num_rows=41, num_missing=1),
        Case("records", "nested", lines(changed(tags=["a", "b"])), "t.jsonl", told=["lists or records"], **PLAIN),
        Case("records", "zip-codes", lines(changed(word="01234")), "t.jsonl", num_rows=40, values={"word": ["01234"]}),
        Case("records", "words-of-missing", lines(changed(word="NA")), "t.jsonl", num_rows=40, values={"word": ["NA"]}),
        Case("records", "mixed-kinds", lines([*changed(word=1), items[0]]), "t.jsonl", num_rows=41, values={"word": ["1"]}),
        Case("records", "dates", lines(changed(word="2020-01-31")), "t.jsonl", num_rows=40, values={"word": [datetime(2020, 1, 31)]}),
        Case("records", "not-json", table + "size=1\n", "t.jsonl", num_rows=40, num_refused=1, told=["not JSON"]),
        Case("records", "cut", table[:-10], "t.jsonl", num_rows=39, num_refused=1, told=["not JSON"]),
        Case("records", "json-cut", json.dumps(items)[:-10], "t.json", refused="not JSON"),
        Case("records", "list-on-a-line", table + "[1, 2]\n", "t.jsonl", num_rows=40, num_refused=1, told=["no record but a list"]),
        Case("records", "twice-a-key", table + '{"size": 1, "size": 2, "y": "no"}\n', "t.jsonl", num_rows=40, num_refused=1,
             told=["stands twice"]),
        Case("records", "deep", table + '{"size":' * 100_000 + "\n", "t.jsonl", num_rows=40, num_refused=1, told=["deeply|not JSON"]),
        Case("records", "deep-lists", table + "[" * 200_000 + "]" * 200_000 + "\n", "t.jsonl", num_rows=40, num_refused=1, told=["deep"]),
        Case("records", "huge-number", table + '{"size": 1e999, "count": 1, "word": "a", "y": "no"}\n', "t.jsonl", num_rows=40,
             num_refused=1, told=["finite"]),
        Case("records", "5000-digits", table + '{"size": ' + "9" * 5000 + ', "y": "no"}\n', "t.jsonl", num_rows=40, num_refused=1,
             told=["cannot be read"]),
        Case("records", "a-config", '{"a": 1}', "t.json", refused="no list of records"),
        Case("records", "empty-list", "[]", "t.json", refused="no list of records"),
        Case("records", "only-lists", "[[1, 2], [3, 4]]", "t.json", refused="no list of records"),
        Case("records", "no-lines", "", "t.jsonl", refused="no records"),
        Case("records", "truth", lines(changed(word=True)), "t.jsonl", num_rows=40, values={"word": [True]}),
    ]


def workbooks() -> list[Case]:
    rows: list[list[object]] = [[float(a), int(b), c, d] for a, b, c, d in ROWS]
    names: list[object] = ["size", "count", "word", "y"]

    def book(*sheets: tuple[str, list[list[object]]], change: Callable[[Any], object] = lambda book: None) -> Callable[[Path], None]:
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
        Case("workbooks", "plain", book(plain), "t.xlsx", **PLAIN),
        Case("workbooks", "nameless", book(("one", rows)), "t.xlsx", **NAMELESS),
        Case("workbooks", "two-sheets", book(plain, ("two", [["a"], [1]])), "t.xlsx", told=["sheet 'one' of one, two"], **PLAIN),
        Case("workbooks", "second-sheet", book(("two", [["a", "y"], [1, 2]]), plain), "t.xlsx", settings={"sheet": "one"}, **PLAIN),
        Case("workbooks", "no-such-sheet", book(plain), "t.xlsx", settings={"sheet": "three"}, refused="no sheet 'three'"),
        Case("workbooks", "formula", book(("one", [names, *rows, ["=1+1", 1, "wa", "no"]])), "t.xlsx", num_rows=40, num_refused=1,
             told=["value is not stored"]),
        Case("workbooks", "error", book(("one", [names, *rows, ["#DIV/0!", 1, "wa", "no"]])), "t.xlsx", num_rows=40, num_refused=1,
             told=["DIV/0"]),
        Case("workbooks", "merged", book(plain, change=merge), "t.xlsx", num_rows=40, num_missing=1, told=["merged"]),
        Case("workbooks", "rows-on-top", book(("one", [[], [], names, *rows])), "t.xlsx", **PLAIN),
        Case("workbooks", "dates", book(("one", [names, *([datetime(2020, 1, 1 + i % 28), *row[1:]] for i, row in enumerate(rows))])),
             "t.xlsx", num_rows=40, values={"size": [datetime(2020, 1, 1), datetime(2020, 1, 2)]}),
        Case("workbooks", "truth", book(("one", [names, *([i % 2 == 0, *row[1:]] for i, row in enumerate(rows))])), "t.xlsx",
             num_rows=40, values={"size": [True, False]}),
        Case("workbooks", "empty", book(("one", [])), "t.xlsx", refused="nothing in it"),
        Case("workbooks", "cut", cut, "t.xlsx", refused="damaged"),
        Case("workbooks", "not-one", b"PK\x03\x04 and nothing", "t.xlsx", refused="damaged"),
        Case("workbooks", "other-name", renamed, "t.dat", **PLAIN),
        Case("workbooks", "csv-named-so", text(ROWS), "t.xlsx", **PLAIN),
        Case("workbooks", "old", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "t.xls", refused="save it as CSV"),
    ]


def prose() -> list[Case]:
    lines = (
        "It was a bright cold day in April, and the clocks were striking thirteen.\nWinston Smith, his chin nuzzled into his breast,\n"
        "slipped quickly through the glass doors.\n\nThe hallway smelt of boiled cabbage and old rag mats.\n"
    ) * 9
    poem = "Tyger Tyger, burning bright\nIn the forests, of the night\nWhat immortal, hand or eye\nCould frame thy, fearful symmetry\n"
    code = "import os\n\n\ndef main(a, b):\n    return a + b\n\n\nprint(main(1, 2), os.name)\n" * 4
    return [
        *(Case("prose", f"{name}{suffix or '-nameless'}", content, f"t{suffix}", refused="chars:")
          for name, content in (("novel", lines), ("poem", poem), ("code", code), ("one-line", "just one line\n"), ("word", "word"))
          for suffix in (".txt", "")),
        Case("prose", "binary", bytes(range(256)) * 40, "t.dat", refused="no source understands"),
        Case("prose", "elf", b"\x7fELF" + b"\1\2\3" * 1000, "t", refused="no source understands"),
        Case("prose", "messages", "".join(f"{'ham' if i % 3 else 'spam'}\tCall me at {i}, or not: it is up to you\n" for i in range(30)),
             "SMS", num_rows=30, told=["no header row"], target="column 1"),
    ]


KINDS: tuple[Callable[[], list[Case]], ...] = (
    delimiters, encodings, headers, comments, missing, ragged, quotes, numbers, dates, shapes, targets, packed, records, workbooks,
    prose,
)  # fmt: skip
