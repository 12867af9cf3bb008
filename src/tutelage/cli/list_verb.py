"""`tutelage list [FAMILY]`: what there is to choose from, read from the files without importing them."""

import argparse

from tutelage.core import catalog

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Print each kind of one family, or of all."""
    families = [arguments.part] if arguments.part else catalog.families()
    for family in families:
        kinds = catalog.names(family)
        print(f"{family} ({len(kinds)})")
        width = max((len(kind) for kind in kinds), default=0)
        for kind in kinds:
            print(f"  {kind:<{width}}  {catalog.describe(family, kind)}")
    return 0
