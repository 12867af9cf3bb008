"""The largest batch that finds room is counted, not tried, and the training is left as it was."""

import numpy as np
import pytest

import tutelage.run.largest_batch as largest_batch_module
from tutelage.planning.facts import Machine
from tutelage.planning.recipe import recipe_from
from tutelage.run.compose import Composed, compose
from tutelage.run.largest_batch import largest_batch, room_for_steps, step_bytes
from tutelage.run.start import Request, plan_training
from tutelage.run.work import count_training_step
from tutelage.training.state import digest

HERE = Machine("cpu", "a processor", 1, "", 0.0, 50.0)
ROWS = 4000


def composed(batch_size: int) -> Composed:
    random = np.random.default_rng(0)
    data = (random.standard_normal((ROWS, 50)).astype(np.float32), random.integers(0, 2, ROWS))
    wishes = {
        "budget": {"steps": 10},
        "compile": "none",
        "model": {"kind": "mlp", "hidden": [512, 512]},
        "batch_size": batch_size,
    }
    plan, gathered, _ = plan_training(
        Request(recipe_from({**wishes, "precision": "float32"}, where="test"), data=data, machine=HERE)
    )
    return compose(plan, gathered.data)


def test_the_largest_batch_fills_the_room_and_no_more() -> None:
    training = composed(256)
    batch = training.state.stream.next()
    before = digest(training.state.snapshot())
    work = count_training_step(training.state, batch)
    room = 2 * step_bytes(work)
    largest = largest_batch(training.state, batch, work=work, room_bytes=room, most=0)
    assert digest(training.state.snapshot()) == before
    training.problem.close()
    assert largest is not None
    assert largest > 256
    other = composed(largest)
    needed = step_bytes(count_training_step(other.state, other.state.stream.next()))
    other.problem.close()
    assert 0.85 * room <= needed <= room


@pytest.mark.parametrize(("room", "least", "most"), [(2**50, 1000, 1000), (1, 0, 0)])
def test_a_batch_holds_no_more_rows_than_there_are_and_may_not_fit_at_all(room: int, least: int, most: int) -> None:
    training = composed(64)
    batch = training.state.stream.next()
    work = count_training_step(training.state, batch)
    found = largest_batch(training.state, batch, work=work, room_bytes=room, most=1000)
    training.problem.close()
    assert found is not None
    assert least <= found <= most


def test_where_counting_takes_long_the_line_through_two_sizes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    training = composed(256)
    batch = training.state.stream.next()
    work = count_training_step(training.state, batch)
    room = 8 * step_bytes(work)
    counted = largest_batch(training.state, batch, work=work, room_bytes=room, most=0)
    monkeypatch.setattr(largest_batch_module, "MOST_SECONDS", 0.0)
    told = largest_batch(training.state, batch, work=work, room_bytes=room, most=0)
    assert counted is not None
    assert told == pytest.approx(counted, rel=0.1)


def test_there_is_some_room() -> None:
    assert room_for_steps("cpu") > 0
