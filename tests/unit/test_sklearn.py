"""The estimators are scikit-learn's: its own checks, none expected to fail; and what these do not ask."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from tutelage.data.weighed import weighed
from tutelage.sklearn import Classifier, Regressor

# So few steps as these learn little, and a training says so.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@parametrize_with_checks([Classifier(epochs=5), Regressor(epochs=60)])
def test_scikit_learns_own_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def flowers() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_iris

    rows, codes = load_iris(return_X_y=True)
    return rows, np.array(["setosa", "versicolor", "virginica"])[codes]


def test_classes_are_learned_by_name(flowers: tuple[np.ndarray, np.ndarray]) -> None:
    model = Classifier(steps=150).fit(*flowers)
    probabilities = model.predict_proba(flowers[0])
    assert model.score(*flowers) > 0.9
    assert list(model.classes_) == ["setosa", "versicolor", "virginica"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (model.classes_[probabilities.argmax(axis=1)] == model.predict(flowers[0])).all()
    assert model.result_["metrics"]["val/accuracy"] > 0.8


def test_weights_that_are_no_whole_numbers_count_in_the_loss() -> None:
    rng = np.random.default_rng(0)
    rows, names = rng.normal(size=(400, 2)), np.array(["a", "b"] * 200)
    # Rows tell nothing of their class: what is answered is the share of each class by weight.
    weights = np.where(names == "a", 0.75, 0.25)
    model = Classifier(model="linear", epochs=60, validation=0.25, settings={"optim": {"kind": "adam", "lr": 0.1}})
    model.fit(rows, names, sample_weight=weights)
    assert model.predict_proba(rows)[:, 0].mean() == pytest.approx(0.75, abs=0.06)
    plain = Classifier(model="linear", epochs=60, validation=0.1).fit(rows, names)
    assert plain.predict_proba(rows)[:, 0].mean() == pytest.approx(0.5, abs=0.06)


def test_a_weight_of_two_is_two_rows_and_the_order_of_rows_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    rows, numbers = rng.normal(size=(40, 2)), rng.normal(size=40)
    weights = rng.integers(0, 3, size=40).astype(float)
    order = rng.permutation(40)
    found = weighed(rows[order], numbers[order], weights[order])
    copied = weighed(rows.repeat(weights.astype(int), axis=0), numbers.repeat(weights.astype(int)), None)
    np.testing.assert_array_equal(found.rows, copied.rows)
    np.testing.assert_array_equal(found.labels, copied.labels)
    assert len(found.labels) == weights.sum()
    many = weighed(rows, numbers, weights * 1000)
    assert many.weights is not None, "thousands of copies are not made"
    groups = weighed(rows, numbers, np.full(40, 2.0)).groups
    assert groups is not None
    np.testing.assert_array_equal(np.bincount(groups), 2)


def test_a_fitted_model_is_the_same_after_pickling(flowers: tuple[np.ndarray, np.ndarray]) -> None:
    model = Classifier(epochs=2).fit(*flowers)
    again = pickle.load(io.BytesIO(pickle.dumps(model)))
    np.testing.assert_array_equal(model.predict_proba(flowers[0]), again.predict_proba(flowers[0]))


def test_words_and_gaps_in_a_frame_are_learned_from() -> None:
    rng = np.random.default_rng(0)
    color = rng.choice(["red", "green"], 200)
    frame = pd.DataFrame({"color": color, "size": rng.normal(size=200)})
    frame.loc[3, "size"] = np.nan
    model = Classifier(epochs=40).fit(frame, color == "red")
    assert list(model.feature_names_in_) == ["color", "size"]
    assert model.score(frame, color == "red") > 0.95
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"size": "width"}))


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        (np.zeros(40), "inconsistent numbers of samples"),
        (np.zeros((80, 2)), "y should be a 1d array"),
        (np.array([1.0] * 79 + [np.nan]), "contains NaN"),
        (np.array(["x", None] * 40, dtype=object), "contains None"),
    ],
)
def test_targets_that_do_not_fit_a_frame_are_refused(targets: np.ndarray, told: str) -> None:
    frame = pd.DataFrame({"word": ["a", "b"] * 40, "number": np.arange(80.0)})
    for estimator in (Classifier(steps=1), Regressor(steps=1)):
        with pytest.raises(ValueError, match=told):
            estimator.fit(frame, targets)


def test_it_stands_in_a_pipeline_and_a_search(flowers: tuple[np.ndarray, np.ndarray]) -> None:
    pipeline = make_pipeline(StandardScaler(), Classifier(epochs=1))
    search = GridSearchCV(pipeline, {"classifier__epochs": [1, 30]}, cv=2).fit(*flowers)
    assert search.best_params_ == {"classifier__epochs": 30}
    folds = KFold(2, shuffle=True, random_state=0)
    assert cross_val_score(Regressor(steps=100), flowers[0][:, :3], flowers[0][:, 3], cv=folds).mean() > 0.7


def test_nothing_is_left_on_the_disk_unless_asked_for(
    tmp_path: Path, flowers: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Classifier(epochs=1).fit(*flowers)
    assert list(tmp_path.iterdir()) == []
    Classifier(epochs=1, out=tmp_path / "kept").fit(*flowers)
    assert (tmp_path / "kept" / "result.json").is_file()


def test_it_tells_nothing_and_leaves_random_numbers_alone(
    flowers: tuple[np.ndarray, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    Classifier(epochs=1).fit(*flowers)
    assert np.random.rand() == expected
    assert capsys.readouterr() == ("", "")


@pytest.mark.filterwarnings("default::UserWarning")
def test_what_a_training_warns_of_is_a_warning(flowers: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.warns(UserWarning, match="not distinguishable from guessing") as told:
        Classifier(steps=1, validation=0.05).fit(*flowers)
    said = " ".join(str(warning.message) for warning in told)
    assert "Train longer: steps=1000" in said
    assert "--" not in said


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ({"epochs": 1, "steps": 3}, "give one of epochs, steps"),
        ({"settings": {"optimm": "sgd"}}, "optimm"),
        ({"model": "mlpp"}, "mlp"),
        ({"validation": 0.9}, "validation"),
    ],
)
def test_a_wish_that_cannot_be_met_is_told(wishes: dict[str, Any], told: str, flowers: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=told):
        Classifier(**wishes).fit(*flowers)


@pytest.mark.parametrize(("label", "said"), [(1.0, "1.0"), (3, "3"), ("no", "'no'")])
def test_a_single_class_is_named_as_it_was_given(label: object, said: str) -> None:
    with pytest.raises(ValueError, match=rf"only one class is present: every label is {said}\."):
        Classifier(epochs=1).fit(np.zeros((4, 1)), np.array([label] * 4))


def test_further_keys_of_a_recipe_are_taken(flowers: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    settings = {"optim": {"kind": "sgd", "lr": 0.1}, "split": {"validation": 0.3}, "floor": "none"}
    model = Classifier(epochs=1, model={"kind": "mlp", "hidden": [7]}, settings=settings, out=tmp_path / "run")
    clone(model).fit(*flowers)
    plan = (tmp_path / "run" / "plan.json").read_text()
    assert '"sgd"' in plan
    assert model.settings == settings


def test_an_own_module_is_copied_not_trained(flowers: tuple[np.ndarray, np.ndarray]) -> None:
    module = nn.Sequential(nn.Linear(4, 3))
    before = module[0].weight.detach().clone()
    model = Classifier(steps=100, model=module, settings={"optim": {"kind": "adamw", "lr": 0.1}}).fit(
        flowers[0].astype(np.float32), flowers[1]
    )
    assert (module[0].weight == before).all()
    assert model.score(flowers[0].astype(np.float32), flowers[1]) > 0.6
