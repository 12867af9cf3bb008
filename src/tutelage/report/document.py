"""One HTML file that needs nothing else: style and script inside, and a policy by which the browser loads and runs no more."""

import base64
import hashlib
from importlib import resources

from tutelage.report.html import Html, join, raw, tag

__all__ = ["document"]


def document(title: str, main: Html) -> str:
    """Return a whole page in the report's look, light and dark.

    Args:
        title: Of the browser's window.
        main: The `main` element.
    """
    style, script = _resource("page.css"), _resource("page.js")
    # Even if a hostile name slipped through the escaping, the browser would run and load nothing.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", raw(style)),
    )
    tip = tag("div", id="tip", role="tooltip", hidden="")
    body = tag("body", main, tip, tag("script", raw(script)))
    return join(raw("<!doctype html>\n"), tag("html", head, body, lang="en"), raw("\n")).text


def _resource(name: str) -> str:
    """Read a file that lies beside this one in the package."""
    return resources.files("tutelage.report").joinpath(name).read_text(encoding="utf-8").strip()
