"""What goes back: JSON in ASCII, and pages, also where a name is no text.

A class or a folder may be called what no UTF-8 can say, as file systems allow; JSON escapes it, a page shows a question mark.
"""

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["html_response", "json_response"]


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Any:
    """Return a response of JSON values."""
    from starlette.responses import Response

    return Response(json.dumps(content, allow_nan=False), status, headers=headers, media_type="application/json")


def html_response(page: str) -> Any:
    """Return a response that a browser shows."""
    from starlette.responses import HTMLResponse

    return HTMLResponse(page.encode("utf-8", "replace"))
