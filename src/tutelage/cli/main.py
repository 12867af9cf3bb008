"""The command `tutelage`: reads the words, hands them to one file per verb, turns errors into messages and exit codes.

Nothing heavy is imported before a verb needs it, so help and lists are instant.
"""

import argparse
import atexit
import gc
import importlib
import os
import sys
import time
from collections.abc import Sequence

from tutelage.cli.failure import Parser, tell_defect, tell_error, tell_io_error, wants_json
from tutelage.cli.run_words import add_output, add_run_words
from tutelage.cli.verbs import A_RUN, AS_JSON, BAD_DATA, NEW_RUN, Layout, add_verb
from tutelage.core import catalog
from tutelage.core.allocator import spare_addresses
from tutelage.core.errors import TutelageError
from tutelage.core.memory import memory_told
from tutelage.core.outlet import flush, guarded, tell
from tutelage.core.threads import calm_threads

__all__ = ["main"]

STARTED = time.monotonic()
INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        words: The command line without the program's name; None = the process's own.

    Returns:
        0 done, 2 usage or recipe, 3 data refused, 130 and 143 after an interruption was saved, 1 anything else.
        With --json what went wrong is one object on standard output, under the key `error`.
    """
    words = sys.argv[1:] if words is None else words
    # The system takes back all memory at once; to look for cycles in it before, as Python does, takes up to a second.
    atexit.register(gc.freeze)
    with guarded():
        return _run(words)


def _run(words: Sequence[str]) -> int:
    """Run one command whose standard streams are guarded."""
    prog, place, as_json = "tutelage", "", wants_json(words)
    try:
        try:
            arguments = build_parser().parse_args(words)
            prog = f"tutelage {arguments.verb}"
            place = next((word for key in ("out", "run", "folder", "source") if (word := getattr(arguments, key, ""))), "")
            calm_threads(os.environ)
            spare_addresses()
            with memory_told(f"running {prog}"):
                code: int = importlib.import_module(f"tutelage.cli.{arguments.verb}_verb").run(arguments)
        finally:
            # Here, and not when the interpreter ends: a full disk behind standard output is told like any other.
            flush()
    except TutelageError as error:
        return tell_error(error, prog=prog, as_json=as_json)
    except KeyboardInterrupt:
        tell("\nInterrupted.")
        return INTERRUPTED
    except OSError as error:
        return tell_io_error(error, prog=prog, place=place, as_json=as_json)
    except Exception as error:
        return tell_defect(error, prog=prog, as_json=as_json)
    return code


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    from tutelage import __version__

    parser = Parser(
        prog="tutelage",
        description="From data to a trained, early-stopped, reported model with one command.",
        epilog="The words of each verb: tutelage VERB --help",
        formatter_class=Layout,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=f"tutelage {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_train(verbs)
    resume = add_verb(verbs, "resume")
    resume.add_argument("run", metavar="RUN", help=A_RUN)
    add_output(resume)
    _add_evaluate(verbs)
    _add_predict(verbs)
    add_run_words(verbs)
    return parser


def _add_predict(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `predict`."""
    predict = add_verb(verbs, "predict")
    predict.add_argument("run", metavar="RUN", help=A_RUN)
    predict.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        help="what to answer for: tables, images, texts, folders of them, or - for a text on each line of standard input; for "
        "series with times a later table, or nothing to go on after the training data",
    )
    predict.add_argument(
        "--horizon", metavar="N", help="for series with times: how many times ahead (default: as many as were learned)"
    )
    predict.add_argument(
        "--coverage",
        metavar="P",
        help="add a set of classes, or an interval, that holds the truth with probability P, such as 0.9",
    )
    predict.add_argument(
        "--sets",
        metavar="METHOD",
        default="",
        help="with --coverage, how sets of classes are made: lac (default), aps, raps or by_class; intervals: split",
    )
    predict.add_argument(
        "--mirror",
        choices=("auto", "on", "off"),
        default="auto",
        help="for images: average the answers for each image and its mirror image (default: as the training decided)",
    )
    predict.add_argument(
        "--out", metavar="FILE", default="", help="write the answers to FILE (.csv or .json) instead of standard output"
    )
    predict.add_argument("--on-bad-data", choices=("fail", "skip"), default="fail", help=BAD_DATA)
    predict.add_argument("--json", action="store_true", help=AS_JSON)


def _add_evaluate(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `evaluate` and `play`."""
    evaluate = add_verb(verbs, "evaluate")
    evaluate.add_argument("run", metavar="RUN", help=A_RUN)
    evaluate.add_argument("source", metavar="SOURCE", nargs="?", help="data with labels (default: the run's own test part)")
    evaluate.add_argument(
        "--target", metavar="COL", default="auto", help="target column, where it has another name than in the training data"
    )
    evaluate.add_argument("--on-bad-data", choices=("fail", "skip"), default="fail", help=BAD_DATA)
    evaluate.add_argument("--json", action="store_true", help=AS_JSON)
    evaluate.add_argument("--episodes", metavar="N", type=int, help="for an agent: let it act in N new episodes")
    evaluate.add_argument(
        "--seed",
        metavar="N",
        type=int,
        help="for an agent: where the episodes' random numbers begin (default: as in the run's test)",
    )
    play = add_verb(verbs, "play")
    play.add_argument("run", metavar="RUN", help=A_RUN)
    play.add_argument("--out", metavar="FILE", default="rollout.gif", help="the animation to write (.gif, default rollout.gif)")
    play.add_argument("--seed", metavar="N", type=int, default=0, help="where the episode's random numbers begin (default 0)")
    play.add_argument("--max-steps", metavar="N", type=int, default=1000, help="stop drawing after N steps (default 1000)")
    play.add_argument("--json", action="store_true", help=AS_JSON)


def _add_train(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `train`, `plan` and `estimate`, which take the same words."""
    for verb in ("train", "plan", "estimate"):
        parser = add_verb(verbs, verb)
        _add_data_words(parser)
        parser.add_argument(
            "--recipe",
            metavar="FILE",
            help="a TOML file of settings, docs/recipe.md; what stands on the command line goes before it",
        )
        parser.add_argument(
            "--set",
            metavar="KEY=VALUE",
            action="append",
            default=[],
            help="any key of a recipe, such as optim.lr=0.01; may be repeated",
        )
        parser.add_argument(
            "--test",
            metavar="PATH",
            help="data to test on (default: the test part of SOURCE, or one that is cut from it)",
        )
        budget = parser.add_mutually_exclusive_group()
        budget.add_argument("--epochs", metavar="N", help="passes over the train rows")
        budget.add_argument("--steps", metavar="N", help="optimizer steps")
        budget.add_argument("--env-steps", metavar="100k", help="of an environment: steps to act in it, all copies together")
        budget.add_argument("--time", metavar="3m", help="wall time of the whole command")
        parser.add_argument(
            "--until", metavar="METRIC=VALUE", help="stop once a validation metric is reached, such as accuracy=0.95"
        )
        parser.add_argument("--seed", metavar="N", help="root of all randomness (default 0)")
        if verb == "estimate":
            _add_textbook(parser)
        if verb == "train":
            parser.add_argument(
                "--seeds", metavar="N", help="train N times, with N seeds from --seed on, and tell the mean and its interval"
            )
        parser.add_argument("--out", metavar="DIR", default="", help=NEW_RUN if verb == "train" else "as of train; not written")
        parser.add_argument("--on-bad-data", choices=("fail", "skip"), help=BAD_DATA)
        add_output(parser)


def _add_data_words(parser: argparse.ArgumentParser) -> None:
    """Add the words about the data, and what is learned from them."""
    tasks = ", ".join(catalog.names("task"))
    parser.add_argument(
        "source",
        metavar="SOURCE",
        nargs="?",
        default="",
        help="the data: a folder, a file, or a name such as sklearn:digits, gym:CartPole-v1 or hub:NAME (tutelage list source)",
    )
    parser.add_argument("--target", metavar="COL", help="of a table: the column to learn to predict")
    parser.add_argument("--text", metavar="COL", help="of a table: the column that holds texts to learn from")
    parser.add_argument(
        "--series-id", metavar="COL", help="of a table of series: the column that says which series a row belongs to"
    )
    parser.add_argument(
        "--time-column", metavar="COL", help="of a table of series: the column of times, by which a series is put in order"
    )
    parser.add_argument("--horizon", metavar="N", help="for --task forecast: how many times ahead (default: one season)")
    parser.add_argument(
        "--known", metavar="COL,COL", help="for --task forecast: columns that are known of coming times too, such as holidays"
    )
    parser.add_argument(
        "--header",
        choices=("auto", "first", "none"),
        help="of a table: whether its first row holds the column names (default: found out)",
    )
    parser.add_argument("--task", metavar="KIND", help=f"what is learned: {tasks} (default: told from the data)")
    parser.add_argument("--algorithm", metavar="KIND", help="for an environment: ppo, dqn or sac; the same as --task")
    parser.add_argument(
        "--model", metavar="KIND", help="the architecture, such as mlp: tutelage list model (default: by the data)"
    )
    parser.add_argument(
        "--from",
        dest="start_from",
        metavar="RUN",
        help="begin with what another run has learned, or with public weights: a folder with config.json, or hf:NAME",
    )


def _add_textbook(parser: argparse.ArgumentParser) -> None:
    """Add where a training is to run, and the words of the textbook rule."""
    parser.add_argument(
        "--hardware", metavar="NAME", default="", help="for another machine than this one, such as A100: tutelage hardware --list"
    )
    parser.add_argument("--devices", metavar="N", default="1", help="how many such devices share each batch (default 1)")
    parser.add_argument("--price", metavar="P", help="what an hour of one device costs, in any currency: tells the cost")
    rule = "for the textbook rule alone, without data: floating-point operations of an iteration, such as 1e12"
    parser.add_argument("--flops-per-iteration", metavar="F", help=rule)
    parser.add_argument("--iterations", metavar="N", help="for that rule: how many iterations")
    parser.add_argument("--flops", metavar="F", help="for that rule: operations a second of the machine, such as 10e12")


if __name__ == "__main__":
    sys.exit(main())
