"""The birth of a run folder: all that a run needs to begin, or nothing, whenever the process is killed.

A new folder is built beside its place, under a hidden name, and renamed to it once everything in it is on the disk. A folder
that is there already and empty stays what it is, since it may be a mount, or where a shell stands, or have rights of its own:
there the plan is written last, and its rename is the birth. A mark says until then that a run has only begun to be there.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

from tutelage.core import layout
from tutelage.core.disk import disk_error
from tutelage.core.durable import is_left_over, left_over, make_folder, sweep, sync_folder, sync_way
from tutelage.core.errors import DiskError, RunError, UsageError
from tutelage.run.lock import LOCKS, OWNER, locked

__all__ = ["born", "check_place", "clean", "is_unborn", "tidy"]

MARK = layout.BIRTH_MARK
BESIDE = ".tutelage-*.birth"
"""Names under which new folders are built."""
FIRST = (layout.RECIPE, layout.ENV, layout.DATA, layout.MANIFEST, layout.RESULT)
"""What is written before the plan; the result only where a run is made of others, and so is a predictor in its folder."""
NUMBERED = "runs"
TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
UNMOVABLE = (errno.EACCES, errno.EPERM, errno.EBUSY, errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP)
"""Why some file systems do not rename a folder: Windows shares, for one, do not as long as a file in it is open."""
ATTEMPTS = 10


@contextmanager
def born(out: str, *, name: str, fill: Callable[[Path], None]) -> Iterator[Path]:
    """Make a run folder with its first files, and own it while entered; an existing run is never written over.

    Args:
        out: Where the user wants it; "" = below runs/, numbered.
        name: The data set's short name.
        fill: Writes the first files, durably, into the folder that it is given; the plan last.

    Raises:
        UsageError: The folder wished for holds something already.
        RunError: Another process makes a run there.
    """
    check_place(out)
    if ".." in Path(out).parts:
        # Of a/../b, a need not be there.
        out = os.path.realpath(out)
    with ExitStack() as owner:
        if out and Path(out).is_dir():
            folder = _begin_in(Path(out), fill, owner)
        else:
            folder = _begin_beside(out, name, fill, owner) or _begin_in(_make_place(out, name), fill, owner)
        sync_way(folder)
        yield folder


def check_place(out: str) -> None:
    """Refuse a place for a run that holds something already.

    Raises:
        UsageError: It does.
    """
    folder = Path(out)
    if not out or not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"--out {out}: is a file. Choose a new folder.")
    paths = {path.name: path for path in folder.iterdir()}
    if layout.PLAN in paths:
        remedy = f"Choose a new folder, or continue that run: tutelage resume {out}"
        raise UsageError(f"--out {out}: not empty: a run is there. {remedy}")
    others = paths.keys() - {MARK, *LOCKS}
    foreign = sorted(name for name in others if MARK not in paths or not _is_begun(paths[name]))
    if foreign:
        shown = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise UsageError(f"--out {out}: not empty: it holds {shown}, and no run. Choose a new folder, or an empty one.")


def clean(folder: Path) -> None:
    """Remove what killed processes left in a run folder, which this process owns."""
    sweep(folder)
    (folder / MARK).unlink(missing_ok=True)


def tidy(folder: Path) -> None:
    """Do the same in a run that this process does not own, if nobody works in it and it may be written to."""
    if any(left_over(folder)) or any(os.path.lexists(folder / name) for name in (MARK, OWNER)):
        with suppress(RunError, OSError), locked(folder):
            clean(folder)


def is_unborn(folder: Path) -> bool:
    """Tell whether a folder is one in which a run is being built, or was when its process was killed."""
    return folder.match(BESIDE)


def _is_begun(path: Path) -> bool:
    """Tell whether something is a part of a run that has only begun to be there."""
    if path.name in layout.FOLDERS:
        is_folder = path.is_dir() and not path.is_symlink()
        return is_folder and all(_is_begun_model(inner) for inner in path.iterdir())
    return (path.name in FIRST or is_left_over(path.name)) and not path.is_dir()


def _is_begun_model(path: Path) -> bool:
    """Tell whether something in a folder of the run is a predictor, or what becomes one."""
    return (path.name == layout.PREDICTOR or is_left_over(path.name)) and not path.is_dir()


def _begin_beside(out: str, name: str, fill: Callable[[Path], None], owner: ExitStack) -> Path | None:
    """Build a new folder and rename it to its place; None where the file system does not rename it."""
    # The place of a link is where it leads; for people it keeps its name.
    parent = Path(os.path.realpath(out)).parent if out else Path(NUMBERED)
    make_folder(parent)
    _sweep_beside(parent)
    hidden = _make_hidden(parent, owner, called=next(_places(out, name)))
    try:
        with _telling(hidden, called=next(_places(out, name))):
            fill(hidden)
        for place in _places(out, name):
            try:
                hidden.rename(os.path.realpath(place) if out else place)
            except OSError as error:
                if error.errno in UNMOVABLE:
                    return None
                if error.errno not in TAKEN:
                    raise disk_error(error, path=place, done="made") from error
            else:
                return place
    finally:
        # Nothing is there any more where it was renamed.
        shutil.rmtree(hidden, ignore_errors=True)
    raise UsageError(f"--out {out}: not empty: another process has just begun a run there. Choose a new folder.")


def _places(out: str, name: str) -> Iterator[Path]:
    """Give the places to try: the one that was asked for, or free numbers."""
    numbered = (Path(NUMBERED) / f"{name}-{number:03d}" for number in count(1))
    yield from [Path(out)] if out else (place for place in numbered if not os.path.lexists(place))


@contextmanager
def _telling(hidden: Path, *, called: Path) -> Iterator[None]:
    """Tell of what the disk refuses in a hidden folder by the name that people know: the hidden one is removed then."""
    try:
        yield
    except DiskError as error:
        said, path = (text.replace(str(hidden), str(called)) for text in (str(error), error.path))
        raise DiskError(said, path=path, number=error.number) from error
    except OSError as error:
        path = os.fsdecode(error.filename or "").replace(str(hidden), str(called))
        raise disk_error(error, path=Path(path or called)) from error


def _make_hidden(parent: Path, owner: ExitStack, *, called: Path) -> Path:
    """Make and own a folder to build in."""
    for attempt in count(1):
        hidden = parent / BESIDE.replace("*", secrets.token_hex(4))
        with _telling(hidden, called=called):
            hidden.mkdir()
        try:
            with _telling(hidden, called=called):
                owner.enter_context(locked(hidden))
        except BaseException as error:
            shutil.rmtree(hidden, ignore_errors=True)
            # One that sweeps may have come between making and owning it.
            if attempt == ATTEMPTS or not isinstance(error, RunError):
                raise
        else:
            break
    return hidden


def _sweep_beside(parent: Path) -> None:
    """Remove folders that killed processes of this user were building: those that nobody owns."""
    for entry in list(os.scandir(parent)):
        # One that is being built may get its name while it is looked at.
        with suppress(RunError, OSError):
            is_one = is_unborn(Path(entry.name)) and entry.is_dir(follow_symlinks=False)
            if is_one and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                with locked(Path(entry.path)):
                    shutil.rmtree(entry.path, ignore_errors=True)


def _make_place(out: str, name: str) -> Path:
    """Make an empty folder that no other process has made."""
    for place in _places(out, name):
        with suppress(FileExistsError):
            Path(os.path.realpath(place)).mkdir()
            return place
    raise UsageError(f"--out {out}: not empty: another process has just begun a run there. Choose a new folder.")


def _begin_in(folder: Path, fill: Callable[[Path], None], owner: ExitStack) -> Path:
    """Begin a run in a folder that is there, and stays the same."""
    owner.enter_context(locked(folder))
    # Once more, now that nobody else begins here.
    check_place(str(folder))
    mark = folder / MARK
    with suppress(FileExistsError):
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    sync_folder(folder)
    _remove_begun(folder)
    try:
        fill(folder)
    except Exception:
        with suppress(OSError):
            _remove_begun(folder)
            mark.unlink()
        raise
    mark.unlink()
    return folder


def _remove_begun(folder: Path) -> None:
    """Remove what a birth has written so far."""
    for path in list(folder.iterdir()):
        if path.name in layout.FOLDERS:
            for inner in path.iterdir():
                inner.unlink()
            path.rmdir()
        elif path.name not in (MARK, *LOCKS):
            path.unlink()
