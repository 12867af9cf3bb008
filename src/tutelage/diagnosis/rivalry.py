"""Two networks that learn against each other: whether one has won, or the generator makes one and the same; plain numbers.

Source: I. Goodfellow, "NIPS 2016 Tutorial: Generative Adversarial Networks", arXiv 1701.00160, section 5.1 (mode collapse).
Differs from the source: judged by numbers of held-out samples, not by looking.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from typing import Any

__all__ = ["LEAST_COVERAGE", "LEAST_WIDTH", "MOST_LEAD", "Look", "Rivalry", "collapse_of", "lead_of"]

LEAST_WIDTH = 0.5
"""Of the real samples' deviation: generated ones that spread less are too much alike."""
LEAST_COVERAGE, FALLEN = 0.25, 0.5
"""Coverage that a working generator passes soon; and the part of its best below which it has lost some of the data."""
MOST_LEAD = 0.95
"""How sure the critic may be which of a pair is real: beyond, its loss is flat, and nothing can be learned from it."""
PATIENCE, EARLY = 3, 10
"""Evaluations in a row that have to show it, and those before which nothing is said: in the beginning everything is alike."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at both networks.

    Attributes:
        lead: How sure the critic is which of a real and a generated sample is the real one, on average; 1/2 for a tie.
        width: Deviation of generated samples, over that of real ones.
        coverage: Of real samples, how many have a generated one near; None where nobody measured it.
    """

    lead: float
    width: float
    coverage: float | None = None

    def record(self) -> dict[str, Any]:
        """Return all of it for result.json."""
        return asdict(self)


@dataclass
class Rivalry:
    """What was seen of a training so far; it only warns, and changes nothing.

    Attributes:
        latest: The latest look; None before the first one.
    """

    latest: Look | None = None
    _looks: list[Look] = field(default_factory=list)
    _told: set[str] = field(default_factory=set)

    def memory(self) -> dict[str, Any]:
        """Return what was seen and said, as JSON values: a resumed training goes on from there."""
        # As text, which keeps every digit, and numbers that are not finite.
        return {"looks": [[_text(value) for value in astuple(look)] for look in self._looks], "told": sorted(self._told)}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned."""
        self.latest = None
        self._looks = [Look(float(lead), float(width), _number(coverage)) for lead, width, coverage in memory["looks"]]
        self._told = set(memory["told"])

    def judge(self) -> list[str]:
        """Return warnings that were not given before: what was found, and what to do."""
        if self.latest is None:
            return []
        self._looks.append(self.latest)
        self.latest = None
        found = {"collapse": collapse_of(self._looks), "lead": lead_of(self._looks)}
        new = {name: said for name, said in found.items() if said and name not in self._told}
        self._told |= set(new)
        return list(new.values())


def _text(value: float | None) -> str:
    """Return a number as text; "" for none."""
    return "" if value is None else repr(float(value))


def _number(text: str) -> float | None:
    """Return the number that a text was made of."""
    return float(text) if text else None


def collapse_of(looks: Sequence[Look]) -> str:
    """Say that a generator makes too much the same, or has lost a part of the data, and what to do; "" where it does not."""
    last = looks[-PATIENCE:]
    if len(looks) < EARLY:
        return ""
    remedy = (
        "Try the relativistic game with penalties (--set task.game=relativistic), a larger penalty (--set task.game.gamma=...), "
        "or a smaller learning rate (--set optim.lr=...)."
    )
    covered = [look.coverage for look in looks if look.coverage is not None]
    recent = [look.coverage for look in last if look.coverage is not None]
    share = f", and {recent[-1]:.0%} of the real samples have one near" if recent else ""
    is_poor = not recent or max(recent) < LEAST_COVERAGE
    if is_poor and all(look.width < LEAST_WIDTH for look in last):
        return f"mode collapse: generated samples spread {last[-1].width:.0%} as far as real ones{share}. {remedy}"
    if recent and max(recent) < FALLEN * max(covered):
        found = f"{recent[-1]:.0%} of the real samples have a generated one near, at best it was {max(covered):.0%}"
        return f"mode collapse: {found}. {remedy}"
    if recent and max(recent) < LEAST_COVERAGE and all(look.lead > MOST_LEAD for look in last):
        return f"mode collapse: {recent[-1]:.0%} of the real samples have a generated one near. {remedy}"
    return ""


def lead_of(looks: Sequence[Look]) -> str:
    """Say that the critic has won, and what to do; "" where it has not."""
    before, last = looks[:-PATIENCE], looks[-PATIENCE:]
    if not before or not all(look.lead > MOST_LEAD for look in last):
        return ""
    best = max((look.coverage for look in before if look.coverage is not None), default=0.0)
    if any(look.coverage is not None and look.coverage > best for look in last):
        # The generator goes on learning: penalties leave a slope where scores lie far apart.
        return ""
    return (
        f"the critic is {last[-1].lead:.1%} sure which samples are real, and the generator has stopped learning from it. "
        "Give it less to work with: a larger penalty (--set task.game.gamma=...), fewer critic steps "
        "(--set task.critic_steps=1), or a smaller critic (--set task.critic.kind=...)."
    )
