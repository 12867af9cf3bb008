"""`tutelage serve RUN`: a small HTTP server in front of a run's model."""

import argparse

from tutelage.core.errors import UsageError
from tutelage.core.outlet import warn
from tutelage.run.run import Run
from tutelage.serve.server import serve

__all__ = ["run"]

MOST_PORT = 65_535


def run(arguments: argparse.Namespace) -> int:
    """Serve until it is told to stop."""
    if not 0 <= arguments.port <= MOST_PORT:
        raise UsageError(f"--port {arguments.port}: expected 0 (any that is free) to {MOST_PORT}.")
    serve(Run.open(arguments.run, tell=warn), host=arguments.host, port=arguments.port, token=arguments.token)
    return 0
