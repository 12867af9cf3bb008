"""Whether exported files answer as the models do: each architecture of each kind of data, in each format, fed raw rows.

    TUTELAGE_DATA=FOLDER python -m bench.exports [KIND ...] [--rows 1000] [--formats onnx torch-export safetensors]

Trains each architecture a few steps on real data, exports it, and opens the file as another program would: it is handed picture
files, cells, texts and series as they stand in the test part. Prints a line for each file: rows, the largest difference of an
answer (of a probability, or in the unit of the data), and how many labels are those of `predict`. Of models that do not answer
for rows, a line has what the export itself compared: windows, pieces of text, observations of an episode, samples.
"""

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image
from sklearn.datasets import load_digits

import tutelage
from tutelage.core import catalog
from tutelage.export import load
from tutelage.export.loaded import Loaded
from tutelage.run.run import Run

FORMATS = ("onnx", "torch-export", "safetensors")
DATA = Path(os.environ.get("TUTELAGE_DATA", ""))
MOST_TRAIN = 4_000
"""Train rows of tables and texts: a few steps learn from no more."""
ALONE = {"floor": "none", "mirror": "off", "calibrate": "none"}
"""A network that has hardly learned gets little weight beside a floor: alone, its differences show."""
NETWORK = (
    '{"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64, '
    '"vocab_size": 32000, "max_position_embeddings": 600}'
)
"""What `pretrained` holds, for texts."""
Answers = tuple[np.ndarray, list[Any]]
"""Probabilities or numbers of raw rows, and their labels."""


@dataclass(frozen=True)
class Kind:
    """A kind of data.

    Attributes:
        wishes: Arguments of `tutelage.train`, `source` among them.
        inputs: What `predict` is given; "" where the model does not answer for rows.
        ask: Hands the raw rows of the test part to an exported file.
        models: Architectures, where they are not all those that take such data.
        whole: Whether the defaults, with floor, mirror images and calibrator, are tried too.
    """

    wishes: dict[str, Any]
    inputs: Any = ""
    ask: Callable[[Loaded], Answers] | None = None
    models: tuple[str, ...] = ()
    whole: bool = True


def pictures(folder: Path, rows: int) -> Kind:
    """Handwritten digits as picture files."""
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.images))
    files: list[Path] = []
    for place, number in enumerate(order.tolist()):
        part = "test" if place < min(rows, 1_000) else "train"
        file = folder / part / str(digits.target[number]) / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[number] * 15.9).astype(np.uint8)).save(file)
        files += [file] if part == "test" else []
    files.sort()

    def ask(loaded: Loaded) -> Answers:
        return _joined(loaded, (loaded.picture(file) for file in files))

    return Kind({"source": str(folder)}, [str(file) for file in files], ask)


def table(folder: Path, rows: int) -> Kind:
    """Numbers and words of adult."""
    train, test = DATA / "adult" / "train.csv", DATA / "adult" / "test.csv"
    some, given = folder / "train.csv", folder / "given.csv"
    some.write_text("\n".join(train.read_text().splitlines()[: MOST_TRAIN + 1]) + "\n", encoding="utf-8")
    given.write_text("\n".join(test.read_text().splitlines()[: rows + 1]) + "\n", encoding="utf-8")
    with given.open(encoding="utf-8", newline="") as file:
        lines = [{name: cell.strip() for name, cell in line.items()} for line in csv.DictReader(file)]

    def ask(loaded: Loaded) -> Answers:
        cells = {}
        for one in loaded.told["inputs"]:
            own = ["" if line[one["name"]] == "?" else line[one["name"]] for line in lines]
            cells[one["name"]] = np.array(own, dtype=object) if "words" in one else np.array([float(c or "nan") for c in own])
        return _joined(loaded, [loaded.run(**cells)])

    return Kind({"source": str(some), "target": "income"}, str(given), ask)


def texts(folder: Path, rows: int) -> Kind:
    """Reviews of imdb."""
    train, test = (pq.read_table(DATA / "imdb" / f"{part}.parquet") for part in ("train", "test"))
    pq.write_table(train.slice(0, MOST_TRAIN), folder / "train.parquet")
    pq.write_table(test.slice(0, rows), folder / "given.parquet")
    reviews = test.slice(0, rows).column("review").to_pylist()

    def ask(loaded: Loaded) -> Answers:
        return _joined(loaded, (loaded.texts(reviews[start : start + 32]) for start in range(0, len(reviews), 32)))

    source = {"source": str(folder / "train.parquet"), "text": "review", "target": "sentiment"}
    return Kind(source, str(folder / "given.parquet"), ask)


def series(folder: Path, rows: int) -> Kind:
    """Daily curves of ItalyPowerDemand."""
    path = DATA / "timeseries" / "ItalyPowerDemand"
    lines = (path / "ItalyPowerDemand_TEST.ts").read_text(encoding="utf-8").split("@data")[1].split()[:rows]
    values = np.array([[float(cell) for cell in line.split(":")[0].split(",")] for line in lines])[..., None]
    given = folder / "Given_TEST.ts"
    head = (path / "ItalyPowerDemand_TEST.ts").read_text(encoding="utf-8").split("@data")[0]
    given.write_text(head + "@data\n" + "\n".join(lines) + "\n", encoding="utf-8")

    def ask(loaded: Loaded) -> Answers:
        return _joined(loaded, [loaded.run(series=values, series_length=np.full(len(values), values.shape[1]))])

    return Kind({"source": str(path)}, str(given), ask)


def forecasts(folder: Path, rows: int) -> Kind:
    """Hours of etth1."""
    lines = (DATA / "etth1" / "ETTh1.csv").read_text(encoding="utf-8").splitlines()
    (folder / "hours.csv").write_text("\n".join(lines[: MOST_TRAIN + 1]) + "\n", encoding="utf-8")
    return Kind({"source": str(folder / "hours.csv"), "task": {"kind": "forecast", "horizon": 24}})


def language(folder: Path, rows: int) -> Kind:
    """The beginning of tinyshakespeare."""
    text = (DATA / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")[:100_000]
    (folder / "play.txt").write_text(text, encoding="utf-8")
    return Kind({"source": str(folder / "play.txt"), "task": {"kind": "language", "sample_length": 0}}, whole=False)


def agents(task: str, env: str) -> Callable[[Path, int], Kind]:
    """Return a kind that acts."""
    return lambda folder, rows: Kind({"env": env, "task": task}, models=("mlp", "linear"), whole=False)


def samples(folder: Path, rows: int) -> Kind:
    """Pictures of digits that are made."""
    return Kind({"source": "sklearn:digits", "task": "generate"}, models=("dcgan", "residual_pair"), whole=False)


KINDS: dict[str, Callable[[Path, int], Kind]] = {
    "pictures": pictures,
    "table": table,
    "texts": texts,
    "series": series,
    "forecasts": forecasts,
    "language": language,
    "ppo": agents("ppo", "CartPole-v1"),
    "dqn": agents("dqn", "CartPole-v1"),
    "sac": agents("sac", "Pendulum-v1"),
    "samples": samples,
}


@dataclass
class Line:
    """One file that was tried."""

    kind: str
    model: str
    format: str
    rows: int = 0
    difference: float = float("nan")
    equal: str = ""
    note: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def say(self) -> str:
        """Return the line of the table."""
        return (
            f"| {self.kind} | {self.model} | {self.format} | {self.rows:,} | {self.difference:.1e} | {self.equal} | {self.note} |"
        )


def measure(name: str, kind: Kind, formats: Sequence[str], only: Sequence[str], folder: Path) -> Iterator[Line]:
    """Train, export and ask each architecture of a kind."""
    shape = None
    for model in kind.models or ("auto", *catalog.names("model")):
        if only and model not in only:
            continue
        if model == "auto" and not kind.whole:
            shape = tutelage.plan(**_plain(kind.wishes)).shape
            continue
        if model != "auto" and not kind.models:
            shape = shape or tutelage.plan(**_plain(kind.wishes)).shape
            if shape is None or not catalog.load("model", model).takes(shape):
                continue
        begun = time.monotonic()
        run = _trained(kind, model, folder / f"{name}-{model}")
        if isinstance(run, str):
            yield Line(name, model, "", note=run)
            continue
        shape = shape or run.decided.shape
        expected = None if kind.ask is None else run.prediction(kind.inputs)
        trained = time.monotonic() - begun
        for form in formats:
            line = _exported(Line(name, model, form, seconds={"train": trained}), run, kind, expected, folder)
            yield line


def _plain(wishes: dict[str, Any]) -> dict[str, Any]:
    # Files compute in float32; a model that answers in bfloat16 would differ by its own rounding.
    return {**wishes, "steps": 3, "precision": "float32"}


def _trained(kind: Kind, model: str, out: Path) -> Run | str:
    """Train a few steps."""
    wishes = _plain(kind.wishes)
    if model != "auto":
        wishes |= {"model": {"kind": "pretrained", "config": NETWORK} if model == "pretrained" and "text" in wishes else model}
        wishes |= ALONE if kind.ask is not None else {"floor": "none"} if isinstance(wishes.get("task"), dict) else {}
    try:
        return tutelage.train(**wishes, out=out, quiet=True)
    except tutelage.TutelageError as error:
        return str(error)


def _exported(line: Line, run: Run, kind: Kind, expected: Any, folder: Path) -> Line:
    """Export a run and ask the file."""
    suffix = catalog.load("export", line.format.replace("-", "_")).suffix
    out = folder / f"{line.kind}-{line.model}-alone" / f"model{suffix}"
    begun = time.monotonic()
    try:
        found = run.export(format=line.format, out=out)  # type: ignore[attr-defined]
        line.rows, line.difference = found.check.num_rows, found.check.max_difference
        line.seconds["export"] = time.monotonic() - begun
        if kind.ask is not None:
            answers, labels = kind.ask(load(out))
            wanted = expected.probabilities if expected.probabilities is not None else np.array(expected.labels)
            line.rows, line.difference = len(answers), float(np.abs(answers - wanted).max())
            same = sum(str(one) == str(other) for one, other in zip(labels, expected.labels, strict=True))
            line.equal = f"{same:,} of {len(labels):,}"
    except tutelage.TutelageError as error:
        line.note = str(error)
    line.seconds["all"] = time.monotonic() - begun
    return line


def _joined(loaded: Loaded, found: Any) -> Answers:
    """Join the answers of several calls, and name the labels."""
    answers = np.concatenate([np.asarray(one["probabilities"]) for one in found])
    return answers, [loaded.told["labels"][code] for code in answers.argmax(axis=1).tolist()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}; all where none is named")
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--formats", nargs="+", default=FORMATS, choices=FORMATS)
    parser.add_argument("--models", nargs="+", default=(), help="of all architectures these only")
    arguments = parser.parse_args()
    print("| data | architecture | format | rows | difference | labels equal | note |\n|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.kinds or KINDS:
        with tempfile.TemporaryDirectory() as made:
            (Path(made) / "data").mkdir()
            kind = KINDS[name](Path(made) / "data", arguments.rows)
            for line in measure(name, kind, arguments.formats, arguments.models, Path(made)):
                print(line.say(), {key: round(value, 1) for key, value in line.seconds.items()}, flush=True)


if __name__ == "__main__":
    main()
