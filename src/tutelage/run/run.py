"""A finished (or paused) run, opened: its metrics, and its model for evaluation and prediction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from tutelage.core import layout
from tutelage.core.errors import BRING_BACK, DataError, DataProblem, RunError, UsageError, say_problems
from tutelage.data.part.base import RowsPart
from tutelage.data.target.base import Target
from tutelage.model.stored import read_seal
from tutelage.planning.plan import Plan
from tutelage.predictor.ensemble import Answerer, Ensemble, load_answerer
from tutelage.predictor.predictor import Predictor
from tutelage.run.calibrating import Calibrating, answered, held_out, require_calibrated
from tutelage.run.collect import collect, gather_again, one_mark, refuse_bad
from tutelage.run.ending import require_model
from tutelage.run.files import RunFiles, warn_user
from tutelage.run.folder import run_folder
from tutelage.run.forecast import Forecasts, forecaster
from tutelage.run.forecasting import ForecastingRun
from tutelage.run.generate import Generation, Wanted, begin_generation
from tutelage.run.inputs import Inputs
from tutelage.run.measure import ask_rows, measure_batches, metrics_of
from tutelage.run.prediction import Prediction, require_sets, sets_of
from tutelage.run.samples import Samples, Sought, make_samples
from tutelage.run.scores import warn_of_own, where_of
from tutelage.run.text_scores import text_scores
from tutelage.run.wishes import wished
from tutelage.task.base import Data
from tutelage.task.sample_maker import SampleMaker

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes:
        path: Where it is.
        module: An own module, where the run was given one.
        tell: Takes what was found damaged in the folder and could be gone around.
    """

    path: Path
    module: nn.Module | None = field(default=None, repr=False)
    tell: Callable[[str], None] = field(default=warn_user, repr=False)

    @classmethod
    def open(cls, path: str | Path, *, model: nn.Module | None = None, tell: Callable[[str], None] = warn_user) -> "Run":
        """Open a run folder.

        Raises:
            RunError: It is not one.
        """
        return cls(run_folder(path), model, tell)

    @cached_property
    def files(self) -> RunFiles:
        """The files of the folder, checked when they are read."""
        return RunFiles(self.path, tell=self.tell)

    @cached_property
    def result(self) -> dict[str, Any]:
        """All of result.json; empty while the run has not ended."""
        return self.files.result()

    @property
    def metrics(self) -> dict[str, float]:
        """The final metrics, such as `test/accuracy`."""
        return dict(self.result.get("metrics", {}))

    @cached_property
    def plan(self) -> dict[str, Any]:
        """All of plan.json."""
        return self.files.record(layout.PLAN)

    @cached_property
    def decided(self) -> Plan:
        """The plan as an object: everything needed to build the model, cost it, or train anew."""
        return self.files.plan()[0]

    def data(self, source: Any = None, *, test: Any = None, groups: Any = None, times: Any = None) -> Data:
        """Read and prepare the run's data again, exactly as for its training.

        Args:
            source: The same arrays, if the run was given arrays.
            test: The same test arrays, if the run was given such.
            groups: The same groups of rows, if the run was given such.
            times: The same times of rows, if the run was given such.

        Raises:
            RunError: The data has changed since.
        """
        recipe = self.files.recipe()
        marks = one_mark(groups, times)
        collected = collect(recipe, data=source, test=test, as_given=bool(self.decided.own_model), marks=marks)
        return gather_again(recipe, self.decided, collected, folder=self.path, record=self.files.record(layout.DATA)).data

    def build_model(self, *, device: str = "meta") -> nn.Module:
        """Build the run's network anew, without its weights; on `meta` it costs no memory.

        Raises:
            RunError: The run trained an own module.
        """
        plan = self.decided
        if plan.model is None or plan.shape is None:
            raise RunError(f"{self.path}: this run trained your own module {plan.own_model!r}; build it yourself.")
        with torch.device(device):
            network: nn.Module = plan.task.make_network(plan.model, plan.shape, plan.num_outputs)
        return network

    @property
    def report(self) -> Path:
        """The report's path."""
        return self.path / layout.REPORT

    @cached_property
    def answerer(self) -> Answerer:
        """What answers for rows: the trained model with its preprocessing (the best weights), or an ensemble of such."""
        path = self.path / layout.BEST / layout.PREDICTOR
        require_model(self.files, self.result)
        # One that says no seal is refused, with the reason, where it is read.
        if (seal := read_seal(path)) and self.files.knows_another(path.relative_to(self.path).as_posix(), seal=seal):
            raise RunError(f"{path}: is not what this run wrote there. {BRING_BACK}")
        return load_answerer(path, module=self.module)

    def mirrored(self, wish: Literal["auto", "on", "off"]) -> "Run":
        """Return the run with answers averaged with those of mirror images or not; `auto` = as its training decided.

        Raises:
            UsageError: Such data have no mirror images.
        """
        other = replace(self)
        other.__dict__["answerer"] = self.answerer.mirrored(wish)
        return other

    @property
    def predictor(self) -> Predictor:
        """The trained model with its preprocessing.

        Raises:
            RunError: This is an ensemble: of one model alone this cannot be asked.
        """
        if isinstance(self.answerer, Ensemble):
            found = f"{self.path}: this is an ensemble of {len(self.answerer.members)} models, and what is asked for needs one"
            raise RunError(f"{found}. Ask one of its runs: {', '.join(map(str, self.answerer.facts.get('runs', ())))}.")
        return self.answerer

    def evaluate(self, source: Any = None, *, target: str = "auto", on_bad_data: str = "fail") -> dict[str, float]:
        """Measure the model, and return metrics by name, such as `test/accuracy`.

        Args:
            source: A path or arrays with labels, or a text; None = the final metrics on the run's own test part.
            target: Name of the target column, if not the one of the training.
            on_bad_data: What to do with rows that cannot be used: fail or skip.

        Raises:
            DataError: Rows without labels, or with labels that the model does not know.
        """
        if source is None:
            return self.metrics
        return self.scores(source, target=target, on_bad_data=on_bad_data)["metrics"]  # type: ignore[no-any-return]

    def scores(self, source: Any, *, target: str = "auto", on_bad_data: str = "fail") -> dict[str, Any]:
        """Return `metrics` and their 95 % `intervals` on a source with labels.

        Raises:
            DataError: Items that cannot be read or compared, unless they are to be skipped.
            RunError: The run's model does not answer for rows.
        """
        if self.decided.task.continues_series:
            series = ForecastingRun(self.path, self.answerer, self.files)
            return series.scores(source, self.decided, target=target, on_bad_data=on_bad_data)
        if self.decided.task.writes_text:
            return text_scores(self.predictor, source, files=self.files, target=target)
        part, rows, problems = self._labelled(source, target=target, on_bad_data=on_bad_data)
        truth, warnings = self._truth(part, where=where_of(source))
        batches = self.answerer.batches(part, rows)
        metrics = metrics_of(self.decided, self._target)
        values, intervals = measure_batches(batches, truth, metrics=metrics, seed=self.decided.seed)
        return {
            "num_rows": len(part),
            "notes": list(part.notes),
            "warnings": self._odd(source, part, warnings, problems, so="these scores are too good"),
            "metrics": values,
            "intervals": intervals,
        }

    def _odd(self, source: Any, part: RowsPart, spelled: Sequence[str], problems: Sequence[DataProblem], *, so: str) -> list[str]:
        """Return what is worth telling of rows with labels, and of those that are left out."""
        own = warn_of_own(source, self.path, self.files, so=so)
        return [*own, *self._inputs.odd(part), *spelled, *(f"left out: {line}" for line in say_problems(problems))]

    def _labelled(self, source: Any, *, target: str, on_bad_data: str) -> tuple[RowsPart, Any, tuple[DataProblem, ...]]:
        """Return rows with labels, as they were read and prepared, and what is wrong with those that are left out."""
        self._require_answers()
        part, problems = self._inputs.read([source] if isinstance(source, str | Path) else source, target=target)
        refuse_bad(problems, on_bad_data)
        part, _, unknown = ask_rows(part, lambda rows: self._truth(rows, where=where_of(source)), on_bad_data=on_bad_data)
        part, rows, unread = ask_rows(part, self.answerer.prepared, on_bad_data=on_bad_data)
        return part, rows, (*problems, *unknown, *unread)

    def calibrate(
        self, source: Any = None, *, method: str = "auto", target: str = "auto", on_bad_data: str = "fail"
    ) -> dict[str, Any]:
        """Fit anew what makes the answers honest, write it into the run, and return what it changed on rows not fitted to.

        Args:
            source: A path or arrays with labels, see `evaluate`; None = the run's own held-out rows.
            method: `auto`, the best by cross-validated log loss or none; `none`; or a calibrator's kind.
            target: As of `evaluate`.
            on_bad_data: As of `evaluate`.

        Raises:
            RunError, UsageError: The run has not ended or has no held-out rows; there is no such method.
        """
        require_calibrated(self.path, self.decided, self.result, method)
        if source is None:
            outcome, said, is_apart = held_out(self.path, self.decided, self.predictor, self.data())
        else:
            part, rows, problems = self._labelled(source, target=target, on_bad_data=on_bad_data)
            truth, spelled = self._truth(part, where=where_of(source))
            outcome, said, is_apart = answered(self.predictor, part, rows, truth), where_of(source), True
            for warning in self._odd(source, part, spelled, problems, so="what is fitted to it makes answers too sure"):
                self.tell(warning)
        fitting = Calibrating(self.path, self.decided, self.predictor, method)
        record = fitting.fit(outcome, source=said, is_apart=is_apart, is_new=source is not None, result=self.result)
        for name in ("files", "answerer", "result"):
            self.__dict__.pop(name, None)
        return record

    def forecast(self, inputs: Any = None, *, on_bad_data: str = "fail", horizon: int = 0) -> Forecasts:
        """Return what comes after the last time of series, with quantiles, `horizon` times ahead; 0 = all that was learned.

        Args:
            inputs: A path or a table with the series of the training; None = the training data themselves.
            on_bad_data: What to do with rows that cannot be used: fail or skip.
            horizon: At most as many as the model has learned.

        Raises:
            DataError: Too few times, or other series.
            RunError: The run's model continues no series.
            UsageError: A horizon that the model has not learned.
        """
        return ForecastingRun(self.path, self.answerer, self.files).forecast(inputs, on_bad_data=on_bad_data, horizon=horizon)

    def _truth(self, part: RowsPart, *, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return class numbers, or numbers in the user's unit; and a warning for each class that is spelled differently."""
        labels, target = part.labels, self._target
        if labels is None:
            raise DataError([self._inputs.no_labels(part, where=where)])
        matched, warnings = target.match(labels, part=where)
        return target.truth(matched, locate=part.locate), warnings

    @property
    def _target(self) -> Target:
        """What the labels mean to this run's model."""
        if self.answerer.target is None:
            raise RunError(
                f"{self.path}: this run's model was not trained with labels, so there is nothing to compare or predict."
            )
        return self.answerer.target

    def predict(self, inputs: Any, *, on_bad_data: str = "fail", horizon: int = 0) -> list[Any]:
        """Return the class name, or the number, for each row of a path, several paths, or arrays.

        A model of texts takes a list of str as texts where none of them is a path that is there; a `Path` is always a path.
        Of a model that continues series: one record for each series and time ahead, `horizon` of them, see `forecast`.
        Rows that are skipped as `on_bad_data` says have no place in the list: `prediction` names those that have.
        """
        if self.decided.task.continues_series:
            return self.forecast(inputs, on_bad_data=on_bad_data, horizon=horizon).records()
        if horizon:
            forecaster(self.path, self.predictor)  # says that it continues no series
        return self._told(inputs, on_bad_data=on_bad_data).labels

    def predict_sets(self, inputs: Any, *, coverage: float = 0.9, method: str = "", on_bad_data: str = "fail") -> list[Any]:
        """Return for each row the classes, or the ends of the interval, that hold the truth with probability `coverage`.

        Sets are made by the `method` `lac`, `aps`, `raps` or `by_class`; "" = the first. Rows are as of `predict`.

        Raises:
            RunError, UsageError: The model has no scores of held-out rows, too few, or no such method.
        """
        found = self.prediction(self._inputs.texts_or(inputs), on_bad_data=on_bad_data, coverage=coverage, method=method)
        return list(found.sets or ())

    def predict_proba(self, inputs: Any, *, on_bad_data: str = "fail") -> np.ndarray:
        """Return probabilities float64 [N, C]; the columns are `run.classes`; rows that are skipped are left out.

        Raises:
            UsageError: The run predicts numbers.
        """
        probabilities = self._told(inputs, on_bad_data=on_bad_data).probabilities
        if probabilities is None:
            raise UsageError("this run predicts numbers: use predict.")
        return probabilities

    def _told(self, inputs: Any, *, on_bad_data: str) -> Prediction:
        """Return answers for rows, of which those that say little are told."""
        prediction = self.prediction(self._inputs.texts_or(inputs), on_bad_data=on_bad_data)
        for warning in prediction.warnings:
            self.tell(warning)
        return prediction

    @property
    def classes(self) -> tuple[Any, ...]:
        """The class names in the order of `predict_proba`'s columns; empty for numbers."""
        return self._target.classes

    def prediction(
        self, inputs: Any, *, on_bad_data: str = "fail", coverage: float | None = None, method: str = ""
    ) -> Prediction:
        """Return labels, probabilities and names for each row; with a coverage also sets or intervals, see `predict_sets`.

        Raises:
            DataError: Items that cannot be read, unless they are to be skipped.
            RunError: The run's model does not answer for rows.
        """
        self._require_answers()
        names: list[str] = []
        answers: list[np.ndarray] = []
        left_out: list[DataProblem] = []
        notes: list[str] = []
        if coverage is not None:
            notes = require_sets(self.predictor, self.result, self.decided, coverage=coverage, method=method)
        warnings: list[str] = []
        for source in self._inputs.one_by_one(inputs):
            part, problems = self._inputs.read(source, target="auto")
            left_out += problems
            notes += part.notes
            try:
                part, found, refused = ask_rows(part, self.answerer.answers, on_bad_data=on_bad_data)
            except DataError as error:
                left_out += error.problems
                continue
            left_out += refused
            warnings += self._inputs.odd(part)
            answers.append(found)
            names += [part.locate(i) for i in range(len(part))]
        refuse_bad(left_out, on_bad_data)
        joined = np.concatenate(answers) if answers else np.empty((0, len(self.classes)) if self.classes else 0)
        probabilities = joined if self.classes else None
        labels, told = self._target.labels(joined), (tuple(left_out), tuple(notes), tuple(warnings))
        sets = None if coverage is None else sets_of(self.predictor, joined, coverage=coverage, method=method)
        return Prediction(tuple(names), labels, probabilities, self.classes, *told, sets)

    def generate(self, prompt: str = "", **wishes: Any) -> Any:
        """Return texts that a language model writes, each with its prompt; or an array [num, ...], or a table, of a generator.

        Args:
            prompt: What each text begins with.
            wishes: Of a text `num`, `length` ... (`run/generate.py`); of samples `num`, `label` ... (`run/samples.py`).

        Raises:
            UsageError: A number out of its range, or an unknown name.
            RunError: The run's model generates nothing.
        """
        if self.makes_samples:
            return self.samples(wished(Sought, wishes)).content
        return self.generation(prompt, **wishes).texts()

    def generation(self, prompt: str = "", **wishes: Any) -> Generation:
        """Return texts that are written while their `pieces` are read; arguments and errors as of `generate`."""
        return begin_generation(self.path, self.predictor, wished(Wanted, {"prompt": prompt, **wishes}))

    @property
    def makes_samples(self) -> bool:
        """Whether its model makes rows like those of the data."""
        return isinstance(self.decided.task, SampleMaker)

    def samples(self, sought: Sought) -> Samples:
        """Return what the run's generator makes; errors as in `make_samples`."""
        return make_samples(self.path, self.predictor, sought)

    def _require_answers(self) -> None:
        """Refuse to predict where the task has no answer for a row."""
        task = self.decided.task
        if not task.answers_rows:
            kind = getattr(task, "kind", "")
            writes = f"Let it generate: tutelage generate {self.path}. " * (task.writes_text or self.makes_samples)
            apart = "" if task.writes_text else ", or be measured on other data"
            raise RunError(
                f"{self.path}: a model of task {kind!r} has no answer for a row of data, so it cannot predict{apart}. {writes}"
                f"Its own scores: tutelage evaluate {self.path}. What it has learned: {self.report}."
            )

    @property
    def _inputs(self) -> Inputs:
        """What reads rows to answer for."""
        column = lambda: str(self.files.record(layout.DATA).get("target", ""))  # noqa: E731 - read when it is asked for
        return Inputs(self.answerer.fitted, column, lambda: self.files.recipe().source)
