"""Markup is safe by construction."""

import base64
from html.parser import HTMLParser

import pytest

from tutelage.report.html import join, picture, raw, tag


class Reader(HTMLParser):
    """Collects elements, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "a<b", tag("b", "&")).text == "<p>a&lt;b<b>&amp;</b></p>"
    assert join("<", raw("<hr>"), None, 3, [tag("i"), "x"]).text == "&lt;<hr>3<i></i>x"


def test_attributes_are_quoted_and_named() -> None:
    assert tag("a", "x", class_="b", data_tip='"q"', href=None).text == '<a class="b" data-tip="&quot;q&quot;">x</a>'
    assert tag("meta", name="a", content="b").text == '<meta name="a" content="b">'
    assert tag("line", x1=0.5, x2=10.0).text == '<line x1="0.5" x2="10"/>'


@pytest.mark.parametrize(
    "value", ['"><script>alert(1)</script>', "' onload='x", "</p><img src=x onerror=y>", "&lt;script&gt;", "a\x00b\ud800"]
)
def test_whatever_goes_in_comes_out_as_text(value: str) -> None:
    reader = Reader(tag("p", value, title=value).text)
    assert reader.tags == ["p"]
    expected = value.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert reader.words == expected
    assert reader.attributes == [("title", expected)]


def test_only_a_png_becomes_a_picture() -> None:
    assert picture(None, alt="") is None
    assert picture("not base64!", alt="") is None
    assert picture('"><script>', alt="") is None
    assert picture(base64.b64encode(b"<svg onload=alert(1)>").decode(), alt="") is None
    shown = picture(base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 20).decode(), alt='a "cat"')
    assert shown is not None
    assert Reader(shown.text).tags == ["img"]
    assert ("alt", 'a "cat"') in Reader(shown.text).attributes
