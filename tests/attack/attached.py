"""What leaves beside a network, forged: a judge of samples, counted runs of tokens; and odd texts for a language model.

Each of both models begins with its own finished run.
"""

import os
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.attack.case import Case
from tests.attack.child import Outcome, command
from tests.attack.forged_values import ODD, changed, header_of, paths_of
from tests.attack.runs import Reference, prepare
from tests.attack.verdict import BAD, Ending, Verdict, judge

__all__ = ["cases"]

MODELS = ("best/predictor.safetensors", "last/predictor.safetensors")
VERBS: dict[str, tuple[tuple[str, ...], ...]] = {
    "gan": (
        ("generate", "run", "--num", "7", "--json"),
        ("evaluate", "run", "--json"),
        ("export", "run", "--format", "safetensors", "--json"),
        ("report", "run"),
        ("runs", ".", "--json"),
    ),
    "language": (
        ("generate", "run", "--length", "9", "--json"),
        ("evaluate", "run", "--json"),
        ("evaluate", "run", "words.txt", "--json"),
        ("report", "run"),
        ("runs", ".", "--json"),
    ),
}
KEYS = {"gan": "judge", "language": "companion"}
DRAWN, SAMPLED = 24, 2
SAMPLE_STRIDE = 9

Tensors = dict[str, Any]


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Forge what is said of a judge and of counts, and their numbers; and ask a language model about odd texts."""
    for name, prefix, harms in (("gan", "judge/", JUDGES), ("language", "floor/", COUNTS)):
        reference = _prepared(name, scratch)
        values = header_of(reference.folder / "run" / MODELS[0])["values"]
        pairs = [(path, kind) for path in paths_of({KEYS[name]: values[KEYS[name]]}) if path for kind in ODD]
        count = SAMPLED if is_sample else DRAWN
        for path, kind in random.Random(name).sample(pairs, min(count, len(pairs))):
            yield Case(f"{name} {'.'.join(map(str, path))} {kind}", partial(_forged_value, reference, path, kind))
        for kind, harm in list(harms.items())[:: SAMPLE_STRIDE if is_sample else 1]:
            yield Case(f"{name} {prefix} {kind}", partial(_forged_tensors, reference, prefix, harm))
    for kind, write in list(TEXTS.items())[:: SAMPLE_STRIDE if is_sample else 1]:
        yield Case(f"language text {kind}", partial(_odd_text, reference, write))


def _prepared(name: str, scratch: Path) -> Reference:
    """Train a recipe, and attach to its model what a longer training might have."""
    import numpy as np
    import torch

    from tutelage.floor.n_grams import CountedRuns, NGrams
    from tutelage.model.arch.mlp import MLP
    from tutelage.model.layers.rejecting import Judge
    from tutelage.predictor.companion import FloorShare
    from tutelage.predictor.predictor import Predictor, load_predictor

    (scratch / "attached").mkdir(exist_ok=True)
    reference = prepare(name, scratch / "attached")
    run = reference.folder / "run"

    def attached(found: Predictor) -> Predictor:
        from dataclasses import replace

        if name == "gan":
            assert found.fitted is not None
            torch.manual_seed(0)
            model = MLP(hidden=(8,))
            return replace(found, judge=Judge(model, model.build(found.fitted.shape, 1).eval(), 0.0))
        size = found.num_outputs
        tokens = np.random.default_rng(0).integers(size, size=500)
        return replace(found, companion=FloorShare(CountedRuns(), NGrams.fit(tokens, vocabulary_size=size), 0.5))

    for file in MODELS:
        if (run / file).exists():
            attached(load_predictor(run / file)).save(run / file)
    for words in (("verify", "run", "--accept"), *VERBS[name]):
        done = command(words, folder=reference.folder)
        assert done.code == 0, f"{words}: {done.tail}"
    return reference


def _forged_value(reference: Reference, path: tuple[Any, ...], kind: str, folder: Path) -> Verdict:
    """Put an odd value into the header of the model, sealed."""
    return _forged(reference, folder, values=lambda values: changed(values, path, ODD[kind]))


def _forged_tensors(reference: Reference, prefix: str, harm: Callable[[Tensors], object], folder: Path) -> Verdict:
    """Change tensors, sealed."""

    def change(tensors: Tensors) -> Tensors:
        own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        harm(own)
        others = {name: tensor for name, tensor in tensors.items() if not name.startswith(prefix)}
        return others | {prefix + name: tensor for name, tensor in own.items()}

    return _forged(reference, folder, tensors=change)


def _forged(
    reference: Reference,
    folder: Path,
    *,
    values: Callable[[dict[str, Any]], dict[str, Any]] = lambda values: values,
    tensors: Callable[[Tensors], Tensors] = lambda tensors: tensors,
) -> Verdict:
    """Write the model anew, and ask for everything."""
    from safetensors.torch import load_file

    from tutelage.model.stored import save_tensors

    reference.copy(folder, state="run")
    target = folder / "run" / MODELS[0]
    header, numbers = header_of(target), load_file(target)
    try:
        save_tensors(target, tensors(numbers), format=header["format"], values=values(header["values"]))
    except Exception:
        # It cannot even be written so.
        return Verdict(Ending.RIGHT)
    worst = Verdict(Ending.RIGHT)
    for words in (("verify", "run", "--accept"), *VERBS[reference.name]):
        verdict = _judged(command(words, folder=folder, limit=60), places=[target.name, "run"])
        if verdict.ending in BAD:
            return Verdict(verdict.ending, f"{words[0]}: {verdict.seen}")
        worst = verdict if worst.ending is Ending.RIGHT else worst
    return worst


def _judged(done: Outcome, *, places: list[str]) -> Verdict:
    """Judge a command about something forged, which may be as right as another; its numbers are none that JSON does not have."""
    if any(word in done.out for word in ("NaN", "Infinity")):
        return Verdict(Ending.SILENT, done.tail)
    # What makes graphs asks whether there is a place for temporary files.
    outside = tuple(told for told in done.outside if told != "os.mkdir /tmp")
    return judge(Outcome(**{**vars(done), "outside": outside}), is_right=False, is_harmless=True, places=places)


def _odd_text(reference: Reference, write: Callable[[Path], object], folder: Path) -> Verdict:
    """Measure a language model on a text, and let it go on from it."""
    reference.copy(folder, state="run")
    write(folder / "other.txt")
    worst = Verdict(Ending.RIGHT)
    asked = (("evaluate", "run", "other.txt", "--json"), ("generate", "run", "--length", "3", "--prompt-file", "other.txt"))
    # A prompt may come out of a pipe, and is waited for like any: this one stays empty.
    for words in asked[: 1 if (folder / "other.txt").is_fifo() else 2]:
        verdict = _judged(command(words, folder=folder, limit=60), places=["other.txt", "b.txt"])
        if verdict.ending in BAD:
            return Verdict(verdict.ending, f"{words[0]}: {verdict.seen}")
        worst = verdict if worst.ending is Ending.RIGHT else worst
    return worst


def _written(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def _folder(**files: bytes) -> Callable[[Path], None]:
    """Return what makes a folder of files."""

    def write(path: Path) -> None:
        path.mkdir()
        for name, content in files.items():
            (path / name.replace("__", ".")).write_bytes(content)

    return write


PROSE = b"the quick brown fox jumps over the lazy dog and then sleeps " * 20
TEXTS: dict[str, Callable[[Path], object]] = {
    "plain": _written(PROSE),
    "empty": _written(b""),
    "one letter": _written(b"a"),
    "two letters": _written(b"ab"),
    "blanks": _written(b" \n\t\r\n " * 9),
    "mark": _written(b"\xef\xbb\xbf" + PROSE),
    "utf-16": _written(PROSE.decode().encode("utf-16")),
    "latin-1": _written(PROSE + "stra\u00dfe".encode("latin-1")),
    "zeros": _written(b"\0" * 5_000),
    "a zero within": _written(PROSE + b"\0" + PROSE),
    "half characters": _written(PROSE + "\ud83d".encode("utf-8", "surrogatepass")),
    "escapes": _written(b"\x1b[2J\x1b]0;mine\x07" * 50),
    "emoji": _written("\U0001f408".encode() * 2_000),
    "nothing known": _written("\u4e2d\u6587".encode() * 2_000),
    "one letter a million times": _written(b"e" * 1_000_000),
    "old line ends": _written(PROSE.replace(b" ", b"\r")),
    "line separators": _written(PROSE.replace(b" ", "\u2028".encode())),
    "cut": _written(PROSE + "\u4e2d".encode()[:2]),
    "a table": _written(b"size,form,answer\n1,x,no\n2,y,yes\n" * 40),
    "a picture": _written(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9),
    "packed": _written(b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"\0" * 90),
    "an empty folder": _folder(),
    "a folder of texts": _folder(a__txt=PROSE, b__txt=PROSE),
    "a folder with an odd file": _folder(a__txt=PROSE, b__txt=bytes(range(256)) * 9),
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to the run": lambda path: path.symlink_to("run"),
    "nothing there": lambda path: None,
    "endless": lambda path: (path.touch(), os.truncate(path, 100 * 2**30)),
}
"""What a language model is asked about."""


def _each(change: Callable[[Any], Any]) -> Callable[[Tensors], None]:
    """Return what changes every tensor."""

    def harm(tensors: Tensors) -> None:
        for name, tensor in tensors.items():
            tensors[name] = change(tensor).contiguous()

    return harm


def _first() -> Any:
    """Return the place of the first number."""
    import torch

    return torch.tensor([0])


def _last(change: Callable[[Any], Any]) -> Callable[[Tensors], None]:
    """Return what changes the last tensor."""

    def harm(tensors: Tensors) -> None:
        name = max(tensors)
        tensors[name] = change(tensors[name]).contiguous()

    return harm


ALIKE: dict[str, Callable[[Tensors], object]] = {
    "none": lambda tensors: tensors.clear(),
    "one less": lambda tensors: tensors.popitem(),
    "one more": lambda tensors: tensors.update(odd=next(iter(tensors.values())).clone()),
    "other names": lambda tensors: tensors.update({f"{name}.odd": tensors.pop(name) for name in list(tensors)}),
    "empty": _each(lambda tensor: tensor[:0]),
    "one number": _last(lambda tensor: tensor.reshape(-1)[0]),
    "as booleans": _last(lambda tensor: tensor.bool()),
    "as complex numbers": _last(lambda tensor: tensor.cfloat()),
    "longer": _last(lambda tensor: tensor.repeat(3, *[1] * (tensor.dim() - 1))),
    "deeper": _last(lambda tensor: tensor[None]),
}
JUDGES: dict[str, Callable[[Tensors], object]] = {
    **ALIKE,
    "not a number": _each(lambda tensor: tensor * float("nan")),
    "infinite": _each(lambda tensor: tensor + float("inf")),
    "large": _each(lambda tensor: tensor * 1e38),
    "in double": _each(lambda tensor: tensor.double()),
    "in bfloat16": _each(lambda tensor: tensor.bfloat16()),
    "next to nothing": _each(lambda tensor: tensor * 1e-42),
    "one number that is none": _last(
        lambda tensor: tensor.reshape(-1).clone().index_fill(0, _first(), float("nan")).view_as(tensor)
    ),
    "never content": _last(lambda tensor: tensor * 0 - 1e30),
    "always content": _last(lambda tensor: tensor * 0 + 1e30),
    "whole": _each(lambda tensor: tensor.long()),
}
COUNTS: dict[str, Callable[[Tensors], object]] = {
    **ALIKE,
    "zeros": _each(lambda tensor: tensor * 0),
    "negative": _each(lambda tensor: -tensor),
    "turned": _each(lambda tensor: tensor.flip(0)),
    "keys and counts exchanged": lambda tensors: tensors.update(
        {name.replace("keys", "counts"): tensors[name] for name in list(tensors) if name.startswith("keys")}
    ),
    "counts of zero": lambda tensors: tensors.update(
        {name: tensors[name] * 0 for name in list(tensors) if name.startswith("counts")}
    ),
    "huge counts": lambda tensors: tensors.update(
        {name: tensors[name] * 0 + 2**31 - 1 for name in list(tensors) if name.startswith("counts")}
    ),
    "huge keys": lambda tensors: tensors.update({name: tensors[name] + 2**62 for name in list(tensors) if "keys" in name}),
    "in halves": _each(lambda tensor: tensor.half()),
    "in bytes": _each(lambda tensor: tensor.byte()),
    "twins": _each(lambda tensor: tensor.repeat_interleave(2)),
    "keys of a larger vocabulary": lambda tensors: tensors.update(
        {name: tensors[name] * 3 for name in list(tensors) if name.startswith("keys")}
    ),
    "keys as fractions": lambda tensors: tensors.update(
        {name: tensors[name].double() for name in list(tensors) if name.startswith("keys")}
    ),
    "only the first run of each length": _each(lambda tensor: tensor[:1]),
    "lengths exchanged": lambda tensors: tensors.update(
        {f"{kind}.0": tensors[f"{kind}.1"] for kind in ("keys", "counts") if f"{kind}.1" in tensors}
    ),
}
