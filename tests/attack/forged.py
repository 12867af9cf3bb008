"""Forged artefacts: bombs, odd values in all records, headers of models and checkpoints that lie; hashes made to fit."""

import json
import os
import random
import struct
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from tests.attack.case import Case
from tests.attack.child import command
from tests.attack.forged_values import BOMBS, DEEP, ODD, changed, header_of, paths_of
from tests.attack.recipes import RECIPES
from tests.attack.runs import Reference, prepare
from tests.attack.verdict import BAD, Ending, Verdict, judge

__all__ = ["cases"]

RECORDS = ("plan.json", "result.json", "data.json", "env.json")
LOGS = ("events.jsonl", "metrics.jsonl", "manifest.jsonl")
VERBS = {"run": ("evaluate", "predict", "report", "runs", "resume"), "paused": ("resume",)}
PER_RECORD = 120
"""Pairs of a place in a record and an odd value, drawn from all that there are."""

SAMPLE_STRIDE = 7


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Forge records, logs, models and checkpoints."""
    yield from islice(_every(scratch, is_sample=is_sample), 0, None, SAMPLE_STRIDE if is_sample else 1)


def _every(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Give all cases, of one recipe for a sample."""
    for name in ("table",) if is_sample else ("table", "ppo", "language"):
        reference = prepare(name, scratch)
        for state in VERBS:
            for file in (*RECORDS, *LOGS, "recipe.toml", ".lock.owner"):
                for kind, make in list(BOMBS.items())[:: 9 if is_sample else 1]:
                    yield Case(f"{name} {state} {file} {kind}", partial(_bomb, reference, state, file, make))
                yield Case(f"{name} {state} {file} endless", partial(_endless, reference, state, file))
            for file in RECORDS:
                if (reference.folder / state / file).exists():
                    yield from _odd_values(reference, state, file, 4 if is_sample else PER_RECORD)
            yield from _odd_headers(reference, state, 4 if is_sample else PER_RECORD)
            for file in _containers(reference.folder / state):
                for kind, write in CONTAINERS.items():
                    yield Case(f"{name} {state} {file} {kind}", partial(_container, reference, state, file, write))
                for format_name in FORMATS:
                    told = f"{name} {state} {file} of format {format_name[:20]!r}"
                    yield Case(told, partial(_of_format, reference, state, file, format_name))


def _bomb(reference: Reference, state: str, file: str, make: Callable[[], bytes], folder: Path) -> Verdict:
    """Put a bomb in a file's place."""
    reference.copy(folder, state=state)
    (folder / "run" / file).write_bytes(make())
    return _asked(reference, state, file, folder)


def _endless(reference: Reference, state: str, file: str, folder: Path) -> Verdict:
    """Put a file of 100 GB, which takes no room, in a file's place."""
    reference.copy(folder, state=state)
    path = folder / "run" / file
    path.touch()
    os.truncate(path, 100 * 2**30)
    return _asked(reference, state, file, folder)


def _asked(reference: Reference, state: str, file: str, folder: Path) -> Verdict:
    """Run every verb; a file that is forged may be as right as another, so only how it is taken counts."""
    worst = Verdict(Ending.RIGHT)
    for verb in VERBS[state]:
        words = {"predict": ["predict", "run", RECIPES[reference.name].ask or "rows.csv", "--json"], "runs": ["runs", "."]}
        outcome = command(words.get(verb, [verb, "run"]), folder=folder, limit=60)
        places = [Path(file).name, "run"]
        verdict = judge(outcome, is_right=False, is_harmless=True, places=places)
        if verdict.ending in BAD:
            return Verdict(verdict.ending, f"{verb}: {verdict.seen}")
        worst = verdict if worst.ending is Ending.RIGHT else worst
    return worst


def _odd_values(reference: Reference, state: str, file: str, count: int) -> Iterator[Case]:
    """Draw places in a record, and what to put there."""
    record = json.loads((reference.folder / state / file).read_text(encoding="utf-8"))
    pairs = [(path, kind) for path in paths_of(record) for kind in ODD]
    for path, kind in random.Random(file + state).sample(pairs, min(count, len(pairs))):
        name = f"{reference.name} {state} {file} {'.'.join(map(str, path))} {kind}"
        yield Case(name, partial(_odd_value, reference, state, file, path, kind))


def _odd_value(reference: Reference, state: str, file: str, path: tuple[Any, ...], kind: str, folder: Path) -> Verdict:
    """Put an odd value into a record, and take the hash along."""
    reference.copy(folder, state=state)
    target = folder / "run" / file
    record = json.loads(target.read_text(encoding="utf-8"))
    target.write_text(json.dumps(changed(record, path, ODD[kind])), encoding="utf-8")
    accept = command(["verify", "run", "--accept"], folder=folder, limit=60)
    verdict = judge(accept, is_right=True, places=["run"])
    return verdict if verdict.ending in BAD else _asked(reference, state, file, folder)


def _containers(run: Path) -> list[str]:
    """Name a run's models and its newest checkpoint."""
    models = [str(path.relative_to(run)) for path in sorted(run.glob("*/predictor.safetensors"))]
    return [*models, *(str(path.relative_to(run)) for path in sorted((run / "steps").glob("*.safetensors"))[-1:])]


def _odd_headers(reference: Reference, state: str, count: int) -> Iterator[Case]:
    """Draw places in the values that models and checkpoints hold."""
    for file in _containers(reference.folder / state):
        values = _values(reference.folder / state / file)
        pairs = [(path, kind) for path in paths_of(values) for kind in ODD]
        for path, kind in random.Random(file + state).sample(pairs, min(count, len(pairs))):
            name = f"{reference.name} {state} {file} {'.'.join(map(str, path))} {kind}"
            yield Case(name, partial(_odd_header, reference, state, file, path, kind))


def _values(path: Path) -> dict[str, Any]:
    """Return the values in the header of a file."""
    return header_of(path)["values"]


def _odd_header(reference: Reference, state: str, file: str, path: tuple[Any, ...], kind: str, folder: Path) -> Verdict:
    """Put an odd value into a header, sealed as if it had always been there."""
    from safetensors.torch import load_file

    from tutelage.model.stored import save_tensors

    reference.copy(folder, state=state)
    target = folder / "run" / file
    header, tensors = header_of(target), load_file(target)
    values = changed(header["values"], path, ODD[kind])
    if not isinstance(values, dict):
        return Verdict(Ending.RIGHT)
    try:
        save_tensors(target, tensors, format=header["format"], values=values)
    except Exception:
        return Verdict(Ending.RIGHT)
    accept = command(["verify", "run", "--accept"], folder=folder, limit=60)
    verdict = judge(accept, is_right=True, places=["run", Path(file).name])
    return verdict if verdict.ending in BAD else _asked(reference, state, file, folder)


def _container(reference: Reference, state: str, file: str, write: Callable[[Path], None], folder: Path) -> Verdict:
    """Put something that is hardly a container in a model's or a checkpoint's place."""
    reference.copy(folder, state=state)
    write(folder / "run" / file)
    return _asked(reference, state, file, folder)


def _of_format(reference: Reference, state: str, file: str, format_name: str, folder: Path) -> Verdict:
    """Let a model or a checkpoint say that it is of another format, such as that of an older version; sealed."""
    from safetensors.torch import load_file

    from tutelage.model.stored import save_tensors

    reference.copy(folder, state=state)
    target = folder / "run" / file
    save_tensors(target, load_file(target), format=format_name, values=_values(target))
    accept = command(["verify", "run", "--accept"], folder=folder, limit=60)
    verdict = judge(accept, is_right=True, places=["run", Path(file).name])
    return verdict if verdict.ending in BAD else _asked(reference, state, file, folder)


def _raw(header: bytes, body: bytes = b"") -> Callable[[Path], None]:
    return lambda path: path.write_bytes(struct.pack("<Q", len(header)) + header + body) and None


def _many_entries() -> bytes:
    return json.dumps({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(200_000)}).encode()


FORMATS = ("predictor-3", "checkpoint-3", "ensemble-1", "predictor-4", "checkpoint-4", "", "\x1b[2J", "x" * 1_000_000)
"""Names of formats: of older versions, of other files, and none."""
CONTAINERS: dict[str, Callable[[Path], None]] = {
    "empty": lambda path: path.write_bytes(b"") and None,
    "endless": lambda path: os.truncate(path, 100 * 2**30),
    "long header": lambda path: path.write_bytes(struct.pack("<Q", 2**63) + b"{}") and None,
    "no header": _raw(b""),
    "deep header": _raw(b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "deep entry": _raw(json.dumps({"__metadata__": {"tutelage": "[" * DEEP + "]" * DEEP}}).encode()),
    "numbers for text": _raw(b'{"__metadata__": {"tutelage": 5}}'),
    "many entries": lambda path: _raw(_many_entries())(path),
    "overlapping": _raw(
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
        b"\0" * 12,
    ),
    "huge shape": _raw(b'{"a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,8]}}', b"\0" * 8),
    "pickle": lambda path: path.write_bytes(b"\x80\x04cos\nsystem\n(S'touch owned'\ntR.") and None,
    "zip": lambda path: path.write_bytes(b"PK\x03\x04" + b"\0" * 100) and None,
}
