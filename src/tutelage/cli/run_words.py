"""The words of the verbs that go on from trained models: distill, generate, explain, calibrate, ensemble, export and others."""

import argparse

from tutelage.cli.failure import Parser
from tutelage.cli.verbs import A_RUN, AS_JSON, BAD_DATA, NEW_RUN, add_verb

__all__ = ["add_output", "add_run_words"]


def add_run_words(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add all of these verbs."""
    _add_distill(verbs)
    _add_generate(verbs)
    _add_explain(verbs)
    _add_calibrate(verbs)
    _add_smaller(verbs)
    _add_export(verbs)
    _add_serve(verbs)
    _add_small_verbs(verbs)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the words about what is shown."""
    parser.add_argument("--json", action="store_true", help=AS_JSON)
    parser.add_argument("--quiet", action="store_true", help="tell warnings and the end only")


def _add_distill(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `distill`."""
    distill = add_verb(verbs, "distill")
    distill.add_argument(
        "runs", metavar="RUN", nargs="+", help="folders of the runs that teach; the student learns from the data of the first one"
    )
    distill.add_argument(
        "--student",
        metavar="KIND",
        default="small",
        help="small (default; a quarter of the parameters), tiny (a sixteenth), or an architecture: tutelage list model",
    )
    distill.add_argument(
        "--data", metavar="SOURCE", default="", help="further rows to learn from; without labels, from the teachers alone"
    )
    distill.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="any key of a recipe; may be repeated")
    budget = distill.add_mutually_exclusive_group()
    budget.add_argument("--epochs", metavar="N", help="passes over the train rows (default: as many as of the first teacher)")
    budget.add_argument("--steps", metavar="N", help="optimizer steps")
    budget.add_argument("--time", metavar="3m", help="wall time of the student's training")
    distill.add_argument(
        "--no-alone", action="store_true", help="do not train the same student without teachers, which is done to compare"
    )
    distill.add_argument("--on-bad-data", choices=("fail", "skip"), help=BAD_DATA)
    distill.add_argument("--out", metavar="DIR", default="", help=NEW_RUN)
    add_output(distill)


def _add_generate(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `generate`."""
    generate = add_verb(verbs, "generate")
    generate.add_argument("run", metavar="RUN", help=A_RUN)
    begins = generate.add_mutually_exclusive_group()
    begins.add_argument("--prompt", metavar="TEXT", help="of texts: what each begins with")
    begins.add_argument("--prompt-file", metavar="FILE", help="of texts: take that from a text file; - is standard input")
    generate.add_argument(
        "--num", metavar="N", type=int, help="how many texts to write (default 1), or samples to make (default 64)"
    )
    generate.add_argument("--length", metavar="N", type=int, help="of texts: characters to write after the prompt (default 500)")
    generate.add_argument(
        "--temperature",
        metavar="T",
        type=float,
        help="of texts: below 1 more cautious than the model, above 1 bolder, 0 always the likeliest (default 0.8)",
    )
    generate.add_argument(
        "--top-k", metavar="K", type=int, help="of texts: draw each token from the K likeliest only (default: all)"
    )
    generate.add_argument(
        "--top-p",
        metavar="P",
        type=float,
        help="of texts: draw each token from the likeliest that have probability P together (default: all)",
    )
    generate.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="where all random numbers begin; the same seed, the same output (default 0)",
    )
    generate.add_argument("--label", metavar="NAME", help="of samples: make those of one class only")
    generate.add_argument(
        "--out", metavar="FILE", default="", help="write to FILE: .txt or .json for texts; .png, .npy or .csv for samples"
    )
    generate.add_argument("--json", action="store_true", help=AS_JSON)


def _add_explain(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `explain`."""
    explain = add_verb(verbs, "explain")
    explain.add_argument("run", metavar="RUN", help=A_RUN)
    explain.add_argument("--row", metavar="I", type=int, default=1, help="which row of the part, counted from 1 (default 1)")
    explain.add_argument("--part", choices=("train", "validation", "test"), default="train", help="of which part (default train)")
    explain.add_argument("--file", metavar="FILE", default="", help="take the row from another file with labels instead")
    explain.add_argument(
        "--at", choices=("end", "start"), default="end", help="with the trained weights (default), or those before the first step"
    )
    explain.add_argument("--out", metavar="FILE", default="", help="write a page to FILE (.html) instead of standard output")
    explain.add_argument("--json", action="store_true", help=AS_JSON)


def _add_calibrate(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `calibrate`."""
    calibrate = add_verb(verbs, "calibrate")
    calibrate.add_argument("run", metavar="RUN", help=A_RUN)
    calibrate.add_argument(
        "--method",
        metavar="KIND",
        default="auto",
        help="auto (default: the best on rows not fitted to), none, or a kind: tutelage list calibrator",
    )
    calibrate.add_argument(
        "--data", metavar="SOURCE", help="rows with labels to fit to, not seen in training (default: the run's own held-out rows)"
    )
    calibrate.add_argument(
        "--target", metavar="COL", default="auto", help="target column, where it has another name than in the training data"
    )
    calibrate.add_argument("--on-bad-data", choices=("fail", "skip"), default="fail", help=BAD_DATA)
    calibrate.add_argument("--json", action="store_true", help=AS_JSON)


def _add_smaller(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `ensemble`, `quantize` and `prune`."""
    ensemble = add_verb(verbs, "ensemble")
    ensemble.add_argument("runs", metavar="RUN", nargs="+", help="folders of two or more runs of one task with the same labels")
    ensemble.add_argument("--out", metavar="DIR", default="", help=NEW_RUN)
    ensemble.add_argument(
        "--weights",
        choices=("equal", "validation"),
        default="equal",
        help="all runs alike (default), or as the validation rows choose",
    )
    ensemble.add_argument("--json", action="store_true", help=AS_JSON)
    quantize = add_verb(verbs, "quantize")
    quantize.add_argument(
        "--method",
        choices=("auto", "static", "dynamic"),
        default="auto",
        help="whether ranges of inputs are fixed beforehand (static) or found for each batch (dynamic); default: the faster",
    )
    prune = add_verb(verbs, "prune")
    prune.add_argument(
        "--share", metavar="S", type=float, default=0.5, help="which share of each layer's channels leaves (default 0.5)"
    )
    prune.add_argument(
        "--epochs",
        metavar="N",
        type=float,
        help="passes over the train rows afterwards (default: a quarter of the run's own steps)",
    )
    for parser in (quantize, prune):
        parser.add_argument("run", metavar="RUN", help=A_RUN)
        parser.add_argument("--out", metavar="DIR", default="", help=NEW_RUN)
        parser.add_argument(
            "--most-loss",
            metavar="P",
            type=_least_zero,
            default=0.3,
            help="how many points of accuracy, or per cent of the RMSE, may be lost on the validation rows (default 0.3)",
        )
        parser.add_argument("--json", action="store_true", help=AS_JSON)


def _least_zero(text: str) -> float:
    """Read a number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number >= 0, such as 0.3")
    return value


def _add_export(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `export`."""
    export = add_verb(verbs, "export")
    export.add_argument("run", metavar="RUN", help=A_RUN)
    export.add_argument("--format", metavar="KIND", default="onnx", help="onnx (default), torch-export or safetensors")
    export.add_argument("--out", metavar="FILE", default="", help="the file to write (default: export/model.* in the run folder)")
    export.add_argument("--json", action="store_true", help=AS_JSON)


def _add_serve(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `serve`."""
    serve = add_verb(verbs, "serve")
    serve.add_argument("run", metavar="RUN", help=A_RUN)
    serve.add_argument(
        "--port", metavar="N", type=int, default=8000, help="port to listen on (default 8000; 0 takes one that is free)"
    )
    serve.add_argument(
        "--host", metavar="ADDRESS", default="127.0.0.1", help="address to listen on (default: of this machine alone)"
    )
    serve.add_argument(
        "--token",
        metavar="T",
        default="",
        help="secret that requests have to name (default: a new one, which is printed; none: no secret)",
    )


def _add_small_verbs(verbs: "argparse._SubParsersAction[Parser]") -> None:
    """Add `report`, `verify`, `runs`, `hardware` and `list`."""
    report = add_verb(verbs, "report")
    report.add_argument("run", metavar="RUN", help=A_RUN)
    report.add_argument("--json", action="store_true", help=AS_JSON)
    verify = add_verb(verbs, "verify")
    verify.add_argument("run", metavar="RUN", help=A_RUN)
    mending = verify.add_mutually_exclusive_group()
    mending.add_argument(
        "--repair", action="store_true", help="put damaged files back that the run's checkpoints hold a second time"
    )
    mending.add_argument(
        "--accept", action="store_true", help="take all files as they are now, after you changed some on purpose; says which"
    )
    verify.add_argument("--json", action="store_true", help=AS_JSON)
    runs = add_verb(verbs, "runs")
    runs.add_argument("folder", metavar="DIR", nargs="?", default="runs", help="the folder to look in (default: runs)")
    runs.add_argument("--json", action="store_true", help=AS_JSON)
    hardware = add_verb(verbs, "hardware")
    hardware.add_argument("--again", action="store_true", help="measure anew, which takes one or two minutes")
    hardware.add_argument("--device", metavar="D", default="auto", help="cpu or cuda (default: what trainings take)")
    hardware.add_argument("--list", action="store_true", help="list accelerators and processors that are known from data sheets")
    hardware.add_argument("--json", action="store_true", help=AS_JSON)
    listing = add_verb(verbs, "list")
    listing.add_argument("part", metavar="FAMILY", nargs="?", help="such as model, optim or loss (default: all)")
    listing.add_argument("--json", action="store_true", help=AS_JSON)
