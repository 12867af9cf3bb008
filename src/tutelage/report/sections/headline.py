"""What was trained, how good it is, and what it took: everything that fits on the first screen."""

from tutelage.core.amount import say_seconds
from tutelage.report.blocks import fact, note
from tutelage.report.facts import Facts, Result
from tutelage.report.html import Child, Html, join, tag
from tutelage.report.measure import label, main_metric, meaning, say_score
from tutelage.report.number import say_count

__all__ = ["show", "title"]

STOPPED = {
    "budget": ("budget used up", "the planned amount of training was done"),
    "patience": ("early stopping", "the validation score had not improved for a while"),
    "interrupted": ("interrupted", "by Ctrl-C; the best weights so far were kept"),
    "terminated": ("terminated", "by the system; the best weights so far were kept"),
}
TASKS = {"classify": "classification", "regress": "regression"}


def title(facts: Facts) -> str:
    """Return the name of the run."""
    return facts.folder.resolve().name


def show(facts: Facts) -> Html:
    """Return the head of the page."""
    return tag(
        "header",
        tag("p", _subject(facts), class_="eyebrow"),
        tag("h1", title(facts)),
        _score(facts.result) if facts.result and facts.result.metrics else _unfinished(facts),
        tag("dl", _facts(facts), class_="facts"),
    )


def _subject(facts: Facts) -> str:
    """Say the task, the data and the target."""
    task = facts.result.task if facts.result else str(facts.last("Started").get("task", ""))
    source = facts.data.source or str(facts.last("Started").get("source", ""))
    words = [TASKS.get(task, task), source, f"target {facts.data.target}" if facts.data.target else ""]
    return " · ".join(word for word in words if word)


def _score(result: Result) -> Html:
    """Show the main score, its interval, and what a trivial predictor reaches."""
    key = main_metric(tuple(result.metrics))
    beside: list[Child] = []
    interval = result.intervals.get(key)
    if interval is not None:
        low, high = (say_score(key, end) for end in interval)
        beside.append(
            tag(
                "p",
                tag("b", f"{low} to {high}"),
                " is the 95 % interval: where the score would likely fall on other data of this kind.",
            )
        )
    baseline = result.baseline.get(key)
    if baseline is not None:
        how = str(result.baseline.get("description", "a trivial predictor"))
        beside.append(tag("p", tag("b", say_score(key, baseline)), f" is what you get without learning anything ({how})."))
    if not beside and meaning(key):
        beside.append(tag("p", meaning(key)))
    number = tag("p", tag("span", label(key), class_="what"), tag("span", say_score(key, result.metrics[key]), class_="value"))
    return tag("div", tag("div", number, class_="big"), tag("div", beside, class_="beside"), class_="score")


def _unfinished(facts: Facts) -> Html:
    """Say how far a run without a result came."""
    logged = facts.last("Logged")
    where = f" It reached step {logged['step']:,} of {logged['total_steps']:,}." if isinstance(logged.get("step"), int) else ""
    text = "This run has no final scores: it was cut off, or is still going on." + where
    return note(tag("strong", "Not finished. "), text, " What is known so far is shown below.")


def _facts(facts: Facts) -> Html:
    """List time, size, and how training ended."""
    started, finished, result = facts.last("Started"), facts.last("Finished"), facts.result
    items = []
    seconds = result.seconds if result and result.seconds is not None else finished.get("seconds")
    if isinstance(seconds, int | float):
        items.append(fact("Time", say_seconds(seconds), detail=f"on {started['device']}" if started.get("device") else None))
    parameters = result.num_parameters if result and result.num_parameters is not None else started.get("num_parameters")
    if isinstance(parameters, int):
        items.append(fact("Model", str(started.get("model") or "model"), detail=say_count(parameters, "parameter")))
    stopped = (result.stopped if result else "") or str(finished.get("stopped", ""))
    if stopped:
        name, why = STOPPED.get(stopped, (stopped, ""))
        items.append(fact("Ended by", name, detail=why))
    if facts.best_step is not None:
        items.append(fact("Kept weights", f"step {facts.best_step:,}", detail="the best on the validation part"))
    parts = facts.data.parts
    if parts:
        rest = ", ".join(f"{rows:,} {name}" for name, rows in parts.items() if name != "train")
        items.append(fact("Examples", f"{parts.get('train', 0):,} train", detail=rest))
    return join(items)
