"""What is remembered of this machine and its trainings, damaged and forged: no training fails or changes for it.

Forecasts in the cache folder, the machine file, what a checkpoint keeps of a forecast, how a plan says that steps are computed,
and the words and run folders that `estimate` is given.
"""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from tests.attack.case import Case
from tests.attack.child import Outcome, command
from tests.attack.forged_values import BOMBS, ODD, changed, header_of, paths_of
from tests.attack.recipes import RECIPES
from tests.attack.runs import Reference, equal_training, prepare
from tests.attack.verdict import BAD, Ending, Verdict, judge
from tutelage.core.sealed_record import sealed, unsealed

__all__ = ["cases"]

CACHE, HISTORY = "cache", "cache/forecasts.jsonl"
NOBODY = 65534
DRAWN = 24
SAMPLE_STRIDE = 16
LONGEST_FORECAST = 600.0
"""Seconds that a training of a moment may be told to take, however busy the machine is."""
PLACES = ("run", "plan.json", "safetensors", "devices", "price", "hardware", "flops", "FLOP", "iterations")
ESTIMATE = ("estimate", "rows.csv", "--target", "answer", "--steps", "12")


@dataclass(frozen=True)
class Ground:
    """What cases start from.

    Attributes:
        reference: A training, finished and paused, and its data.
        cache: The cache folder once the training had been made there.
        machine: A machine file as it was written, sealed.
        machine_name: Where it lies in the cache folder.
    """

    reference: Reference
    cache: Path
    machine: bytes
    machine_name: str

    def lay_out(self, folder: Path, *, state: str = "") -> None:
        """Put data, a run and the cache into a folder."""
        self.reference.copy(folder, state=state)
        shutil.copytree(self.cache, folder / CACHE)


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Give all cases, or each 16th."""
    yield from islice(_every(scratch), 0, None, SAMPLE_STRIDE if is_sample else 1)


def _every(scratch: Path) -> Iterator[Case]:
    """Damage and forge each thing that is remembered, and then give `estimate` odd words."""
    ground = _prepared(scratch)
    for kind, harm in HARMS.items():
        yield Case(f"history {kind}", partial(_damaged_history, ground, harm))
        yield Case(f"machine {kind}", partial(_damaged_machine, ground, harm))
    for number, line in enumerate((ground.cache.parent / HISTORY).read_bytes().splitlines()[:2]):
        for path, kind in _drawn(unsealed(line), f"line {number}"):
            yield Case(f"history {'.'.join(map(str, path))} {kind}", partial(_forged_line, ground, number, path, kind))
    for path, kind in _drawn(unsealed(ground.machine), "machine"):
        yield Case(f"machine {'.'.join(map(str, path))} {kind}", partial(_forged_machine, ground, path, kind))
    for path, kind in _drawn(_told(ground.reference.folder / "paused"), "told"):
        yield Case(f"checkpoint {'.'.join(map(str, path))} {kind}", partial(_forged_told, ground, path, kind))
    for kind, execution in EXECUTIONS.items():
        yield Case(f"plan {kind}", partial(_forged_execution, ground, execution))
    for words in (*REFUSED, *TAKEN):
        yield Case(f"words {' '.join(words)[:60]!r}", partial(_words, ground, words, is_refused=words in REFUSED))
    for kind, put in RUNS.items():
        yield Case(f"estimate a run {kind}", partial(_estimated_run, ground, put))


def _prepared(scratch: Path) -> Ground:
    """Train, with a cache folder that is kept, and write a machine file."""
    import torch

    from tutelage.hardware.fingerprint import fingerprint
    from tutelage.hardware.measured import MachineFile, OwnStep, machine_path
    from tutelage.hardware.point import Point

    reference = prepare("table", scratch)
    folder = scratch / "remembering"
    folder.mkdir()
    reference.copy(folder)
    done = _asked(RECIPES["table"].train(folder), folder)
    assert done.code == 0, done.tail
    kinds = (("mm", "matmul", (1, 256, 256, 256)), ("triad", "memory", ()), ("call", "dispatch", ()))
    points = tuple(
        Point(
            op=op,
            category=kind,
            dtype="float32",
            phase="forward",
            sizes="some",
            dims=dims,
            flops=1e9,
            num_bytes=1e7,
            seconds=1e-3,
        )
        for op, kind, dims in kinds
    )
    step = OwnStep(name="a table", style="autograd", features={"steps": 1.0, "calls": 1e-3}, seconds=2e-3)
    found = fingerprint(torch.device("cpu"))
    machine = MachineFile(fingerprint=found, measured_at="2026-01-02 03:04", seconds=30, points=points, own_steps=(step,))
    return Ground(
        reference, folder / CACHE, sealed(machine.model_dump(mode="json")) + b"\n", f"machine/{machine_path(found).name}"
    )


def _asked(words: Any, folder: Path, *, before: Callable[[], object] = lambda: None, user: int | None = None) -> Outcome:
    """Run a command whose cache folder is the one in its folder."""

    def begin() -> None:
        os.environ["TUTELAGE_CACHE"] = str(folder / CACHE)
        before()

    return command(words, folder=folder, before=begin, user=user)


def _drawn(record: dict[str, Any], seed: str) -> list[tuple[tuple[Any, ...], str]]:
    """Draw places in a record, and what to put there."""
    pairs = [(path, kind) for path in paths_of(record) if path for kind in ODD]
    return random.Random(seed).sample(pairs, min(DRAWN, len(pairs)))


def _trained(ground: Ground, folder: Path, *, is_doubted: bool, user: int | None = None) -> Verdict:
    """Train where a history lies; a forecast is no reason for anything else than another forecast."""
    done = _asked(RECIPES["table"].train(folder), folder, user=user)
    verdict = judge(done, is_right=equal_training(folder / "run", ground.reference), places=["nothing"])
    if verdict.ending in BAD or done.code:
        return verdict if verdict.ending in BAD else Verdict(Ending.UNCLEAR, f"refused: {done.tail}")
    told = json.loads((folder / "run" / "result.json").read_text(encoding="utf-8")).get("foresight", {})
    if is_doubted and told.get("how", "").startswith("known"):
        return Verdict(Ending.SILENT, f"a damaged history was believed: {told}")
    if is_doubted and not 0 < told.get("seconds", 1.0) < LONGEST_FORECAST:
        return Verdict(Ending.SILENT, f"an odd forecast: {told}")
    return verdict


def _damaged_history(ground: Ground, harm: Callable[[Path], object], folder: Path) -> Verdict:
    """Damage the history, and train."""
    ground.lay_out(folder)
    outside = _outside(folder)
    harm(folder / HISTORY)
    verdict = _trained(ground, folder, is_doubted=harm is not _read_only, user=NOBODY if harm is _read_only else None)
    return verdict if outside.read_text() == "mine" else Verdict(Ending.OUTSIDE, "a file was changed through a link")


def _outside(folder: Path) -> Path:
    """Make a file that nothing may change."""
    folder.chmod(0o777)
    (folder / "mine").write_text("mine")
    return folder / "mine"


def _forged_line(ground: Ground, number: int, path: tuple[Any, ...], kind: str, folder: Path) -> Verdict:
    """Put an odd value into a line of the history, sealed as if it had always been there."""
    ground.lay_out(folder)
    lines = (folder / HISTORY).read_bytes().splitlines()
    lines[number] = sealed(changed(unsealed(lines[number]), path, ODD[kind]))
    (folder / HISTORY).write_bytes(b"\n".join(lines) + b"\n")
    return _trained(ground, folder, is_doubted=False)


def _shown(ground: Ground, folder: Path, *, user: int | None = None) -> tuple[Verdict, bool]:
    """Ask for this machine; it is quickly measured anew here. Return whether the file was taken too."""

    def quickly() -> None:
        from tutelage.hardware.measured import MachineFile
        from tutelage.run import machine

        record = unsealed(ground.machine)
        machine.measure_machine = lambda *_, **__: MachineFile.model_validate(record)
        machine.measure_own_steps = lambda *_, **__: ()

    words = ["hardware", "--device", "cpu"]
    plain = _asked(words, folder, before=quickly, user=user)
    first = judge(plain, is_right="\x1b" not in plain.out + plain.err, places=["hardware", "machine"])
    done = _asked([*words, "--json"], folder, before=quickly, user=user)
    second = judge(done, is_right="Infinity" not in done.out, places=["hardware", "machine"])
    taken = not done.code and not json.loads(done.out)["measured_now"]
    return (first if first.ending in BAD else second), taken


def _damaged_machine(ground: Ground, harm: Callable[[Path], object], folder: Path) -> Verdict:
    """Damage the machine file, and ask for the machine twice; a file that was changed is not taken."""
    ground.lay_out(folder)
    outside, file = _outside(folder), folder / CACHE / ground.machine_name
    file.parent.mkdir()
    file.write_bytes(ground.machine)
    harm(file)
    before = file.read_bytes() if file.is_file() and file.stat().st_size < len(BOMBS) * 2**20 else b""
    verdict, _ = _shown(ground, folder, user=NOBODY if harm is _read_only else None)
    if before and before != ground.machine and file.is_file() and file.read_bytes() == before and verdict.ending not in BAD:
        return Verdict(Ending.SILENT, "a damaged machine file stayed")
    return verdict if outside.read_text() == "mine" else Verdict(Ending.OUTSIDE, "a file was changed through a link")


def _forged_machine(ground: Ground, path: tuple[Any, ...], kind: str, folder: Path) -> Verdict:
    """Put an odd value into the machine file, sealed, and ask for the machine."""
    ground.lay_out(folder)
    file = folder / CACHE / ground.machine_name
    file.parent.mkdir()
    file.write_bytes(sealed(changed(unsealed(ground.machine), path, ODD[kind])) + b"\n")
    return _shown(ground, folder)[0]


def _told(run: Path) -> dict[str, Any]:
    """Return what the newest checkpoint of a run keeps of its forecast, under its key."""
    newest = max((run / "steps").glob("*.safetensors"))
    return {"foresight": header_of(newest)["values"]["outside"]["foresight"]}


def _forged_told(ground: Ground, path: tuple[Any, ...], kind: str, folder: Path) -> Verdict:
    """Put an odd value into what all checkpoints keep of the forecast, and go on."""
    from safetensors.torch import load_file

    from tutelage.model.stored import save_tensors

    ground.lay_out(folder, state="paused")
    for file in (folder / "run" / "steps").glob("*.safetensors"):
        header, tensors = header_of(file), load_file(file)
        values = changed(header["values"], ("outside",), changed(header["values"]["outside"], path, ODD[kind]))
        try:
            save_tensors(file, tensors, format=header["format"], values=values)
        except Exception:
            # It cannot even be written so.
            return Verdict(Ending.RIGHT)
    return _went_on(ground, folder)


def _forged_execution(ground: Ground, execution: Any, folder: Path) -> Verdict:
    """Let the plan say how steps are computed, and go on."""
    ground.lay_out(folder, state="paused")
    plan = folder / "run" / "plan.json"
    plan.write_text(json.dumps({**json.loads(plan.read_text(encoding="utf-8")), "execution": execution}), encoding="utf-8")
    return _went_on(ground, folder)


def _went_on(ground: Ground, folder: Path) -> Verdict:
    """Take all files as they are, and go on with the run."""
    accepted = judge(_asked(["verify", "run", "--accept"], folder), is_right=True, places=PLACES)
    if accepted.ending in BAD:
        return accepted
    done = _asked(["resume", "run", "--quiet"], folder)
    return judge(done, is_right=equal_training(folder / "run", ground.reference), places=PLACES)


def _words(ground: Ground, words: tuple[str, ...], folder: Path, *, is_refused: bool) -> Verdict:
    """Give a command odd words."""
    ground.lay_out(folder)
    done = _asked([*words, "--json"], folder)
    if is_refused != bool(done.code):
        return Verdict(Ending.SILENT if is_refused else Ending.UNCLEAR, done.tail)
    return judge(done, is_right="Infinity" not in done.out and "NaN" not in done.out, places=PLACES)


def _estimated_run(ground: Ground, put: Callable[[Path], object], folder: Path) -> Verdict:
    """Ask how long a run with something odd in it will take; it stays as it is."""
    ground.lay_out(folder, state="run" if put is _nothing else "paused")
    put(folder / "run")
    before = sorted(str(path) for path in (folder / "run").rglob("*"))
    done = _asked(["estimate", "run", "--json"], folder)
    if sorted(str(path) for path in (folder / "run").rglob("*")) != before:
        return Verdict(Ending.OUTSIDE, "the run was changed")
    return judge(done, is_right=True, places=PLACES)


def _nothing(run: Path) -> None:
    """Leave a run as it is."""


def _replaced(name: str, put: Callable[[Path], object]) -> Callable[[Path], None]:
    """Return what puts something else in the place of a file of a run."""

    def replace(run: Path) -> None:
        (run / name).unlink(missing_ok=True)
        put(run / name)

    return replace


RUNS: dict[str, Callable[[Path], object]] = {
    "that has ended": _nothing,
    "with a pipe beside": lambda run: os.mkfifo(run / "pipe"),
    "with a pipe as its log": _replaced("metrics.jsonl", os.mkfifo),
    "with an endless link beside": lambda run: (run / "endless").symlink_to("/dev/zero"),
    "with an endless link as its result": _replaced("result.json", lambda path: path.symlink_to("/dev/zero")),
    "with a link to itself": lambda run: (run / "again").symlink_to(run),
    "without its plan": lambda run: (run / "plan.json").unlink(),
    "without its checkpoints": lambda run: shutil.rmtree(run / "steps"),
    "with a flipped checkpoint": lambda run: _digit(max((run / "steps").glob("*"))),
}
"""What lies in a run that `estimate` is asked about."""


def _put(content: Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda file: file.write_bytes(content()) and None


def _digit(file: Path) -> None:
    """Change a digit in each line."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(line.translate(bytes.maketrans(b"0123456789", b"1234567890")) for line in lines))


def _torn(file: Path) -> None:
    """Cut each line off."""
    file.write_bytes(b"".join(line[: len(line) // 2] for line in file.read_bytes().splitlines()))


def _instead(put: Callable[[Path], object]) -> Callable[[Path], None]:
    """Return what puts something else in the place of a file."""

    def replace(file: Path) -> None:
        file.unlink()
        put(file)

    return replace


def _read_only(file: Path) -> None:
    """Let nobody write into the cache folder."""
    file.chmod(0o444)
    for folder in (file.parent, *file.parents[:2]):
        folder.chmod(0o555 if CACHE in str(folder) else 0o777)


HARMS: dict[str, Callable[[Path], object]] = {
    **{kind: _put(make) for kind, make in BOMBS.items() if "toml" not in kind},
    "another digit": _digit,
    "torn": _torn,
    "empty": _put(lambda: b""),
    "long line": _put(lambda: b"x" * 3_000_000),
    "endless": lambda file: os.truncate(file, 100 * 2**30),
    "a pipe": _instead(os.mkfifo),
    "a folder": _instead(lambda file: file.mkdir()),
    "a device": _instead(lambda file: file.symlink_to("/dev/zero")),
    "a link": _instead(lambda file: file.symlink_to("/".join([".."] * 2) + "/mine" if "machine" in str(file) else "../mine")),
    "a dangling link": _instead(lambda file: file.symlink_to("nowhere")),
    "read-only": _read_only,
}
"""What is done to a file in the cache folder."""
WAY = {"precision": "float32", "memory_format": "channels_last", "compile": "none", "step_seconds": 0.1}
EXECUTIONS: dict[str, Any] = {
    "as it came": {"memory_format": "contiguous", "tried": []},
    "channels last": {"memory_format": "channels_last", "tried": [WAY]},
    "no such format": {"memory_format": "sideways"},
    "a list": [],
    "a word": "fast",
    "another key": {"memory_format": "contiguous", "odd": 1},
    "negative seconds": {"tried": [{**WAY, "step_seconds": -1}]},
    "huge seconds": {"tried": [{**WAY, "step_seconds": 10**400}]},
    "a cosine of 5": {"tried": [{**WAY, "cosine": 5}]},
    "another compiler": {"tried": [{**WAY, "compile": "os.system"}]},
    "many ways": {"tried": [WAY] * 100_000},
    "seconds as text": {"tried": [{**WAY, "step_seconds": "0.1"}]},
}
REFUSED: tuple[tuple[str, ...], ...] = (
    ("estimate", "--flops", "nan", "--iterations", "1", "--flops-per-iteration", "1"),
    ("estimate", "--flops", "1", "--iterations", "1e308", "--flops-per-iteration", "1e308"),
    ("estimate", "--flops", "1e12", "--iterations", "-1", "--flops-per-iteration", "1"),
    ("estimate", "--flops", "9" * 5_000, "--iterations", "1", "--flops-per-iteration", "1"),
    *((*ESTIMATE, "--devices", number) for number in ("0", "-1", "1.5", "1e30", "1e400", "nan", "many")),
    *((*ESTIMATE, "--price", number) for number in ("-1", "nan", "1e400", "1e300", "free")),
    *((*ESTIMATE, "--hardware", name) for name in ("\x1b[2J", "../../etc/passwd", "A" * 10_000, "\u0661\u0660\u0660")),
)
TAKEN: tuple[tuple[str, ...], ...] = (
    (*ESTIMATE, "--hardware", "A100", "--devices", "1000000", "--price", "1e12"),
    (*ESTIMATE, "--set", "save.every_seconds=5e-324"),
    ("train", "rows.csv", "--target", "answer", "--steps", "12", "--set", "save.every_seconds=5e-324", "--out", "other"),
    ("train", "rows.csv", "--target", "answer", "--steps", "4", "--set", "stopping.patience=1e-300", "--out", "other"),
)
