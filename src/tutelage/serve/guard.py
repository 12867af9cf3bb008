"""What stands before every request: the token, who may ask without one, and how large bodies may be."""

import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["Guard", "problem"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
OPEN = ("/health",)
"""What is answered without the token."""
MOST_DIGITS = 18
"""Of a number of bytes."""
PAGES = ("/", "/docs", "/openapi.json")
"""What a browser opens by its address, and so may have the token in it."""


def problem(code: str, message: str, **more: Any) -> dict[str, Any]:
    """Return an error as every answer has it."""
    return {"error": {"code": code, "message": message, **more}}


@dataclass
class Guard:
    """An ASGI application around another one.

    Attributes:
        app: What answers.
        token: What has to be said; "" = nothing.
        most_bytes: Of a body.
        host: The name by which it may be asked without a token, beside numbers and `localhost`.
        most_held: Bytes of all bodies that are being read or wait for their answers.
    """

    app: Application
    token: str
    most_bytes: int
    host: str = ""
    most_held: int = 2**30
    _held: int = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer, or refuse with a reason."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._may(scope, headers):
            told = 'say the token that `tutelage serve` printed: "Authorization: Bearer TOKEN", or /?token=TOKEN in a browser'
            await _refuse(send, 401, problem("token", told), extra=[(b"www-authenticate", b"Bearer")])
            return
        if refusal := self._foreign(scope, headers):
            await _refuse(send, *refusal)
            return
        said = headers.get("content-length", "0")
        if not said.isdecimal() or len(said) > MOST_DIGITS or int(said) > self.most_bytes:
            await _refuse(send, 413, self._too_large())
            return
        await self._limited(scope, receive, send)

    def _may(self, scope: Message, headers: dict[str, str]) -> bool:
        """Tell whether a request says the token, or needs none."""
        if not self.token or scope["path"] in OPEN:
            return True
        kind, _, said = headers.get("authorization", "").partition(" ")
        offered = [said.strip()] if kind.lower() == "bearer" else []
        if scope["path"] in PAGES and scope["method"] == "GET":
            offered += parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
        return any(secrets.compare_digest(one.encode(), self.token.encode()) for one in offered)

    def _foreign(self, scope: Message, headers: dict[str, str]) -> tuple[int, dict[str, Any]] | None:
        """Return why a request without a token may come from a page of another site, which a browser would let ask; or None."""
        if self.token or scope["path"] in OPEN:
            return None
        name = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if name not in ("localhost", self.host.lower()) and not _is_number(name):
            told = f"no token is asked for, so only this machine's own address may be used, and {name[:100]!r} is not it"
            return 403, problem("host", f"{told}: serve with a token, or with --host {name[:100]}")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] == "POST" and kind != "application/json":
            return 415, problem("type", "without a token, say `Content-Type: application/json`")
        return None

    async def _limited(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let the application read no more than is allowed, whatever the header said."""
        read, has_begun, is_refused = 0, False, False

        async def counted() -> Message:
            nonlocal read, is_refused
            message = await receive()
            size = len(message.get("body", b""))
            read += size
            self._held += size
            if self._held > self.most_held and not has_begun and not is_refused:
                is_refused = True
                await _refuse(send, 503, problem("busy", "too many bytes are waiting: try again in a moment"))
            if read > self.most_bytes and not has_begun and not is_refused:
                is_refused = True
                await _refuse(send, 413, self._too_large())
            return {"type": "http.disconnect"} if is_refused else message

        async def watched(message: Message) -> None:
            nonlocal has_begun
            if is_refused:
                return
            has_begun = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except Exception:
            if not is_refused:
                raise
        finally:
            self._held -= read

    def _too_large(self) -> dict[str, Any]:
        return problem("too_large", f"the body is larger than {self.most_bytes:,} bytes: send fewer rows, or smaller pictures")


def _is_number(host: str) -> bool:
    """Tell whether a host is written as an address of numbers."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def _refuse(send: Send, status: int, body: dict[str, Any], *, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    """Send an error."""
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers + (extra or [])})
    await send({"type": "http.response.body", "body": content})
