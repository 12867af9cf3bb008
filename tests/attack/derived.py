"""Runs that were made of others, or begin with them: forged, killed at durable moments, and their origins gone or changed."""

import asyncio
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Any

from tests.attack.case import Case
from tests.attack.child import Outcome, command, forked
from tests.attack.forged_values import ODD, changed, header_of, paths_of
from tests.attack.recipes import RECIPES, Recipe
from tests.attack.runs import number_of_changes
from tests.attack.verdict import BAD, Ending, Verdict, judge
from tests.attack.watch import kill_at

__all__ = ["cases"]

MODEL = "best/predictor.safetensors"
RECORDS = ("plan.json", "result.json")
PER_RECORD, SAMPLED, SAMPLE_STRIDE = 60, 2, 5
TOKEN = "told"
PICTURE = "pictures/dark"
ASKED: dict[str, tuple[str, ...]] = {
    "predict": ("predict", "run", "rows.csv", "--json"),
    "coverage": ("predict", "run", "rows.csv", "--coverage", "0.5", "--json"),
    "measure": ("evaluate", "run", "rows.csv", "--json"),
    "evaluate": ("evaluate", "run", "--json"),
    "explain": ("explain", "run", "--json"),
    "export": ("export", "run", "--format", "safetensors", "--json"),
    "report": ("report", "run"),
    "resume": ("resume", "run", "--quiet"),
    "runs": ("runs", ".", "--json"),
}
FEW = ("predict", "evaluate", "runs")
MAKING: dict[str, tuple[str, ...]] = {
    "averaged": ("ensemble", "first", "second", "--out", "run"),
    "int8": ("quantize", "first", "--out", "run", "--method", "dynamic", "--most-loss", "100"),
    "pruned": ("prune", "picture", "--out", "run", "--most-loss", "100"),
    "student": ("distill", "first", "--student", "linear", "--steps", "4", "--no-alone", "--out", "run", "--quiet"),
    "started": (
        *("train", "rows.csv", "--target", "answer", "--from", "first", "--steps", "4", "--out", "run", "--quiet"),
        *("--set", "save.every_seconds=0"),
    ),
}
"""What makes a run of others."""
LEARNING = ("student", "started")
"""Of these: what trains, and so goes on after a kill."""
WHOLE, EACH = ("averaged",), 8
"""What is killed at every change of the disk, and at which of them the others are: they take long."""


@dataclass(frozen=True)
class Ground:
    """What cases start from: a folder with data, the runs `first`, `second` and `picture`, and those made of them, by name."""

    folder: Path
    made: tuple[str, ...]

    def lay_out(self, folder: Path, made: str = "") -> None:
        """Put data and trained runs into a folder, and one of those that were made of them as `run`."""
        for path in self.folder.iterdir():
            if path.name not in self.made:
                shutil.copytree(path, folder / path.name) if path.is_dir() else shutil.copy(path, folder)
        if made:
            shutil.copytree(self.folder / made, folder / "run")


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Give all cases, or each fifth of two kinds of runs."""
    yield from islice(_every(scratch, is_sample=is_sample), 0, None, SAMPLE_STRIDE if is_sample else 1)


def _every(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Forge values of headers and records, kill what makes them, and take away what they begin with."""
    ground = _prepared(scratch / "ground", tuple(MAKING)[:1] if is_sample else tuple(MAKING))
    count = SAMPLED if is_sample else PER_RECORD
    for made in (*ground.made, "first"):
        for file in (MODEL, *RECORDS):
            for path, kind in _drawn(_record(ground.folder / made / file), f"{made} {file}", count):
                name = f"{made} {file} {'.'.join(map(str, path))} {kind}"
                yield Case(name, partial(_forged, ground, made, file, path, kind))
    for made in ground.made:
        moments = _moments(ground, MAKING[made], scratch, is_sample=is_sample)[:: 1 if made in WHOLE else EACH]
        for number, there in product(moments, (False, True)):
            yield Case(f"{made} killed at {number}{' in a folder' * there}", partial(_killed, ground, made, number, there))
        if made in LEARNING:
            for way, harm in GONE.items():
                yield Case(f"{made} half done, first {way}", partial(_orphaned, ground, made, moments[len(moments) // 2], harm))
    for number in _moments(ground, ("calibrate", "first", "--method", "temperature"), scratch, is_sample=is_sample):
        yield Case(f"calibrate killed at {number}", partial(_calibration_killed, ground, number))
    for made in ground.made:
        for way, harm in GONE.items():
            yield Case(f"{made}, first {way}", partial(_without_origin, ground, made, harm))


def _prepared(folder: Path, made: Sequence[str]) -> Ground:
    """Train what others are made of, and make them."""
    folder.mkdir()
    for name, recipe, seed in (("first", "table", "0"), ("second", "table", "1"), ("picture", "image", "0")):
        if name != "picture" or "pruned" in made:
            _do([*_train(RECIPES[recipe], folder, name), "--seed", seed], folder)
    for name in made:
        _do(MAKING[name], folder)
        (folder / "run").rename(folder / name)
    return Ground(folder, tuple(made))


def _train(recipe: Recipe, folder: Path, name: str) -> list[str]:
    """Return the words that train a recipe into a folder of this name."""
    words = recipe.train(folder)
    words[words.index("--out") + 1] = name
    return words


def _do(words: Sequence[str], folder: Path) -> Outcome:
    """Run a command that has to end well."""
    done = command(words, folder=folder, limit=600)
    assert done.code == 0, f"{words}: {done.tail}"
    return done


def _record(path: Path) -> dict[str, Any]:
    """Return what a file holds as JSON: a model's header, or all of it."""
    if path.suffix == ".json":
        return dict(json.loads(path.read_text(encoding="utf-8")))
    return dict(header_of(path)["values"])


def _drawn(record: dict[str, Any], seed: str, count: int) -> list[tuple[tuple[Any, ...], str]]:
    """Draw places in a record, and what to put there."""
    pairs = [(path, kind) for path in paths_of(record) if path for kind in ODD]
    return random.Random(seed).sample(pairs, min(count, len(pairs)))


def _forged(ground: Ground, made: str, file: str, path: tuple[Any, ...], kind: str, folder: Path) -> Verdict:
    """Put an odd value into a header or a record, sealed as if it had always been there, and ask for everything."""
    from safetensors.torch import load_file

    from tutelage.model.stored import save_tensors

    ground.lay_out(folder, made)
    target = folder / "run" / file
    record = changed(_record(target), path, ODD[kind])
    if file in RECORDS:
        target.write_text(json.dumps(record), encoding="utf-8")
    else:
        try:
            save_tensors(target, load_file(target), format=header_of(target)["format"], values=record)
        except Exception:
            # It cannot even be written so.
            return Verdict(Ending.RIGHT)
    accepted = command(["verify", "run", "--accept"], folder=folder, limit=60)
    verdict = judge(accepted, is_right=True, places=["run", target.name])
    return verdict if verdict.ending in BAD else _asked(folder, target.name)


def _asked(folder: Path, file: str, verbs: Sequence[str] = (*ASKED, "serve")) -> Verdict:
    """Ask a run for everything; what is forged may be as right as another, so only how it is taken counts."""
    worst, is_of_pictures = Verdict(Ending.RIGHT), b"pictures" in (folder / "run" / "recipe.toml").read_bytes()
    for verb in verbs:
        # What is measured needs labels, which folders of pictures have.
        picture = "pictures" if verb == "measure" else PICTURE
        words = [picture if word == "rows.csv" and is_of_pictures else word for word in ASKED.get(verb, ())]
        done = command(words, folder=folder) if words else forked(partial(_serve, folder / "run"), folder=folder)
        # What makes graphs asks whether there is a place for temporary files.
        done = Outcome(**{**vars(done), "outside": tuple(told for told in done.outside if told != "os.mkdir /tmp")})
        verdict = judge(done, is_right=False, is_harmless=True, places=[file, "run", "rows.csv", "pictures"])
        if verdict.ending in BAD:
            return Verdict(verdict.ending, f"{verb}: {verdict.seen}")
        worst = verdict if worst.ending is Ending.RIGHT else worst
    return worst


def _serve(run: Path) -> int:
    """Serve a run, and send it rows, good ones and odd ones; returns an exit code as a command does."""
    import httpx

    from tutelage.core.errors import TutelageError
    from tutelage.run.run import Run
    from tutelage.serve.app import make_app

    async def talk() -> list[int]:
        transport = httpx.ASGITransport(app=make_app(Run.open(run), token=TOKEN, most_bytes=2**20))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client:
            pages = [(await client.get(page)).status_code for page in ("/", "/docs", "/openapi.json")]
            return pages + [(await client.post("/predict", content=body)).status_code for body in BODIES]

    try:
        codes = asyncio.run(talk())
    except TutelageError as error:
        sys.stderr.write(f"tutelage serve: {error}\n")
        return error.exit_code
    return 0 if set(codes) <= {200, 400} else 1


BODIES = (
    b'{"rows": [{"size": 0.5, "form": "x"}]}',
    b'{"rows": [{"size": NaN, "form": "x"}]}',
    b'{"rows": [{"size": 1e308, "form": null}]}',
    b'{"rows": [{"size": ' + b"9" * 4_000 + b', "form": "x"}]}',
    b'{"rows": [{"size": "\\ud800", "form": true}]}',
    b'{"rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"rows": [{}, {"size": [1]}]}',
    b"\xff\xfe",
)


def _moments(ground: Ground, words: Sequence[str], scratch: Path, *, is_sample: bool) -> Sequence[int]:
    """Return the changes of the disk of an undisturbed command, from 1."""
    folder = scratch / f"count-{words[0]}-{words[1]}"
    if not folder.exists():
        folder.mkdir()
        ground.lay_out(folder)
    if (folder / "run").exists():
        shutil.rmtree(folder / "run")
    moments = range(1, number_of_changes(command(words, folder=folder, limit=600, before=kill_at(0, below=folder))) + 1)
    return random.Random(words[0]).sample(moments, SAMPLED) if is_sample else moments


def _killed(ground: Ground, made: str, number: int, is_there: bool, folder: Path) -> Verdict:
    """Kill what makes a run; what is there then is whole, or the same words make it, or go on with it."""
    ground.lay_out(folder)
    if is_there:
        (folder / "run").mkdir()
    killed = command(MAKING[made], folder=folder, limit=600, before=kill_at(number, below=folder))
    if killed.code not in (-signal.SIGKILL, 0):
        return Verdict(Ending.UNCLEAR, f"not killed: {killed.tail}")
    is_born = (folder / "run" / "plan.json").exists()
    words = MAKING[made] if not is_born or made == "student" else ("resume", "run", "--quiet")
    done = command(words, folder=folder, limit=600)
    if done.code:
        return Verdict(Ending.STUCK, f"{words[0]}: {done.tail}", 1)
    wrong = [name for name in ("result.json", MODEL) if not (folder / "run" / name).exists()]
    left = [str(path) for path in folder.rglob("*") if ".tmp" in path.name or (path.parent == folder and path.name[0] == ".")]
    stopped = json.loads((folder / "run" / "result.json").read_text())["stopped"] if not wrong else ""
    expected = json.loads((ground.folder / made / "result.json").read_text())["stopped"]
    if wrong or left or stopped != expected:
        return Verdict(Ending.SILENT, f"missing {wrong}, left over {left}, ended {stopped!r}, expected {expected!r}", 1)
    found = _asked(folder, "run", FEW)
    return Verdict(found.ending, found.seen, 1)


def _calibration_killed(ground: Ground, number: int, folder: Path) -> Verdict:
    """Kill a calibration: the scores that are told are those of the model that is there, or it is said that they may not be."""
    ground.lay_out(folder, "first")
    before = (folder / "run" / MODEL).read_bytes()
    words = ("calibrate", "run", "--data", "rows.csv", "--method", "vector", "--json")
    killed = command(words, folder=folder, before=kill_at(number, below=folder))
    if killed.code not in (-signal.SIGKILL, 0):
        return Verdict(Ending.UNCLEAR, f"not killed: {killed.tail}")
    is_other = (folder / "run" / MODEL).read_bytes() != before
    told = command(ASKED["evaluate"], folder=folder)
    warnings = " ".join(json.loads(told.out).get("warnings", ())) if not told.code else ""
    if is_other and "calibrat" not in warnings:
        return Verdict(Ending.SILENT, f"another model, and nothing of it is told: {told.tail}", 1)
    again = command(words, folder=folder)
    if again.code or "not finished" in command(ASKED["evaluate"], folder=folder).out:
        return Verdict(Ending.STUCK, again.tail, 1)
    found = _asked(folder, "run", (*FEW, "coverage"))
    return Verdict(found.ending, found.seen, 1)


def _flipped(run: Path) -> None:
    content = bytearray((run / MODEL).read_bytes())
    content[len(content) // 2] ^= 1
    (run / MODEL).write_bytes(content)


def _piped(run: Path) -> None:
    (run / MODEL).unlink()
    os.mkfifo(run / MODEL)


GONE: dict[str, Callable[[Path], object]] = {
    "gone": shutil.rmtree,
    "flipped": _flipped,
    "another": lambda run: shutil.copy(run.parent / "second" / MODEL, run / MODEL),
    "empty": lambda run: (run / MODEL).write_bytes(b""),
    "a pipe": _piped,
    "without plan": lambda run: (run / "plan.json").unlink(),
}


def _without_origin(ground: Ground, made: str, harm: Callable[[Path], object], folder: Path) -> Verdict:
    """Harm what a run was made of: it answers as before; and what makes it, or goes on with it, refuses."""
    ground.lay_out(folder, made)
    harm(folder / "first")
    found = _asked(folder, "first", ("predict", "evaluate", "report", "resume"))
    if found.ending in BAD:
        return found
    if "first" not in MAKING[made]:
        return found
    # And nothing is made of what is not whole.
    shutil.rmtree(folder / "run")
    done = command(MAKING[made], folder=folder, limit=600)
    return judge(done, is_right=False, places=["first"])


def _orphaned(ground: Ground, made: str, number: int, harm: Callable[[Path], object], folder: Path) -> Verdict:
    """Harm what a training begins with, or learns from, while it is cut off: it goes on as before, or is refused."""
    ground.lay_out(folder)
    killed = command(MAKING[made], folder=folder, limit=600, before=kill_at(number, below=folder))
    harm(folder / "first")
    done = command(("resume", "run", "--quiet"), folder=folder, limit=600)
    return replace(judge(done, is_right=True, places=["first", "run"]), kills=int(killed.code == -signal.SIGKILL))
