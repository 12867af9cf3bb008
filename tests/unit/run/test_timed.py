"""Steps are timed beforehand and put back: no trace is left, and an agent plays its first experience only once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stand_ins import Told
from tutelage.core.emitter import Emitter
from tutelage.core.events import Forecast
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import recipe_from
from tutelage.run.compose import Composed, compose
from tutelage.run.foresee import Foresight
from tutelage.run.probe import _probe
from tutelage.run.start import Request, plan_training
from tutelage.run.timed import Timed, fill, time_ahead
from tutelage.training.state import digest

HERE = Machine("cpu", "a processor", 1, "", 0.0, 50.0)


@contextmanager
def begun(**wishes: object) -> Iterator[tuple[Plan, Composed]]:
    recipe = recipe_from({"compile": "none", **wishes}, where="test")
    plan, gathered, _ = plan_training(Request(recipe, machine=HERE))
    composed = compose(plan, gathered.data)
    try:
        yield plan, composed
    finally:
        composed.problem.close()


def test_nothing_of_a_training_changes() -> None:
    with begun(source="sklearn:iris", budget={"steps": 10_000}) as (plan, composed):
        before = digest(composed.state.snapshot())
        timed = time_ahead(plan, composed, steps=10_000, spent=1.0)
        assert digest(composed.state.snapshot()) == before
    assert len(timed.times) > 1
    assert timed.evaluation > 0


def test_nothing_of_an_agent_changes_but_what_it_has_played_before_its_first_update() -> None:
    wishes = {"source": "gym:CartPole-v1", "task": {"kind": "dqn", "warmup": 300}, "budget": {"steps": 20_000}}
    with begun(**wishes) as (plan, composed), begun(**wishes) as (_, other):
        assert fill(composed.state.stream)
        played = composed.state.stream.env_steps  # type: ignore[attr-defined]
        timed = time_ahead(plan, composed, steps=20_000, spent=1.0)
        assert composed.state.stream.env_steps == played  # type: ignore[attr-defined]
        assert len(timed.times) % max(timed.period, 1) == 0
        batches = [composed.state.stream.next(), other.state.stream.next()]
    # The first minibatch is that of a training that was not timed.
    assert all((batches[0][name] == batches[1][name]).all() for name in batches[0])


def test_the_stream_is_told_of_each_step_as_in_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    wishes = {"source": "gym:CartPole-v1", "task": "ppo", "budget": {"time": 60}}
    with begun(**wishes) as (plan, composed):
        told: list[object] = []
        monkeypatch.setattr(composed.state.stream, "observe", told.append)
        before = digest(composed.state.snapshot())
        timed = _probe(plan, composed, Emitter([], started=time.monotonic()), greater_is_better=True).timed
        assert digest(composed.state.snapshot()) == before
    assert timed.period > 1
    assert len(timed.times) % timed.period == 0
    assert len(told) >= len(timed.times)


def test_only_whole_periods_say_what_a_step_costs() -> None:
    # Rollouts of 1 s, and three updates of 0.1 s on each; the first period builds kernels.
    times = (5.0, 0.1, 0.1, 0.1, 1.0, 0.1, 0.1, 0.1)
    pace = Timed(times, period=4).pace()
    assert pace is not None
    assert pace.seconds == pytest.approx(1.3 / 4)


def test_an_agent_whose_periods_are_long_beside_its_run_is_not_timed() -> None:
    with begun(source="gym:CartPole-v1", task="ppo", budget={"steps": 50}) as (plan, composed):
        assert time_ahead(plan, composed, steps=50, spent=1.0) == Timed()


def test_what_a_time_budget_has_timed_is_not_timed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path))
    with begun(source="sklearn:iris", budget={"time": 100}) as (plan, composed):
        composed.state.control = type(composed.state.control)(50)
        told = Told()
        foresight = Foresight(plan, Emitter([told], started=time.monotonic()))
        foresight.begin(composed, Timed((0.5,) * 10, 0.1))
        foresight.tell(composed)
    (forecast,) = told.named(Forecast)
    # Steps of this network take a thousandth of that.
    assert forecast.parts["steps"] == pytest.approx(25.0)
