"""Stretches of a test or validation text that also stand in the train text.

A model is then tested on what it has seen, and counts know such stretches by heart. Costs about a second for 100 million
characters: one hash for every 50 of the train text, and one for every place of the other.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.data.part.base import Part
from tutelage.data.quality.base import Check
from tutelage.data.quality.finding import Finding
from tutelage.data.source.base import Collected

__all__ = ["CopiedText"]

STRETCH = 50
"""Characters of a stretch: long enough not to be equal by chance."""
LEAST_SHARE = 0.01
"""Share of a text below which copied stretches hardly move a score."""
MOST_USUAL = 500_000
"""Characters at the end of the train text, at most, that tell how much it repeats itself."""
SHOWN = 40


class CopiedText(Check):
    """Text of one part that the train part has too.

    A text may repeat itself: where the other part is copied no more than that, it is a note only. So it is where it is little.
    """

    kind: Literal["copied_text"] = "copied_text"
    remedy: ClassVar[str] = "Take a test text that the train text does not hold, or take it out there."

    def look(self, collected: Collected) -> list[Finding]:
        """Compare the test text, and the source's own validation text, with the train text."""
        train = collected.train.running_text
        judged = (collected.test, collected.validation)
        return [found for part in judged if part is not None and train for found in self._compare(train, part)]

    def _compare(self, train: str, part: Part) -> list[Finding]:
        """Look for stretches of one part in the train text."""
        is_copied_N = _copied(part.running_text, _hashes(train, step=STRETCH))
        if not is_copied_N.any():
            return []
        share = float(is_copied_N.mean())
        is_usual = share <= _usual_share(train, length=len(is_copied_N))
        found = f"{share:.0%} of its characters stand in stretches of {STRETCH} that are also in the train text"
        if share < 0.5 * LEAST_SHARE:
            found = f"a few stretches of {STRETCH} characters are also in the train text"
        found += ", which repeats itself as much" if is_usual else f", so the {part.name} score is too good"
        begin = int(np.argmax(is_copied_N))
        example = repr(part.running_text[begin : begin + SHOWN])
        severity: Literal["note", "warning"] = "note" if is_usual or share < LEAST_SHARE else "warning"
        return [Finding(self.kind, part.name, found, self.remedy, None, (example,), severity)]


def _usual_share(train: str, *, length: int) -> float:
    """Return which share of the end of the train text, as long as the other part, stands in the train text before it."""
    cut = len(train) - min(length, len(train) // 2, MOST_USUAL)
    is_copied_N = _copied(train[cut:], _hashes(train[:cut], step=STRETCH))
    return float(is_copied_N.mean()) if len(is_copied_N) else 0.0


def _copied(text: str, known: np.ndarray) -> np.ndarray:
    """Return for each character of a text whether it is within a stretch whose hash is known, bool [N]."""
    steps_N = np.zeros(len(text) + 1, dtype=np.int64)
    begins = np.flatnonzero(np.isin(_hashes(text, step=1), known))
    np.add.at(steps_N, begins, 1)
    np.add.at(steps_N, begins + STRETCH, -1)
    return np.asarray(np.cumsum(steps_N)[:-1] > 0)


def _hashes(text: str, *, step: int) -> np.ndarray:
    """Return the hash of the stretch at every `step` characters, int64; of a process, since Python's hashes are."""
    begins = range(0, max(0, len(text) - STRETCH + 1), step)
    return np.fromiter((hash(text[begin : begin + STRETCH]) for begin in begins), dtype=np.int64, count=len(begins))
