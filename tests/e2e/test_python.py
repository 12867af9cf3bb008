"""The Python functions: arrays, tables, own modules."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tutelage
from tutelage.core.errors import DivergedError


@pytest.fixture(autouse=True)
def _inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def points(num_rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(num_rows, 4)).astype("float32")
    return x, np.where(x[:, 0] > 0, "right", "left")


def test_the_function_train_is_not_hidden_by_the_room_of_training() -> None:
    import tutelage.planning.recipe

    assert callable(tutelage.train)
    assert callable(tutelage.resume)
    assert tutelage.Recipe is tutelage.planning.recipe.Recipe


def test_arrays_train_and_answer_with_the_users_labels() -> None:
    x, y = points()
    run = tutelage.train((x, y), model="linear", epochs=30, optim={"lr": 0.05}, quiet=True)
    assert run.metrics["test/accuracy"] > 0.85
    assert set(run.predict(x[:20])) <= {"left", "right"}
    assert run.classes == ("left", "right")
    assert run.predict_proba(x[:5]).shape == (5, 2)
    assert np.allclose(run.predict_proba(x[:5]).sum(axis=1), 1)
    assert run.evaluate((x, y))["test/accuracy"] > 0.85


def test_an_own_module_gets_the_arrays_as_they_are() -> None:
    seen: list[torch.Tensor] = []

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return self.layer(x)

    x, y = points()
    run = tutelage.train((1000 * x, y), model=Own(), epochs=1, quiet=True, out="run")
    assert seen[0].abs().max() > 500
    again = tutelage.open_run("run", model=Own())
    assert again.predict(1000 * x[:10]) == run.predict(1000 * x[:10])


def test_a_run_of_an_own_module_asks_for_it_when_opened_without() -> None:
    x, y = points()
    tutelage.train((x, y), model=nn.Linear(4, 2), epochs=1, quiet=True, out="run")
    with pytest.raises(tutelage.RunError, match="Linear"):
        tutelage.open_run("run").predict(x)


def test_an_own_module_resumes_when_given_again() -> None:
    x, y = points()
    torch.manual_seed(0)
    run = tutelage.train((x, y), model=nn.Linear(4, 2), epochs=2, quiet=True, out="run")
    answers = run.predict_proba(x)
    assert np.array_equal(tutelage.resume("run", (x, y), model=nn.Linear(4, 2), quiet=True).predict_proba(x), answers)


def test_a_dict_of_columns_is_a_table() -> None:
    x, y = points()
    run = tutelage.train(
        {"a": x[:, 0], "b": x[:, 1], "side": y}, target="side", model="linear", epochs=30, optim={"lr": 0.05}, quiet=True
    )
    assert run.metrics["test/accuracy"] > 0.85
    assert run.predict({"a": np.array([2.0, -2.0]), "b": np.array([0.0, 0.0])}) == ["right", "left"]


def test_images_as_arrays_train_a_convolutional_net() -> None:
    images = np.random.default_rng(0).integers(0, 90, size=(120, 12, 12), dtype=np.uint8)
    bright = np.arange(120) % 2 == 0
    images[bright] += 120
    run = tutelage.train((images, bright), epochs=4, quiet=True)
    assert run.plan["model"]["kind"] == "cnn"
    assert run.metrics["test/accuracy"] > 0.9


def test_arrays_of_different_lengths_are_refused() -> None:
    x, y = points()
    with pytest.raises(tutelage.DataError, match=r"199|200"):
        tutelage.train((x, y[:-1]), quiet=True)


def test_numbers_are_predicted_in_their_own_unit() -> None:
    x, _ = points()
    price = 1000 + 100 * x[:, 0]
    run = tutelage.train((x, price), model="linear", epochs=60, optim={"lr": 0.05}, quiet=True)
    assert run.metrics["test/r2"] > 0.8
    assert 500 < float(np.mean(run.predict(x))) < 1500
    with pytest.raises(tutelage.UsageError, match="predict"):
        run.predict_proba(x)


def test_what_a_recipe_says_is_kept_beside_the_arguments(tmp_path: Path) -> None:
    for name, rows in (("train", 60), ("test", 20)):
        lines = "\n".join(f"{i % 7},{'ab'[i % 2]}" for i in range(rows))
        (tmp_path / f"{name}_rows.csv").write_text(f"x,kind\n{lines}\n", encoding="utf-8")
    recipe = tutelage.Recipe(test=str(tmp_path / "test_rows.csv"), target="kind", seed=3)
    plan = tutelage.plan(tmp_path / "train_rows.csv", recipe=recipe)
    assert (plan.num_test, plan.seed) == (20, 3)
    assert tutelage.plan(tmp_path / "train_rows.csv", recipe=recipe, seed=4).seed == 4


def test_settings_of_a_recipe_are_kept_under_a_kind_that_is_named_beside_it() -> None:
    recipe = tutelage.Recipe(optim={"lr": 0.77})
    assert tutelage.plan("sklearn:iris", recipe=recipe, optim="sgd").optim.lr == 0.77


def test_an_unknown_key_beside_a_recipe_is_refused_by_name() -> None:
    with pytest.raises(tutelage.RecipeError, match="did you mean 'optim'"):
        tutelage.plan("sklearn:iris", recipe=tutelage.Recipe(), optm="sgd")


def test_predicting_leaves_the_users_module_alone() -> None:
    x, y = points()
    own = nn.Linear(4, 2)
    run = tutelage.train((x, y), model=own, steps=5, quiet=True)
    with torch.no_grad():
        own.weight.fill_(7.0)
    run.predict(x[:3])
    assert bool((own.weight == 7.0).all())


class Breaks(torch.nn.Module):
    """A linear map that gives NaN from its 60th training step on."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 2)
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.steps += 1
        return self.linear(x) + torch.where(self.steps >= 60, torch.nan, 0.0)


def test_a_diverged_run_leaves_its_best_weights() -> None:
    x, y = points()
    with pytest.raises(DivergedError, match="best weights"):
        tutelage.train((x, y), model=Breaks(), steps=100, stopping={"patience": 1.0}, out="broken", quiet=True)
    run = tutelage.open_run("broken", model=Breaks())
    assert run.result["stopped"] == "diverged"
    assert 0 < run.result["best_step"] < 80
    assert len(run.result["rollbacks"]) == 3
    assert run.predictor.facts["step"] == run.result["best_step"]
    assert np.isfinite(run.predict_proba(x[:3])).all()
