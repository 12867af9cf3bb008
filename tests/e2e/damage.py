"""Damages one file of a run, asks every verb, and judges: the right answer, a fall-back that is told, or a refusal in words."""

import contextlib
import io
import json
import os
import random
import shutil
import signal
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tutelage.cli.main import main
from tutelage.core.events import Evaluated, Event
from tutelage.planning.recipe import merge, parse_setting, recipe_from
from tutelage.run.start import Request, start_training
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

SETTINGS = ("source=sklearn:iris", "budget.steps=30", "batch_size=16", "model=mlp", "model.hidden=[4]")
NEW = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n"
VERBS = ("resume", "report", "evaluate", "predict", "runs", "verify")


class Pauses:
    """A sink that asks the process to end in the middle."""

    def take(self, event: Event) -> None:
        if isinstance(event, Evaluated) and event.step >= 10:
            os.kill(os.getpid(), signal.SIGTERM)

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Answer:
    """What a verb said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Case:
    """One damage: a file of a run, and what is done to it."""

    run: str
    file: str
    kind: str
    place: int = 0

    def __str__(self) -> str:
        return f"{self.run}-{self.file}-{self.kind}-{self.place}"


def make_runs(folder: Path) -> None:
    """Train a run to its end and another to its middle."""
    wishes: dict[str, object] = {}
    for text in SETTINGS:
        wishes = merge(wishes, *parse_setting(text))
    for name, sinks in (("ended", []), ("paused", [Pauses()])):
        start_training(Request(recipe_from(wishes, where="test"), out=str(folder / name), sinks=sinks))
        assert main(["report", str(folder / name)]) == 0
    (folder / "new.csv").write_text(NEW, encoding="utf-8")


def ask(verb: str, run: Path, folder: Path) -> Answer:
    """Ask one verb about a run."""
    words = {"predict": ["predict", str(run), str(folder / "new.csv")], "runs": ["runs", str(run.parent)]}.get(
        verb, [verb, str(run)]
    )
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = main(words)
        except Exception:
            code = -1
            err.write(traceback.format_exc())
    # The console breaks lines where a terminal would.
    return Answer(code, out.getvalue(), " ".join(err.getvalue().split()))


def outcome(verb: str, run: Path, folder: Path) -> tuple[Answer, object]:
    """Ask a verb, and return what it said with what is right or wrong about it."""
    said = ask(verb, run, folder)
    if verb == "resume":
        if said.code:
            return said, ""
        result = json.loads((run / "result.json").read_bytes())
        # An ended run is left as it is.
        state = digest(load_checkpoint(checkpoints(run)[-1])) if run.name == "paused" else ""
        return said, (state, result["metrics"], result["stopped"])
    if verb == "report":
        page = run / "report.html"
        return said, page.read_text(encoding="utf-8", errors="replace").split("Files of this run")[0] if page.is_file() else ""
    # Columns are as wide as the folder's name.
    return said, said.out.replace(str(run), "RUN").split()


def damaged(path: Path, case: Case) -> None:
    """Do the damage."""
    content = path.read_bytes()
    if case.kind == "flip":
        at, bit = divmod(case.place, 8)
        path.write_bytes(content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :])
    elif case.kind == "cut":
        path.write_bytes(content[: case.place])
    elif case.kind == "gone":
        path.unlink()
    elif case.kind == "more":
        path.write_bytes(content + b'{"a":1}\n')


def cases(folder: Path, *, each: int, seed: int = 0) -> Iterator[Case]:
    """Choose places in every file of both runs."""
    chance = random.Random(seed)
    for run in ("ended", "paused"):
        for path in sorted((folder / run).rglob("*")):
            if path.is_dir() or path.name.startswith("."):
                continue
            name, size = path.relative_to(folder / run).as_posix(), path.stat().st_size
            yield Case(run, name, "gone")
            yield Case(run, name, "more")
            if size:
                yield from (Case(run, name, "flip", chance.randrange(size * 8)) for _ in range(each))
                yield from (Case(run, name, "cut", chance.choice([0, 1, size - 1, chance.randrange(size)])) for _ in range(each))


def verdict(case: Case, verb: str, folder: Path, place: Path, right: dict[tuple[str, str], object]) -> str:
    """Return what is wrong with how a verb took a case; "" where nothing is."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    run = place / case.run
    shutil.copytree(folder / case.run, run)
    damaged(run / case.file, case)
    said, found = outcome(verb, run, folder)
    if "Traceback" in said.err or said.code not in (0, 2, 3):
        return f"code {said.code}: {said.err[-1500:]}"
    is_named = case.file in (text := said.out + said.err) or Path(case.file).name in text
    if said.code:
        return "" if is_named and len(said.err + said.out) > 40 else f"refused without naming the file: {said.err[-500:]}"
    if found == right[case.run, verb]:
        return ""
    return "" if is_named and (verb == "verify" or "Warning" in said.err) else f"silent: {said.err[-700:]!r} {str(found)[:300]}"
