"""How a case ended, and who may call that well."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.attack.child import Outcome

__all__ = ["BAD", "Ending", "Verdict", "judge", "said_wrong"]

REFUSALS = (2, 3)
WARNING = re.compile(r"warning|damaged|rebuilt|left out|note|set aside|falls? back|anew|cannot|no longer", re.IGNORECASE)
"""Words with which a fall-back is announced."""


class Ending(StrEnum):
    """What a case came to; the first three are well."""

    RIGHT = "right"
    TOLD = "told"
    REFUSED = "refused"
    SILENT = "silent"
    UNCLEAR = "unclear"
    TRACEBACK = "traceback"
    HANG = "hang"
    OUTSIDE = "outside"


BAD = (Ending.SILENT, Ending.UNCLEAR, Ending.TRACEBACK, Ending.HANG, Ending.OUTSIDE)


@dataclass(frozen=True)
class Verdict:
    """An ending, with what was seen where it is bad."""

    ending: Ending
    seen: str = ""


def judge(outcome: Outcome, *, is_right: bool, places: Sequence[str], is_harmless: bool = False) -> Verdict:
    """Judge one command.

    Args:
        outcome: How its process ended.
        is_right: Whether what it left and printed is what an undisturbed one leaves and prints.
        places: Words of which a refusal must name one: the file, the column, the row.
        is_harmless: A different answer may be right, such as for data that was changed; then it need not be announced.
    """
    text = outcome.err + outcome.out
    if outcome.is_late:
        return Verdict(Ending.HANG, outcome.tail)
    if "Traceback (most recent call last)" in text:
        return Verdict(Ending.TRACEBACK, outcome.tail)
    if outcome.outside:
        return Verdict(Ending.OUTSIDE, "; ".join(outcome.outside[:5]))
    if outcome.code in REFUSALS:
        has_place = any(place in text for place in places)
        # What was found is one sentence, what to do is another.
        # It may end in a command to be copied, which has no full stop.
        has_remedy = bool(re.search(r"[.?!]\s+\S", outcome.err.strip() or text))
        return Verdict(Ending.REFUSED) if has_place and has_remedy else Verdict(Ending.UNCLEAR, outcome.tail)
    if outcome.code != 0:
        return Verdict(Ending.UNCLEAR, f"exit {outcome.code}: {outcome.tail}")
    if is_right or is_harmless:
        return Verdict(Ending.RIGHT)
    return Verdict(Ending.TOLD) if WARNING.search(outcome.err) else Verdict(Ending.SILENT, outcome.tail)


def said_wrong(wrong: str) -> Verdict:
    """Return the verdict of an attack that judges by itself and says in words what is wrong, "" where nothing is."""
    if not wrong:
        return Verdict(Ending.RIGHT)
    endings = {"traceback": Ending.TRACEBACK, "hang": Ending.HANG, "nothing was told": Ending.SILENT}
    return Verdict(next((ending for word, ending in endings.items() if word in wrong.lower()), Ending.UNCLEAR), wrong)
