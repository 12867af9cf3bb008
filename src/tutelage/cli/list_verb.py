"""`tutelage list [FAMILY]`: what there is to choose from, read from the files without importing them."""

import argparse
import os
import sys
import textwrap

from tutelage.core import catalog
from tutelage.core.outlet import say, say_json

__all__ = ["run"]

LEAST_WIDTH = 40
"""Narrower terminals wrap the lines themselves."""


def run(arguments: argparse.Namespace) -> int:
    """Print each kind of one family, or of all; with --json an object by family and kind."""
    families = [arguments.part] if arguments.part else catalog.families()
    if arguments.json:
        say_json({family: {kind: catalog.describe(family, kind) for kind in catalog.names(family)} for family in families})
        return 0
    for family in families:
        kinds = catalog.names(family)
        say(f"{family} ({len(kinds)})")
        indent = max((len(kind) for kind in kinds), default=0) + 4
        for kind in kinds:
            say(_wrapped(f"  {kind}".ljust(indent) + catalog.describe(family, kind), indent=indent))
    return 0


def _wrapped(line: str, *, indent: int) -> str:
    """Break a line at the terminal's width; elsewhere it stays one line, so that it can be searched."""
    width = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0
    if width < max(LEAST_WIDTH, 2 * indent):
        return line
    return textwrap.fill(line, width, subsequent_indent=" " * indent, break_on_hyphens=False)
