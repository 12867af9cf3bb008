"""Every task learns from its example through the whole program, resumes with the same bits, and says what it needs."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tutelage
from tests.contract.examples import TASKS
from tutelage.core import catalog, layout
from tutelage.core.errors import RecipeError, TutelageError
from tutelage.data.source.recognize import recognize
from tutelage.planning.recipe import Recipe, recipe_from
from tutelage.run.run import Run
from tutelage.run.start import Request, plan_training
from tutelage.task.base import OPTIONAL, TaskSpec
from tutelage.task.choose import choose_task
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

KINDS = catalog.names("task")
STEPS = 6
WISHES: dict[str, tuple[str, Any]] = {
    "target": ("target", "answer"),
    "columns": ("columns", {"size": "number"}),
    "prepare": ("prepare", {"length": 8}),
    "augment": ("augment", "flip"),
    "floor": ("floor", "word_pairs"),
    "loss": ("loss", "mse"),
    "ema": ("ema", 0.99),
    "calibrate": ("calibrate", "temperature"),
    "class_weights": ("class_weights", "balanced"),
    "mirror": ("mirror", "on"),
    "split": ("split.validation", {"validation": 0.25}),
}
"""For each key that means something to some tasks only: how it is named when it is refused, and a wish for it."""


def make(kind: str) -> TaskSpec:
    spec: TaskSpec = catalog.load("task", kind)()
    return spec


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Run]:
    """A task, its example, and a short run of it."""
    folder = tmp_path_factory.mktemp(request.param)
    source = TASKS[request.param].source(folder)
    return request.param, source, train(request.param, source, folder / "run")


def train(kind: str, source: str, out: Path) -> Run:
    return tutelage.train(source, steps=STEPS, out=out, quiet=True, save={"every_seconds": 0}, **wishes_for(kind, source))


def wishes_for(kind: str, source: str) -> dict[str, Any]:
    """The example's wishes; a task that does not claim its example is named."""
    wishes: dict[str, Any] = dict(TASKS[kind].wishes)
    if make(kind).claims(recognize(source)(path=source).collect().train) is None:
        wishes["task"] = {"kind": kind, **wishes.get("task", {})}
    return wishes


def test_every_task_has_an_example() -> None:
    assert set(KINDS) == set(TASKS), "add an example of the new task to tests/contract/examples.py"


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_says_what_it_is(kind: str) -> None:
    spec = make(kind)
    assert spec.noun
    assert spec.answers
    metrics = [name for name in catalog.names("metric") if catalog.load("metric", name).answers == spec.answers]
    assert metrics, "there must be a metric for its kind of answers"


@pytest.mark.parametrize("kind", KINDS)
def test_its_example_is_for_it_by_default_and_refused_by_those_that_cannot_learn_it(kind: str, tmp_path: Path) -> None:
    source = TASKS[kind].source(tmp_path)
    part = recognize(source)(path=source).collect().train
    if make(kind).claims(part) is not None:
        assert choose_task(Recipe(), part)[0] == make(kind)
    for other in KINDS:
        refusal = make(other).refusal(part)
        assert refusal == "" or ". " in refusal, "a refusal says what was found and what to do"
    assert make(kind).refusal(part) == ""


def test_the_run_is_complete(trained: tuple[str, str, Run]) -> None:
    kind, _, run = trained
    result = run.result
    assert result["task"] == kind
    assert result["noun"] == make(kind).noun
    assert result["headline"] in result["metrics"]
    assert result["last_step"] == STEPS
    assert set(result["intervals"]) == set(result["metrics"])
    assert result["baseline"]["description"]
    json.dumps(result, allow_nan=False)
    assert run.report.stat().st_size > 1_000
    assert kind in run.report.read_text(encoding="utf-8")


def test_the_plan_alone_gives_model_and_data_back(trained: tuple[str, str, Run]) -> None:
    _, _, run = trained
    network = run.build_model()
    assert all(parameter.device.type == "meta" for parameter in network.parameters())
    assert list(network.state_dict()) == list(run.predictor.network.state_dict())
    recorded = json.loads((run.path / layout.DATA).read_text(encoding="utf-8"))["fingerprint"]
    assert run.data().fingerprint == recorded


def test_a_resumed_run_ends_with_the_same_bits(trained: tuple[str, str, Run], tmp_path: Path) -> None:
    kind, source, run = trained
    again = train(kind, source, tmp_path / "run")
    newest = checkpoints(again.path)[-1]
    whole = digest(load_checkpoint(newest))
    assert whole == digest(load_checkpoint(checkpoints(run.path)[-1])), "the same command gives the same bits"
    newest.unlink()
    (again.path / layout.RESULT).unlink()
    tutelage.resume(again.path, quiet=True)
    assert digest(load_checkpoint(checkpoints(again.path)[-1])) == whole
    resumed = json.loads((again.path / layout.RESULT).read_text(encoding="utf-8"))
    assert resumed["metrics"] == run.result["metrics"]


def test_a_metric_that_does_not_fit_is_refused_with_those_that_do(trained: tuple[str, str, Run]) -> None:
    kind, source, _ = trained
    answers = make(kind).answers
    foreign = next(name for name in catalog.names("metric") if catalog.load("metric", name).answers != answers)
    with pytest.raises(TutelageError, match="does not fit the task"):
        tutelage.plan(source, task=kind, metrics=[foreign])
    fitting: Any = next(name for name in catalog.names("metric") if catalog.load("metric", name).answers == answers)
    plan = tutelage.plan(source, task=kind, metrics=[fitting])
    assert [metric.kind for metric in plan.metrics] == [fitting]


@pytest.mark.parametrize("kind", KINDS)
def test_any_one_metric_may_be_measured_alone_and_what_is_watched_still_is(kind: str, tmp_path: Path) -> None:
    answers = make(kind).answers
    metrics = {name: catalog.load("metric", name)() for name in catalog.names("metric")}
    fitting = [name for name, metric in metrics.items() if metric.answers == answers and not metric.refusal(2)]
    example = TASKS[kind]
    source = example.source(tmp_path)
    wishes = {**wishes_for(kind, source), "metrics": [fitting[-1]]}
    run = tutelage.train(source, steps=2, out=tmp_path / "run", quiet=True, **wishes)
    watched = run.decided.watched
    assert f"val/{watched}" in run.metrics
    assert f"val/{fitting[-1]}" in run.metrics
    assert {name for name in run.metrics if name.startswith("test/")} == {f"test/{fitting[-1]}"}


def test_every_optional_key_has_a_wish_to_try() -> None:
    assert set(WISHES) == set(OPTIONAL)


@pytest.mark.parametrize("kind", KINDS)
def test_each_key_that_it_does_not_use_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    source = TASKS[kind].source(tmp_path)
    assert make(kind).uses <= set(OPTIONAL)
    for key in set(OPTIONAL) - make(kind).uses:
        name, wish = WISHES[key]
        with pytest.raises(TutelageError, match=f"recipe: {name} = "):
            tutelage.plan(source, **{**wishes_for(kind, source), key: wish})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "split" in make(kind).uses])
@pytest.mark.parametrize(("part", "fraction"), [("validation", 0.9), ("validation", 0.0), ("test", 0.6), ("test", -0.1)])
def test_fractions_are_checked_alike(kind: str, part: str, fraction: float, tmp_path: Path) -> None:
    example = TASKS[kind]
    folder = tmp_path / "data"
    folder.mkdir()
    source = "sklearn:iris" if kind == "classify" else example.source(folder)
    with pytest.raises(RecipeError, match=rf"split\.{part} = {fraction:g} must be"):
        tutelage.plan(source, **{**wishes_for(kind, source), "split": {part: fraction}})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "split" in make(kind).uses])
def test_a_part_may_be_said_as_a_whole_number(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    source = "sklearn:iris" if kind == "classify" else TASKS[kind].source(folder)
    wishes = {**wishes_for(kind, source), "source": source}
    sizes = _gathered(wishes).data.sizes
    wanted = {part: sizes[part] - 1 for part in ("validation", "test")}
    assert {part: _gathered({**wishes, "split": wanted}).data.sizes[part] for part in wanted} == wanted
    with pytest.raises(TutelageError, match=r"split.test = 987654321 must be|times are too few"):
        tutelage.plan(source, **{**wishes_for(kind, source), "split": {"test": 987654321}})


def _gathered(wishes: dict[str, Any]) -> Any:
    """Return the data of a training as it would be made."""
    return plan_training(Request(recipe_from(wishes, where="test")))[1]


@pytest.mark.parametrize("kind", KINDS)
def test_an_evaluation_is_repeatable_and_leaves_the_training_as_it_was(kind: str, tmp_path: Path) -> None:
    source = TASKS[kind].source(tmp_path)
    wishes = {"model": {"dropout": 0.5}, **wishes_for(kind, source), "source": source}
    plan, gathered, _ = plan_training(Request(recipe_from(wishes, where="test")))
    problem = plan.task.build(plan, gathered.data)
    problem.task.train()
    frozen = next(module for module in problem.task.network().modules() if not list(module.children()))
    frozen.eval()
    modes = [module.training for module in problem.task.modules()]
    torch.manual_seed(3)
    before = (torch.get_rng_state(), random.getstate(), str(np.random.get_state()))
    first, again = problem.validation(problem.task), problem.validation(problem.task)
    final = problem.validation.final(problem.task)["metrics"]
    assert list(problem.validation.events(problem.task, step=4)) == list(problem.validation.events(problem.task, step=4))
    problem.close()
    assert first == again == final
    assert [module.training for module in problem.task.modules()] == modes
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), str(np.random.get_state())) == before[1:]


def test_data_json_and_report_say_what_the_part_has_to_say(trained: tuple[str, str, Run]) -> None:
    _, source, run = trained
    recorded = json.loads((run.path / layout.DATA).read_text(encoding="utf-8"))
    summary = recognize(source)(path=source).collect().train.summary({})
    page = run.report.read_text(encoding="utf-8")
    for name in summary.get("facts", {}):
        assert name in recorded["facts"]
        assert f"<dt>{name}</dt>" in page
