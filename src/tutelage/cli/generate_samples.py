"""The part of `tutelage generate` for generators of samples: pictures to a sheet, numbers to a table."""

import argparse
from pathlib import Path

from tutelage.cli.out_file import say_new_folder
from tutelage.core.errors import UsageError
from tutelage.core.outlet import say, say_json, tell
from tutelage.run.run import Run
from tutelage.run.samples import FORMATS, Samples, Sought

__all__ = ["generate_samples"]

OF_TEXTS = ("prompt", "prompt_file", "length", "temperature", "top_k", "top_p")


def generate_samples(run: Run, arguments: argparse.Namespace) -> int:
    """Make samples and write them to a file, or rows of numbers to standard output.

    Raises:
        UsageError: A wish for texts, a form that does not fit, or no file for what is not text.
    """
    given = [name for name in OF_TEXTS if getattr(arguments, name) is not None]
    if given:
        word = "--" + given[0].replace("_", "-")
        found = f"{word} is for texts, and {arguments.run} generates samples"
        raise UsageError(f"{found}. Leave it out; there are --num, --seed and --label.")
    out = Path(arguments.out) if arguments.out else None
    if out is not None and out.suffix not in FORMATS:
        raise UsageError(f"--out {out}: expected a name that ends in {', '.join(FORMATS)}.")
    wishes = {"seed": arguments.seed, "label": arguments.label} | ({} if arguments.num is None else {"num": arguments.num})
    samples = run.samples(Sought(**wishes))
    if out is None:
        _print(samples, run=arguments.run, is_json=arguments.json)
        return 0
    say_new_folder(arguments.out)
    samples.save(out)
    count = len(samples.part)
    if arguments.json:
        say_json({"run": arguments.run, **wishes, "num": count, "out": str(out)})
    else:
        tell(f"{count:,} {'sample' if count == 1 else 'samples'} in {out}")
    return 0


def _print(samples: Samples, *, run: str, is_json: bool) -> None:
    """Write samples to standard output."""
    if is_json:
        say_json({"run": run, "samples": samples.rows(), "labels": list(samples.labels)})
    elif samples.part.sheet(1) is not None:
        raise UsageError("pictures are no text. Write them to a file: --out grid.png, or --out FILE.npy.")
    else:
        say(samples.csv(), end="")
