"""Writes docs/components.md from the component files: every family, every kind, what it is in one sentence.

Run it with `make docs`. It reads the files as text, so it needs neither torch nor numpy.
"""

from pathlib import Path

from tutelage.core import catalog

PAGE = Path(__file__).with_name("components.md")

HEADER = """\
# Components

Written by `make docs` from the component files; do not edit. The kind is the file's name, and what a recipe calls it.
"""


def render() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([HEADER, *(render_family(family) for family in catalog.families() if catalog.names(family))])


def render_family(family: str) -> str:
    """Return one family's heading and table."""
    rows = [f"| `{kind}` | {escape(catalog.describe(family, kind))} |" for kind in catalog.names(family)]
    return "\n".join([f"## {family}", "", "| kind | what it is |", "|---|---|", *rows, ""])


def escape(text: str) -> str:
    """Return text that stays inside one table cell."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    print(f"{PAGE.name}: {sum(len(catalog.names(family)) for family in catalog.families())} components")
