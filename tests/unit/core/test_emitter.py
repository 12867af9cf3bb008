"""The emitter: who watches cannot end a training."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tutelage.core.emitter import Emitter
from tutelage.core.errors import DiskError, OutOfMemoryError
from tutelage.core.events import Event, Noted, Warned


@dataclass(eq=False)
class Memory:
    """A sink that remembers, and fails from the event of some number on."""

    fails_from: int = 1000
    events: list[Event] = field(default_factory=list)
    asked: int = 0

    def take(self, event: Event) -> None:
        self.asked += 1
        if self.asked >= self.fails_from:
            raise OSError("the window was closed")
        self.events.append(event)

    def close(self) -> None:
        if self.fails_from < 1000:
            raise RuntimeError("cannot even close")


class Filed(Memory):
    """A sink with a file that cannot be asked for its size any more."""

    def seals(self) -> Mapping[str, tuple[int, str]]:
        raise OSError("no such folder")

    def rewind(self, offsets: Mapping[str, int]) -> None:
        raise OSError("no such folder")


def emitter(*sinks: Memory) -> Emitter:
    return Emitter(sinks, started=time.monotonic())


def note(count: int) -> list[Event]:
    return [Noted(message=str(number)) for number in range(count)]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_failing_sink_is_told_about_once_and_dropped_and_the_others_take_everything(is_first: bool) -> None:
    good, bad = Memory(), Memory(fails_from=2)
    told = emitter(*([bad, good] if is_first else [good, bad]))
    for event in note(4):
        told.emit(event)
    told.close()
    warnings = [event.message for event in good.events if isinstance(event, Warned)]
    assert warnings == ["Memory failed (OSError('the window was closed')) and is told nothing more. Training goes on."]
    assert [event.message for event in good.events if isinstance(event, Noted)] == ["0", "1", "2", "3"]
    assert bad.asked == 2


def test_where_no_sink_is_left_standard_error_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    one, two = Memory(fails_from=1), Memory(fails_from=2)
    told = emitter(one, two)
    for event in note(3):
        told.emit(event)
    assert [type(event) for event in two.events] == [Noted]
    assert capsys.readouterr().err.count("Warning: Memory failed") == 2


def test_a_sink_that_fails_at_a_checkpoint_or_at_the_end_is_dropped_too() -> None:
    good, filed, closing = Memory(), Filed(), Memory(fails_from=999)
    told = emitter(good, filed, closing)
    assert told.seals() == {}
    told.close()
    assert [event.message.split(" ")[0] for event in good.events if isinstance(event, Warned)] == ["Filed", "Memory"]


def test_ctrl_c_in_a_sink_is_no_failure_of_the_sink() -> None:
    class Pressed(Memory):
        def take(self, event: Event) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        emitter(Pressed()).emit(Noted(message=""))


class Full(Memory):
    """A sink that holds back what its disk refuses."""

    is_full = False
    num_lost = 0

    def take(self, event: Event) -> None:
        self.events.append(event)
        self.refuse()

    def seals(self) -> Mapping[str, tuple[int, str]]:
        self.refuse()
        return {"log": (len(self.events), "")}

    def rewind(self, offsets: Mapping[str, int]) -> None:
        self.refuse()

    def close(self) -> None:
        self.refuse()

    def refuse(self) -> None:
        if self.is_full:
            raise DiskError("run/log: full.", path="run/log")


def messages(sink: Memory, kind: type[Noted] | type[Warned]) -> list[str]:
    return [event.message for event in sink.events if isinstance(event, kind)]


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("num_lost", [0, 1200])
def test_a_sink_whose_disk_refuses_is_kept_and_told_of_once_each_way(is_first: bool, num_lost: int) -> None:
    good, full = Memory(), Full()
    told = emitter(*([full, good] if is_first else [good, full]))
    told.emit(Noted(message="0"))
    full.is_full = True
    for event in note(3):
        told.emit(event)
    full.is_full, full.num_lost = False, num_lost
    told.emit(Noted(message="3"))
    assert messages(good, Warned) == ["run/log: full. Its lines are held back until it can be written again. Training goes on."]
    end = "1,200 lines were more than could be held back, and are lost" if num_lost else "no line is lost"
    assert messages(good, Noted) == ["0", "0", "1", "2", "3", f"run/log: written again; {end}."]
    assert sorted(messages(full, Noted)) == sorted(messages(good, Noted))
    assert messages(full, Warned) == messages(good, Warned)


def test_a_checkpoint_is_not_told_of_lines_that_are_held_back_and_cutting_back_does_not_pass_either() -> None:
    good, full = Memory(), Full()
    told = emitter(good, full)
    full.is_full = True
    for ask in (told.seals, lambda: told.rewind({"log": 0})):
        with pytest.raises(DiskError, match="run/log"):
            ask()
    full.is_full = False
    assert told.seals() == {"log": (1, "")}, "the warning, which was held back"
    assert told.sinks == [good, full]


def test_lines_that_cannot_be_written_at_the_end_are_told_of() -> None:
    good, full = Memory(), Full()
    told = emitter(good, full)
    full.is_full = True
    told.close()
    assert messages(good, Warned) == ["run/log: full. Its last lines are lost."]


class Lacking(Memory):
    """A sink that finds no memory."""

    def take(self, event: Event) -> None:
        raise MemoryError


def test_a_lack_of_memory_ends_training_and_loses_no_sink() -> None:
    lacking = Lacking()
    told = Emitter([lacking], started=time.monotonic())
    with pytest.raises(MemoryError):
        told.emit(Noted(message="a"))
    assert told.sinks == [lacking]


class LackingAtTheEnd(Memory):
    """A sink that finds no memory when it is to end."""

    def close(self) -> None:
        raise MemoryError


def test_a_lack_of_memory_at_the_end_does_not_hide_what_ended_the_training() -> None:
    told = Emitter([LackingAtTheEnd()], started=time.monotonic())

    def train() -> None:
        try:
            raise OutOfMemoryError("out of memory while evaluating.")
        finally:
            told.close()

    with pytest.raises(OutOfMemoryError, match="while evaluating"):
        train()
    with pytest.raises(MemoryError):
        told.close()
