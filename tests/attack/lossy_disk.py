"""A disk that loses what was not synced: records what a program does to a folder, and makes the states a power cut may leave.

Recorded is what the folder holds before and after each call that the order of things depends on (sync, rename, unlink, new
folder, cut), so it does not matter who wrote, Python or a library. A file keeps its last synced content, or any later one,
whole, torn or as zeros. A folder keeps its last synced names, with any of the later changes; a rename is one change.
"""

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Disk", "Recorder", "Step"]

CALLS = ("rename", "replace", "mkdir", "unlink", "remove", "rmdir", "truncate", "ftruncate", "link")
ROOT = 0
Names = dict[str, int]


@dataclass(frozen=True)
class Step:
    """One thing that happened: new content of a file, changed names of a folder, a sync, or something promised to the user."""

    kind: str
    item: int = ROOT
    content: bytes = b""
    removed: tuple[str, ...] = ()
    added: tuple[tuple[str, int], ...] = ()
    promise: Any = None


@dataclass
class Disk:
    """What is in files and folders by number: the synced state first, then everything since."""

    contents: dict[int, list[bytes]] = field(default_factory=dict)
    names: dict[int, list[Names]] = field(default_factory=lambda: {ROOT: [{}]})
    changes: dict[int, list[Step]] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """Let one thing happen."""
        if step.kind == "content":
            self.contents.setdefault(step.item, [b""]).append(step.content)
        elif step.kind == "names":
            before = self.names.setdefault(step.item, [{}])
            self.names[step.item] = [before[0], changed(before[-1], step)]
            self.changes.setdefault(step.item, []).append(step)
        elif step.kind == "sync" and step.item in self.contents:
            self.contents[step.item] = self.contents[step.item][-1:]
        elif step.kind == "sync":
            self.names[step.item] = self.names.get(step.item, [{}])[-1:]
            self.changes[step.item] = []

    def sync_all(self) -> None:
        """Take everything as having been on the disk for long."""
        for item in (*self.contents, *self.names):
            self.take(Step("sync", item))

    def live(self) -> dict[str, bytes]:
        """Return every file by its path, as a program sees it that is not cut off."""
        return dict(self._walk(ROOT, "", lambda item: self.names[item][-1], lambda item: self.contents[item][-1]))

    def lay_out(self, place: Path, *, chance: random.Random | None) -> None:
        """Write a state that a power cut may leave into a folder; without chance, what a kill alone leaves."""
        if chance is None:
            names, content = (lambda item: self.names.get(item, [{}])[-1]), (lambda item: self.contents[item][-1])
        else:
            manner = chance.choice(["lost", "names only", "mixed", "mixed", "mixed"])
            names = lambda item: self._kept_names(item, manner, chance)  # noqa: E731
            content = lambda item: self._kept_content(item, manner, chance)  # noqa: E731
        place.mkdir(parents=True)
        for path, data in self._walk(ROOT, "", names, content, folder=lambda path: (place / path).mkdir()):
            (place / path).write_bytes(data)

    def _walk(
        self,
        item: int,
        path: str,
        names: Callable[[int], Names],
        content: Callable[[int], bytes],
        folder: Callable[[str], None] = lambda path: None,
    ) -> Iterator[tuple[str, bytes]]:
        for name, inner in sorted(names(item).items()):
            within = f"{path}{name}"
            if inner in self.contents:
                yield within, content(inner)
            else:
                folder(within)
                self.names.setdefault(inner, [{}])
                yield from self._walk(inner, f"{within}/", names, content, folder)

    def _kept_names(self, item: int, manner: str, chance: random.Random) -> Names:
        """Return what a folder lists: its synced names, with none, all or some of the changes since."""
        kept = self.names.get(item, [{}])[0]
        changes = self.changes.get(item, [])
        if manner == "mixed":
            some = chance.random()
            upto = chance.randint(0, len(changes))
            # The first few, as a journal keeps them; or any.
            changes = changes[:upto] if chance.random() < 0.5 else [step for step in changes if chance.random() < some]
        for step in changes if manner != "lost" else ():
            kept = changed(kept, step)
        return kept

    def _kept_content(self, item: int, manner: str, chance: random.Random) -> bytes:
        """Return what a file holds: the synced content, a later one, or a torn one."""
        versions = self.contents[item]
        if manner != "mixed" or len(versions) == 1:
            return versions[0]
        old, new = versions[0], chance.choice(versions)
        # What was synced and has not changed since is not touched again.
        cut = chance.randint(common(old, new), len(new))
        return chance.choice([new, new[:cut], new[:cut] + old[cut:], new[:cut] + bytes(len(new) - cut)])


def changed(names: Names, step: Step) -> Names:
    """Return what a folder lists after a change."""
    return {name: item for name, item in names.items() if name not in step.removed} | dict(step.added)


def common(old: bytes, new: bytes) -> int:
    """Return how many bytes two contents begin with in common."""
    return next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


class Recorder:
    """Records what happens in a folder while entered; a `promise` is put in line with it."""

    def __init__(self, root: Path, *, forgets: Callable[[Path], bool] = lambda path: False) -> None:
        """Look at a folder.

        Args:
            root: The folder.
            forgets: Whether a sync of this path is left out, as a program would that forgot it.
        """
        self.root, self.steps = root, list[Step]()
        self._forgets, self._lock = forgets, threading.RLock()
        self._names: dict[int, Names] = {ROOT: {}}
        self._numbers: dict[int, int] = {root.stat().st_ino: ROOT}
        self._looks: dict[int, tuple[int, int]] = {}
        self._next = ROOT + 1
        self._look()
        self.num_before = len(self.steps)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record the calls of this process."""
        before = {name: getattr(os, name) for name in (*CALLS, "fsync")}
        for name in CALLS:
            setattr(os, name, self._around(before[name]))
        os.fsync = self._fsync  # type: ignore[assignment]
        try:
            yield
        finally:
            for name, call in before.items():
                setattr(os, name, call)
            self._look()

    def promise(self, promise: Any) -> None:
        """Note that something was called done."""
        with self._lock:
            self._look()
            self.steps.append(Step("promise", promise=promise))

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def record(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self._look()
                try:
                    return call(*args, **kwargs)
                finally:
                    self._look()

        return record

    def _fsync(self, opened: int) -> None:
        with self._lock:
            self._look()
            number = self._numbers.get(os.fstat(opened).st_ino)
            path = Path(f"/proc/self/fd/{opened}").readlink()
            if number is not None and not self._forgets(path):
                self.steps.append(Step("sync", number))

    def _look(self) -> None:
        """Note what has changed since the last look."""
        seen: dict[int, int] = {self.root.stat().st_ino: ROOT}
        self._look_into(self.root, ROOT, seen)
        self._numbers = seen

    def _look_into(self, folder: Path, item: int, seen: dict[int, int]) -> None:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        now: Names = {}
        inner: list[tuple[Path, int, bool]] = []
        for entry in entries:
            inode = entry.inode()
            number = seen.get(inode, self._numbers.get(inode, -1))
            if number < 0:
                number, self._next = self._next, self._next + 1
                self.steps.append(Step("names" if entry.is_dir() else "content", number))
            seen[inode] = now[entry.name] = number
            inner.append((Path(entry.path), number, entry.is_dir()))
        before = self._names.get(item, {})
        if now != before:
            removed = tuple(name for name in before if now.get(name) != before[name])
            added = tuple((name, number) for name, number in now.items() if before.get(name) != number)
            self.steps.append(Step("names", item, removed=removed, added=added))
            self._names[item] = now
        for path, number, is_folder in inner:
            if is_folder:
                self._look_into(path, number, seen)
            else:
                self._read(path, number)

    def _read(self, path: Path, number: int) -> None:
        try:
            found = path.stat()
            look = (found.st_size, found.st_mtime_ns)
            if self._looks.get(number) != look:
                self.steps.append(Step("content", number, path.read_bytes()))
                self._looks[number] = look
        except FileNotFoundError:
            return  # another thread has just renamed it
