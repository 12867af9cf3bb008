"""The command `python -m tests.attack`: runs the cases, prints each that ended badly, and a summary."""

import argparse
import ast
import importlib
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import tests.attack
from tests.attack.case import Case
from tests.attack.verdict import BAD, Ending, Verdict

CASES: list[Case] = []
"""Of the attack that runs; the workers, which are forked, find them here."""
PLACE = Path()


def main() -> int:
    """Run what is asked for; 0 where every case ended well, 1 where one did not or there was none, 2 where it cannot begin."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=tests.attack.__doc__, formatter_class=layout)
    parser.add_argument("names", nargs="*", choices=[*attacks(), []], metavar="KIND", help=f"of {', '.join(attacks())}")
    parser.add_argument("--sample", action="store_true", help="a few cases of each kind")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--jobs", type=several, default=2, metavar="N", help="cases at a time")
    parser.add_argument("--every", type=several, default=1, metavar="N", help="one of N cases, drawn evenly over all of them")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="N", help="leave out the first N cases")
    asked = parser.parse_args()
    try:
        from tests.attack.recipes import start_calm

        start_calm()
    except ModuleNotFoundError as error:
        parser.exit(
            2, f"{parser.prog}: the package {error.name!r} is missing. Install what tests need: pip install -e '.[dev]'\n"
        )
    bad = sum(
        attack(name, is_sample=asked.sample, only=asked.only, jobs=asked.jobs, every=asked.every, first=asked.first)
        for name in asked.names or attacks()
    )
    return int(bad > 0)


def several(text: str) -> int:
    """Return a whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 1 on")
    return int(text)


def attacks() -> list[str]:
    """Name the modules that have cases, without importing any: most need torch, and tests of the harness need pytest."""
    folders = [Path(folder) for folder in tests.attack.__path__]
    return sorted(path.stem for folder in folders for path in folder.glob("[a-z]*.py") if _has_cases(path))


def _has_cases(path: Path) -> bool:
    """Tell whether a module defines `cases`."""
    return any(isinstance(node, ast.FunctionDef) and node.name == "cases" for node in ast.parse(path.read_bytes()).body)


def attack(name: str, *, is_sample: bool, only: str = "", jobs: int = 2, every: int = 1, first: int = 0) -> int:
    """Run the cases of one module, tell what ended badly, and return how many did; 1 where there is no case."""
    global PLACE
    module, began, seen = importlib.import_module(f"tests.attack.{name}"), time.monotonic(), Counter[Ending]()
    kills = 0
    with tempfile.TemporaryDirectory(prefix=f"tutelage-{name}-") as scratch:
        PLACE = Path(scratch)
        PLACE.chmod(0o755)
        (PLACE / "shared").mkdir()
        every_case = islice(module.cases(PLACE / "shared", is_sample=is_sample), max(first, 0), None)
        CASES[:] = spread([case for case in every_case if only in case.name], every)
        with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=50) as pool:
            for index, verdict in pool.imap_unordered(_try, range(len(CASES))):
                seen[verdict.ending] += 1
                kills += verdict.kills
                if verdict.ending in BAD:
                    sys.stdout.write(f"{name}: {CASES[index].name}: {verdict.ending}: {verdict.seen}\n")
                    sys.stdout.flush()
    told = ", ".join(f"{seen[ending]} {ending}" for ending in Ending if seen[ending]) + (f"; {kills} kills" if kills else "")
    sys.stdout.write(f"{name}: {len(CASES)} cases in {time.monotonic() - began:.0f} s: {told}\n")
    sys.stdout.flush()
    # Where no case was tried, nothing was shown.
    return sum(seen[ending] for ending in BAD) if CASES else 1


def spread(cases: Sequence[Case], every: int) -> list[Case]:
    """Return one of each N cases that follow each other: at random, since kinds of cases follow each other in a rhythm too."""
    chance = random.Random(every)
    groups = [cases[begin : begin + every] for begin in range(0, len(cases), every)]
    return [chance.choice(group) for group in groups]


def _try(index: int) -> tuple[int, Verdict]:
    """Run one case in a folder of its own."""
    folder = PLACE / f"case-{index}"
    folder.mkdir()
    folder.chmod(0o777)
    try:
        return index, CASES[index].run(folder)
    except Exception as error:
        return index, Verdict(Ending.UNCLEAR, f"the harness failed: {error!r}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
