"""Patience: told once, tried again, given up after its time."""

import errno

import pytest

from tutelage.core import patience as waiting
from tutelage.core.errors import DiskError, OutOfMemoryError
from tutelage.core.patience import Patience


class World:
    """A clock that only waiting moves, and what was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> None:
        self.now, self.pauses, self.warned, self.noted = 100.0, list[float](), list[str](), list[str]()
        monkeypatch.setattr(waiting.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(waiting.time, "sleep", self.wait)
        self.patience = Patience(
            seconds, warn=self.warned.append, note=self.noted.append, meanwhile="Training goes on.", remedy="Make room."
        )

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def refusing(times: int) -> object:
    left = [DiskError("run/x: full.", path="run/x", number=28)] * times

    def work() -> str:
        if left:
            raise left.pop()
        return "done"

    return work


def test_what_is_refused_a_few_times_is_told_once_and_once_more_when_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, seconds=600)
    assert world.patience.insist(refusing(7), what="result.json") == "done"
    assert world.pauses == [1, 2, 4, 8, 16, 30, 30]
    assert world.warned == ["run/x: full. Training goes on. It is tried again for 10 min."]
    assert world.noted == ["result.json: written again, after 91 s."]


def test_what_is_refused_for_too_long_is_given_up_with_the_last_reason_and_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, seconds=20)
    with pytest.raises(DiskError, match=r"run/x: full\. So it has been for 20 s: given up\. Make room\.") as caught:
        world.patience.insist(refusing(100), what="x")
    assert sum(world.pauses) == 20
    assert (caught.value.path, caught.value.number) == ("run/x", 28)


def test_no_patience_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, seconds=0)
    with pytest.raises(DiskError, match=r"run/x: full\. Make room\."):
        world.patience.insist(refusing(1), what="x")
    assert world.pauses == world.warned == []


def test_a_success_in_between_begins_the_time_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, seconds=10)
    error = DiskError("full.")
    for _ in range(5):
        world.patience.refused(error)
        world.wait(9)
        world.patience.accepted("checkpoint")
    assert (len(world.warned), len(world.noted)) == (5, 5)
    assert world.patience.pause == float("inf")


def test_a_file_larger_than_files_may_be_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, seconds=600)

    def work() -> None:
        raise DiskError("run/x: too large.", number=errno.EFBIG)

    with pytest.raises(DiskError, match=r"^run/x: too large\. Make room\.$"):
        world.patience.insist(work, what="x")
    assert world.pauses == world.warned == []


def lacking(times: int) -> object:
    left = [OutOfMemoryError("out of memory while writing.")] * times

    def work() -> str:
        if left:
            raise left.pop()
        return "done"

    return work


@pytest.mark.parametrize("is_scarce", [False, True])
def test_memory_that_only_this_process_could_free_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch, is_scarce: bool
) -> None:
    monkeypatch.setattr(waiting, "is_scarce", lambda: is_scarce)
    world = World(monkeypatch, seconds=600)
    if not is_scarce:
        assert world.patience.insist(lacking(7), what="result.json") == "done"
        return
    with pytest.raises(OutOfMemoryError, match="So it has been for 5 s: given up"):
        world.patience.insist(lacking(7), what="result.json")
    assert world.pauses == [1, 2, 2]
    # A disk is waited for as ever, and so is memory while there is other work.
    assert world.patience.insist(refusing(7), what="result.json") == "done"
    world.patience.keep_working()
    assert world.patience.insist(lacking(7), what="result.json") == "done"
