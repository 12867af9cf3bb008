"""`tutelage verify RUN`: check every file of a run, and say what to do about what is not whole."""

import argparse

from tutelage.core.errors import RunError
from tutelage.core.outlet import one_line, say, say_json, warn
from tutelage.run.files import RunFiles, tell_nobody
from tutelage.run.folder import run_folder
from tutelage.run.lock import locked
from tutelage.run.mend import accept, mend, put_predictors_back
from tutelage.run.survey import Standing, survey

__all__ = ["run"]

DAMAGED = RunError.exit_code


def run(arguments: argparse.Namespace) -> int:
    """Print a line a file; returns 0 where all is well, else 2."""
    folder = run_folder(arguments.run)
    told: list[str] = []
    if arguments.accept or arguments.repair:
        with locked(folder):
            files = RunFiles(folder, tell=told.append)
            if arguments.accept:
                told = [*accept(files), f"{folder}/manifest.jsonl: written anew."]
            else:
                put_predictors_back(files)
                mend(files)
    standings = survey(RunFiles(folder, tell=tell_nobody))
    is_well = all(standing.is_well for standing in standings)
    if arguments.json:
        say_json({"run": str(folder), "ok": is_well, "files": [vars(each) for each in standings], "notes": told})
    else:
        _show(standings, told)
    return 0 if is_well else DAMAGED


def _show(standings: list[Standing], told: list[str]) -> None:
    """Print what was done, and how each file stands."""
    for text in told:
        warn(text)
    width = max(len(standing.file) for standing in standings)
    for standing in standings:
        said = ". ".join(filter(None, [standing.found, standing.remedy]))
        say(one_line(f"{standing.file:<{width}}  {standing.state:<8}  {said}".rstrip()))
    bad = sum(not standing.is_well for standing in standings)
    say(f"{bad} of {len(standings)} files need you" if bad else f"all {len(standings)} files are well")
