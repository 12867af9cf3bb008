"""Mutants: five programs with one fault each in how they keep a run, each of which the kills or the power cuts must catch.

A case ends "right" where the attack finds that the mutant has lost something or cannot go on, and "silent" where it does not;
a harness that fails, or hangs, has found nothing. What the mutant is compared with is its own undisturbed run, so that only
what a kill or a power cut loses can give it away.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from tests.attack import power_loss
from tests.attack.case import Case
from tests.attack.chains import chain
from tests.attack.child import forked
from tests.attack.kills import at
from tests.attack.recipes import RECIPES
from tests.attack.runs import Reference, undisturbed
from tests.attack.verdict import BAD, Ending, Verdict

__all__ = ["MUTANTS", "cases"]

CHAINS = 16
"""Chains that a mutant may survive before it counts as not caught."""
BIRTHS = 12
CUTS = 200
LIMIT_SECONDS = 1200.0
CAUGHT, MISSED = 10, 11
SHOWN = (Ending.SILENT, Ending.STUCK)
"""Endings that show a mutant's fault: a difference that nobody told of, or a run that does not go on."""


def _without_moments() -> None:
    """Leave the optimizers' moments out of what is saved."""
    _without("optim/")


def _without_stream() -> None:
    """Begin the data anew on resume: their position is not saved."""
    from tutelage.training.state import TrainState

    def restore(self: TrainState, snapshot: Any) -> None:
        begun = self.stream.state()
        whole(self, snapshot)
        self.stream.restore(begun)

    whole = TrainState.restore
    TrainState.restore = restore  # type: ignore[method-assign]


def _without_torch_random() -> None:
    """Keep the generator of torch as the new process has it."""
    from tutelage.training import state

    def restore(saved: Mapping[str, Any], device: str) -> None:
        whole({**saved, "torch": torch.get_rng_state()}, device)

    import torch

    whole = state._restore_random_state
    state._restore_random_state = restore


def _without_rewind() -> None:
    """Leave lines that were written after the checkpoint in the logs."""
    from tutelage.core.emitter import Emitter

    Emitter.rewind = lambda self, offsets: None  # type: ignore[method-assign]


def _born_in_place() -> None:
    """Make the run folder first, and fill it then."""
    mock.patch("tutelage.run.start.born", power_loss._born_in_place).start()


def _without(prefix: str) -> None:
    """Leave tensors and values under a prefix out of each snapshot."""
    from tutelage.training.state import Snapshot, TrainState

    def snapshot(self: TrainState) -> Snapshot:
        found = whole(self)
        parts: tuple[dict[str, Any], dict[str, Any]] = found.tensors, found.values
        tensors, values = ({key: value for key, value in part.items() if not key.startswith(prefix)} for part in parts)
        return Snapshot(tensors, values)

    whole = TrainState.snapshot
    TrainState.snapshot = snapshot  # type: ignore[method-assign]


MUTANTS: dict[str, Callable[[], None]] = {
    "moments left out": _without_moments,
    "stream left out": _without_stream,
    "generator not saved": _without_torch_random,
    "log not rewound": _without_rewind,
}
"""Caught by chains of kills, in each recipe; the others by kills during birth, and by power cuts."""


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Give each mutant, those of training for each recipe."""
    for recipe in ("table",) if is_sample else RECIPES:
        for name, mutant in MUTANTS.items():
            yield Case(f"{recipe} {name}", partial(_by_chains, recipe, mutant))
    yield Case("half-born folder, killed", partial(_by_births, _born_in_place))
    for name in () if is_sample else power_loss.MUTANTS:
        yield Case(f"{name}, cut off", partial(_by_cuts, name))


def _by_chains(recipe: str, mutant: Callable[[], None], folder: Path) -> Verdict:
    """Kill a mutant in chains until one ends badly."""
    reference = _reference(recipe, folder, mutant)
    kills = 0
    for number in range(CHAINS):
        place = folder / str(number)
        place.mkdir()
        found = chain(reference, number, place, mutant=mutant)
        kills += found.kills
        if found.ending in BAD:
            return _shown(found, kills)
    return Verdict(Ending.SILENT, f"{kills} kills did not show it", kills)


def _by_births(mutant: Callable[[], None], folder: Path) -> Verdict:
    """Kill a mutant at the first changes of its disk until one cannot be mended."""
    reference = _reference("table", folder, mutant)
    for number in range(1, BIRTHS + 1):
        place = folder / str(number)
        place.mkdir()
        found = at(reference, "train", "", number, place, mutant=mutant)
        if found.ending in BAD:
            return _shown(found, number)
    return Verdict(Ending.SILENT, f"{BIRTHS} kills did not show it", BIRTHS)


def _by_cuts(name: str, folder: Path) -> Verdict:
    """Cut a mutant's power off until something is lost."""

    def run() -> int:
        wrong = power_loss.attack(folder / "cuts", cuts=CUTS, mutant=name)[1]
        sys.stderr.write("".join(f"{each}\n" for each in wrong[:3]))
        return CAUGHT if wrong else MISSED

    outcome = forked(run, folder=folder, limit=LIMIT_SECONDS)
    if outcome.code == CAUGHT:
        return Verdict(Ending.RIGHT)
    return Verdict(Ending.SILENT if outcome.code == MISSED else Ending.UNCLEAR, f"{CUTS} cuts: {outcome.tail}")


def _shown(found: Verdict, kills: int) -> Verdict:
    """Return what an attack that ended badly says of a mutant: caught, or else as it is."""
    return Verdict(Ending.RIGHT if found.ending in SHOWN else found.ending, found.seen, kills)


def _reference(recipe: str, folder: Path, mutant: Callable[[], None]) -> Reference:
    """Return a mutant's own undisturbed run."""
    (folder / "undisturbed").mkdir()
    return undisturbed(recipe, folder / "undisturbed", mutant=mutant)
