"""Says of a run that has learned nothing that it has, and why: the scores against a guess, then the cause that was measured."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.diagnosis.base import Reason, find_reasons
from tutelage.diagnosis.facts import Curve, Facts, Layer
from tutelage.diagnosis.verdict import Versus, compare, find_signal, is_good_anyway, judge_run
from tutelage.planning.plan import Plan
from tutelage.run.compose import Composed
from tutelage.task.base import Evaluator
from tutelage.task.measured import measured_metrics
from tutelage.track.jsonl import read_records
from tutelage.training.vitals import dead_units

__all__ = ["Diagnosis", "Ended", "versus_guess"]

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


def versus_guess(evaluator: Evaluator, plan: Plan) -> Callable[[Mapping[str, float]], str]:
    """Return what compares an evaluation with the guess: that is measured once, and needs no model."""
    guess, greater = evaluator.guess(), _directions(plan)
    count = int(getattr(evaluator, "num_measured", len(evaluator)))
    return lambda metrics: compare(metrics, guess, greater=greater, count=count)


def _directions(plan: Plan) -> dict[str, bool]:
    """Return for each metric of a plan, by its kind, whether more of it is better."""
    return {metric.kind: bool(metric.greater_is_better) for metric in measured_metrics(plan, is_watched=True)}


@dataclass(frozen=True)
class Ended:
    """A training that has ended, with its best weights.

    Attributes:
        folder: The run folder, whose metrics.jsonl has the curves.
        plan: Everything decided.
        composed: The training.
        layers: The weights as the last step has left them.
        scores: What result.json will say: `metrics`, `intervals`, `baseline`, `headline` and what the task shows.
    """

    folder: Path
    plan: Plan
    composed: Composed
    layers: tuple[Layer, ...]
    scores: Mapping[str, Any]

    def diagnose(self) -> Diagnosis:
        """Compare the scores with the guess, and look for the cause where they are no better."""
        verdict = self._judge(self.scores, headline=self.scores["headline"])
        if Facts(steps=self.composed.state.clock.step, layers=self.layers).is_untrained and verdict != "no better":
            verdict = "untrained"
        if verdict in ("no better", "partly better") and self._is_good():
            verdict = "good anyway"
        if verdict in ("better", "good anyway", "unknown"):
            return Diagnosis(verdict)
        facts = self._gather(verdict)
        reasons = find_reasons(facts)
        if verdict != "no better" and not reasons:
            return Diagnosis(verdict)
        return Diagnosis(verdict, reasons, facts, self._sentence(reasons, facts, verdict=verdict))

    def after_divergence(self) -> Diagnosis:
        """Say where the weights that a training has kept, before it diverged, are no better than a guess."""
        name, verdict = self.scores["headline"], self._judge(self.scores, headline=self.scores["headline"])
        if verdict != "no better":
            return Diagnosis(verdict)
        value, guess = self.scores["metrics"][name], self.scores["baseline"][name]
        found = f"training diverged, and the best weights before that reach {name} {value:.4g}, a guess {guess:.4g}"
        reason = Reason("diverged", found, "Do not use them: train anew, with a learning rate a tenth of it: --set optim.lr=...")
        return Diagnosis(verdict, [reason], sentence=f"the weights that are kept are no better than a guess: {reason}")

    def _judge(self, scores: Mapping[str, Any], *, headline: str) -> Versus:
        return judge_run(
            scores["metrics"], scores["intervals"], scores["baseline"], headline=headline, greater=_directions(self.plan)
        )

    def _is_good(self) -> bool:
        """Tell whether the scores are good though a guess is as good, where the task says what can be hoped for."""
        scores, hoped = self.scores, self.scores.get("hoped", {})
        return is_good_anyway(
            scores["metrics"], scores["intervals"], scores["baseline"], hoped=hoped, greater=_directions(self.plan)
        )

    def _sentence(self, reasons: list[Reason], facts: Facts, *, verdict: Versus) -> str:
        """Say that nothing was learned, and the cause that explains most."""
        if verdict == "untrained":
            return (
                f"the weights are where they began: the scores are those of a network that was not trained. Cause: {reasons[0]}"
            )
        name, baseline = self.scores["headline"], self.scores["baseline"]
        value, guess = self.scores["metrics"][name], baseline[name]
        ends = [end for end in self.scores["intervals"].get(name) or () if not math.isnan(end)]
        between = f" (95 % interval {ends[0]:.4g} to {ends[1]:.4g})" if ends else ""
        is_worse = max([value, *ends]) < guess if _directions(self.plan)[_kind(name)] else min([value, *ends]) > guess
        than = "is worse than guessing" if is_worse else "is not distinguishable from guessing"
        what = "has learned nothing" if verdict == "no better" and not facts.signal else "has learned nothing that shows in it"
        if facts.is_short:
            what = "made too few steps to tell what can be learned"
        # What follows a semicolon is told in the report.
        how = str(baseline.get("description", "a trivial predictor")).partition(";")[0]
        found = f"{name} {value:.4g}{between} {than}, which reaches {guess:.4g} ({how}): this run {what}."
        if not reasons:
            return f"{found} {facts.signal and f'Yet something was learned: {facts.signal}. '}{UNKNOWN}"
        return f"{found} Cause: {reasons[0]}"

    def _gather(self, verdict: Versus) -> Facts:
        """Measure what the causes may ask for; only now is anything of it paid for."""
        state, scores = self.composed.state, self.scores
        points: list[dict[str, Any]] = []
        # Curves that cannot be read are missing from the diagnosis: the run itself has ended well.
        with suppress(RunError, OSError):
            points = read_records(self.folder / layout.METRICS)
        dead, found = self._look_again()
        on_train = f"train/{_kind(scores['headline'])}"
        says_train = on_train in found.get("metrics", {})
        train = f"{on_train} {found['metrics'][on_train]:.4g}, a guess {found['baseline'][on_train]:.4g}" if says_train else ""
        fits_train, train_signal = says_train and self._judge(found, headline=on_train) == "better", self._signal(found, "train")
        common, watched = scores.get(COMMON, {}), f"val/{self.plan.watched}"
        return Facts(
            steps=state.clock.step,
            epochs=state.clock.epoch,
            stopped=state.control.stop_reason,
            rate=max((point[name] for point in points for name in point if _kind(name) == "lr"), default=0.0),
            layers=(*self.layers, *dead),
            losses=_curve(points, next((name for point in points for name in point if _is_train_loss(name)), ""))
            if state.task.has_steady_loss
            else Curve(),
            scores=_curve(points, watched),
            greater_is_better=_directions(self.plan)[self.plan.watched],
            train=train if fits_train else train_signal or train,
            fits_train=fits_train or bool(train_signal),
            signal=self._signal(scores, "val"),
            answer=str(common.get("answer", "")),
            answer_fraction=common.get("fraction"),
            truth_fraction=common.get("truth_fraction"),
            width=scores.get("rivalry", {}).get("width"),
            covered=scores.get("rivalry", {}).get("coverage"),
            is_partly_better=verdict == "partly better",
            rollbacks=len(state.control.rollbacks),
            env_steps=int(self.composed.problem.extras().get("env_steps", 0)),
            num_train=self.plan.num_train,
        )

    def _signal(self, scores: Mapping[str, Any], part: str) -> str:
        """Return a score of a part that shows that something was learned, in words, or ""."""
        known = [scores.get(key, {}) for key in ("metrics", "intervals", "baseline")]
        return find_signal(*known, part=part, greater=_directions(self.plan))

    def _look_again(self) -> tuple[tuple[Layer, ...], dict[str, Any]]:
        """Run the network once more, on train rows where a task has such, and return its rectifiers and those rows' scores."""
        problem, task = self.composed.problem, self.composed.state.task
        found: dict[str, Any] = {}

        def run() -> None:
            if problem.train is None:
                problem.validation(task)
            else:
                found.update(problem.train().final(task))

        return dead_units(task.network(), run), found


def _is_train_loss(name: str) -> bool:
    return name.startswith("train/") and _kind(name) == "loss"


def _kind(name: str) -> str:
    return name.rpartition("/")[2]


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
