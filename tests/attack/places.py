"""Places that cannot be written, and run folders whose parts are links, pipes and folders."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from tests.attack.case import Case
from tests.attack.child import command
from tests.attack.recipes import RECIPES
from tests.attack.runs import Reference, equal_training, prepare
from tests.attack.verdict import Ending, Verdict, judge

NOBODY = 65534
SAMPLE_STRIDE = 24
VERBS = {"run": ("report", "evaluate", "predict", "resume"), "paused": ("resume", "report"), "killed": ("resume",)}
PARTS = (
    ".lock",
    "metrics.jsonl",
    "events.jsonl",
    "result.json",
    "report.html",
    "plan.json",
    "manifest.jsonl",
    "best",
    "last",
    "steps",
    "recipe.toml",
)


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Give all cases, or each 24th."""
    yield from islice(_every(scratch), 0, None, SAMPLE_STRIDE if is_sample else 1)


def _every(scratch: Path) -> Iterator[Case]:
    """Try every verb on places that are read-only, and on run folders with foreign parts."""
    reference = prepare("table", scratch)
    for kind in (
        "cwd",
        "out",
        "missing parent",
        "file as out",
        "file as parent",
        "device as out",
        "link as out",
        "dangling link",
    ):
        yield Case(f"train into {kind}", partial(_train, reference, kind))
    for state, verbs in VERBS.items():
        for verb in verbs:
            yield Case(f"read-only {state} {verb}", partial(_read_only, reference, state, verb))
            for part in PARTS:
                for kind, put in FOREIGN.items():
                    yield Case(f"{kind} as {part} {state} {verb}", partial(_foreign, reference, state, verb, part, put))


def _words(verb: str) -> list[str]:
    """Return a command line about `run`."""
    return ["predict", "run", RECIPES["table"].ask, "--json"] if verb == "predict" else [verb, "run"]


def _train(reference: Reference, kind: str, folder: Path) -> Verdict:
    """Train where it may not be possible; anything but a finished run is refused with the place."""
    words = RECIPES["table"].train(folder)
    out = {"missing parent": "a/b/run", "file as parent": "file/run", "cwd": ""}.get(kind, "out")
    words[words.index("--out") + 1] = out
    if kind == "cwd":
        words = words[: words.index("--out")]
        folder.chmod(0o555)
    elif kind == "out":
        (folder / "out").mkdir(mode=0o555)
    elif kind == "file as out":
        (folder / "out").write_text("mine", encoding="utf-8")
    elif kind == "file as parent":
        (folder / "file").write_text("mine", encoding="utf-8")
    elif kind == "device as out":
        (folder / "out").symlink_to("/dev/null")
    elif kind == "link as out":
        (folder / "real").mkdir(mode=0o777)
        (folder / "real").chmod(0o777)
        (folder / "out").symlink_to("real")
    elif kind == "dangling link":
        (folder / "out").symlink_to("nowhere")
    outcome = command(words, folder=folder, user=NOBODY if kind in ("cwd", "out") else None)
    folder.chmod(0o777)
    run = folder / out if out else next(iter((folder / "runs").glob("*")), folder / "none")
    return judge(outcome, is_right=(run / "result.json").exists(), places=["out", "runs", "file"])


def _read_only(reference: Reference, state: str, verb: str, folder: Path) -> Verdict:
    """Ask a run that may only be read, as a user who is not almighty."""
    reference.copy(folder, state=state)
    run = folder / "run"
    for path in [run, *run.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    outcome = command(_words(verb), folder=folder, user=NOBODY)
    for path in [run, *run.rglob("*")]:
        path.chmod(0o777)
    return judge(outcome, is_right=True, places=["run"])


def _foreign(reference: Reference, state: str, verb: str, part: str, put: Callable[[Path, Path], None], folder: Path) -> Verdict:
    """Put something foreign in a part's place; what lies outside the run must stay as it is."""
    reference.copy(folder, state=state)
    outside = folder / "outside"
    outside.mkdir()
    part_path = folder / "run" / part
    if part_path.is_dir():
        shutil.copytree(part_path, outside / "kept")
        shutil.rmtree(part_path)
    else:
        (outside / "kept").write_bytes(part_path.read_bytes() if part_path.exists() else b"")
        part_path.unlink(missing_ok=True)
    put(part_path, outside / "kept")
    before = _content(outside)
    outcome = command(_words(verb), folder=folder, limit=60)
    if _content(outside) != before:
        return Verdict(Ending.OUTSIDE, f"changed through {part}: {outcome.tail}")
    # A run that was refused may still hold a device, which nobody reads to its end.
    is_right = verb != "resume" or state == "run" or (outcome.code == 0 and equal_training(folder / "run", reference))
    return judge(outcome, is_right=is_right, places=[part, Path(part).name])


def _content(folder: Path) -> dict[str, bytes]:
    """Return everything in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


def _hard_link(path: Path, kept: Path) -> None:
    """Link a file into a second place; of folders there are no such links."""
    if kept.is_dir():
        path.symlink_to(kept)
    else:
        path.hardlink_to(kept)


FOREIGN: dict[str, Callable[[Path, Path], None]] = {
    "link": lambda path, kept: path.symlink_to(kept),
    "hard link": _hard_link,
    "dangling link": lambda path, kept: path.symlink_to(kept.parent / "nowhere"),
    "pipe": lambda path, kept: os.mkfifo(path),
    "folder": lambda path, kept: path.mkdir(),
    "device": lambda path, kept: path.symlink_to("/dev/zero"),
}
