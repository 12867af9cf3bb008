"""How good a language model is at another text than its own: nats and bits a character of what leaves, counts and all.

Shape letters: N tokens of the text.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tutelage.core import catalog
from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.data.part.base import Part
from tutelage.data.prepare.running_text import FittedText
from tutelage.data.rows.pieces import PieceRows
from tutelage.data.source.base import Source
from tutelage.data.source.recognize import recognize, require_path
from tutelage.floor.tokens import TokensFitted, mixed_logs
from tutelage.metric.token_outcome import TokenOutcome
from tutelage.planning.plan import Plan
from tutelage.predictor.predictor import Predictor
from tutelage.run.files import RunFiles
from tutelage.run.scores import warn_of_own
from tutelage.task.companion import whose
from tutelage.task.measured import UnitTallies
from tutelage.task.text_evaluation import text_outcomes

__all__ = ["text_scores"]

LEAST_TOKENS = 2
"""One that is given, and one that is predicted."""
PREFIX = "test/"


@dataclass(frozen=True)
class TextScores:
    """What a model reaches on a text, by the names of metrics such as `test/nats_per_character`.

    Attributes:
        metrics: Of what leaves.
        intervals: The ends of their 95 % intervals.
        network: Of the network alone.
    """

    metrics: dict[str, float]
    intervals: dict[str, list[float]]
    network: dict[str, float]


def text_scores(predictor: Predictor, source: Any, *, files: RunFiles, target: str = "auto") -> dict[str, Any]:
    """Return metrics of what leaves, and their 95 % intervals, as `Run.scores` does.

    Args:
        predictor: A language model.
        source: A path of a text, or of a folder of texts.
        files: The run's.
        target: `auto`: a text has no columns.

    Raises:
        UsageError: No path, or a column.
        DataError: No text, or one of a single token.
    """
    if target != "auto":
        raise UsageError(f"target={target!r}: a text has no columns. Leave it out.")
    part, notes = _read(source)
    fitted = predictor.fitted
    assert isinstance(fitted, FittedText)
    tokens = fitted.tokens(part)
    if len(tokens) < LEAST_TOKENS:
        raise DataError([DataProblem(str(source), f"{len(tokens)} token", "Give a text of at least two, better thousands.")])
    found = _measured(predictor, fitted, tokens, files.plan()[0])
    share = 0.0 if predictor.companion is None else predictor.companion.share
    return {
        "num_rows": len(part.running_text),
        "notes": [*notes, *_said(found.network, share=share)],
        "warnings": [*warn_of_own(source, files.folder, files), *filter(None, [fitted.misfit(part)])],
        "metrics": found.metrics,
        "intervals": found.intervals,
        **({"floor": {"share": share, "metrics": {"network": found.network}}} if share else {}),
    }


def _measured(predictor: Predictor, fitted: FittedText, tokens: np.ndarray, plan: Plan) -> TextScores:
    """Return what a model reaches on the tokens of a text, whole numbers [N]."""
    rows = PieceRows(tokens, length=min(fitted.length, len(tokens) - 1))
    alone, whole = ([metric.tally() for metric in plan.metrics] for _ in range(2))
    units = [UnitTallies(metric, num_units=len(rows)) for metric in plan.metrics]
    companion, floor_N, share, begin = predictor.companion, None, 0.0, 0
    if companion is not None and isinstance(companion.fitted, TokensFitted):
        floor_N, share = companion.fitted.log_likelihoods(tokens), companion.share
    for network in text_outcomes(predictor.module, fitted, rows, device=predictor.device, precision=predictor.precision):
        leaving, end = network, begin + len(network.log_likelihood)
        if floor_N is not None:
            logs = mixed_logs(network.log_likelihood, floor_N[begin:end], share=share)
            leaving = TokenOutcome(logs, network.num_characters)
        begin = end
        for own, tally, unit in zip(alone, whole, units, strict=True):
            own.add(network)
            tally.add(leaving)
            unit.add(leaving)
    names = [f"{PREFIX}{metric.kind}" for metric in plan.metrics]
    network_scores, metrics = ({name: tally.value() for name, tally in zip(names, each, strict=True)} for each in (alone, whole))
    intervals = {
        name: list(unit.interval(seed=plan.seed, estimate=metrics[name])) for name, unit in zip(names, units, strict=True)
    }
    return TextScores(metrics, intervals, network_scores)


def _read(source: Any) -> tuple[Part, tuple[str, ...]]:
    """Return a text, and what is worth telling about it.

    Raises:
        UsageError: No path.
        DataError: No text is there.
    """
    if not isinstance(source, str | Path):
        raise UsageError("a language model is measured on a text file: give its path, or that of a folder of texts.")
    path = str(source)
    require_path(path)
    texts: type[Source] = catalog.load("source", "plain_text")
    kind = texts if texts.recognizes_input(path, {}) else recognize(path)
    collected = kind.model_validate({"path": path}).collect()
    if not collected.train.running_text:
        remedy = "Give a .txt file, a folder of such, or chars:FILE."
        raise DataError([DataProblem(path, f"these are {collected.train.kind} data, no text", remedy)])
    return collected.train, collected.notes


def _said(network: dict[str, float], *, share: float) -> list[str]:
    """Say what leaves, and how good the network is by itself."""
    if not share:
        return []
    name, value = next(iter(network.items()))
    return [f"measured as it leaves, {whose(share)} ({share:.0%} of it the floor); the network alone: {name} {value:.4g}"]
