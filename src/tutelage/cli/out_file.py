"""What `--out FILE` may not take the place of: what is being read, and the files of a run; and whether its folder is new."""

import os
from collections.abc import Sequence
from pathlib import Path

from tutelage.core import layout
from tutelage.core.errors import UsageError
from tutelage.core.names import from_address
from tutelage.core.outlet import one_line, tell

__all__ = ["check_out_file", "say_new_folder"]

SIGNS = (layout.PLAN, layout.MANIFEST, layout.BIRTH_MARK)
"""Any of these makes a folder one of a run."""


def check_out_file(out: str, inputs: Sequence[str], *, learned_from: str = "") -> None:
    """Refuse to write over an input, the data of the training, or a file of any run, however it is spelled or linked.

    Args:
        out: The file to be written.
        inputs: What is read.
        learned_from: File or folder of the data that the run has learned from; "" where it is not known.

    Raises:
        UsageError: It would be lost.
    """
    own = next((path for path in inputs if _is_same(out, from_address(path))), None)
    if own is not None:
        found = f"is the input {'itself' if own == out else own}, which would be written over"
        raise UsageError(f"--out {out}: {found}. Choose another file, such as {_beside(out)}.")
    if learned_from and os.path.lexists(out) and _is_part(out, from_address(learned_from)):
        found = f"belongs to the data that the run has learned from ({learned_from}), and would be written over"
        raise UsageError(f"--out {out}: {found}. Choose another file, such as {_beside(out)}.")
    # Both what the name leads to, and the name itself: a link is replaced.
    for path in (Path(os.path.realpath(out)), Path(os.path.realpath(Path(out).parent)) / Path(out).name):
        folder = _run_of(path)
        if folder is not None:
            found = f"is a file of the run {folder}, which would be damaged"
            raise UsageError(f"--out {out}: {found}. Choose another file, such as predictions{path.suffix}.")


def say_new_folder(out: str) -> None:
    """Tell that the folder of a file that is to be written is made: its name may be a slip."""
    folder = Path(out).parent
    if not folder.exists():
        tell(f"Note: there is no folder {one_line(str(folder))} yet: it is made.")


def _run_of(path: Path) -> Path | None:
    """Return the run folder that a file is a part of, None where it is not."""
    if _is_among(path, layout.FILES) and _is_run(path.parent, but=path.name):
        return path.parent
    above = path.parent.parent
    return above if path.parent.name in layout.FOLDERS and _is_run(above) else None


def _is_among(path: Path, names: Sequence[str]) -> bool:
    """Tell whether a path is one of these files beside it, by name or, where names differ in case only, by what is there."""
    return path.name in names or any(_is_same(str(path), str(path.with_name(name))) for name in names)


def _is_run(folder: Path, *, but: str = "") -> bool:
    """Tell whether a folder is one of a run, by other files than the one that is asked about."""
    return any(name != but and os.path.lexists(folder / name) for name in SIGNS)


def _is_part(path: str, whole: str) -> bool:
    """Tell whether a path is a file, or lies in a folder."""
    return _is_same(path, whole) or Path(os.path.realpath(whole)) in Path(os.path.realpath(path)).parents


def _is_same(one: str, other: str) -> bool:
    """Tell whether two paths are the same file."""
    try:
        return os.path.realpath(one) == os.path.realpath(other) or os.path.samefile(one, other)  # noqa: PTH121 - never resolves
    except (OSError, ValueError):  # one of them is not there
        return False


def _beside(out: str) -> Path:
    """Name a file beside one."""
    path = Path(out)
    return path.with_name(f"{path.stem}.predictions{path.suffix}")
