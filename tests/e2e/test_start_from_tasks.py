"""Forecasters, generators, language models and agents start from a run: what is kept, what goes on beside, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tutelage
from tutelage.core.errors import RecipeError
from tutelage.run.beside import read_beside
from tutelage.run.run import Run

CARTPOLE = {"task": {"kind": "ppo", "num_envs": 2, "num_steps": 16, "num_epochs": 1}, "batch_size": 16}


def train(data: Any, out: Path, **wishes: Any) -> Run:
    return tutelage.train(data, out=out, quiet=True, **{"steps": 4, **wishes})


def decisions(run: Run) -> dict[str, str]:
    return {each["key"]: f"{each['value']}: {each['reason']}" for each in run.plan["decisions"]}


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.predictor.network.state_dict()


def series(path: Path, names: tuple[str, ...], *, period: int, count: int = 160) -> str:
    """A table of days and waves with noise."""
    random = np.random.default_rng(period)
    days = np.arange("2020-01-01", count, dtype="datetime64[D]")
    lines = [",".join(["date", *names])]
    for place, day in enumerate(days):
        wave = [f"{10 * np.sin(2 * np.pi * place / period) + random.normal():.3f}" for _ in names]
        lines.append(",".join([str(day), *wave]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_a_forecaster_goes_on_with_other_series_in_windows_as_before(tmp_path: Path) -> None:
    wishes = {"task": "forecast", "floor": "none", "steps": 3}
    first = train(series(tmp_path / "a.csv", ("x",), period=7), tmp_path / "first", **wishes, prepare={"length": 21})
    run = train(series(tmp_path / "b.csv", ("y", "z"), period=10), tmp_path / "run", **wishes, start_from=first)
    before: Any = first.predictor.fitted
    now: Any = run.predictor.fitted
    assert (now.length, now.horizon) == (before.length, before.horizon)
    assert now.series == ("y", "z")
    assert "length, horizon, calendar as before" in decisions(run)["start_from.prepare"]
    origin = run.decided.origin
    assert origin is not None
    assert origin.fresh == ()
    moved = max(float((weights(run)[name] - value).abs().max()) for name, value in weights(first).items() if value.dim())
    assert moved < 0.05


def test_a_window_that_is_too_long_for_other_series_is_chosen_anew(tmp_path: Path) -> None:
    wishes = {"task": {"kind": "forecast", "horizon": 3}, "floor": "none", "steps": 2}
    first = train(series(tmp_path / "a.csv", ("x",), period=7), tmp_path / "first", **wishes, prepare={"length": 60})
    data = series(tmp_path / "b.csv", ("x",), period=7, count=100)
    run = train(data, tmp_path / "run", **wishes, start_from=first)
    assert "long for 100" in decisions(run)["start_from.prepare"]


def test_an_agent_goes_on_with_policy_value_function_and_scale(tmp_path: Path) -> None:
    first = train("gym:CartPole-v1", tmp_path / "first", **CARTPOLE)
    value = read_beside(first.path, ("value.", "log_std"))
    assert value
    known = {**CARTPOLE, "optim": {"kind": "adam", "lr": 1e-9}, "steps": 1, "start_from": first}
    run = train("gym:CartPole-v1", tmp_path / "run", **known)
    origin = run.decided.origin
    assert origin is not None
    assert set(origin.beside) == set(value)
    assert "value: taken over" in decisions(run)["start_from.beside"]
    for name, tensor in read_beside(run.path, ("value.",)).items():
        torch.testing.assert_close(tensor, value[name])
    for name, tensor in weights(first).items():
        torch.testing.assert_close(weights(run)[name], tensor)
    refit = {"start_from": {"path": str(first.path), "prepare": "refit"}}
    anew = train("gym:CartPole-v1", tmp_path / "anew", **{**known, **refit})
    assert anew.decided.origin is not None
    assert (origin.scale, anew.decided.origin.scale) == ("kept", "anew")
    assert "begins anew" in decisions(anew)["start_from.prepare"]


def test_a_policy_is_no_estimate_of_worth(tmp_path: Path) -> None:
    model = {"model": {"kind": "mlp", "hidden": (8,), "activation": "relu", "dropout": 0.0}}
    first = train("gym:CartPole-v1", tmp_path / "first", **CARTPOLE, **model)
    wishes = {"task": {"kind": "dqn", "warmup": 16, "num_envs": 1}, "batch_size": 4}
    run = train("gym:CartPole-v1", tmp_path / "run", **wishes, start_from=first)
    origin = run.decided.origin
    assert origin is not None
    assert origin.fresh == ("body.layers.1.weight", "body.layers.1.bias")
    assert origin.beside == ()
    assert getattr(run.decided.task, "explore_fraction", 0.0) == 0.02


def test_a_generator_goes_on_with_its_critic(tmp_path: Path) -> None:
    def points(middle: float) -> np.ndarray:
        return np.random.default_rng(0).normal(middle, 1.0, size=(60, 2)).astype(np.float32)

    first = train(points(0.0), tmp_path / "first", task="generate", model={"kind": "mlp", "hidden": (8,)})
    critic = read_beside(first.path, ("critic.",))
    wishes = {"task": "generate", "start_from": first, "optim": {"kind": "adam", "lr": 1e-9}, "steps": 1}
    run = train(points(1.0), tmp_path / "run", **wishes)
    origin = run.decided.origin
    assert origin is not None
    assert (origin.fresh, set(origin.beside), origin.head) == ((), set(critic), 0.0)
    for name, tensor in read_beside(run.path, ("critic.",)).items():
        torch.testing.assert_close(tensor, critic[name])
    with pytest.raises(RecipeError, match=r"start_from.head = 0.5: task 'generate' trains several networks"):
        train(points(1.0), tmp_path / "never", task="generate", start_from={"path": str(first.path), "head": 0.5})


def test_what_another_kind_of_task_has_learned_is_refused_with_the_reason(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(60, 2)).astype(np.float32)
    first = train((rows, rows[:, 0] > 0), tmp_path / "first", model={"kind": "mlp", "hidden": (8,)})
    with pytest.raises(RecipeError, match=r"run of task 'classify', whose network takes and gives something else.*samples"):
        train(rows, tmp_path / "run", task="generate", start_from=first)
    with pytest.raises(RecipeError, match="learned episodes"):
        train("gym:CartPole-v1", tmp_path / "run", start_from=first)
    assert not (tmp_path / "run").exists()


def test_a_text_with_other_characters_gets_an_alphabet_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the fox runs " * 60, encoding="utf-8")
    (tmp_path / "b.txt").write_text("der Fuchs läuft " * 60, encoding="utf-8")
    wishes = {"model": {"kind": "gpt", "width": 16, "depth": 1, "heads": 2}, "precision": "float32", "steps": 1}
    first = train(f"chars:{tmp_path / 'a.txt'}", tmp_path / "first", **wishes, prepare={"length": 16})
    other = train(f"chars:{tmp_path / 'b.txt'}", tmp_path / "other", precision="float32", steps=1, start_from=first)
    said = decisions(other)["start_from.prepare"]
    assert said.startswith("refit; length as before: the new text has")
    assert "characters that it does not know: 'F', " in said
    same = train(f"chars:{tmp_path / 'a.txt'}", tmp_path / "same", precision="float32", steps=1, start_from=first)
    assert same.predictor.fitted == first.predictor.fitted
