"""A finished (or paused) run, opened: its metrics, and its model for evaluation and prediction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from tutelage.core import catalog, layout
from tutelage.core.errors import DataError, Problem, UsageError
from tutelage.core.schema import TableShape
from tutelage.data.prepare.target import ClassTarget
from tutelage.data.source.arrays import collect_arrays
from tutelage.data.part.base import Part
from tutelage.data.part.table import TablePart
from tutelage.data.source.class_names import match_labels
from tutelage.data.source.recognize import recognize
from tutelage.metric.base import Metric, Outcome
from tutelage.metric.interval import interval
from tutelage.predictor.predictor import Predictor, load_predictor
from tutelage.run.folder import read_json, run_folder

__all__ = ["Prediction", "Run"]


@dataclass(frozen=True)
class Prediction:
    """Answers for some rows.

    Attributes:
        names: Each row as people know it, such as `cats/cat.1.jpg`.
        labels: Predicted class names, or numbers in the target's unit.
        probabilities: float64 [N, C], or None for numbers.
        classes: Names of the columns of `probabilities`.
        problems: Rows that could not be read, which are not among the others.
    """

    names: tuple[str, ...]
    labels: list[Any]
    probabilities: np.ndarray | None
    classes: tuple[Any, ...]
    problems: tuple[Problem, ...] = ()

    def records(self) -> list[dict[str, Any]]:
        """Return one record per row: its name, the prediction, and the probability of each class."""
        rows: list[dict[str, Any]] = []
        for i, name in enumerate(self.names):
            row: dict[str, Any] = {"row": name, "prediction": self.labels[i]}
            if self.probabilities is not None:
                row |= {f"p({name})": round(float(p), 6) for name, p in zip(self.classes, self.probabilities[i], strict=True)}
            rows.append(row)
        return rows


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes:
        path: Where it is.
        module: An own module, where the run was given one.
    """

    path: Path
    module: nn.Module | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: str | Path, *, model: nn.Module | None = None) -> "Run":
        """Open a run folder.

        Raises:
            RunError: It is not one.
        """
        return cls(run_folder(path), model)

    @cached_property
    def result(self) -> dict[str, Any]:
        """All of result.json; empty while the run has not ended."""
        path = self.path / layout.RESULT
        return read_json(path) if path.exists() else {}

    @property
    def metrics(self) -> dict[str, float]:
        """The final metrics, such as `test/accuracy`."""
        return dict(self.result.get("metrics", {}))

    @cached_property
    def plan(self) -> dict[str, Any]:
        """All of plan.json."""
        return read_json(self.path / layout.PLAN)

    @property
    def report(self) -> Path:
        """The report's path."""
        return self.path / layout.REPORT

    @cached_property
    def predictor(self) -> Predictor:
        """The trained model with its preprocessing: the best weights."""
        return load_predictor(self.path / layout.BEST / layout.PREDICTOR, module=self.module)

    def evaluate(self, source: Any = None, *, target: str = "auto") -> dict[str, float]:
        """Measure the model.

        Args:
            source: A path or arrays with labels; None = the final metrics on the run's own test part.
            target: Name of the target column, if not the one of the training.

        Returns:
            Metrics by name, such as `test/accuracy`.

        Raises:
            DataError: Rows without labels, or with labels that the model does not know.
        """
        if source is None:
            return self.metrics
        return self.scores(source, target=target)["metrics"]  # type: ignore[no-any-return]

    def scores(self, source: Any, *, target: str = "auto", on_bad_data: str = "fail") -> dict[str, Any]:
        """Return `metrics` and their 95 % `intervals` on a source with labels."""
        part, problems = self._read([source] if isinstance(source, str | Path) else source, target=target)
        if problems and (on_bad_data == "fail" or any(problem.item < 0 for problem in problems)):
            raise DataError(problems)
        truth, warnings = self._truth(part, where=str(source) if isinstance(source, str | Path) else "the data")
        outcome = Outcome(self.predictor.answers(part), truth)
        metrics: list[Metric] = [catalog.load("metric", name)() for name in self.plan["metrics"]]
        names = [f"test/{name}" for name in self.plan["metrics"]]
        return {
            "num_rows": len(part),
            "warnings": [*warnings, *(f"left out: {problem}" for problem in problems)],
            "metrics": {name: metric.compute(outcome) for name, metric in zip(names, metrics, strict=True)},
            "intervals": {
                name: list(interval(metric, outcome, seed=self.plan["seed"])) for name, metric in zip(names, metrics, strict=True)
            },
        }

    def _truth(self, part: Part, *, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return class numbers, or numbers in the user's unit; and a warning for each class that is spelled differently."""
        labels = part.labels
        target = self.predictor.target
        if labels is None:
            remedy = "To predict without labels: tutelage predict."
            raise DataError([Problem(where, "there are no labels to compare with", remedy)])
        absent = [i for i, label in enumerate(labels) if label is None]
        if absent:
            remedy = "Fill the label in, or leave the row out."
            raise DataError([Problem(part.locate(i), "the label is missing", remedy) for i in absent])
        if not isinstance(target, ClassTarget):
            target.encode(labels, locate=part.locate)
            return np.array([float(label) for label in labels]), ()
        matched = match_labels(labels, [name for name in target.classes if isinstance(name, str)], part=where)
        return target.encode(matched.labels, locate=part.locate), matched.warnings

    def predict(self, inputs: Any) -> list[Any]:
        """Return the class name, or the number, for each row of a path, several paths, or arrays."""
        return self.prediction(inputs).labels

    def predict_proba(self, inputs: Any) -> np.ndarray:
        """Return probabilities float64 [N, C]; the columns are `run.classes`.

        Raises:
            UsageError: The run predicts numbers.
        """
        probabilities = self.prediction(inputs).probabilities
        if probabilities is None:
            raise UsageError("this run predicts numbers: use predict.")
        return probabilities

    @property
    def classes(self) -> tuple[Any, ...]:
        """The class names in the order of `predict_proba`'s columns; empty for numbers."""
        target = self.predictor.target
        return target.classes if isinstance(target, ClassTarget) else ()

    def prediction(self, inputs: Any, *, on_bad_data: str = "fail") -> Prediction:
        """Return labels, probabilities and names for each row.

        Raises:
            DataError: Items that cannot be read, unless they are to be skipped.
        """
        names: list[str] = []
        answers: list[np.ndarray] = []
        left_out: list[Problem] = []
        for source in self._one_by_one(inputs):
            part, problems = self._read(source, target="auto")
            left_out += problems
            try:
                found = self.predictor.answers(part)
            except DataError as error:
                left_out += error.problems
                is_bad = np.isin(np.arange(len(part)), [problem.item for problem in error.problems])
                if on_bad_data == "fail" or not is_bad.any():
                    continue
                part = part.select(np.flatnonzero(~is_bad))
                found = self.predictor.answers(part)
            answers.append(found)
            names += [part.locate(i) for i in range(len(part))]
        if left_out and (on_bad_data == "fail" or any(problem.item < 0 for problem in left_out)):
            raise DataError(left_out)
        joined = np.concatenate(answers) if answers else np.empty((0, len(self.classes)) if self.classes else 0)
        probabilities = joined if self.classes else None
        return Prediction(tuple(names), self.predictor.labels(joined), probabilities, self.classes, tuple(left_out))

    def _one_by_one(self, inputs: Any) -> list[Any]:
        """Return what is read at a time: each table by itself, for it has its own columns; images together."""
        if isinstance(inputs, str | Path):
            return [[inputs]]
        is_paths = isinstance(inputs, Sequence) and bool(inputs) and all(isinstance(item, str | Path) for item in inputs)
        return [[item] for item in inputs] if is_paths and isinstance(self.predictor.shape, TableShape) else [inputs]

    def _read(self, source: Any, *, target: str) -> tuple[Part, tuple[Problem, ...]]:
        """Read paths or arrays as rows to answer for."""
        if isinstance(source, Sequence) and source and all(isinstance(item, str | Path) for item in source):
            paths = [str(item) for item in source]
            known = self._target_column() if target == "auto" else target
            reader = recognize(paths[0])(path=paths[0], target=known or "auto")
            part, problems = reader.read_input(paths)
            if target != "auto" and isinstance(part, TablePart) and target not in part.table.column_names:
                columns = part.table.column_names
                raise UsageError(
                    f"{paths[0]} has no column {target!r}{catalog.suggest(target, columns)} Columns: {', '.join(columns)}."
                )
            return part, problems
        as_given = self.plan["modality"] == "array"
        collected = collect_arrays(source, target=self._target_column() or "auto", as_given=as_given, is_input=True)
        return collected.train, collected.problems

    def _target_column(self) -> str:
        """Return the name of the target column that the run learned, or ""."""
        if not isinstance(self.predictor.shape, TableShape):
            return ""
        return str(read_json(self.path / layout.DATA).get("target", ""))
