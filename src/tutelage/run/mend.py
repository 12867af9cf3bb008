"""Puts right what can be put right in a run folder that this process owns: by copies, by the last seal, by a new manifest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tutelage.core import layout
from tutelage.core.border import SMALL_BYTES, BorderError, parse_object
from tutelage.core.disk import naming
from tutelage.core.errors import BRING_BACK, RunError
from tutelage.core.journal import Entry
from tutelage.core.manifest import Manifest
from tutelage.model.stored import load_tensors, save_tensors
from tutelage.run.ending import has_ended, state_of
from tutelage.run.files import RunFiles, intact_prefix, remedy_for
from tutelage.run.survey import (
    FORMATS,
    PREDICTORS,
    SMALL,
    damaged_weights,
    entry_for,
    misnamed,
    survey,
    twin_of,
    unnamed_checkpoint,
)
from tutelage.training.checkpoint import checkpoint_name, checkpoints, is_checkpoint

__all__ = ["accept", "mend", "put_predictors_back", "set_aside", "sound_offsets"]


def mend(files: RunFiles) -> None:
    """Put damaged files of the run's birth back, and write a damaged manifest anew; each is told.

    Raises:
        RunError: Something that matters can be vouched for by nothing.
    """
    manifest = Manifest(files.folder)
    _tell_of_lost_checkpoint(files)
    for file in layout.BORN:
        _, present = files.raw(file)
        content = files.content(file)
        if content != present:
            manifest.put(file, content)
            files.say(f"{files.folder / file}: put back from the newest checkpoint's copy.")
    unnamed = unnamed_checkpoint(files)
    if unnamed:
        files.say(f"{files.folder / layout.MANIFEST}: has lost lines: it says nothing of {unnamed}.")
    elif files.is_sound and all(file in files.journal.entries for file in layout.BORN):
        return
    if has_ended(files):
        # A checkpoint's word that the run has ended is not enough to vouch for its scores.
        files.content(layout.RESULT)
    manifest.rewrite(_entries(files))
    files.say(
        f"{files.folder / layout.MANIFEST}: written anew. Logs and report could not be checked and were taken as they are; "
        "the rest was vouched for by what was left of it and by the run's checkpoints."
    )


def accept(files: RunFiles) -> list[str]:
    """Take all files as they are and write a new manifest; returns for each that was not as the old one said what came of it.

    Raises:
        RunError: A file could not be read in any case.
    """
    odd = [standing for standing in survey(files) if not standing.is_well and standing.file != layout.MANIFEST]
    for standing in odd:
        # Not even hashed: it may have no end.
        path = files.folder / standing.file
        if standing.file in SMALL and path.is_file() and path.stat().st_size > SMALL_BYTES:
            remedy = remedy_for(files.folder, standing.file) if standing.file == layout.REPORT else BRING_BACK
            raise RunError(f"{path}: {standing.found}. {remedy}")
    entries = _entries(files)
    Manifest(files.folder).rewrite(entries)
    taken = {entry.file for entry in entries}
    return [
        f"taken as it is, at your word: {standing.file}: {standing.state}: {standing.found}"
        if standing.file in taken
        else f"{files.folder / standing.file}: {standing.found}: it could not be taken. {standing.remedy}"
        for standing in odd
    ]


def sound_offsets(files: RunFiles, logs: Mapping[str, Sequence[Any]]) -> dict[str, int]:
    """Return where to cut the logs for a checkpoint: where it says or, where what is there is damaged, at the last sound seal.

    Args:
        files: The run's.
        logs: Size in bytes and SHA-256 of each log at the checkpoint.
    """
    cut = {}
    for file, (offset, sha256) in logs.items():
        sealed = [(offset, sha256), *((entry.bytes, entry.sha256) for entry in files.journal.entries.get(file, []))]
        path = files.folder / file
        try:
            good = intact_prefix(path, sorted(sealed))
        except (BorderError, OSError) as error:
            files.say(f"{path}: cannot be read ({error}); it begins anew.")
            good = 0
        if good < offset:
            files.say(
                f"{path}: is not what this run wrote between byte {good:,} and {offset:,}, where its checkpoint was made. "
                "It is cut back to the first of these; what it told after that is lost. The training is not touched by this."
            )
        cut[file] = min(good, offset)
    return cut


def _tell_of_lost_checkpoint(files: RunFiles) -> None:
    """Tell where the newest checkpoint that was announced is not there: the one before gives the same, later."""
    names = [name for name, entries in files.journal.entries.items() if not entries[-1].is_removed and is_checkpoint(name)]
    newest = max((int(Path(name).stem) for name in names), default=-1)
    there = max((int(path.stem) for path in checkpoints(files.folder)), default=-1)
    renamed = misnamed(files.folder)
    for name in renamed:
        files.say(f"{files.folder / name}: is no name of a checkpoint, so it is not read. Was it renamed?")
    if newest <= there:
        return
    path = files.folder / layout.STEPS / checkpoint_name(newest)
    if renamed and there < 0:
        found = f"{path}: is missing, and so are all other checkpoints; {', '.join(renamed)} may be what is left of them"
        raise RunError(f"{found}. Give them back their names, or move them away to begin anew.")
    files.say(f"{path}: is missing; the run goes on from the checkpoint before it.")


def put_predictors_back(files: RunFiles) -> None:
    """Put a damaged predictor back where the other one holds the very weights that were written there; each is told."""
    manifest = Manifest(files.folder)
    for file in PREDICTORS:
        if file not in files.journal.entries or not damaged_weights(files.folder, only=file):
            continue
        twin = twin_of(files, file)
        if not twin:
            continue
        path, whole = files.folder / file, load_tensors(files.folder / twin, formats=FORMATS)
        save_tensors(
            path,
            whole.tensors,
            format=whole.format,
            values=whole.values,
            announce=lambda seal, path=path: manifest.announcing(path, seal=seal),  # type: ignore[misc]
        )
        files.say(f"{path}: put back from {twin}, which holds the same weights.")


def _entries(files: RunFiles) -> list[Entry]:
    """Return an entry for each file as it is."""
    return [_stated(files.folder, entry) for file in _present(files) if (entry := entry_for(files.folder, file)) is not None]


def _present(files: RunFiles) -> Iterator[str]:
    """Yield the run's files that are there."""
    yield from (standing.file for standing in survey(files) if standing.state not in ("foreign", "missing"))


def _stated(folder: Path, entry: Entry) -> Entry:
    """Say what result.json means for the run."""
    if entry.file != layout.RESULT:
        return entry
    try:
        return replace(entry, state=state_of(parse_object((folder / entry.file).read_bytes()).get("stopped")))
    except BorderError as error:
        raise RunError(f"{folder / entry.file}: {error}. {BRING_BACK}") from error


def set_aside(folder: Path, damaged: Sequence[tuple[Path, str]], *, tell: Callable[[str], None]) -> None:
    """Rename damaged checkpoints: they would count among the newest, which are kept, and crowd out those that are intact.

    Args:
        folder: The run folder.
        damaged: Each with what was found.
        tell: Takes what was found.
    """
    for path, found in damaged:
        Manifest(folder).remove(path)
        with naming(path, "set aside"):
            path.replace(path.with_suffix(".damaged"))
        tell(found)
