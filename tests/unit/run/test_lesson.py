"""An explanation as text and as a page: every block in both, and nothing of a hostile name runs."""

import math

import pytest

from tutelage.core.errors import UsageError
from tutelage.report.lesson_page import lesson_page, write_lesson
from tutelage.run.lesson import Explanation, Facts, Formula, Picture, Quote, Remark, Spread, Stage, Table, say

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HOSTILE = "<script>alert(1)</script>"


def lesson() -> Explanation:
    blocks = [
        Facts([("name", "short"), ("other", "long " * 30)]),
        Table("Numbers", ("layer", "value"), [("first", "1.5"), (HOSTILE, "2")], numeric=(1,), bars=(1, (1.5, 2.0))),
        Formula(["1 + 1 = 2"]),
        Remark("Beware.", "warning"),
        Quote("two\nlines"),
        Picture(PNG, "a dot"),
        Spread("Spread", [("first", [0.0, 0.5, 1.0]), ("second", [1.0, 1.0]), ("third", [math.nan, math.inf])]),
    ]
    return Explanation("run", "the train part", 3, HOSTILE, (Stage("data", "The data", "A sentence.", blocks, {"row": 3}),))


def test_the_text_has_every_block_and_no_long_lines() -> None:
    text = lesson().text()
    for word in ("1. The data", "A sentence.", "short", "Numbers:", "    1 + 1 = 2", "* Beware.", "| two", "[a dot", "first"):
        assert word in text
    assert max(map(len, text.split("\n"))) <= 110
    assert str(lesson()) == text


def test_the_page_has_every_block_and_runs_nothing_foreign() -> None:
    page = lesson_page(lesson())
    assert HOSTILE not in page
    for word in ("A sentence.", "1 + 1 = 2", "Beware.", "two\nlines", PNG, "<svg", 'class="bars"', "Content-Security-Policy"):
        assert word in page


def test_numbers_are_found_by_stage() -> None:
    assert lesson().stage("data") == {"row": 3}
    assert lesson().record()["data"] == {"title": "The data", "sentence": "A sentence.", "row": 3}
    assert [say(value) for value in (0.13926, 12, None)] == ["0.1393", "12", "-"]


def test_a_page_is_called_so(tmp_path: object) -> None:
    with pytest.raises(UsageError, match=r"ends in \.html"):
        write_lesson(lesson(), f"{tmp_path}/page.pdf")


def test_a_name_that_holds_an_end_of_line_writes_no_line_of_its_own() -> None:
    table = Table("Cells", ("column", "value"), [("a\nb", "x\ny")])
    text = Explanation(
        "run", "part", 1, "file\n1. Data", (Stage("data", "The data", "S.", [table, Facts([("f", "u\nv")])]),)
    ).text()
    assert text.split("\n")[0] == "file\\n1. Data: one row through the training"
    assert "a\\nb" in text
    assert "x\\ny" in text
    assert "u\\nv" in text
