"""A sample of the power cuts of `tests/attack/power_loss.py`, and the faults that it must find."""

import random
from pathlib import Path

import pytest

from tests.attack.power_loss import MUTANTS, Trace, attack, cut, goes_on, traces
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Trace], str]:
    """All traces, and the digest of an undisturbed training."""
    place = tmp_path_factory.mktemp("traces")
    found = list(traces(place))
    return found, digest(load_checkpoint(checkpoints(place / "train" / "new" / "deep" / "run")[-1]))


@pytest.mark.slow
def test_nothing_that_was_called_saved_is_lost_by_a_power_cut(recorded: tuple[list[Trace], str], tmp_path: Path) -> None:
    chance = random.Random(1)
    wrong = [
        f"{trace.name} {number}: {each}"
        for trace in recorded[0]
        for number in range(25)
        for each in cut(trace, tmp_path / f"{trace.name}-{number}", chance)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_after_a_power_cut_a_run_goes_on_to_the_same_bits(recorded: tuple[list[Trace], str], tmp_path: Path) -> None:
    chance = random.Random(2)
    for trace in recorded[0][:4]:
        place = tmp_path / trace.name
        assert cut(trace, place, chance) == []
        assert goes_on(place) == recorded[1], trace.name


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_program_that_forgets_something_is_caught(mutant: str, tmp_path: Path) -> None:
    assert attack(tmp_path, cuts=100, mutant=mutant)[1]
