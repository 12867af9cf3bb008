"""Looks at every file of a run: whole, or what is wrong with it and what to do."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tutelage.core import layout
from tutelage.core.border import BorderError, opened
from tutelage.core.errors import BRING_BACK, OutOfMemoryError, RunError
from tutelage.core.hashing import feed
from tutelage.core.journal import Entry
from tutelage.core.manifest import hash_file
from tutelage.model.stored import load_tensors, read_seal
from tutelage.predictor import ensemble, predictor
from tutelage.run.files import RunFiles, intact_prefix, remedy_for, tell_nobody
from tutelage.training import checkpoint

__all__ = [
    "PREDICTORS",
    "SMALL",
    "Standing",
    "damaged_weights",
    "entry_for",
    "misnamed",
    "survey",
    "twin_of",
    "unnamed_checkpoint",
]

SMALL = (*layout.BORN, layout.TEST_OPENED, layout.RESULT, layout.REPORT)
"""Files that are read as a whole."""
LOG_BYTES = 2**32
"""Longest log: a thousand times that of a run of weeks."""
PREDICTORS = (f"{layout.BEST}/{layout.PREDICTOR}", f"{layout.LAST}/{layout.PREDICTOR}")
PASSED_OVER = "Nothing needs it as long as another checkpoint is whole: resume sets it aside"
FORMATS = (checkpoint.FORMAT, predictor.FORMAT, ensemble.FORMAT)


@dataclass(frozen=True)
class Standing:
    """How a file stands.

    Attributes:
        file: Path within the run folder.
        state: `whole`, `open` (a log that goes on beyond its seal), `missing`, `changed`, `unsealed` (nothing vouches for it) or
            `foreign` (no file of the run).
        found: What is wrong, "" where nothing is.
        remedy: What to do about it, "" where nothing is to be done.
    """

    file: str
    state: str
    found: str = ""
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be done about it."""
        return not self.remedy


def survey(files: RunFiles) -> list[Standing]:
    """Return how each file of a run stands, the manifest first."""
    return [_manifest(files), *(_standing(files, name) for name in _names(files))]


def damaged_weights(folder: Path, *, only: str = "") -> list[str]:
    """Return a sentence for each checkpoint and predictor of a run, or for one, that is not whole, or could not be checked."""
    files, told = RunFiles(folder, tell=tell_nobody), []
    for file in _names(files):
        is_misnamed = _is_misnamed(file)
        if only not in ("", file) or not (_are_weights(file) or is_misnamed):
            continue
        try:
            standing = _misnamed(file) if is_misnamed else _weights(files, file)
        except OutOfMemoryError as error:
            told.append(f"{folder / file}: could not be checked: {str(error).removeprefix(f'{folder / file}: ')}")
            continue
        if not standing.is_well:
            told.append(f"{folder / file}: {standing.found}. {standing.remedy.rstrip('.')}.")
    return told


def entry_for(folder: Path, file: str) -> Entry | None:
    """Return what the manifest would say of a file as it is now; None where it does not verify itself and should.

    Raises:
        RunError: It is longer than any file that a run writes.
    """
    path = folder / file
    if not path.is_file() or path.is_symlink():
        return None
    if not _are_weights(file):
        return Entry(file, *_hashed(path))
    size = path.stat().st_size
    try:
        return Entry(file, size, seal=load_tensors(path, formats=FORMATS).seal)
    except RunError:
        return None


def misnamed(folder: Path) -> list[str]:
    """Return each file in the folder of checkpoints that looks like one and has another name: nothing reads it."""
    there = sorted(path.relative_to(folder).as_posix() for path in (folder / layout.STEPS).glob(f"*{layout.CHECKPOINT_SUFFIX}"))
    return [file for file in there if _is_misnamed(file)]


def twin_of(files: RunFiles, file: str) -> str:
    """Return the other predictor of a run where it holds the very weights that the manifest names for this one, else ""."""
    if file not in PREDICTORS:
        return ""
    (twin,), entry = set(PREDICTORS) - {file}, files.journal.latest(file)
    if entry is None or not entry.seal or read_seal(files.folder / twin) != entry.seal:
        return ""
    return twin if _weights_found(files, twin) == ("whole", "") else ""


def unnamed_checkpoint(files: RunFiles) -> str:
    """Return the newest checkpoint where the manifest says nothing of it, else "".

    It took its place after its line had been written: where there is no line, lines were lost.
    """
    there = [path.relative_to(files.folder).as_posix() for path in checkpoint.checkpoints(files.folder)[-1:]]
    return next((name for name in there if name not in files.journal.entries), "")


def _hashed(path: Path) -> tuple[int, str]:
    """Return size and SHA-256 of a file as long as it is now: a log that somebody writes to has no end.

    Raises:
        RunError: It is longer than any that a run writes.
    """
    size, sha = path.stat().st_size, hashlib.sha256()
    if size > LOG_BYTES:
        found = f"has {size:,} bytes; what a run writes there has at most {LOG_BYTES:,}"
        raise RunError(f"{path}: {found}. Move it away, or cut it back to what the run wrote.")
    with os.fdopen(opened(path), "rb") as file:
        return feed(sha, file, size), sha.hexdigest()


def _names(files: RunFiles) -> Iterator[str]:
    """Yield the name of every file that is there, or should be."""
    known = [file for file in files.journal.entries if not files.journal.entries[file][-1].is_removed]
    there = [path.relative_to(files.folder).as_posix() for path in files.folder.rglob("*") if not path.is_dir()]
    hidden = [name for name in there if any(part.startswith(".") for part in Path(name).parts)]
    yield from sorted({*known, *there, *layout.BORN} - {layout.MANIFEST, *hidden})


def _manifest(files: RunFiles) -> Standing:
    """Return how the manifest itself stands."""
    journal, repair = files.journal, f"Write it anew from what can be vouched for: tutelage verify {files.folder} --repair"
    if not journal.num_lines:
        return Standing(layout.MANIFEST, "missing", "there is none, or it is empty", repair)
    if journal.damaged:
        lines = ", ".join(f"{number:,}" for number, _ in journal.damaged[:10])
        return Standing(layout.MANIFEST, "changed", f"damaged: line {lines}", repair)
    unnamed = unnamed_checkpoint(files)
    if unnamed:
        return Standing(layout.MANIFEST, "changed", f"has lost lines: it says nothing of {unnamed}", repair)
    return Standing(layout.MANIFEST, "whole")


def _standing(files: RunFiles, file: str) -> Standing:
    """Return how one file stands."""
    if file in layout.LOGS:
        return _log(files, file)
    if _are_weights(file):
        return _weights(files, file)
    if file in SMALL:
        return _small(files, file)
    if _is_misnamed(file):
        return _misnamed(file)
    return _noted(files, file) if file in files.journal.entries else Standing(file, "foreign", "no file of the run")


def _noted(files: RunFiles, file: str) -> Standing:
    """Return how a file stands that was made of the run later, such as an export: the run itself needs none."""
    path = files.folder / file
    if not path.exists():
        return Standing(file, "missing", "was exported, and is there no more; the run does not need it")
    if path.is_file() and files.journal.accepts(file, sha256=hash_file(path)):
        return Standing(file, "whole")
    remedy = f"Export it anew: tutelage export {files.folder}; or take it as it is: tutelage verify {files.folder} --accept"
    return Standing(file, "changed", f"is not what was exported (another SHA-256 than {layout.MANIFEST} says)", remedy)


def _small(files: RunFiles, file: str) -> Standing:
    """Return how a small file stands."""
    try:
        found, content = files.raw(file)
    except OSError as error:
        return Standing(file, "changed", f"cannot be read ({error.strerror})", remedy_for(files.folder, file))
    if content is None:
        return Standing(file, "missing" if not files.has(file) else "changed", found, _remedy(files, file))
    if files.journal.accepts(file, sha256=hashlib.sha256(content).hexdigest()):
        return Standing(file, "whole")
    return Standing(file, "changed" if file in files.journal.entries else "unsealed", found, _remedy(files, file))


def _remedy(files: RunFiles, file: str) -> str:
    """Say what to do about a small file."""
    if file in layout.BORN and files.copy_of(file) is not None:
        return f"A checkpoint holds it too: tutelage verify {files.folder} --repair"
    return remedy_for(files.folder, file)


def _log(files: RunFiles, file: str) -> Standing:
    """Return how a log stands."""
    path, sealed = files.folder / file, files.journal.prefixes(file)
    if not path.is_file():
        return Standing(file, "missing", "is missing", remedy_for(files.folder, file))
    if not sealed:
        return Standing(file, "unsealed", f"{layout.MANIFEST} does not say how far it is sealed", remedy_for(files.folder, file))
    try:
        good = intact_prefix(path, [(entry.bytes, entry.sha256) for entry in sealed])
    except (BorderError, OSError) as error:
        return Standing(file, "changed", str(error), remedy_for(files.folder, file))
    if good < sealed[-1].bytes:
        return Standing(file, "changed", f"is not what this run wrote after byte {good:,}", remedy_for(files.folder, file))
    beyond = path.stat().st_size - good
    return Standing(file, "open", f"its last {beyond:,} bytes are not sealed yet") if beyond else Standing(file, "whole")


def _weights(files: RunFiles, file: str) -> Standing:
    """Return how a checkpoint or predictor stands: it is read and verified as a whole."""
    is_spare = file.startswith(f"{layout.STEPS}/") and bool(files.checkpoint)
    state, found = _weights_found(files, file)
    if state == "whole":
        return Standing(file, state)
    if is_spare:
        # A crash between its line and its taking place leaves it missing too: resume goes on from the one before.
        return Standing(file, state, found, PASSED_OVER if state != "missing" else "")
    twin = twin_of(files, file)
    repair = f"{twin} holds the same weights. To have them put back: tutelage verify {files.folder} --repair"
    return Standing(file, state, found, repair if twin else BRING_BACK)


def _weights_found(files: RunFiles, file: str) -> tuple[str, str]:
    """Return the state of a file of weights, and what was found."""
    path = files.folder / file
    if not path.exists():
        return "missing", "is missing"
    try:
        seal = load_tensors(path, formats=FORMATS).seal
    except RunError as error:
        return "changed", str(error).removeprefix(f"{path}: ").removesuffix(BRING_BACK).rstrip(" .")
    entry = files.journal.latest(file)
    if entry is not None and not entry.is_removed and not files.journal.accepts(file, seal=seal):
        return "changed", "is whole, but not what this run wrote there"
    return "whole", ""


def _are_weights(file: str) -> bool:
    """Tell whether a path is that of a predictor or a checkpoint of the run."""
    return file in PREDICTORS or checkpoint.is_checkpoint(file)


def _is_misnamed(file: str) -> bool:
    """Tell whether a file lies where the run keeps weights, and has a name that it does not give."""
    is_inside = file.partition("/")[0] in layout.FOLDERS and file.endswith(layout.CHECKPOINT_SUFFIX)
    return is_inside and not _are_weights(file)


def _misnamed(file: str) -> Standing:
    """Return how a file of weights stands whose name the run does not give."""
    found = "is none of the run's names, so nothing reads it"
    return Standing(file, "foreign", found, "Was it renamed? Give it back its name; or move it away")
