"""How a setting is typed on the command line, for messages that propose one."""

import json
import re
import shlex

__all__ = ["write_setting"]

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""Keys that need no quotes."""
PLAIN = re.compile(r"[A-Za-z_][^\"'=\[\]{}#]*")
"""Values that are taken as text without quotes."""
WORDS = ("true", "false", "inf", "nan")
"""Those that are not."""


def write_setting(*keys: str, value: str) -> str:
    r"""Write what sets a key to a text, quoted as TOML and the shell need it.

    Example:
        >>> write_setting("split", "column", value="date")
        '--set split.column=date'
        >>> write_setting("columns", "a.b", value="dropped")
        '--set \'columns."a.b"=dropped\''
    """
    path = ".".join(key if BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in keys)
    is_plain = PLAIN.fullmatch(value) and value not in WORDS
    return f"--set {shlex.quote(f'{path}={value if is_plain else json.dumps(value, ensure_ascii=False)}')}"
