"""Class names that people spell in more than one way: found, matched, and told."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Matched", "find_double_spellings", "match_labels", "natural_key", "simplify"]

NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)
"""A name that people read as a number; longer ones would be equal only by rounding."""


@dataclass(frozen=True)
class Matched:
    """Labels in the spelling of the training part.

    Attributes:
        labels: The labels, object [N], mapped where only the spelling differed.
        unknown: Boolean [N]: labels that the training part does not have in any spelling.
        warnings: One line for each spelling that was mapped, with its count.
    """

    labels: np.ndarray
    unknown: np.ndarray
    warnings: tuple[str, ...]


def simplify(name: str) -> str:
    r"""Return what is left of a name when case, blanks, invisible signs and punctuation at its end do not count.

    Nor does the way in which letters with marks are put together (Unicode's normal forms C and D). Signs that only look alike,
    such as a small and a large 2, stay different.

    Example:
        >>> simplify(" <=50K. ") == simplify("<=50k"), simplify("caf\u00e9") == simplify("cafe\u0301")
        (True, True)
    """
    visible = "".join(sign for sign in unicodedata.normalize("NFC", name) if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFC", " ".join(visible.casefold().split()).rstrip(".,;:! "))


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts `img10` after `img9` and does not care for case before anything else.

    Example:
        >>> sorted(["b10", "B9", "a"], key=natural_key)
        ['a', 'B9', 'b10']
    """
    pieces = re.split(r"([0-9]{1,18})", name)  # longer ones are no numbers to count by
    parts = tuple((0, int(piece), "") if index % 2 else (1, 0, piece.casefold()) for index, piece in enumerate(pieces))
    return (*parts, (2, 0, name))


def find_double_spellings(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of different names that are one name, or one number, in several spellings.

    Example:
        >>> find_double_spellings(["yes", "Yes", "1", "01", "1.0", "2"])
        [('01', '1', '1.0'), ('Yes', 'yes')]
    """
    groups: defaultdict[str | float, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        simple = simplify(name)
        groups[float(simple) if NUMBER.fullmatch(simple) else simple].append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def match_labels(labels: Sequence[object] | np.ndarray, known: Iterable[str], *, part: str) -> Matched:
    """Match text labels with the classes known from training.

    Args:
        labels: str, or None where there is none (kept as it is).
        known: Class names of the training part.
        part: What the labels belong to, for the warnings, such as `test.csv`.
    """
    names = set(known)
    meanings: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        meanings[simplify(name)].append(name)
    counts = Counter(label for label in labels if isinstance(label, str) and label not in names)
    spelled = {label: meanings[simplify(label)][0] for label in counts if len(meanings.get(simplify(label), ())) == 1}
    values = [spelled.get(label, label) if isinstance(label, str) else label for label in labels]
    unknown = [label is not None and label not in names for label in values]
    warnings = tuple(
        f"{part}: the label {label!r} was read as the class {name!r} of the training data ({counts[label]:,} x)"
        for label, name in sorted(spelled.items())
    )
    matched = np.empty(len(values), dtype=object)
    matched[:] = values
    return Matched(labels=matched, unknown=np.array(unknown, dtype=bool), warnings=warnings)
