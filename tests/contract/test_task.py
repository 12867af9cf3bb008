"""Every task learns from its example through the whole program, resumes with the same bits, and says what it needs."""

import json
from pathlib import Path
from typing import Any

import pytest

import tutelage
from tests.contract.examples import TASKS
from tutelage.core import catalog, layout
from tutelage.core.errors import TutelageError
from tutelage.data.source.recognize import recognize
from tutelage.planning.recipe import Recipe
from tutelage.run.run import Run
from tutelage.task.base import TaskSpec
from tutelage.task.choose import choose_task
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

KINDS = catalog.names("task")
STEPS = 6


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
    return tutelage.train(source, steps=STEPS, out=out, quiet=True, save={"every_seconds": 0}, **TASKS[kind].wishes)


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
def test_its_example_is_claimed_by_it_alone_and_refused_by_those_that_cannot_learn_it(kind: str, tmp_path: Path) -> None:
    source = TASKS[kind].source(tmp_path)
    part = recognize(source)(path=source).collect().train
    assert [other for other in KINDS if make(other).claims(part)] == [kind]
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
        tutelage.plan(source, metrics=[foreign])
    fitting: Any = next(name for name in catalog.names("metric") if catalog.load("metric", name).answers == answers)
    plan = tutelage.plan(source, metrics=[fitting])
    assert [metric.kind for metric in plan.metrics] == [fitting]


@pytest.mark.parametrize("kind", KINDS)
def test_any_one_metric_may_be_measured_alone_and_what_is_watched_still_is(kind: str, tmp_path: Path) -> None:
    answers = make(kind).answers
    metrics = {name: catalog.load("metric", name)() for name in catalog.names("metric")}
    fitting = [name for name, metric in metrics.items() if metric.answers == answers and not metric.refusal(2)]
    example = TASKS[kind]
    wishes = {**example.wishes, "metrics": [fitting[-1]]}
    run = tutelage.train(example.source(tmp_path), steps=2, out=tmp_path / "run", quiet=True, **wishes)
    watched = run.decided.watched
    assert f"val/{watched}" in run.metrics
    assert f"val/{fitting[-1]}" in run.metrics
    assert {name for name in run.metrics if name.startswith("test/")} == {f"test/{fitting[-1]}"}
