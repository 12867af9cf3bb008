"""Kills at random moments, in chains: 280 in all, by the clock and at changes of the disk; then the run goes on to its end."""

import random
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.attack.case import Case
from tests.attack.child import command
from tests.attack.kills import go_on, in_turn, mended
from tests.attack.recipes import RECIPES
from tests.attack.runs import Reference, undisturbed
from tests.attack.verdict import BAD, REFUSALS, Ending, Verdict
from tests.attack.watch import kill_at

__all__ = ["cases", "chain"]

CHAIN = 5
CHAINS_PER_RECIPE = 8
"""7 recipes x 8 chains x 5 kills = 280 kills."""
AGENTS = ("ppo", "dqn", "sac")
SHORT = 2
"""Kills of an agent's chain in a sample: each of them holds environments and a memory besides."""
SAMPLED = ("table", "gan", *AGENTS)
"""Recipes that a sample has a chain of: one network, two that learn against each other, and agents."""
ATTEMPTS = 15
"""Commands of a chain at most; few come to their end before they are killed."""
MOST_CHANGES = (60, 240)
"""A kill comes at one of the first changes of the disk, early or later: the clock misses what runs faster than before."""


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Give each recipe's chains."""
    for name in SAMPLED if is_sample else RECIPES:
        reference = undisturbed(name, scratch)
        length = SHORT if is_sample and name in AGENTS else CHAIN
        for number in range(1 if is_sample else CHAINS_PER_RECIPE):
            yield Case(f"{name} chain {number}", partial(chain, reference, number, length=length))


def chain(
    reference: Reference,
    number: int,
    folder: Path,
    *,
    length: int = CHAIN,
    mutant: Callable[[], object] = lambda: None,
) -> Verdict:
    """Kill as often as a chain is long, and judge what the next command makes of it.

    Args:
        reference: The undisturbed run of the same program.
        number: Which chain; its moments are drawn from it.
        folder: Where to work.
        length: Kills.
        mutant: Breaks the program in each process.
    """
    chance, kills = random.Random(f"{reference.name} {number}"), 0
    reference.copy(folder)
    for _ in range(ATTEMPTS):
        if kills == length:
            break
        if (folder / "run" / "result.json").exists():
            # It has come to its end, and another begins; what this one came to is looked at before.
            ended = mended(reference, folder, verb="resume", mutant=mutant)
            if ended.ending in BAD:
                return replace(ended, kills=kills)
            shutil.rmtree(folder / "run")
        words = go_on(reference, folder)
        if chance.random() < 0.5:
            outcome = command(words, folder=folder, before=mutant, after=chance.uniform(0.1, 0.8) * reference.seconds)
        else:
            arm = in_turn(mutant, kill_at(chance.randint(1, chance.choice(MOST_CHANGES)), below=folder))
            outcome = command(words, folder=folder, before=arm)
        if outcome.is_late:
            return Verdict(Ending.HANG, f"after {kills} kills: {outcome.tail}", kills)
        if outcome.code not in (-signal.SIGKILL, 0):
            ending = Ending.STUCK if outcome.code in REFUSALS else Ending.UNCLEAR
            return Verdict(ending, f"after {kills} kills: {outcome.tail}", kills)
        kills += outcome.code == -signal.SIGKILL
    verdict = mended(reference, folder, verb="resume", mutant=mutant)
    if kills < length and verdict.ending not in BAD:
        return Verdict(Ending.UNCLEAR, f"only {kills} of {length} kills came before the end", kills)
    return replace(verdict, kills=kills)
