"""What each verb does, and how it is typed: what `tutelage --help` and the help of each verb begin and end with."""

import argparse
import textwrap
from dataclasses import dataclass

from tutelage.cli.failure import Parser

__all__ = ["AS_JSON", "A_RUN", "BAD_DATA", "NEW_RUN", "VERBS", "Layout", "Verb", "add_verb"]

A_RUN, AS_JSON = "the folder of a run, such as runs/houses-001", "write one JSON object to standard output"
BAD_DATA = "leave items out that cannot be read, and list them, instead of refusing all (default: fail)"
NEW_RUN = "folder of the new run (default: a new one below runs/)"
"""Help of words that several verbs take."""


@dataclass(frozen=True)
class Verb:
    """What is told of one verb.

    Attributes:
        meaning: In the list of all verbs; a phrase.
        does: What it does, reads and writes; whole sentences.
        examples: Command lines without the program's name.
    """

    meaning: str
    does: str
    examples: tuple[str, ...]


VERBS = {
    "train": Verb(
        "train a model on data",
        "Train a model on data and write a run folder: the model, its scores and a report. Whatever you leave open is decided "
        "from the data; each decision is told with its reason.",
        ("train photos/ --time 5m", "train houses.csv --target price", "train --recipe mine.toml"),
    ),
    "plan": Verb(
        "show every decision and its reason, without training",
        "Read the data, decide everything that `train` with the same words would decide, and say why. Nothing is trained or "
        "written.",
        ("plan houses.csv --target price",),
    ),
    "estimate": Verb(
        "say how long a training will take, before it starts",
        "Say how long `train` with the same words would take, with intervals, what the time consists of, memory and cost. The "
        "training is tried for some seconds; nothing is left behind. SOURCE may also be the run folder of an interrupted "
        "training: then the time that is left.",
        (
            "estimate photos/ --epochs 20",
            'estimate photos/ --epochs 20 --hardware "A100 80GB" --price 2',
            "estimate --flops-per-iteration 1e12 --iterations 100 --flops 10e12",
        ),
    ),
    "resume": Verb(
        "go on with an interrupted training, bit for bit",
        "Go on with a training that was stopped by Ctrl-C, a kill or a power cut, from its newest intact checkpoint. On the same "
        "kind of machine the result is the same, bit for bit, as without the break. A run that has ended stays as it is.",
        ("resume runs/houses-001",),
    ),
    "evaluate": Verb(
        "measure a run's model on data with labels",
        "Measure a run's model on data with labels, or on the test part that the run kept apart.",
        ("evaluate runs/houses-001", "evaluate runs/houses-001 more.csv", "evaluate runs/CartPole-v1-001 --episodes 100"),
    ),
    "play": Verb(
        "draw one episode of an agent",
        "Let an agent act in its environment for one episode, and draw it as an animation.",
        ("play runs/CartPole-v1-001 --out rollout.gif",),
    ),
    "predict": Verb(
        "answer for new data",
        "Let a run's model answer for new rows, images, texts or series: one line for each on standard output, or a file. A "
        "model of series with times says what comes after a table, with quantiles.",
        (
            "predict runs/houses-001 new.csv --out answers.csv",
            "predict runs/photos-001 cat.jpg more/ --json",
            'echo "a fine film" | tutelage predict runs/reviews-001 -',
        ),
    ),
    "distill": Verb(
        "train a smaller network with a larger one as its teacher",
        "Train a smaller network that learns from the labels and from what trained models say of each row. The same network is "
        "trained without teachers too, and all are compared.",
        ("distill runs/houses-001", "distill runs/houses-001 runs/houses-002 --student tiny --epochs 20"),
    ),
    "generate": Verb(
        "write text, or make samples like the data",
        "Let a language model write texts that go on after a prompt, or a generator (GAN) make samples like its data.",
        (
            'generate runs/book-001 --prompt "Once upon" --num 3 --seed 1',
            "generate runs/digits-001 --num 64 --out grid.png",
        ),
    ),
    "explain": Verb(
        "follow one row through training, with its numbers",
        "Follow one row through preprocessing, network, loss, gradients and the optimizer's update, with the real numbers of a "
        "run, as text or as a page.",
        ("explain runs/houses-001 --row 7", "explain runs/houses-001 --row 7 --out row.html"),
    ),
    "calibrate": Verb(
        "make a run's probabilities honest anew",
        "Fit anew what makes a run's probabilities mean what they say, to its own held-out rows or to others. Training has done "
        "it once already.",
        ("calibrate runs/flowers-001 --data more.csv",),
    ),
    "ensemble": Verb(
        "join several runs' models into one",
        "Make a new run whose model answers with the mean of several runs' answers.",
        ("ensemble runs/photos-001 runs/photos-002",),
    ),
    "quantize": Verb(
        "make a run's model smaller with 8-bit integers",
        "Make a new run whose model computes with 8-bit integers: a quarter of the size, and faster on many CPUs. It is refused "
        "where it answers worse than you allow, or is not faster (unless --method names how it is made).",
        ("quantize runs/photos-001",),
    ),
    "prune": Verb(
        "make a run's model narrower",
        "Make a new run whose model has lost a share of its channels and was trained on. It is refused where it answers worse "
        "than you allow.",
        ("prune runs/photos-001 --share 0.5",),
    ),
    "export": Verb(
        "write a model to one file for other programs",
        "Write a run's model, preprocessing and all, to one file that other programs can run. The file is compared with the "
        "model before it is kept.",
        ("export runs/digits-001", "export runs/houses-001 --format torch-export --out houses.pt2"),
    ),
    "serve": Verb(
        "answer over HTTP",
        "Let a run's model answer over HTTP, with a page to try it, until Ctrl-C.",
        ("serve runs/digits-001 --port 8000",),
    ),
    "report": Verb(
        "write a run's report again",
        "Write report.html of a run again, from the files in its folder.",
        ("report runs/houses-001",),
    ),
    "verify": Verb(
        "check that a run's files are what was written",
        "Compare every file of a run with the SHA-256 that was noted when it was written.",
        ("verify runs/houses-001", "verify runs/houses-001 --repair"),
    ),
    "runs": Verb(
        "list runs with their scores",
        "List the runs below a folder with their scores, the newest last.",
        ("runs", "runs experiments/ --json"),
    ),
    "hardware": Verb(
        "show how fast this machine is",
        "Show how fast this machine computes, copies and calls: measured once and kept, for `estimate`. Or list what data sheets "
        "say of others.",
        ("hardware", "hardware --list"),
    ),
    "list": Verb(
        "list what there is to choose from",
        "List the components of one family, or of all, each with what it is; their settings are in docs/components.md.",
        ("list", "list model"),
    ),
}
"""Of all verbs, in the order in which they are listed."""


def add_verb(verbs: "argparse._SubParsersAction[Parser]", name: str) -> Parser:
    """Add a verb, and return the parser of its words."""
    verb = VERBS[name]
    lines = [line if "tutelage" in line else f"tutelage {line}" for line in verb.examples]
    return verbs.add_parser(
        name,
        help=verb.meaning,
        description=verb.does,
        epilog="\n  ".join(["examples:", *lines]),
        formatter_class=Layout,
        allow_abbrev=False,
    )


class Layout(argparse.HelpFormatter):
    """Help whose words are not cut at hyphens, such as `--list`, and whose examples stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Fill a text, but not examples."""
        if text.startswith("examples:"):
            return text
        return textwrap.fill(
            " ".join(text.split()), width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )

    def _split_lines(self, text: str, width: int) -> list[str]:
        """Break the meaning of a word into lines."""
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)
