"""How a case ended, and who may call that well."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.attack.child import Outcome

__all__ = ["BAD", "REFUSALS", "Ending", "Verdict", "judge", "said_wrong", "told"]

REFUSALS = (2, 3)
WARNING = re.compile(r"warning|damaged|rebuilt|left out|note|set aside|falls? back|anew|cannot|no longer", re.IGNORECASE)
"""Words with which a fall-back is announced."""


class Ending(StrEnum):
    """What a case came to; the first three are well. Stuck: what a kill has left is refused, and not gone on with."""

    RIGHT = "right"
    TOLD = "told"
    REFUSED = "refused"
    SILENT = "silent"
    STUCK = "stuck"
    UNCLEAR = "unclear"
    TRACEBACK = "traceback"
    HANG = "hang"
    OUTSIDE = "outside"


BAD = (Ending.SILENT, Ending.STUCK, Ending.UNCLEAR, Ending.TRACEBACK, Ending.HANG, Ending.OUTSIDE)


@dataclass(frozen=True)
class Verdict:
    """An ending, with what was seen where it is bad, and how often a process was killed for it."""

    ending: Ending
    seen: str = ""
    kills: int = 0


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
        # What was found is one sentence, what to do is another, which may end in a command and not in a period.
        has_remedy = len(re.findall(r"\S[.?!]\s+\S", told(outcome))) >= 1
        return Verdict(Ending.REFUSED) if has_place and has_remedy else Verdict(Ending.UNCLEAR, outcome.tail)
    if outcome.code != 0:
        return Verdict(Ending.UNCLEAR, f"exit {outcome.code}: {outcome.tail}")
    if is_right or is_harmless:
        return Verdict(Ending.RIGHT)
    said = told(outcome)
    # Any warning would do otherwise, also one about something else.
    is_told = WARNING.search(said) and any(place in said for place in places)
    return Verdict(Ending.TOLD) if is_told else Verdict(Ending.SILENT, outcome.tail)


def told(outcome: Outcome) -> str:
    """Return what a command said about what is wrong: on standard error, and with --json as error, warnings or faults."""
    try:
        record = json.loads(outcome.out)
    except (ValueError, RecursionError):
        record = None
    record = record if isinstance(record, dict) else {}
    error, runs = record.get("error"), record.get("runs", [])
    error = error if isinstance(error, dict) else {}
    # Of several problems the message only says how many: each brings its own words.
    problems = [f"{each['found']}. {each['remedy']}" for each in error.get("problems", ())]
    said = problems or [error.get("message", "")]
    # What stands under the key `fault` is a warning by its place.
    faults = [run.get("fault") for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []
    warnings = record.get("warnings", [])
    said += [f"Warning: {fault}" for fault in [*faults, *(warnings if isinstance(warnings, list) else [])] if fault]
    return "\n".join(filter(None, [outcome.err.strip(), *said])).strip()


def said_wrong(wrong: str) -> Verdict:
    """Return the verdict of an attack that judges by itself and says in words what is wrong, "" where nothing is."""
    if not wrong:
        return Verdict(Ending.RIGHT)
    endings = {"traceback": Ending.TRACEBACK, "hang": Ending.HANG, "nothing was told": Ending.SILENT}
    return Verdict(next((ending for word, ending in endings.items() if word in wrong.lower()), Ending.UNCLEAR), wrong)
