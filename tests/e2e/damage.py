"""Small runs to damage, and what each verb says of them; `python -m tests.attack flips` damages every file in every way."""

import contextlib
import io
import json
import os
import signal
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from tutelage.cli.main import main
from tutelage.core.events import Evaluated, Event
from tutelage.planning.recipe import merge, parse_setting, recipe_from
from tutelage.run.start import Request, start_training
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

SETTINGS = ("source=sklearn:iris", "budget.steps=30", "batch_size=16", "model=mlp", "model.hidden=[4]")
NEW = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n"
VERBS = ("resume", "report", "evaluate", "predict", "runs", "verify")


class Pauses:
    """A sink that asks the process to end in the middle."""

    def take(self, event: Event) -> None:
        if isinstance(event, Evaluated) and event.step >= 10:
            os.kill(os.getpid(), signal.SIGTERM)

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Answer:
    """What a verb said."""

    code: int
    out: str
    err: str


def make_runs(folder: Path) -> None:
    """Train a run to its end and another to its middle."""
    wishes: dict[str, object] = {}
    for text in SETTINGS:
        wishes = merge(wishes, *parse_setting(text))
    for name, sinks in (("ended", []), ("paused", [Pauses()])):
        start_training(Request(recipe_from(wishes, where="test"), out=str(folder / name), sinks=sinks))
        assert main(["report", str(folder / name)]) == 0
    (folder / "new.csv").write_text(NEW, encoding="utf-8")


def ask(verb: str, run: Path, folder: Path) -> Answer:
    """Ask one verb about a run."""
    words = {"predict": ["predict", str(run), str(folder / "new.csv")], "runs": ["runs", str(run.parent)]}.get(
        verb, [verb, str(run)]
    )
    out, err = io.StringIO(), io.StringIO()
    # The console breaks lines where a terminal would, a log its own: wide ones break none, however long the names are.
    wide, log = mock.patch.dict(os.environ, COLUMNS="4000"), mock.patch("tutelage.track.terminal.LOG_WIDTH", 4000)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings(), wide, log:
        warnings.simplefilter("ignore")
        try:
            code = main(words)
        except Exception:
            code = -1
            err.write(traceback.format_exc())
    return Answer(code, out.getvalue(), " ".join(err.getvalue().split()))


def outcome(verb: str, run: Path, folder: Path) -> tuple[Answer, object]:
    """Ask a verb, and return what it said with what is right or wrong about it."""
    said = ask(verb, run, folder)
    if verb == "resume":
        if said.code:
            return said, ""
        result = json.loads((run / "result.json").read_bytes())
        # An ended run is left as it is.
        state = digest(load_checkpoint(checkpoints(run)[-1])) if run.name == "paused" else ""
        return said, (state, result["metrics"], result["stopped"])
    if verb == "report":
        page = run / "report.html"
        return said, page.read_text(encoding="utf-8", errors="replace").split("Files of this run")[0] if page.is_file() else ""
    # Columns are as wide as the folder's name.
    return said, said.out.replace(str(run), "RUN").split()
