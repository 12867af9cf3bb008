"""Tables that are laid out in awkward ways."""

from collections.abc import Callable

from tests.attack.table_case import COUNTS, NAMELESS, PLAIN, ROWS, SIZES, Case, text

__all__ = ["KINDS"]

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "blanks": "   "}


def delimiters() -> list[Case]:
    cases = []
    for name, delimiter in DELIMITERS.items():
        for end in ("\n", "\r\n", "\r"):
            shown = {"\n": "lf", "\r\n": "crlf", "\r": "cr"}[end]
            told = ["runs of blanks"] if name == "blanks" else []
            cases.append(Case(f"{name}-{shown}", text(ROWS, delimiter=delimiter, end=end), told=told, **PLAIN))
    mixed = text(ROWS[:20]) + text(ROWS[20:], names="", end="\r\n")
    cases.append(Case("mixed-line-ends", mixed, **PLAIN))
    cases.append(Case("lone-return-within", text(ROWS[:20]) + text(ROWS[20:], names="", end="\r"), **PLAIN))
    cases.append(Case("no-last-line-end", text(ROWS).rstrip(), **PLAIN))
    cases.append(
        Case(
            "tabs-and-blanks",
            "".join(f"{a}  {b}\t{c} \t {d}\n" for a, b, c, d in ROWS),
            "t.data",
            **{**NAMELESS, "told": ["runs of blanks", "no header row"]},
        )
    )
    cases.append(Case("leading-blanks", "".join(f"   {a}  {b} {c}  {d} \n" for a, b, c, d in ROWS), "t.data", **NAMELESS))
    cases.append(Case("comma-and-blank", text(ROWS, delimiter=", "), **PLAIN))
    cases.append(Case("sep-line", "sep=;\r\n" + text(ROWS, delimiter=";", end="\r\n"), told=["first line says"], **PLAIN))
    cases.append(Case("colon", text(ROWS, delimiter=":"), refused="one column only"))
    cases.append(
        Case(
            "quoted-blank-cells",
            "".join(f'{a}  {b} {d} "big {c}"\n' for a, b, c, d in ROWS),
            "auto.data",
            settings={"target": "column 3"},
            num_rows=40,
            values={"column 4": ["big wa"]},
        )
    )
    cases.append(
        Case("semicolons-in-text", text([[a, b, f"{c};x", d] for a, b, c, d in ROWS]), num_rows=40, values={"word": ["wa;x"]})
    )
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
            cases.append(
                Case(
                    f"{encoding}-{name}",
                    content,
                    "t.data",
                    num_rows=40,
                    values={key: ["waé", "wbé"]},
                    target=last,
                    **{"told": told, **more},
                )
            )
    cases.append(
        Case(
            "stray-byte",
            text(rows).encode() + b"1,2,\xff\xfe,no\n",
            num_rows=40,
            num_refused=1,
            told=["no text in this file's encoding"],
        )
    )
    cases.append(Case("nul-in-a-cell", text(ROWS) + "1,2,w\0a,no\n", num_rows=40, num_refused=1, told=["no text"]))
    cases.append(Case("nul-everywhere", b"\0" * 10_000, "t.data", refused="no source understands"))
    cases.append(Case("nul-everywhere-csv", b"\0" * 10_000, refused="problem"))
    cases.append(
        Case("shift-jis", text([[a, b, "日本", d] for a, b, _, d in ROWS]).encode("shift-jis"), told=["not UTF-8"], num_rows=40)
    )
    cases.append(
        Case("emoji", text([[a, b, "🐈", d] for a, b, _, d in ROWS], names="📏,count,🐈,y"), num_rows=40, values={"🐈": ["🐈"]})
    )
    cases.append(Case("no-break-space", text([[f"{a}\u00a0", b, c, d] for a, b, c, d in ROWS]), **PLAIN))
    cases.append(Case("form-feed-line-separators", text([[a, b, f"{c}\u2028x", d] for a, b, c, d in ROWS]), num_rows=40))
    return cases


def headers() -> list[Case]:
    cases = [
        Case(f"none{suffix or '-nameless'}", text(ROWS, names=""), f"t{suffix}", **NAMELESS)
        for suffix in (".csv", ".data", ".dat", ".txt", ".train", ".test", ".all", ".tsv", ".trn", "", ".xyz", ".2019")
    ]
    numbers = [[str(i * j % 17 + 0.5) for j in range(1, 6)] for i in range(40)]
    years = [[str(float(row[0]) + i), *row[1:]] for i, row in enumerate(numbers)]
    say = "taken as column names"
    asked = {"target": "column 5"}
    cases += [
        Case("years", text(years, names="2001,2002,2003,2004,2005"), num_rows=40, told=[say], target="2005"),
        Case("places", text(numbers, names="0,1,2,3,4"), num_rows=40, told=[say], target="4"),
        Case(
            "country-and-years",
            text([[f"c{i}x", *row] for i, row in enumerate(numbers)], names="country,2001,2002,2003,2004,2005"),
            num_rows=40,
            told=[say],
        ),
        Case("numbers-not-counting", text(numbers, names=""), settings=asked, num_rows=40, told=["no header row"]),
        Case(
            "all-words-none",
            text([["ab"[i % 2], "cde"[i % 3], "fg"[i % 2]] for i in range(40)], names=""),
            settings={"target": "column 3"},
            num_rows=40,
            told=["no header row"],
        ),
        Case(
            "all-words",
            text([["ab"[i % 2], "cde"[i % 3], "fg"[i % 2]] for i in range(40)], names="p,q,y"),
            num_rows=40,
            target="y",
        ),
        Case(
            "all-different-words",
            text([[f"p{'abcdefghijklmnop'[i]}", f"q{'abcdefghijklmnop'[i]}"] for i in range(16)], names="p,y"),
            num_rows=16,
            told=["nothing tells it from the others"],
        ),
        Case("duplicates", text(ROWS, names="size,size,word,y"), refused="two columns are called 'size'"),
        Case(
            "duplicates-none",
            text([["1", "1", "0", "ab"[i % 2]] for i in range(9)] + [["2", "3", "1", "a"]], names=""),
            num_rows=10,
            told=["no header row"],
            target="column 4",
        ),
        Case("empty-name", text(ROWS, names="size,,word,y"), refused="column 2 has no name"),
        Case(
            "index",
            text([[str(i), *row] for i, row in enumerate(ROWS)], names=",size,count,word,y"),
            told=["only counts the rows"],
            **PLAIN,
        ),
        Case("one-name-less", text([[str(i + 1), *row] for i, row in enumerate(ROWS)]), told=["only counts the rows"], **PLAIN),
        Case("one-name-less-words", text([[f"r{i}", *row] for i, row in enumerate(ROWS)]), refused="column 1 has no name"),
        Case("two-lines", "length,number,,\n" + text(ROWS, names="m,1,text,y"), refused="has no name"),
        Case("title-above", "Report of 2020\n\n" + text(ROWS), refused="one column only|has 1"),
        Case("only", "size,count,word,y\n", refused="no rows"),
        Case("only-no-line-end", "size,count,word,y", refused="no rows"),
        Case(
            "first-on-numbers",
            text(numbers, names="1.5,2.5,7.5,3.5,9.5"),
            settings={"header": "first"},
            num_rows=40,
            target="9.5",
        ),
        Case(
            "none-on-words",
            text(ROWS),
            settings={"header": "none", "target": "column 4"},
            num_rows=41,
            told=["as asked for", "no number|count as missing"],
            num_missing=2,
        ),
        Case(
            "names-given", text(ROWS, names=""), settings={"names": ("size", "count", "word", "y")}, told=["given order"], **PLAIN
        ),
        Case("too-few-names-given", text(ROWS, names=""), settings={"names": ("size", "y")}, refused="4 columns, but"),
        Case("quoted", text(ROWS, names='"size","count","word","y"'), **PLAIN),
        Case("with-break", text(ROWS, names='"size\nin m",count,word,y'), num_rows=40, values={"size\nin m": SIZES[:2]}),
        Case("blanks-around", text(ROWS, names=" size , count , word , y "), **PLAIN),
        Case("units", text(ROWS, names="size [m],count,word,y"), num_rows=40, values={"size [m]": SIZES[:2]}),
        Case(
            "first-row-missing",
            text([["?", "?", "wa", "no"], *ROWS], names=""),
            **{**NAMELESS, "num_rows": 41, "num_missing": 2, "values": {"column 1": [None, 0.25]}},
        ),
        Case("one-odd-name", text(ROWS, names="size,7,word,y"), num_rows=40, told=["may be data"]),
        Case("one-row", "1,2,3\n", settings={"target": "column 3"}, refused="every row has the same value"),
        Case(
            "dates",
            text([[f"2020-01-{i % 28 + 1:02}", *row] for i, row in enumerate(ROWS)], names=""),
            num_rows=40,
            told=["no header row"],
            target="column 5",
        ),
        Case(
            "codes",
            text([[f"A{i % 4}", f"B{i % 3}", "no" if i % 2 else "yes"] for i in range(40)], names=""),
            settings={"target": "column 3"},
            num_rows=40,
            told=["no header row"],
        ),
    ]
    return cases


def comments() -> list[Case]:
    table, bare = text(ROWS), text(ROWS, names="")
    passed = "of comment on top passed over"
    return [
        *(
            Case(f"{sign}-{name}", f"{sign} made by hand\n{sign}{sign}\n" + body, "t.data", **{**more, "told": [passed]})
            for sign in "#%|"
            for name, body, more in (("named", table, PLAIN), ("nameless", bare, NAMELESS))
        ),
        Case("uci", "|1x3 Cross validator\n" + bare, "adult.test", **{**NAMELESS, "told": [passed, "no header row"]}),
        Case("names-in-a-comment", "# size,count,word,y\n" + bare, told=["from the comment"], **PLAIN),
        Case(
            "names-in-a-comment-blanks",
            "# size count word y\n" + text(ROWS, names="", delimiter=" "),
            "t.dat",
            told=["from the comment"],
            **PLAIN,
        ),
        Case("hash-names", "#size,count,word,y\n" + bare, told=["from the comment"], **PLAIN),
        Case("quotes-in-comments", "# it's \"so\n" + table, told=[passed], **PLAIN),
        Case("blank-lines-on-top", "\n\n\n" + table, **PLAIN),
        Case(
            "in-the-middle",
            text(ROWS[:20]) + "# a note\n" + text(ROWS[20:], names=""),
            num_rows=40,
            num_refused=1,
            told=["row 22: 1 cells"],
        ),
        Case(
            "all-rows-begin-so",
            text([[f"#{a}", b, c, d] for a, b, c, d in ROWS], names=""),
            num_rows=40,
            told=["no header row|taken as column names"],
            values={"column 2": COUNTS[:2]},
        ),
    ]


KINDS: tuple[Callable[[], list[Case]], ...] = (delimiters, encodings, headers, comments)
