"""Says of a run that has learned nothing that it has, and why: the scores against a guess, then the cause that was measured."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tutelage.core import catalog, layout
from tutelage.core.errors import RunError
from tutelage.diagnosis.base import Reason, find_reasons
from tutelage.diagnosis.facts import Curve, Facts, Layer
from tutelage.diagnosis.verdict import Versus, compare, judge_run
from tutelage.run.compose import Composed
from tutelage.task.base import Evaluator
from tutelage.task.modes import evaluation_mode
from tutelage.track.jsonl import read_records
from tutelage.training.vitals import dead_units

__all__ = ["Diagnosis", "diagnose", "versus_guess"]

UNKNOWN = "No cause could be measured."
COMMON = "common_answer"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is to be said of a run's scores.

    Attributes:
        verdict: How they compare with a guess.
        reasons: Why they are no better, what explains most first; empty where they are, or nothing was found.
        facts: What was measured; None where there was no need to.
        sentence: The warning; "" where there is none.
    """

    verdict: Versus
    reasons: list[Reason] = field(default_factory=list)
    facts: Facts | None = None
    sentence: str = ""

    def record(self) -> dict[str, Any]:
        """Return what result.json says of it."""
        if not self.sentence:
            return {"diagnosis": {"verdict": self.verdict}, "warnings": []}
        measured = {} if self.facts is None else _measured(self.facts)
        reasons = [reason.record() for reason in self.reasons]
        return {"diagnosis": {"verdict": self.verdict, "reasons": reasons, "measured": measured}, "warnings": [self.sentence]}


def versus_guess(evaluator: Evaluator) -> Callable[[Mapping[str, float]], str]:
    """Return what compares an evaluation with the guess: that is measured once, and needs no model."""
    guess, count = evaluator.guess(), len(evaluator)
    greater = _directions(guess)
    return lambda metrics: compare(metrics, guess, greater=greater, count=count)


def _directions(names: Mapping[str, Any]) -> dict[str, bool]:
    """Return for each metric, by its name such as `test/loss`, whether more of it is better."""
    return {name: bool(catalog.load("metric", name.rpartition("/")[2]).greater_is_better) for name in names}


def diagnose(
    folder: Path, composed: Composed, layers: tuple[Layer, ...], scores: Mapping[str, Any], *, watched: str
) -> Diagnosis:
    """Compare a run's scores with the guess, and look for the cause where they are no better.

    Args:
        folder: The run folder, whose metrics.jsonl has the curves.
        composed: The training, with its best weights.
        layers: The weights as the last step has left them.
        scores: What result.json will say: `metrics`, `intervals`, `baseline`, `headline`.
        watched: The metric that early stopping has watched, such as `val/loss`.
    """
    metrics, guess, headline = scores["metrics"], scores["baseline"], scores["headline"]
    verdict = judge_run(metrics, scores["intervals"], guess, headline=headline, greater=_directions(metrics))
    if verdict in ("better", "unknown"):
        return Diagnosis(verdict)
    facts = _gather(folder, composed, layers, scores, verdict=verdict, watched=watched)
    reasons = find_reasons(facts)
    if verdict == "partly better" and not reasons:
        return Diagnosis(verdict)
    return Diagnosis(verdict, reasons, facts, _sentence(scores, reasons, verdict=verdict))


def _sentence(scores: Mapping[str, Any], reasons: list[Reason], *, verdict: Versus) -> str:
    """Say that nothing was learned, and the cause that explains most."""
    name = scores["headline"]
    kind = catalog.load("metric", name.rpartition("/")[2])
    value, plain = scores["metrics"][name], scores["baseline"][name]
    low, high = scores["intervals"].get(name) or (None, None)
    between = f" (95 % interval {low:.4g} to {high:.4g})" if low is not None and low == low else ""
    is_worse = value < plain if kind.greater_is_better else value > plain
    than = "is worse than guessing" if is_worse else "is not distinguishable from guessing"
    what = "has learned nothing" if verdict == "no better" else "does not show in it what the model has learned"
    found = f"{name} {value:.4g}{between} {than}, which reaches {plain:.4g} ({_described(scores)}): this run {what}."
    return f"{found} {f'Cause: {reasons[0]}' if reasons else UNKNOWN}"


def _described(scores: Mapping[str, Any]) -> str:
    """Say what the guess is, without what follows a semicolon."""
    return str(scores["baseline"].get("description", "a trivial predictor")).partition(";")[0]


def _gather(
    folder: Path, composed: Composed, layers: tuple[Layer, ...], scores: Mapping[str, Any], *, verdict: Versus, watched: str
) -> Facts:
    """Measure what the causes may ask for; only now is anything of it paid for."""
    problem, state = composed.problem, composed.state
    points: list[dict[str, Any]] = []
    # Curves that cannot be read are missing from the diagnosis: the run itself has ended well.
    with suppress(RunError, OSError):
        points = read_records(folder / layout.METRICS)
    common = scores.get(COMMON, {})
    train = problem.train() if problem.train is not None else None
    network = state.task.network()
    found: dict[str, Any] = {}

    def run() -> None:
        found.update(train.final(state.task) if train is not None else {})
        if train is None:
            problem.validation(state.task)

    with evaluation_mode(network):
        dead = dead_units(network, run)
    return Facts(
        steps=state.clock.step,
        epochs=state.clock.epoch,
        stopped=state.control.stop_reason,
        rate=max((point[name] for point in points for name in point if name.rpartition("/")[2] == "lr"), default=0.0),
        layers=(*layers, *dead),
        losses=_curve(points, next((name for point in points for name in point if _is_train_loss(name)), "")),
        scores=_curve(points, watched),
        greater_is_better=_directions({watched: 0})[watched],
        train=_say_train(found, scores["headline"], train),
        fits_train=bool(found) and _fits(found, scores["headline"], train),
        answer=str(common.get("answer", "")),
        answer_fraction=common.get("fraction"),
        truth_fraction=common.get("truth_fraction"),
        is_partly_better=verdict == "partly better",
    )


def _fits(found: Mapping[str, Any], headline: str, train: Evaluator | None) -> bool:
    """Tell whether the train rows are clearly better than the guess."""
    name = _on_train(headline, train)
    metrics = {key: float(value) for key, value in found["metrics"].items()}
    greater = _directions(metrics)
    return judge_run(metrics, found["intervals"], found["baseline"], headline=name, greater=greater) == "better"


def _say_train(found: Mapping[str, Any], headline: str, train: Evaluator | None) -> str:
    """Say what the model reaches on the train rows, beside the guess."""
    name = _on_train(headline, train)
    if not found or name not in found["metrics"]:
        return ""
    return f"{name} {found['metrics'][name]:.4g}, a guess {found['baseline'][name]:.4g}"


def _on_train(headline: str, train: Evaluator | None) -> str:
    return f"{train.name if train is not None else ''}/{headline.rpartition('/')[2]}"


def _is_train_loss(name: str) -> bool:
    return name.startswith("train/") and name.rpartition("/")[2] == "loss"


def _curve(points: list[dict[str, Any]], name: str) -> Curve:
    """Return one number over the steps; what is not a number is left out."""
    pairs = [(point["step"], point[name]) for point in points if isinstance(point.get(name), float | int) and "step" in point]
    return Curve(tuple(int(step) for step, _ in pairs), tuple(float(value) for _, value in pairs))


def _measured(facts: Facts) -> dict[str, Any]:
    """Return the facts for result.json: curves by their ends, weights by name."""
    record: dict[str, Any] = {
        key: value for key, value in asdict(facts).items() if key not in ("losses", "scores", "layers", "greater_is_better")
    }
    if len(facts.losses):
        record["train_loss"] = {"start": facts.losses.start, "end": facts.losses.end, "highest": facts.losses.highest}
    record["layers"] = {
        layer.name: {key: value for key, value in asdict(layer).items() if key != "name" and value is not None}
        for layer in facts.layers
    }
    return record
