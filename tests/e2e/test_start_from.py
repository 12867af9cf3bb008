"""A training that starts from a run: what is taken over, how it learns, that it resumes to the bit, and what is refused."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tutelage
from tutelage.core.errors import RecipeError, RunError
from tutelage.core.events import Evaluated, Event
from tutelage.export.export import export_run
from tutelage.floor.linear_probe import LinearProbe
from tutelage.planning.recipe import recipe_from
from tutelage.run.run import Run
from tutelage.run.start import Request, resume_training, start_training

SMALL: dict[str, Any] = {"model": {"kind": "cnn", "stem": 4, "widths": (6, 8), "depth": 1}, "batch_size": 8}
CLASSES = ("disc", "hbar", "vbar", "cross")


def pictures(names: tuple[str, ...], *, count: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy shapes of 8x8 grey pixels, uint8 [N, 8, 8, 1], and their names."""
    random = np.random.default_rng(seed)
    pixels, labels = [], []
    for index in range(count * len(names)):
        name = names[index % len(names)]
        image = random.integers(0, 90, size=(8, 8))
        row, column = random.integers(2, 6, size=2)
        if name in ("hbar", "cross"):
            image[row, 1:7] = 240
        if name in ("vbar", "cross"):
            image[1:7, column] = 240
        if name == "disc":
            image[row - 1 : row + 2, column - 1 : column + 2] = 240
        pixels.append(image)
        labels.append(name)
    return np.array(pixels, dtype=np.uint8)[..., None], np.array(labels, dtype=object)


def train(data: Any, out: Path, **wishes: Any) -> Run:
    return tutelage.train(data, out=out, quiet=True, **{"steps": 12, **wishes})


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(pictures(CLASSES[:3]), tmp_path_factory.mktemp("known") / "run", **SMALL)


def test_a_run_of_other_data_is_refused_by_what_it_has_learned_from(known: Run, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"start_from = .*: it has learned from .*8.*, and the data are .*Give a run"):
        train("sklearn:iris", tmp_path / "run", start_from={"path": str(known.path)})


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.predictor.network.state_dict()


def decisions(run: Run) -> dict[str, str]:
    return {each["key"]: f"{each['value']}: {each['reason']}" for each in run.plan["decisions"]}


def test_it_takes_architecture_preprocessing_and_weights_and_says_so(known: Run, tmp_path: Path) -> None:
    run = train(pictures(("cross", "disc"), seed=1), tmp_path / "run", start_from=known)
    assert run.decided.model == known.decided.model
    assert run.predictor.fitted == known.predictor.fitted
    said = decisions(run)
    assert "kept as it was fitted before" in said["prepare"]
    assert str(known.path) in said["start_from"]
    assert known.predictor.facts["step"] >= 0
    assert run.decided.origin is not None
    assert run.decided.origin.sha256[:12] in said["start_from"]
    assert "alone in the first 10 % of steps" in said["start_from.head"]
    assert run.predict(pictures(("cross",), seed=2)[0])


def test_in_the_first_steps_only_the_head_learns(known: Run, tmp_path: Path) -> None:
    wishes = {"start_from": {"path": str(known.path), "head": 0.9}, "steps": 10, "ema": 0.0, "stopping": {"patience": 1.0}}
    run = train(pictures(("cross", "disc"), seed=1), tmp_path / "run", **wishes, save={"every_seconds": 0})
    assert run.decided.origin is not None
    assert run.decided.origin.head == 0.9
    fresh = run.decided.origin.fresh
    before, names = weights(known), [name for name, _ in run.predictor.network.named_parameters()]
    # Those of the best evaluation, which is made after each of the first nine steps or after the last.
    best, after = run.result["best_step"], weights(run)
    moved = [name for name in names if name not in fresh and not torch.equal(before[name], after[name])]
    assert bool(moved) == (best == 10)
    for name in fresh:
        assert before[name].shape != after[name].shape or not torch.equal(before[name], after[name])


def test_without_anything_new_all_learn_at_once(known: Run, tmp_path: Path) -> None:
    run = train(pictures(CLASSES[:3], seed=3), tmp_path / "run", start_from=known)
    assert run.decided.origin is not None
    assert (run.decided.origin.fresh, run.decided.origin.head) == ((), 0.0)


def test_what_is_deeper_moves_less(known: Run, tmp_path: Path) -> None:
    origin = {"path": str(known.path), "head": 0.0, "factor": 0.5, "deepest": 1e-6}
    wishes = {"optim": {"kind": "sgd", "lr": 0.1}, "schedule": "constant", "ema": 0.0, "steps": 1}
    run = train(pictures(("cross", "disc"), seed=1), tmp_path / "run", start_from=origin, **wishes)
    before, after = weights(known), weights(run)
    assert run.decided.origin is not None
    taken = [name for name, _ in run.predictor.network.named_parameters() if name not in run.decided.origin.fresh]
    moves = [float((after[name] - before[name]).norm() / before[name].norm().clamp(min=1e-3)) for name in taken]
    assert moves[0] < 1e-4 * max(moves)


class Pauses:
    """A sink that asks the process to end at the first evaluation."""

    def take(self, event: Event) -> None:
        if isinstance(event, Evaluated):
            os.kill(os.getpid(), signal.SIGTERM)

    def close(self) -> None:
        pass


def test_it_resumes_to_the_bit_without_what_it_started_from(known: Run, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    shutil.copytree(known.path, origin)
    values = {
        "source": "sklearn:digits",
        "budget": {"steps": 24},
        "batch_size": 16,
        "start_from": {"path": str(origin), "head": 0.5},
        "floor": "none",
    }
    recipe = recipe_from(values, where="test")
    whole = start_training(Request(recipe, out=str(tmp_path / "whole")))
    paused = start_training(Request(recipe, out=str(tmp_path / "paused"), sinks=[Pauses()]))
    result = json.loads((paused / "result.json").read_text(encoding="utf-8"))
    assert result["stopped"] == "terminated"
    # Within the steps of the head: those of the whole network are still to come.
    assert result["last_step"] < 12
    shutil.rmtree(origin)
    resume_training(paused, Request(recipe_from({}, where="test")))
    for name in ("last", "best"):
        assert (paused / name / "predictor.safetensors").read_bytes() == (whole / name / "predictor.safetensors").read_bytes()


def test_beside_a_probe_it_resumes_to_the_bit_with_what_it_started_from_and_asks_for_it(known: Run, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    shutil.copytree(known.path, origin)
    values = {"source": "sklearn:digits", "budget": {"steps": 24}, "batch_size": 16, "start_from": str(origin)}
    recipe = recipe_from(values, where="test")
    whole = start_training(Request(recipe, out=str(tmp_path / "whole")))
    assert Run.open(whole).result["floor"]["kind"] == "linear_probe"
    paused = start_training(Request(recipe, out=str(tmp_path / "paused"), sinks=[Pauses()]))
    origin.rename(tmp_path / "elsewhere")
    assert tutelage.explain(Run.open(whole), row=1).record()
    with pytest.raises(RunError, match=r"starts from there: bring it back.*linear_probe\) looks through"):
        resume_training(paused, Request(recipe_from({}, where="test")))
    (tmp_path / "elsewhere").rename(origin)
    resume_training(paused, Request(recipe_from({}, where="test")))
    for name in ("last", "best"):
        assert (paused / name / "predictor.safetensors").read_bytes() == (whole / name / "predictor.safetensors").read_bytes()


def test_of_few_pictures_a_probe_of_what_was_known_leaves_too_and_is_exported(
    known: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refitted: list[int] = []
    fit = LinearProbe.fit_through

    def counted(floor: LinearProbe, lens: Any, part: Any, truth: np.ndarray, **settings: Any) -> Any:
        refitted.append(len(truth))
        return fit(floor, lens, part, truth, **settings)

    monkeypatch.setattr(LinearProbe, "fit_through", counted)
    given = pictures(("cross", "disc"), count=30, seed=1)
    run = train(given, tmp_path / "run", start_from=known, epochs=2.0, steps=None)
    assert run.result["floor"]["kind"] == "linear_probe"
    assert "stages" in decisions(run)["floor"]
    assert run.result["floor"]["share"] > 0
    # Fitted once more to the validation rows too, once they had decided.
    assert refitted == [run.decided.num_train, run.decided.num_train + run.decided.num_validation]
    new, names = pictures(("cross", "disc"), count=50, seed=2)
    assert run.evaluate((new, names))["test/accuracy"] > 0.8
    for kind, suffix in (("onnx", ".onnx"), ("torch-export", ".pt2")):
        exported = export_run(run, format=kind, out=str(tmp_path / f"model{suffix}"), data=given).record()
        assert exported["labels_equal"]
        assert exported["max_difference"] < 1e-4


@pytest.mark.parametrize(
    ("wishes", "kind"),
    [
        ({"model": {"kind": "cnn", "stem": 4, "widths": (6, 12), "depth": 1}}, None),
        ({"floor": "none"}, None),
        ({"prepare": {"kind": "image", "size": 12}}, None),
        ({}, "linear_probe"),
    ],
)
def test_a_probe_stands_beside_the_network_that_is_known_and_no_other(
    known: Run, tmp_path: Path, wishes: dict[str, Any], kind: str | None
) -> None:
    run = train(pictures(("cross", "disc"), seed=1), tmp_path / "run", start_from=known, **{"steps": 2, **wishes})
    assert run.result.get("floor", {}).get("kind") == kind


def test_a_run_that_was_killed_before_its_first_checkpoint_asks_for_what_it_starts_from(known: Run, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    shutil.copytree(known.path, origin)
    values = {"source": "sklearn:digits", "budget": {"steps": 4}, "start_from": str(origin)}
    run = start_training(Request(recipe_from(values, where="test"), out=str(tmp_path / "run")))
    for checkpoint in (run / "steps").iterdir():
        checkpoint.unlink()
    (run / "result.json").unlink()
    shutil.rmtree(origin)
    with pytest.raises(RunError, match=r"starts from there: bring it back"):
        resume_training(run, Request(recipe_from({}, where="test")))


def test_words_that_are_known_keep_their_vectors_where_the_vocabulary_is_learned_anew(tmp_path: Path) -> None:
    def texts(told: dict[str, str], beside: list[str]) -> tuple[list[str], list[str]]:
        random = np.random.default_rng(0)
        labels = [name for name in told for _ in range(30)]
        return [" ".join([*random.choice(beside, 4), told[label], "film"]) for label in labels], labels

    model = {"kind": "bag", "width": 8}
    first = train(texts({"good": "great", "bad": "dull"}, ["the", "a", "this"]), tmp_path / "a", model=model, floor="none")
    data = texts({"good": "superb", "bad": "dull"}, ["the", "one"])
    origin = {"path": str(first.path), "prepare": "refit", "head": 0.0, "factor": 1e-6, "deepest": 1e-6}
    run = train(data, tmp_path / "b", start_from=origin, steps=1, floor="none")
    before, now = first.predictor.fitted.entries()["token"], run.predictor.fitted.entries()["token"]  # type: ignore[union-attr]
    assert before != now
    old, new = weights(first), weights(run)
    name = next(key for key, value in old.items() if value.shape[0] == len(before))
    for word in ("the", "dull", "film"):
        moved = (new[name][now.index(word)] - old[name][before.index(word)]).abs().max()
        # One step of the rate, not another beginning.
        assert moved < 0.02, word


def test_a_changed_origin_is_not_taken_for_the_one_in_the_plan(known: Run, tmp_path: Path) -> None:
    from tutelage.run.origin import begun_network

    run = train(pictures(("cross", "disc"), seed=1), tmp_path / "run", start_from=known)
    other = train(pictures(CLASSES[:3]), tmp_path / "other", seed=5, **SMALL)
    plan, origin = run.decided, run.decided.origin
    assert origin is not None
    data = run.data(pictures(("cross", "disc"), seed=1))
    assert begun_network(plan, data) is not None
    with pytest.raises(RunError, match="holds other weights"):
        begun_network(plan.but(origin=origin.but(path=str(other.path))), data)


@pytest.mark.parametrize(
    ("wishes", "error", "said"),
    [
        ({"start_from": "nowhere"}, RunError, "nowhere"),
        ({"start_from": "KNOWN", "model": "mlp"}, RecipeError, "none of its weights fits model = 'mlp'"),
        ({"start_from": {"path": "KNOWN", "factor": 0}}, RecipeError, "start_from.factor"),
        ({"start_from": {"path": "KNOWN", "prepare": "keep"}, "prepare": {"size": 8}}, RecipeError, "Leave one out"),
        ({"start_from": "KNOWN", "task": "generate"}, RecipeError, "run of task 'classify', whose network takes"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(
    known: Run, tmp_path: Path, wishes: dict[str, Any], error: type[Exception], said: str
) -> None:
    told = json.loads(json.dumps(wishes).replace("KNOWN", str(known.path)))
    with pytest.raises(error, match=said):
        train(pictures(("cross", "disc")), tmp_path / "run", **told)
    assert not (tmp_path / "run").exists()


def test_an_own_module_brings_its_weights_itself(known: Run, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="an own module has its weights already"):
        train(
            (np.zeros((8, 2), dtype=np.float32), np.arange(8) % 2),
            tmp_path / "run",
            model=torch.nn.Linear(2, 2),
            start_from=known,
        )


def test_a_language_model_goes_on_with_another_text(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, words in (("a", ["the", "fox", "runs"]), ("b", ["the", "dog", "sleeps", "now"])):
        (tmp_path / f"{name}.txt").write_text(" ".join(random.choice(words, 400)), encoding="utf-8")
    small = {"model": {"kind": "gpt", "width": 16, "depth": 1, "heads": 2}, "prepare": {"length": 16}}
    first = train(f"chars:{tmp_path / 'a.txt'}", tmp_path / "first", **small, precision="float32")
    run = train(
        f"chars:{tmp_path / 'b.txt'}",
        tmp_path / "run",
        start_from={"path": str(first.path), "prepare": "refit"},
        prepare={"length": 16},
        precision="float32",
    )
    assert run.decided.origin is not None
    # The alphabets differ: embedding and head begin anew but for the characters that both have.
    assert len(run.decided.origin.fresh) == 2
    assert "in 2 of these" in decisions(run)["start_from.fresh"]
