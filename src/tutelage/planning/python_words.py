"""What a sentence says in words of the command line, said as arguments of Python: for who never typed a command.

Messages are written once, with the words of the command line, which are what most people type: `--set optim.lr=0.01`. Whole
commands (`tutelage verify RUN`) stay as they are: they do the same whoever types them.
"""

import json
import re
from typing import Any

from tutelage.core.errors import RecipeError
from tutelage.planning.recipe import parse_setting

__all__ = ["in_python"]

ARGUMENTS = {
    "algorithm": "task",
    "epochs": "epochs",
    "from": "start_from",
    "header": "header",
    "horizon": "horizon",
    "known": "known",
    "model": "model",
    "on-bad-data": "on_bad_data",
    "out": "out",
    "env-steps": "env_steps",
    "seed": "seed",
    "series-id": "series_id",
    "set": "",
    "steps": "steps",
    "target": "target",
    "task": "task",
    "test": "test",
    "text": "text",
    "time": "time",
    "time-column": "time_column",
    "until": "until",
}
"""Words of `train` and what they are called as arguments of Python; `--set` has its own in what follows it."""
OF_ESTIMATOR = frozenset({"epochs", "model", "out", "seed", "steps", "time"})
"""Those that are arguments of an estimator too; all others stand in its `settings`."""
OF_SOURCE = frozenset({"header", "known", "series_id", "text", "time_column"})
"""Settings of the source: in a table of their own where they stand in `settings`."""
PROSE = "says|leaves|learns|goes|names|out|alone|or|and|is|may|too|itself|which|beside"
"""What follows a word in a sentence and is no value of it."""
QUOTED = r"'[^']*'|\"[^\"]*\""
NAMED = re.compile(r"(?<![\w'\"])(?P<mark>['\"])(?!--)[^'\"]*(?P=mark)(?!\w)")
"""A name in quotes, which is somebody else's words."""
BOTH = re.compile(r"--[a-z-]+(?: [a-z]+)?(?:, | \()in Python ([^\s):]+)\)?")
"""Where a message says both already."""
KNOWN = "|".join(sorted(ARGUMENTS, key=len, reverse=True))
WORD = re.compile(rf"--(?P<word>{KNOWN})(?![\w-])(?:[ ](?!(?:{PROSE})\b)(?P<value>{QUOTED}|[^\s'\";()]+))?")
ENDS = re.compile(r"^(?P<value>.*?)(?P<open>\.\.\.)?(?P<rest>[.,:;)]*)$", re.DOTALL)
"""A value that stands in a sentence: what ends the sentence is none of it, three dots are."""
COMMAND = re.compile(r"tutelage [a-z][^;,()]*$")
"""The beginning of a whole command, up to a word of it."""


def in_python(text: str, *, is_estimator: bool = False) -> str:
    r"""Return a sentence with words of the command line written as arguments of `tutelage.train`, or of an estimator.

    Example:
        >>> in_python("Take a smaller rate: --set optim.lr=...")
        'Take a smaller rate: optim={"lr": ...}'
        >>> in_python("Take a smaller rate: --set optim.lr=...", is_estimator=True)
        'Take a smaller rate: settings={"optim": {"lr": ...}}'
        >>> in_python("--target COLUMN says it; all is mended by tutelage verify RUN --repair")
        'target="COLUMN" says it; all is mended by tutelage verify RUN --repair'
    """

    def said(found: re.Match[str]) -> str:
        before = text[: found.start()]
        if any(first < found.start() < last for first, last in names):
            return found[0]
        return found[0] if COMMAND.search(before) else _argument(found, is_estimator=is_estimator)

    text = BOTH.sub(r"\1", text)
    names = [found.span() for found in NAMED.finditer(text)]
    return WORD.sub(said, text)


def _argument(found: re.Match[str], *, is_estimator: bool) -> str:
    """Write one word of the command line, with its value where it has one."""
    ended = ENDS.match(found["value"] or "")
    assert ended is not None
    value, rest = ended["value"], ended["rest"]
    if found["word"] != "set":
        keys, shown = [ARGUMENTS[found["word"]]], _value(_unquoted(value)) if value else ""
    else:
        try:
            plain = _unquoted(value)
            keys, parsed = parse_setting(plain if "=" in plain else f"{plain}=")
        except RecipeError:
            return found[0]
        shown = "..." if ended["open"] or parsed == "" else _value(parsed)
    return f"{_assigned(keys, shown, is_estimator=is_estimator)}{rest}"


def _assigned(keys: list[str], shown: str, *, is_estimator: bool) -> str:
    """Write an argument and what it is set to, nested as the keys are; its name alone where nothing is said of a value."""
    if keys[0] == "source" and len(keys) > 1:
        keys = ["source_settings", *keys[1:]]
    if is_estimator and keys[0] not in OF_ESTIMATOR:
        keys = ["settings", *(["source_settings"] if keys[0] in OF_SOURCE else []), *keys]
    if not shown and len(keys) == 1:
        return keys[0]
    shown = shown or "..."
    for key in reversed(keys[1:]):
        shown = f"{{{json.dumps(key, ensure_ascii=False)}: {shown}}}"
    return f"{keys[0]}={shown}"


def _unquoted(text: str) -> str:
    """Return what a quoted word holds; others as they are."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _value(value: Any) -> str:
    """Write a value as Python has it; text of digits is a number, and N stands for one."""
    if isinstance(value, str) and (value == "N" or (value.isascii() and value.isdigit())):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
