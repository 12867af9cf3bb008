"""What was trained, how good it is, and what it took: everything that fits on the first screen."""

from tutelage.core import catalog
from tutelage.core.amount import say_seconds
from tutelage.report.blocks import fact, note
from tutelage.report.html import Child, Html, join, tag
from tutelage.report.measure import label, main_metric, meaning, say_score
from tutelage.report.number import say_count
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.value import as_number, as_text, as_whole

__all__ = ["headline_key", "show_headline", "title", "trained_names"]

STOPPED = {
    "budget": ("budget used up", "the planned amount of training was done"),
    "patience": ("early stopping", "the validation score had not improved for a while"),
    "target": ("target reached", "the validation score was as good as asked for"),
    "interrupted": ("interrupted", "by Ctrl-C; the best weights so far were kept"),
    "terminated": ("terminated", "by the system; the best weights so far were kept"),
    "diverged": ("diverged", "no good weights to go on from; the best weights so far were kept"),
}
TRAIN = "train/"


class LeavingFloor(Record):
    """A floor's name, and its share in what leaves."""

    noun: Text = ""
    share: Number = None


class LeavingPart(Record):
    """Where that stands in result.json."""

    floor: LeavingFloor = LeavingFloor()


def title(run: RunRecord) -> str:
    """Return the name of the run."""
    return run.folder.resolve().name


def trained_names(run: RunRecord) -> frozenset[str]:
    """Return the names of what was logged on the training part: what training itself makes small."""
    return frozenset(key.rpartition("/")[2] for point in run.points for key in point if key.startswith(TRAIN))


def headline_key(run: RunRecord) -> str:
    """Return the key of the score to show first; "" where there are no scores."""
    result = run.result
    return main_metric(tuple(result.metrics), headline=result.headline, trained=trained_names(run))


def show_headline(run: RunRecord) -> Html:
    """Return the head of the page."""
    return tag(
        "header",
        tag("p", _subject(run), class_="eyebrow"),
        tag("h1", title(run)),
        _score(run) if run.result.metrics else None if run.is_finished else _unfinished(run),
        tag("dl", _facts(run), class_="facts"),
    )


def _subject(run: RunRecord) -> str:
    """Say the task, the data and the target."""
    started = run.last("Started")
    task = run.result.task or as_text(started.get("task"))
    source = run.data.source or as_text(started.get("source"))
    words = [run.result.noun or _noun(task), source, f"target {run.data.target}" if run.data.target else ""]
    return " · ".join(word for word in words if word)


def _noun(task: str) -> str:
    """Return what a task is called where the run does not say it: it was cut off, or made by an older version."""
    spec = catalog.load("task", task) if task in catalog.names("task") else None
    return str(getattr(spec, "noun", "")) or task.replace("_", " ")


def _score(run: RunRecord) -> Html:
    """Show the main score, its interval, and what a trivial predictor reaches."""
    result, key = run.result, headline_key(run)
    beside: list[Child] = []
    interval = result.interval(key)
    if interval is not None:
        low, high = (say_score(key, end) for end in interval)
        sentence = " is the 95 % interval: where the score would likely fall on other data of this kind."
        beside.append(tag("p", tag("b", f"{low} to {high}"), sentence))
    baseline = result.baseline.get(key)
    if baseline is not None:
        how = str(result.baseline.get("description", "a trivial predictor"))
        beside.append(tag("p", tag("b", say_score(key, baseline)), f" is what you get without learning anything ({how})."))
    if not beside and meaning(key):
        beside.append(tag("p", meaning(key)))
    number = tag("p", tag("span", label(key), class_="what"), tag("span", say_score(key, result.metrics[key]), class_="value"))
    aside = tag("div", beside, class_="beside") if beside else None
    return tag("div", tag("div", number, class_="big"), aside, class_="score")


def _unfinished(run: RunRecord) -> Html:
    """Say how far a run without a result came."""
    logged = run.last("Logged")
    step, total = as_whole(logged.get("step")), as_whole(logged.get("total_steps"))
    where = "" if step is None else f" It reached step {step:,}" + ("." if total is None else f" of {total:,}.")
    text = "This run has no final scores: it was cut off, or is still going on." + where
    return note(tag("strong", "Not finished. "), text, " What is known so far is shown below.")


def _facts(run: RunRecord) -> Html:
    """List time, size, and how training ended."""
    started, finished, result = run.last("Started"), run.last("Finished"), run.result
    items = []
    seconds = as_number(result.seconds if result.seconds is not None else finished.get("seconds"))
    if seconds is not None:
        device = as_text(started.get("device"))
        items.append(fact("Time", say_seconds(seconds), detail=f"on {device}" if device else None))
    count = result.num_parameters if result.num_parameters is not None else as_whole(started.get("num_parameters"))
    if count is not None:
        items.append(fact("Model", as_text(started.get("model")) or "model", detail=say_count(count, "parameter")))
    stopped = result.stopped or as_text(finished.get("stopped"))
    if stopped:
        name, why = STOPPED.get(stopped, (stopped, ""))
        items.append(fact("Ended by", name, detail=why))
    floor = run.read(LeavingPart).floor
    share = floor.share or 0.0
    if share:
        leaves = "the floor alone" if share >= 1 else f"network and floor, of which {share:.0%} the floor"
        items.append(fact("What leaves", leaves, detail=floor.noun or None))
    parts = run.data.parts
    if run.kept_step is not None:
        is_best = bool(run.last("Restored")) or "validation" in parts
        detail = "the best on the validation part" if is_best else None
        if share >= 1:
            detail = "of the network, which has no part in what leaves"
        items.append(fact("Kept weights", f"step {run.kept_step:,}", detail=detail))
    if parts:
        first = "train" if "train" in parts else next(iter(parts))
        rest = ", ".join(f"{rows:,} {name}" for name, rows in parts.items() if name != first)
        items.append(fact(run.data.items.capitalize() or "Examples", f"{parts[first]:,} {first}", detail=rest))
    return join(items)
