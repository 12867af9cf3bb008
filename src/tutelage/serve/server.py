"""Runs the application on a port until it is told to stop; what is being answered then is answered still."""

import logging
import os
import secrets
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from tutelage.core.errors import UsageError
from tutelage.core.outlet import tell
from tutelage.run.run import Run
from tutelage.serve.app import INSTALL, make_app

__all__ = ["allow_connections", "choose_token", "make_server", "serve"]

MOST_BYTES = 32 * 2**20
"""Of a body: a photo of a camera as base64, or some ten thousand rows."""
GRACE_S = 10
"""Given to requests that are being answered when it stops."""
MOST_CONNECTIONS = 4_096
OTHER_FILES = 256
"""Files beside connections that the process may have open."""
KEEP_S = 75
"""Given to a connection that rests: longer than clients keep theirs (5 s is usual), else one is closed just as they ask again."""
TOKEN_VARIABLE = "TUTELAGE_TOKEN"
"""Of the environment: what stands on a command line, other users of a machine can read."""


def choose_token(wish: str) -> str:
    """Return the token: as wished or as the environment says, `none` = none, "" = a new one that nobody guesses.

    Raises:
        UsageError: It cannot stand in a header.
    """
    chosen = wish or os.environ.get(TOKEN_VARIABLE, "") or secrets.token_urlsafe(24)
    if not chosen.isascii() or not chosen.isprintable() or " " in chosen:
        raise UsageError("--token: only letters without accents, digits and signs can stand in a header; no blanks.")
    return "" if chosen == "none" else chosen


def serve(run: Run, *, host: str = "127.0.0.1", port: int = 8000, token: str = "", most_bytes: int = MOST_BYTES) -> None:
    """Serve a run's model until SIGINT or SIGTERM.

    Args:
        run: The run.
        host: The address to listen at; 127.0.0.1 = this machine alone.
        port: 1 to 65535; 0 = any that is free.
        token: What requests have to say; "" = a new one, `none` = nothing.
        most_bytes: Of a body.

    Raises:
        RunError: The run's model does not answer for rows.
        UsageError: The framework is not installed, or the port is taken.
    """
    chosen = choose_token(token)
    app: Any = make_app(run, token=chosen, most_bytes=most_bytes, host=host)
    server = make_server(app, host=host, port=port)
    allow_connections()
    # The model is read and run once before anybody waits for it.
    _ = run.predictor
    log = logging.getLogger("uvicorn.error")
    # What is wrong is said here, and once is enough.
    log.disabled = True
    try:
        socket = server.config.bind_socket()
    except SystemExit:
        why = "another program may listen there, or this machine may not have that address: choose another --port or --host"
        raise UsageError(f"cannot listen at {host}, port {port}: {why}.") from None
    finally:
        log.disabled = False
    address = f"http://{f'[{host}]' if ':' in host else host}:{socket.getsockname()[1]}/"
    told = f"?token={quote(chosen, safe='')}" if chosen else ""
    tell(f"serving    {run.path} at {address}{told}")
    tell(f"token      {chosen or 'none: whoever reaches this address may ask'}")
    tell("stop       Ctrl-C")
    server.run(sockets=[socket])


def allow_connections() -> int:
    """Let this process have as many connections as it serves, as far as the system allows; many systems begin with 1,024 files.

    Returns:
        Files that it may have open; 0 where the system does not count them.
    """
    try:
        import resource  # not on every system
    except ImportError:
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return int(soft) if soft != resource.RLIM_INFINITY else wanted
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return int(most)
    return int(soft)


def make_server(app: Any, *, host: str, port: int) -> Any:
    """Return the framework's server for an application, which does not listen yet.

    Args:
        app: The application.
        host: The address to listen at.
        port: 0 to 65535; 0 = any that is free.

    Raises:
        UsageError: The framework is not installed.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise UsageError(f"serving needs {error.name}, which is not installed: {INSTALL}") from error
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=GRACE_S, timeout_keep_alive=KEEP_S,
        backlog=MOST_CONNECTIONS, limit_concurrency=MOST_CONNECTIONS,
    )  # fmt: skip
    return uvicorn.Server(config)
