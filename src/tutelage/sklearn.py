"""Estimators for scikit-learn: the whole training behind `fit`, for its pipelines, searches and cross-validation.

Use them where the data are arrays or data frames in memory and scikit-learn leads. For files, early looks and reports use
`tutelage.train`, which is the same engine.

>>> from tutelage.sklearn import Classifier
>>> Classifier(epochs=20).fit(X, y).predict_proba(X)  # doctest: +SKIP
"""

import random
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_feature_names, _check_n_features, _check_sample_weight, check_is_fitted, validate_data
from torch import nn

from tutelage.core import layout
from tutelage.core.errors import TutelageError
from tutelage.core.events import Event, Finished, Started, Warned
from tutelage.core.spec import Component
from tutelage.data.weighed import Weighed, weighed
from tutelage.planning.python_words import in_python
from tutelage.planning.recipe import Recipe, merge, recipe_from
from tutelage.predictor.predictor import load_predictor
from tutelage.run.inputs import Inputs
from tutelage.run.start import Request, start_training
from tutelage.run.told_in_python import ToldInPython, python_console

__all__ = ["Classifier", "Regressor"]

FULL = 64
"""Rows are answered for in multiples of so many."""
TARGET = "target"
FEWEST_ROWS = 2
"""One to learn from, one to watch."""
BUDGET = ("epochs", "steps", "time")
NUMERIC = "biufc"
"""Kinds of dtype that scikit-learn's own checks of arrays take; a frame with others (words, dates) is read as a table."""


class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn carries no types
    """What both estimators share: a recipe's most used keys, one training, and its predictor.

    Attributes:
        predictor_: The trained model with its preprocessing.
        n_features_in_: Columns of X.
        feature_names_in_: Their names, where X was a data frame whose column names are words.
        result_: Its scores on the rows that early stopping watched, why it stopped, and its number of parameters.
    """

    _task = ""
    _is_of_numbers = False

    def __init__(
        self,
        *,
        model: str | Mapping[str, Any] | Component | nn.Module = "auto",
        epochs: float | None = None,
        steps: int | None = None,
        time: float | str | None = None,
        validation: float | str = "auto",
        device: str = "auto",
        settings: Mapping[str, Any] | None = None,
        out: str | Path = "",
        seed: int = 0,
        verbose: int = 0,
    ) -> None:
        """Keep the wishes; they are checked when the training begins.

        Args:
            model: An architecture by name, a table of its settings, or an own `nn.Module`, of which a copy is trained.
            epochs: Passes over the train rows; or
            steps: optimizer steps; or
            time: wall time of `fit`, in seconds or such as "3m". All three None = decided from the data.
            validation: Fraction of the rows that early stopping watches, in (0, 0.5].
            device: cpu, cuda ...; auto = the best that is there.
            settings: Further keys of a recipe, such as `{"optim": {"kind": "sgd"}, "batch_size": 64}`.
            out: Keep the run folder here; "" = nothing is left on the disk.
            seed: Root of all randomness: equal seeds, equal models on one machine.
            verbose: 0 = only warnings, as Python's; 1 = what `tutelage.train` shows.
        """
        self.model = model
        self.epochs = epochs
        self.steps = steps
        self.time = time
        self.validation = validation
        self.device = device
        self.settings = settings
        self.out = out
        self.seed = seed
        self.verbose = verbose

    def __sklearn_tags__(self) -> Tags:
        """Say that cells may be missing: the preprocessing fills them, and tells the model which."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _train(self, given: Weighed) -> Self:
        """Train on checked rows and keep the predictor."""
        if "by" in dict((self.settings or {}).get("split", {})):
            given = replace(given, groups=None)
        module = deepcopy(self.model) if isinstance(self.model, nn.Module) else None
        heard = _Heard()
        sinks = [ToldInPython(heard, is_estimator=True), *(python_console(self.out, is_estimator=True) if self.verbose else [])]
        with told_as_values(), random_kept(), self._folder() as folder:
            request = Request(
                self._recipe(given),
                str(folder),
                data=(given.rows, given.labels),
                marks=given.groups,
                weights=given.weights,
                module=module,
                command=f"{type(self).__name__}(...).fit(X, y)",
                sinks=sinks,
            )
            start_training(request)
            self.predictor_ = load_predictor(folder / layout.BEST / layout.PREDICTOR, module=module)
        self.result_ = heard.scores
        for message in heard.warnings if not self.verbose else ():
            warnings.warn(message, UserWarning, stacklevel=3)
        return self

    def _recipe(self, given: Weighed) -> Recipe:
        """Return the wishes as a recipe."""
        values: dict[str, Any] = {"task": self._task, "seed": self.seed, "device": self.device, **(self.settings or {})}
        by = {} if given.groups is None else {"by": "group"}
        values = merge(values, ["split"], {"test": 0.0, "validation": self.validation, **by, **dict(values.get("split", {}))})
        if given.weights is not None:
            # Both are fitted to rows that count alike, and would take back what the weights do.
            values = {"floor": "none", "calibrate": "none", **values}
        budget = {name: getattr(self, name) for name in BUDGET if getattr(self, name) is not None}
        if budget:
            values["budget"] = budget
        if not isinstance(self.model, nn.Module) and self.model != "auto":
            values = merge(values, ["model"], self.model)
        return recipe_from(values, where=f"{type(self).__name__}(...)")

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Give the run folder: the one that is asked for, or one that is gone afterwards."""
        if self.out:
            yield Path(self.out)
            return
        with tempfile.TemporaryDirectory(prefix="tutelage-") as folder:
            yield Path(folder) / "run"

    def _rows(self, X: Any, *, y: Any = None, reset: bool) -> tuple[Any, Any]:
        """Check rows as scikit-learn's own estimators do; a frame with words or dates stays one, and is read as a table."""
        is_mixed = hasattr(X, "dtypes") and any(getattr(t, "kind", "O") not in NUMERIC for t in getattr(X, "dtypes", ()))
        if not is_mixed or not hasattr(X, "columns"):
            known: dict[str, Any] = {"reset": reset, "ensure_all_finite": "allow-nan", "dtype": "numeric"}
            if y is None:
                return validate_data(self, X, **known), None
            return tuple(validate_data(self, X, y, y_numeric=self._is_of_numbers, ensure_min_samples=FEWEST_ROWS, **known))
        _check_feature_names(self, X, reset=reset)
        _check_n_features(self, X, reset=reset)
        if y is None:
            return X, None
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        assert_all_finite(y, input_name="y")
        if any(value is None for value in y):
            raise ValueError("Input y contains None: every row needs a target. Leave such rows out.")
        if len(y) < FEWEST_ROWS:
            raise ValueError(f"Found array with {len(y)} sample(s) while a minimum of {FEWEST_ROWS} is required.")
        return X, y

    def _answers(self, X: Any) -> np.ndarray:
        """Return the model's answers for rows: probabilities float64 [N, C], or numbers float64 [N]."""
        check_is_fitted(self)
        rows, _ = self._rows(X, reset=False)
        with told_as_values():
            part, problems = Inputs(self.predictor_.fitted, lambda: TARGET, lambda: "").read(rows, target="auto")
            if problems:
                raise ValueError("\n".join(str(problem) for problem in problems))
            # Always as many rows as fill a batch: sums over rows of another number are rounded otherwise.
            filled = np.minimum(np.arange(-(-len(part) // FULL) * FULL), len(part) - 1)
            return np.asarray(self.predictor_.answers(part.select(filled))[: len(part)])


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A classifier that trains a network, stopped early, with the preprocessing that the data want.

    Attributes:
        classes_: The classes in the order of `predict_proba`'s columns.
    """

    _task = "classify"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows [N, D] and their classes [N].

        Args:
            X: The rows.
            y: Their classes.
            sample_weight: How much each row counts, >= 0, [N]; a whole number counts as so many equal rows.

        Raises:
            ValueError: Rows or classes from which nothing can be learned, or a wish that cannot be met.
        """
        X, y = self._rows(X, y=_given(y, self), reset=True)
        check_classification_targets(y)
        given = weighed(X, y, _weights(sample_weight, X))
        self.classes_, codes = np.unique(given.labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"Classifier can't train when only one class is present: every label is {self.classes_.tolist()[0]!r}."
            )
        return self._train(replace(given, labels=codes))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities float64 [N, C]; the columns are `classes_`."""
        probabilities = self._answers(X)
        target = self.predictor_.target
        assert target is not None
        # Classes without a row among those that the target was learned from have no probability.
        whole = np.zeros((len(probabilities), len(self.classes_)))
        whole[:, [int(code) for code in target.classes]] = probabilities
        return np.asarray(whole / whole.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row, [N]."""
        probabilities = self.predict_proba(X)
        found: np.ndarray = self.classes_[probabilities.argmax(axis=1)]
        return found


class Regressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A regressor that trains a network, stopped early, with the preprocessing that the data want."""

    _task = "regress"
    _is_of_numbers = True

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows [N, D] and their numbers [N].

        Args:
            X: The rows.
            y: Their numbers.
            sample_weight: How much each row counts, >= 0, [N]; a whole number counts as so many equal rows.

        Raises:
            ValueError: Rows or numbers from which nothing can be learned, or a wish that cannot be met.
        """
        X, y = self._rows(X, y=_given(y, self), reset=True)
        return self._train(weighed(X, np.asarray(y, dtype=np.float64), _weights(sample_weight, X)))

    def predict(self, X: Any) -> np.ndarray:
        """Return a number for each row, float64 [N], in the unit of `y`."""
        return self._answers(X)


@dataclass
class _Heard:
    """Takes what a training tells: warnings, and the scores at its end."""

    warnings: list[str] = field(default_factory=list)
    scores: dict[str, Any] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Keep a warning, or the end."""
        if isinstance(event, Warned):
            self.warnings.append(event.message)
        elif isinstance(event, Started):
            self.scores["num_parameters"] = event.num_parameters
        elif isinstance(event, Finished):
            self.scores |= {"metrics": dict(event.metrics), "stopped": event.stopped, "step": event.step}

    def close(self) -> None:
        """Keep what was heard."""


def _given(y: Any, estimator: _Estimator) -> Any:
    """Return labels, or say in scikit-learn's words that there are none."""
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")
    return y


def _weights(sample_weight: Any, X: Any) -> np.ndarray | None:
    """Return checked weights float64 [N]; None where there are none."""
    if sample_weight is None:
        return None
    found: np.ndarray = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return found


@contextmanager
def told_as_values() -> Iterator[None]:
    """Tell mistakes as scikit-learn does, by a ValueError."""
    try:
        yield
    except TutelageError as error:
        raise ValueError(in_python(str(error), is_estimator=True)) from error


@contextmanager
def random_kept() -> Iterator[None]:
    """Leave the default generators of Python, torch and NumPy as they were: an estimator's randomness is its own."""
    state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(state)
            np.random.set_state(numpy_state)
