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
from tutelage.core import catalog
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
        prog="tutelage", description="From data to a trained, early-stopped, reported model with one command.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"tutelage {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_train(verbs)
    resume = verbs.add_parser("resume", help="go on with an interrupted run, bit for bit", allow_abbrev=False)
    resume.add_argument("run", metavar="RUN", help="a run folder")
    _add_output(resume)
    _add_evaluate(verbs)
    predict = verbs.add_parser("predict", help="answer for new data", allow_abbrev=False)
    predict.add_argument("run", metavar="RUN", help="a run folder")
    predict.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        help="images, texts, folders of them, tables, or - (a text on each line); of forecasts a later table, if any",
    )
    predict.add_argument("--horizon", metavar="N", help="of forecasts: how many times ahead (default: all that was learned)")
    predict.add_argument("--coverage", metavar="P", help="also sets of classes, or intervals, that hold the truth so often: 0.9")
    predict.add_argument("--sets", metavar="METHOD", default="", help="of --coverage: lac (default), aps, raps or by_class")
    predict.add_argument(
        "--mirror",
        choices=("auto", "on", "off"),
        default="auto",
        help="of images: average with mirror images (default: as decided)",
    )
    predict.add_argument("--out", metavar="FILE", default="", help="write to FILE (.csv or .json) instead of standard output")
    predict.add_argument(
        "--on-bad-data", choices=("fail", "skip"), default="fail", help="what to do with items that cannot be read"
    )
    predict.add_argument("--json", action="store_true", help="one JSON object on standard output")
    _add_distill(verbs)
    _add_generate(verbs)
    _add_explain(verbs)
    _add_calibrate(verbs)
    _add_smaller(verbs)
    _add_export(verbs)
    _add_serve(verbs)
    _add_small_verbs(verbs)
    return parser


def _add_evaluate(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `evaluate` and `play`."""
    evaluate = verbs.add_parser("evaluate", help="measure a run's model", allow_abbrev=False)
    evaluate.add_argument("run", metavar="RUN", help="a run folder")
    evaluate.add_argument("source", metavar="SOURCE", nargs="?", help="data with labels; without it, the run's own test part")
    evaluate.add_argument("--target", default="auto", help="name of the target column, if it differs")
    evaluate.add_argument(
        "--on-bad-data", choices=("fail", "skip"), default="fail", help="what to do with items that cannot be read"
    )
    evaluate.add_argument("--json", action="store_true", help="one JSON object on standard output")
    evaluate.add_argument("--episodes", metavar="N", type=int, help="of an agent: play N new episodes with its best actions")
    evaluate.add_argument(
        "--seed", metavar="N", type=int, help="of episodes: root of their randomness (default: the run's own test)"
    )
    play = verbs.add_parser("play", help="let an agent act in one episode, and draw it", allow_abbrev=False)
    play.add_argument("run", metavar="RUN", help="a run folder")
    play.add_argument("--out", metavar="FILE", default="rollout.gif", help="where to draw it (.gif; default rollout.gif)")
    play.add_argument("--seed", metavar="N", type=int, default=0, help="root of the episode's randomness (default 0)")
    play.add_argument("--max-steps", metavar="N", type=int, default=1000, help="steps to draw at most (default 1000)")
    play.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _add_train(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `train`, `plan` and `estimate`, which take the same words."""
    verbs_of_training = {
        "train": "train a model on data",
        "plan": "decide everything and say why; trains nothing",
        "estimate": "say how long a training takes, before it starts",
    }
    for verb, meaning in verbs_of_training.items():
        parser = verbs.add_parser(verb, help=meaning, allow_abbrev=False)
        _add_data_words(parser)
        parser.add_argument("--recipe", metavar="FILE", help="a TOML file of wishes")
        parser.add_argument(
            "--set", metavar="key.sub=value", action="append", default=[], help="any wish of a recipe; may be repeated"
        )
        parser.add_argument("--test", metavar="PATH", help="the test part, if not inside SOURCE")
        budget = parser.add_mutually_exclusive_group()
        budget.add_argument("--epochs", metavar="N", help="passes over the train rows")
        budget.add_argument("--steps", metavar="N", help="optimizer steps")
        budget.add_argument("--env-steps", metavar="100k", help="of an environment: steps to act in it, all copies together")
        budget.add_argument("--time", metavar="3m", help="wall time of the whole command")
        parser.add_argument("--seed", metavar="N", help="root of all randomness (default 0)")
        if verb == "estimate":
            _add_textbook(parser)
        if verb == "train":
            parser.add_argument("--seeds", metavar="N", help="train N times, with the seeds from --seed on, and tell them as one")
        parser.add_argument("--out", metavar="DIR", default="", help="the run folder (default: a new one below runs/)")
        parser.add_argument(
            "--on-bad-data", choices=("fail", "skip"), help="refuse bad items (default), or leave them out and list them"
        )
        _add_output(parser)


def _add_data_words(parser: argparse.ArgumentParser) -> None:
    """Add the words about the data, and what is learned from them."""
    tasks = ", ".join(catalog.names("task"))
    parser.add_argument(
        "source",
        metavar="SOURCE",
        nargs="?",
        default="",
        help="folder, file, or a name such as sklearn:digits: tutelage list source",
    )
    parser.add_argument("--target", metavar="COL", help="name of the target column")
    parser.add_argument("--text", metavar="COL", help="of a table: the column that holds texts to learn from")
    parser.add_argument("--series-id", metavar="COL", help="of a table of series: the column that names a row's series")
    parser.add_argument("--time-column", metavar="COL", help="of a table of series: the column that puts a series in order")
    parser.add_argument("--horizon", metavar="N", help="of series with times: how many times ahead to forecast")
    parser.add_argument("--known", metavar="COL,COL", help="of series with times: columns known of coming times too")
    parser.add_argument(
        "--header",
        choices=("auto", "first", "none"),
        help="of a table: whether its first row holds the column names (default: found out)",
    )
    parser.add_argument("--task", metavar="KIND", help=f"what is learned (default: told from the data): {tasks}")
    parser.add_argument("--algorithm", metavar="KIND", help="of an environment: the same as --task, such as ppo, dqn or sac")
    parser.add_argument("--model", metavar="KIND", help="architecture: tutelage list model")
    parser.add_argument(
        "--from",
        dest="start_from",
        metavar="RUN",
        help="begin with what a run has learned, or with public weights: a folder with config.json, or hf:NAME",
    )


def _add_textbook(parser: argparse.ArgumentParser) -> None:
    """Add where a training is to run, and the words of the textbook rule."""
    parser.add_argument(
        "--hardware", metavar="NAME", default="", help="not this machine: such as A100 (tutelage hardware --list)"
    )
    parser.add_argument("--devices", metavar="N", default="1", help="how many devices that share each batch (default 1)")
    parser.add_argument("--price", metavar="P", help="of one device and hour, in any currency: tells the cost")
    rule = "textbook rule, without data: FLOPs of an iteration x iterations / FLOP/s"
    parser.add_argument("--flops-per-iteration", metavar="F", help=rule)
    parser.add_argument("--iterations", metavar="N", help="of that rule")
    parser.add_argument("--flops", metavar="F", help="of that rule: FLOP/s of the machine, such as 10e12")


def _add_output(parser: argparse.ArgumentParser) -> None:
    """Add the words about what is shown."""
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--quiet", action="store_true", help="only warnings and the end")


def _add_distill(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `distill`."""
    distill = verbs.add_parser("distill", help="train a smaller network under trained ones", allow_abbrev=False)
    distill.add_argument("runs", metavar="RUN", nargs="+", help="run folders that teach; the data are those of the first one")
    distill.add_argument(
        "--student",
        metavar="KIND",
        default="small",
        help="small or tiny (1/4, 1/16 of the parameters, in fewer layers; default small), or a model",
    )
    distill.add_argument(
        "--data", metavar="SOURCE", default="", help="further rows; without the target, teachers alone judge them"
    )
    distill.add_argument("--set", metavar="key.sub=value", action="append", default=[], help="any wish of a recipe")
    budget = distill.add_mutually_exclusive_group()
    budget.add_argument("--epochs", metavar="N", help="passes over the train rows (default: as the first teacher)")
    budget.add_argument("--steps", metavar="N", help="optimizer steps")
    budget.add_argument("--time", metavar="3m", help="wall time of the student's training")
    distill.add_argument("--no-alone", action="store_true", help="do not train the same student without teachers to compare with")
    distill.add_argument("--out", metavar="DIR", default="", help="the student's run folder (default: a new one below runs/)")
    _add_output(distill)


def _add_generate(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `generate`."""
    generate = verbs.add_parser("generate", help="let a language model write, or a generator make samples", allow_abbrev=False)
    generate.add_argument("run", metavar="RUN", help="a run folder")
    begins = generate.add_mutually_exclusive_group()
    begins.add_argument("--prompt", metavar="TEXT", help="what each text begins with")
    begins.add_argument("--prompt-file", metavar="FILE", help="take that from a text file; - is standard input")
    generate.add_argument("--num", metavar="N", type=int, help="texts to write (default 1), or samples to make (default 64)")
    generate.add_argument("--length", metavar="N", type=int, help="characters to add to each (default 500)")
    generate.add_argument("--temperature", metavar="T", type=float, help="below 1 cautiously, 1 as the model says (default 0.8)")
    generate.add_argument("--top-k", metavar="K", type=int, help="draw from the K likeliest only (default: all)")
    generate.add_argument("--top-p", metavar="P", type=float, help="draw from the likeliest that have probability P together")
    generate.add_argument("--seed", metavar="N", type=int, default=0, help="root of all randomness (default 0)")
    generate.add_argument("--label", metavar="NAME", help="of samples: make those of this class only")
    generate.add_argument(
        "--out", metavar="FILE", default="", help="write to FILE: .txt or .json for texts; .png, .npy or .csv for samples"
    )
    generate.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _add_explain(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `explain`."""
    explain = verbs.add_parser("explain", help="follow one row through a training step, with its numbers", allow_abbrev=False)
    explain.add_argument("run", metavar="RUN", help="a run folder")
    explain.add_argument("--row", metavar="I", type=int, default=1, help="number of the row in its part, from 1 (default 1)")
    explain.add_argument(
        "--part", choices=("train", "validation", "test"), default="train", help="which rows are counted (default train)"
    )
    explain.add_argument("--file", metavar="FILE", default="", help="take the row from another file with labels")
    explain.add_argument(
        "--at", choices=("end", "start"), default="end", help="with the weights that leave, or those before the first step"
    )
    explain.add_argument("--out", metavar="FILE", default="", help="write a page to FILE (.html) instead of standard output")
    explain.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _add_calibrate(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `calibrate`."""
    calibrate = verbs.add_parser("calibrate", help="make a run's probabilities honest anew", allow_abbrev=False)
    calibrate.add_argument("run", metavar="RUN", help="a run folder")
    calibrate.add_argument(
        "--method", metavar="M", default="auto", help="auto (default), none, or a kind: tutelage list calibrator"
    )
    calibrate.add_argument("--data", metavar="SOURCE", help="rows with labels to fit to (default: the run's own held-out rows)")
    calibrate.add_argument("--target", default="auto", help="name of the target column, if it differs")
    calibrate.add_argument(
        "--on-bad-data", choices=("fail", "skip"), default="fail", help="what to do with items that cannot be read"
    )
    calibrate.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _add_smaller(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `ensemble`, `quantize` and `prune`."""
    ensemble = verbs.add_parser("ensemble", help="several runs' models as one, the mean of their answers", allow_abbrev=False)
    ensemble.add_argument("runs", metavar="RUN", nargs="+", help="run folders of one task with the same labels, two or more")
    ensemble.add_argument("--out", metavar="DIR", default="", help="the new run folder (default: a new one below runs/)")
    ensemble.add_argument(
        "--weights", choices=("equal", "validation"), default="equal", help="or chosen by the validation rows (default equal)"
    )
    ensemble.add_argument("--json", action="store_true", help="one JSON object on standard output")
    quantize = verbs.add_parser("quantize", help="a run's model in int8: smaller, and faster on a CPU", allow_abbrev=False)
    quantize.add_argument(
        "--method", choices=("auto", "static", "dynamic"), default="auto", help="how inputs are rounded (default: the faster)"
    )
    prune = verbs.add_parser("prune", help="a run's model without a share of its channels, trained on", allow_abbrev=False)
    prune.add_argument("--share", metavar="S", type=float, default=0.5, help="of each layer's channels that leave (default 0.5)")
    prune.add_argument("--epochs", metavar="N", type=float, help="to train on (default: a quarter of the run's own steps)")
    for parser in (quantize, prune):
        parser.add_argument("run", metavar="RUN", help="a run folder")
        parser.add_argument("--out", metavar="DIR", default="", help="the new run folder (default: a new one below runs/)")
        parser.add_argument(
            "--most-loss",
            metavar="P",
            type=float,
            default=0.3,
            help="points of accuracy, or per cent of the RMSE, that may be lost on the validation rows (default 0.3)",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _add_export(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `export`."""
    export = verbs.add_parser(
        "export", help="write the model to one file that answers by itself, and compare", allow_abbrev=False
    )
    export.add_argument("run", metavar="RUN", help="a run folder")
    export.add_argument("--format", metavar="KIND", default="onnx", help="onnx (default), torch-export or safetensors")
    export.add_argument("--out", metavar="FILE", default="", help="the file (default: export/model.* in the run folder)")
    export.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _add_serve(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `serve`."""
    serve = verbs.add_parser("serve", help="answer over HTTP, with a page to try the model", allow_abbrev=False)
    serve.add_argument("run", metavar="RUN", help="a run folder")
    serve.add_argument("--port", metavar="N", type=int, default=8000, help="port (default 8000; 0 = any that is free)")
    serve.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="address (default: this machine alone)")
    serve.add_argument("--token", metavar="T", default="", help="what requests have to say (default: a new one; none = nothing)")


def _add_small_verbs(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `report`, `verify`, `runs`, `hardware` and `list`."""
    report = verbs.add_parser("report", help="write a run's report anew", allow_abbrev=False)
    report.add_argument("run", metavar="RUN", help="a run folder")
    report.add_argument("--json", action="store_true", help="one JSON object on standard output")
    verify = verbs.add_parser("verify", help="check every file of a run", allow_abbrev=False)
    verify.add_argument("run", metavar="RUN", help="a run folder")
    mending = verify.add_mutually_exclusive_group()
    mending.add_argument("--repair", action="store_true", help="put back what the run's checkpoints hold a second time")
    mending.add_argument(
        "--accept", action="store_true", help="take all files as they are, after you changed some on purpose; says which"
    )
    verify.add_argument("--json", action="store_true", help="one JSON object on standard output")
    runs = verbs.add_parser("runs", help="list runs with their scores", allow_abbrev=False)
    runs.add_argument("folder", metavar="DIR", nargs="?", default="runs", help="where the runs are (default: runs)")
    runs.add_argument("--json", action="store_true", help="one JSON object on standard output")
    hardware = verbs.add_parser("hardware", help="what this machine does, measured once and kept", allow_abbrev=False)
    hardware.add_argument("--again", action="store_true", help="measure anew, some 30 seconds")
    hardware.add_argument("--device", metavar="D", default="auto", help="cpu or cuda (default: the one that trainings take)")
    hardware.add_argument("--list", action="store_true", help="list known accelerators and processors by their data sheets")
    hardware.add_argument("--json", action="store_true", help="one JSON object on standard output")
    listing = verbs.add_parser("list", help="list what there is to choose from", allow_abbrev=False)
    listing.add_argument("part", metavar="FAMILY", nargs="?", help="such as model, optim, loss")
    listing.add_argument("--json", action="store_true", help="one JSON object on standard output")


if __name__ == "__main__":
    sys.exit(main())
