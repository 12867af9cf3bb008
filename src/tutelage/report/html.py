"""Markup that is safe by construction: text becomes markup only in `tag`, which escapes it."""

import base64
import binascii
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Child", "Html", "join", "picture", "raw", "tag"]

VOID = frozenset({"br", "img", "meta", "line", "rect", "circle", "path", "polyline"})
"""Elements written without content; the SVG ones are closed in place."""
PNG_START = b"\x89PNG\r\n\x1a\n"
TINY = 64
"""Width in pixels below which a picture is enlarged without smoothing."""
NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
"""Characters that HTML cannot hold, or that reorder the text around them (direction overrides)."""


@dataclass(frozen=True, slots=True)
class Html:
    """A finished piece of a page."""

    text: str


Child = Html | str | int | float | None
"""What an element may contain; all but `Html` is escaped, None is left out."""


def tag(name: str, /, *children: Child | Sequence[Child], **attributes: str | float | None) -> Html:
    """Return one element.

    Args:
        name: Element name, written by us.
        *children: Its content.
        **attributes: Its attributes; `class_` gives `class`, `data_tip` gives `data-tip`, None is left out.

    Example:
        >>> tag("p", "a < b", class_="note").text
        '<p class="note">a &lt; b</p>'
    """
    pairs = [(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None]
    opening = name + "".join(f' {key}="{_escape(_say(value))}"' for key, value in pairs)
    if name in VOID:
        return Html(f"<{opening}>" if name in ("br", "img", "meta") else f"<{opening}/>")
    return Html(f"<{opening}>{join(*children).text}</{name}>")


def join(*children: Child | Sequence[Child]) -> Html:
    """Put pieces one after another, escaping those that are text."""
    pieces = []
    for child in children:
        if isinstance(child, Html):
            pieces.append(child.text)
        elif isinstance(child, str | int | float):
            pieces.append(_escape(_say(child)))
        elif child is not None:
            pieces.append(join(*child).text)
    return Html("".join(pieces))


def raw(text: str) -> Html:
    """Trust text of our own: the style sheet and the script of the page, nothing that a user wrote."""
    return Html(text)


def picture(png: str | None, *, alt: str, class_: str = "") -> Html | None:
    """Return a picture from base64, or None where that is not a PNG."""
    try:
        content = base64.b64decode(png or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    if not content.startswith(PNG_START):
        return None
    # Bytes 16 to 20 of a PNG hold its width; the smallest pictures are clearer with sharp pixels.
    is_tiny = int.from_bytes(content[16:20], "big") < TINY
    address = "data:image/png;base64," + base64.b64encode(content).decode()
    classes = " ".join(filter(None, [class_, "tiny" if is_tiny else ""]))
    return tag("img", src=address, alt=alt, class_=classes or None)


def _say(value: str | float) -> str:
    """Write a number as short as a page needs."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _escape(text: str) -> str:
    return html.escape(NOT_TEXT.sub("\ufffd", text), quote=True)
