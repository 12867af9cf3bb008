"""The pages: one to try the model on a picture, a row, a text or a series, and what the server can do, in the report's look."""

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

__all__ = ["docs_page", "try_page"]

FIELDS = {
    "text": '<textarea id="input" rows="8" placeholder="A text"></textarea>',
    "picture": '<input id="input" type="file" accept="image/*"><p><img id="seen" alt=""></p>',
    "series": '<textarea id="input" rows="8" placeholder="0.1, 0.4, 0.3, ... or JSON: [[0.1, 2], [0.4, 1]]"></textarea>',
    "numbers": '<textarea id="input" rows="8" placeholder="JSON: [0.1, 0.4, 0.3]"></textarea>',
}
MOST_OFFERED, MOST_HINTED = 200, 3
"""Words of a column that its field offers, and that stand in it while it is empty."""
MAIN = """<main><header><h1>{title}</h1><p>Give a {noun}; the answer comes from the model of this run.</p></header>
<section><form id="ask"><div>{fields}</div><p><button type="submit">Predict</button></p></form>
<div id="answer" aria-live="polite"></div></section><p><a id="docs" href="docs">What programs can ask</a></p></main>"""


def try_page(title: str, noun: str, *, columns: Mapping[str, tuple[str, ...]]) -> str:
    """Return the page to try a model.

    Args:
        title: Of the run.
        noun: What a row is called.
        columns: Of a row of a table, each with the words that are known for it.
    """
    cells = [_cell(number, name, words) for number, (name, words) in enumerate(columns.items())]
    fields = FIELDS.get(noun) or f'<div class="cells">{"".join(cells)}</div>'
    body = MAIN.format(title=html.escape(title), noun=html.escape(noun), fields=fields)
    return _page(title, body, script=_resource("serve/try.js"), noun=noun)


def _cell(number: int, name: str, words: tuple[str, ...]) -> str:
    """Return the field of a column; it offers the words that are known for it, as far as these are few."""
    options = "".join(f'<option value="{html.escape(word)}">' for word in words[:MOST_OFFERED])
    offered = (f' list="words-{number}"', f'<datalist id="words-{number}">{options}</datalist>') if options else ("", "")
    hint = ", ".join(words[:MOST_HINTED]) + (", ..." if len(words) > MOST_HINTED else "")
    shown = f' placeholder="{html.escape(hint)}"' if hint else ""
    field = f'<input data-column="{html.escape(name)}" autocomplete="off"{shown}{offered[0]}>'
    return f"<p><label>{html.escape(name)}<br>{field}</label>{offered[1]}</p>"


def docs_page(schema: Mapping[str, Any], *, example: Any) -> str:
    """Return what the server can do, for people, from its OpenAPI description and a row as an example."""
    parts = [f"<main><header><h1>{html.escape(str(schema['info']['title']))}</h1><p>"]
    parts.append("Every request but <code>/health</code> says <code>Authorization: Bearer TOKEN</code>.</p></header>")
    for path, methods in schema["paths"].items():
        for method, said in methods.items():
            told = html.escape(str(said.get("description") or said.get("summary", "")))
            parts.append(f"<section><h2>{html.escape(method.upper())} {html.escape(path)}</h2><p>{told}</p>")
            if "requestBody" in said:
                asked = json.dumps({"rows": [example]})
                command = f"curl -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' -d '{asked}' ADDRESS{path}"
                parts.append(f"<p>For example:</p><pre>{html.escape(command)}</pre><p>Its body:</p>")
                parts.append(f"<pre>{html.escape(json.dumps(said['requestBody'], indent=2))}</pre>")
            parts.append("</section>")
    return _page("What programs can ask", "".join([*parts, "</main>"]), script="")


def _page(title: str, body: str, *, script: str, noun: str = "") -> str:
    """Return a whole page that loads nothing from elsewhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"script-src 'sha256-{digest}'; connect-src 'self'; img-src data: blob:; style-src 'unsafe-inline'"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; {allowed}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>{html.escape(title)}</title><style>{_resource('report/page.css')}\n{_resource('serve/try.css')}</style>"
    )
    whole = f'<body data-noun="{html.escape(noun)}">{body}<script>{script}</script></body>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>{whole}</html>\n'


def _resource(name: str) -> str:
    """Read a file of the package."""
    return resources.files("tutelage").joinpath(name).read_text(encoding="utf-8").strip()
