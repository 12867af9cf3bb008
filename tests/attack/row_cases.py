"""Tables with awkward rows and cells."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from tests.attack.table_case import COUNTS, NAMELESS, PLAIN, ROWS, Case, Rows, column, text

__all__ = ["KINDS"]


def missing() -> list[Case]:
    cases = []
    for word in ("", "?", "NA", "N/A", "nan", "NaN", "null", "NULL", "None", "-", "#N/A", " ? "):
        cells = [str(i + 0.5) for i in range(18)] + [word, word]
        cases.append(Case(f"number-{word!r}", column(cells), num_rows=20, num_missing=2, values={"x": [0.5, 1.5]}))
    for word in ("missing", "unknown", "n.a.", "--", "999x", "NIL"):
        cells = [str(i + 0.5) for i in range(99)] + [word]
        cases.append(Case(f"rare-{word}", column(cells), num_rows=100, num_missing=1, told=["count as missing"]))
    cases.append(
        Case(
            "common-word", column(["1.5", "2.5", "unknown", "unknown"] * 5), num_rows=20, values={"x": ["1.5", "2.5", "unknown"]}
        )
    )
    cases.append(Case("column-empty", column([""] * 20), num_rows=20, num_missing=20))
    cases.append(Case("target", text([*ROWS, ["1", "2", "wa", ""]]), num_rows=40, num_refused=1, told=["target is missing"]))
    cases.append(
        Case("target-question", text([*ROWS, ["1", "2", "wa", "?"]]), num_rows=40, num_refused=1, told=["target is missing"])
    )
    return cases


def ragged() -> list[Case]:
    table = text(ROWS)
    return [
        Case("short", table + "1,2\n", num_rows=40, num_refused=1, told=["2 cells, the header has 4"]),
        Case("long", table + "1,2,wa,no,5\n", num_rows=40, num_refused=1, told=["5 cells"]),
        Case(
            "short-nameless",
            text(ROWS, names="") + "1,2\n",
            **{**NAMELESS, "num_refused": 1, "told": ["2 cells, the first row has 4"]},
        ),
        Case("half-of-them", text([row if i % 2 else row[:3] for i, row in enumerate(ROWS)]), num_rows=20, num_refused=20),
        Case("all-open", "size,count,word,y\n" + text(ROWS, names="", end=",\n"), **PLAIN),
        Case("all-open-nameless", text(ROWS, names="", end=",\n"), **NAMELESS),
        Case("all-open-with-header", text(ROWS, end=",\n"), told=["has no name and is empty"], **PLAIN),
        Case("blank-lines", table.replace("\n", "\n\n"), told=["without any value"], **PLAIN),
        Case("blank-lines-at-end", table + "\n\n  \n", **PLAIN),
        Case("empty-rows", table + ",,,\n" + text(ROWS[:1], names=""), told=["without any value"], num_rows=41),
        Case("footer", table + "Total,40\n", num_rows=40, num_refused=1, told=["2 cells"]),
        Case("footer-in-full", table + "Total,3,,\n", num_rows=40, num_refused=1, told=["target is missing"]),
        Case("footer-text", table + "(c) 2020 somebody\n", num_rows=40, num_refused=1, told=["1 cells"]),
        Case("cut-off", table[:-8], num_rows=39, num_refused=1, told=["cells"]),
        Case("two-tables", table + table, num_rows=80, num_refused=1, told=["names again"]),
        Case(
            "two-tables-of-words",
            text([row[2:] for row in ROWS], names="word,y") * 2,
            num_rows=80,
            num_refused=1,
            told=["names again"],
        ),
        Case(
            "rule-below-header",
            "a|b|y\n---|---|---\n" + text([row[1:] for row in ROWS], names="", delimiter="|"),
            num_rows=40,
            told=["line of dashes"],
        ),
        Case(
            "markdown",
            "| a | b | y |\n|---|---|---|\n" + "".join(f"| {b} | {c} | {d} |\n" for _, b, c, d in ROWS),
            "t.txt",
            num_rows=40,
            told=["line of dashes"],
            values={"a": COUNTS[:3]},
        ),
    ]


def quotes() -> list[Case]:
    table = text(ROWS)

    def words(word: str) -> str:
        return text([[a, b, word, d] for a, b, _, d in ROWS])

    return [
        Case("commas", words('"a, b"'), num_rows=40, values={"word": ["a, b"]}),
        Case("doubled", words('"say ""hi"""'), num_rows=40, values={"word": ['say "hi"']}),
        Case("breaks", words('"a\nb"'), num_rows=40, values={"word": ["a\nb"]}),
        Case(
            "blank-before",
            text([[f" {cell}" for cell in [a, b, '"a, b"', d]] for a, b, _, d in ROWS]),
            num_rows=40,
            values={"word": ["a, b"]},
        ),
        Case("never-closed", table + '1,2,"wa,no\n' + text(ROWS[:3], names=""), refused="never closed"),
        Case("text-after", table + '1,2,"w"a,no\n', num_rows=40, num_refused=1, told=["after a closing quote"]),
        Case("inches", words('5" pipe'), num_rows=40, values={"word": ['5" pipe']}),
        Case("single", words("'a'"), num_rows=40, values={"word": ["'a'"]}),
        Case("single-with-comma", words("'a, b'"), refused="has no name"),
        Case("empty", words('""'), num_rows=40, num_missing=40),
        Case("numbers", text([[f'"{cell}"' for cell in row] for row in ROWS]), **PLAIN),
        Case("backslash", words('"a\\"b"'), refused="quote|cells"),
        Case("huge", words('"' + "x" * 300_000 + '"')[: 300_100 * 5].rsplit("\n", 1)[0] + "\n", num_rows=5),
        Case("line-of-a-million", text([*ROWS, ["1", "2", "x" * 3_000_000, "no"]]), num_rows=41),
        Case("many-quotes", table + '"' * 1001 + "\n", refused="quote|cells"),
    ]


def numbers() -> list[Case]:
    hundred = range(100)
    halves = [str(i + 0.5) for i in hundred]
    cases = [
        Case(
            "decimal-comma",
            column([f"{i},5" for i in hundred], delimiter=";"),
            told=["decimal comma"],
            num_rows=100,
            values={"x": [0.5, 1.5]},
        ),
        Case(
            "decimal-comma-nameless",
            column([f"{i},5" for i in hundred], delimiter=";").partition("\n")[2],
            "t.data",
            told=["decimal comma", "no header row"],
            num_rows=100,
            values={"column 1": [0.5, 1.5]},
        ),
        Case("decimal-comma-quoted", column([f'"{i},5"' for i in hundred]), told=["decimal comma|thousands"], num_rows=100),
        Case(
            "thousands",
            column([f'"{i + 1},{i + 100}"' for i in hundred]),
            told=["thousands"],
            num_rows=100,
            values={"x": [1100.0, 2101.0]},
        ),
        Case(
            "thousands-points",
            column([f"{i + 1}.{i + 100},5" for i in hundred], delimiter=";"),
            told=["decimal comma"],
            num_rows=100,
            values={"x": [1100.5, 2101.5]},
        ),
        Case("thousands-blank", column([f"{i + 1} {i + 100}" for i in hundred]), num_rows=100, values={"x": ["1 100"]}),
        Case("too-large", column(["1e400", *halves]), num_rows=100, num_refused=1, told=["too large for a number"]),
        Case("too-small", column(["1e-400", *halves]), num_rows=101, values={"x": [0.0]}),
        Case("infinite", column(["inf", *halves]), num_rows=100, num_refused=1, told=["finite"]),
        Case("5000-digits", column(["9" * 5000, *halves]), num_rows=100, num_refused=1, told=["too large for a number"]),
        Case("20-digits", column([str(10**19 + i * 10**5) for i in hundred]), num_rows=100),
        Case("plus", column([f"+{i}.5" for i in hundred]), num_rows=100, values={"x": [0.5, 1.5]}),
        Case("leading-zeros", column([f"0{i + 1000}" for i in hundred]), num_rows=100, values={"x": ["01000"]}),
        Case("underscore", column([f"1_{i}" for i in hundred]), num_rows=100, values={"x": ["1_0"]}),
        Case("hex", column([f"0x{i:02x}" for i in hundred]), num_rows=100, values={"x": ["0x00"]}),
        Case("fraction", column([f"{i}/100" for i in hundred]), num_rows=100, values={"x": ["0/100"]}),
        Case("superscript", column([f"{i}²" for i in hundred]), num_rows=100, values={"x": ["0²"]}),
        Case("arabic-digits", column(["٣", "٤"] * 50), num_rows=100, values={"x": ["٣"]}),
        Case("minus-sign", column([f"\u2212{i}.5" for i in hundred]), num_rows=100, values={"x": ["\u22120.5"]}),
        Case("trailing-minus", column([f"{i}.5-" for i in hundred]), num_rows=100, values={"x": ["0.5-"]}),
        Case("brackets", column([f"({i}.5)" for i in hundred]), num_rows=100, values={"x": ["(0.5)"]}),
        Case("fortran", column([f"{i}.5D+02" for i in hundred]), num_rows=100, values={"x": ["0.5D+02"]}),
        Case(
            "word-target",
            text([*([str(i), f"{i}.5"] for i in hundred), ["1", "abc"]], names="a,y"),
            num_rows=100,
            num_refused=1,
            told=["'abc' is not a number"],
        ),
        Case("huge-target", text([[str(i), f"{i}e305"] for i in hundred], names="a,y"), num_rows=100),
    ]
    for name, form in {"unit": "{} kg", "unit-close": "{}kg", "dollar": "${}", "euro": "{} €", "percent": "{}%"}.items():
        cells = [form.format(i + 0.5) for i in hundred]
        cases.append(Case(name, column(cells), num_rows=100, values={"x": cells[:2]}))
        nameless = column(cells).partition("\n")[2]
        cases.append(
            Case(
                f"{name}-nameless",
                nameless,
                "t.data",
                num_rows=100,
                values={"column 1": cells[:2]},
                told=["no header row"],
                target="column 3",
            )
        )
        mixed = [*(str(i + 0.5) for i in range(60)), *(form.format(i) for i in range(40))]
        cases.append(Case(f"{name}-mixed", column(mixed), num_rows=100, told=["read as text"], values={"x": mixed[:2]}))
    return cases


def dates() -> list[Case]:
    forms = {
        "iso": "%Y-%m-%d", "time": "%Y-%m-%d %H:%M:%S", "zulu": "%Y-%m-%dT%H:%M:%SZ", "german": "%d.%m.%Y", "us": "%m/%d/%Y",
        "month-name": "%d %b %Y", "compact": "%Y%m%d", "year-month": "%Y-%m",
    }  # fmt: skip
    days = [datetime(2020, 1 + i % 12, 1 + i % 28, 1) for i in range(60)]
    cases = [Case(name, column([day.strftime(form) for day in days]), num_rows=60) for name, form in forms.items()]
    iso = [day.strftime("%Y-%m-%d") for day in days]
    return [
        *cases,
        Case("one-odd", column([*iso, "soon"]), num_rows=61, num_missing=1, told=["count as missing"]),
        Case("impossible", column([*iso, "2020-02-31"]), num_rows=61, num_missing=1, told=["count as missing"]),
        Case("two-forms", column([*iso, *(day.strftime("%d.%m.%Y") for day in days)]), num_rows=120),
        Case("year-1", column([*iso, "0001-01-01"]), num_rows=61),
        Case("year-9999", column([*iso, "9999-12-31"]), num_rows=61),
        Case("zone", column([f"{day}T10:00:00+02:00" for day in iso]), num_rows=60),
        Case("ambiguous", column([f"0{i % 9 + 1}/0{i % 8 + 1}/2020" for i in range(60)]), num_rows=60, told=["month first"]),
    ]


def zones() -> list[Case]:
    """Times with offsets from UTC: one of all is kept, several are brought to UTC, and what cannot be is told."""
    hours = [datetime(2020, 3, 1 + i % 28, i % 24) for i in range(60)]
    iso = [hour.strftime("%Y-%m-%dT%H:%M:%S") for hour in hours]
    zulu = [f"{each}Z" for each in iso]

    def case(name: str, cells: Sequence[str], *, first: datetime | None = hours[0], missing: int = 0, **more: Any) -> Case:
        values = {"x": [first]} if first is not None else {}
        told = [*more.pop("told", []), *(["count as missing"] if missing else [])]
        return Case(name, column(cells), num_rows=len(cells), num_missing=missing, values=values, told=told, **more)

    return [
        case("one-west", [f"{each}-05:30" for each in iso], told=["offset -05:30"]),
        case("one-far-east", [f"{each}+14:00" for each in iso], told=["offset"]),
        case("summer-and-winter", [f"{each}+0{1 + i % 2}:00" for i, each in enumerate(iso)], first=None, told=["UTC"]),
        case("all-utc", zulu),
        case("utc-two-ways", [*zulu, *(f"{each}+00:00" for each in iso)]),
        case("some-without", [*zulu, *iso]),
        case("one-with", [*iso, f"{iso[0]}+09:00"], told=["offsets|UTC|missing"]),
        case("no-such-offset", [*zulu, f"{iso[0]}+25:00"], missing=1),
        case("minutes-of-90", [*zulu, f"{iso[0]}+01:90"], missing=1),
        case("year-1-east", [*zulu, "0001-01-01T00:00:00+14:00"], missing=1),
        case("year-9999-west", [*zulu, "9999-12-31T23:59:59-12:00"], missing=1),
        case("without-colon", [f"{each}+0200" for each in iso], first=None),
        case("small-z", [f"{each}z" for each in iso], first=None),
        case("named", [f"{each} CET" for each in iso], first=None),
        case("in-brackets", [f"{each}+01:00[Europe/Berlin]" for each in iso], first=None),
        case("nanoseconds", [f"{each}.123456789+02:00" for each in iso], first=None),
        case("minus-sign-of-typesetters", [*zulu, f"{iso[0]}\u221205:00"], missing=1),
        case("digits-of-another-script", [*zulu, f"{iso[0]}+\u0660\u0662:00"], missing=1),
        case("leap-second", [*zulu, "2016-12-31T23:59:60Z"], missing=1),
    ]


def shapes() -> list[Case]:
    wide = ["x" + str(i) for i in range(10_000)]
    rows = [[str((i * j) % 97 + 0.5) for j in range(9_999)] + ["ab"[i % 2]] for i in range(12)]
    return [
        Case("one-column", "a\n1\n2\n3\n", refused="one column only"),
        Case("one-column-nameless", "1.5\n2.5\n3.5\n", refused="one column only"),
        Case("one-column-txt", "1.5\n2.5\n3.5\n", "t.txt", refused="fewer than one piece|No table"),
        Case("one-column-of-words", "name\nJohn Smith\nMary Jones\n", refused="one column only"),
        Case("10000-columns", text(rows, names=",".join(wide)), num_rows=12, target="x9999"),
        Case(
            "10000-columns-nameless", text(rows, names=""), "t.data", num_rows=12, target="column 10000", told=["no header row"]
        ),
        Case("empty", "", refused="empty"),
        Case("empty-data", "", "t.data", refused="no source understands|empty"),
        Case("blanks", " \n\t\n", refused="nothing but blanks"),
        Case("one-row", "a,b,y\n1,2,3\n", refused="same value"),
        Case("one-class", text([[*row[:3], "no"] for row in ROWS]), refused="same value"),
        Case("ids", text([[f"id-{i:05}", *row] for i, row in enumerate(ROWS)], names="id,size,count,word,y"), **PLAIN),
        Case("booleans", column(["true", "False"] * 20), num_rows=40, values={"x": [True, False]}),
        Case("yes-no", column(["yes", "no"] * 20), num_rows=40, values={"x": ["yes", "no"]}),
        Case("t-f", column(["T", "F"] * 20), num_rows=40, values={"x": ["T", "F"]}),
        Case("boolean-one-odd", column(["true", "False"] * 20 + ["maybe"]), num_rows=41, values={"x": ["true", "False"]}),
        Case("columns-alike", text([[c, c, c, d] for _, _, c, d in ROWS]), num_rows=40),
    ]


def targets() -> list[Case]:
    last = [[str(i * 0.37), str(i * 1.1), str(i % 3)] for i in range(60)]
    first = [[row[2], row[0], row[1]] for row in last]

    def case(name: str, rows: Rows, **more: Any) -> Case:
        return Case(name, text(rows, names=""), "t.data", **more)

    return [
        case("last-classes", last, num_rows=60, target="column 3", told=["last column"]),
        case("first-classes", first, num_rows=60, target="column 1", told=["first column"]),
        case("last-words", [[*row[:2], "ab"[i % 2]] for i, row in enumerate(last)], num_rows=60, target="column 3"),
        case("first-words", [["MF"[i % 2], *row[:2]] for i, row in enumerate(last)], num_rows=60, target="column 1"),
        case("middle-words", [[row[0], "MB"[i % 2], row[1]] for i, row in enumerate(last)], num_rows=60, target="column 2"),
        case("no-classes", [[*row[:2], str(i * 2.2)] for i, row in enumerate(last)], refused='--target "column 3"'),
        case(
            "both-ends-words",
            [["ab"[i % 2], row[0], "cd"[i // 2 % 2]] for i, row in enumerate(last)],
            refused='--target "column 1"',
        ),
        case("both-ends-numbers", [[str(i % 4), row[0], str(i % 5)] for i, row in enumerate(last)], refused="not plain"),
        case(
            "few-against-many", [[str(i % 14), row[0], str(i % 2)] for i, row in enumerate(last)], num_rows=60, target="column 3"
        ),
        case("counts-last", [["MFI"[i % 3], row[0], str(i % 28)] for i, row in enumerate(last * 3)], refused="not plain"),
        case("said", last, settings={"target": "column 2"}, num_rows=60, target="column 2"),
        case("said-wrongly", last, settings={"target": "column 9"}, refused="has no column 'column 9'"),
        case("said-by-number", last, settings={"target": "3"}, refused="has no column '3'"),
    ]


KINDS: tuple[Callable[[], list[Case]], ...] = (missing, ragged, quotes, numbers, dates, zones, shapes, targets)
