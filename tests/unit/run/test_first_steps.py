"""The first steps of a training are timed as they go by, and told once."""

import time

import torch
from torch import nn

from tests.stand_ins import small_training
from tutelage.core.emitter import Emitter
from tutelage.foresight.pace import Pace
from tutelage.optim.adamw import AdamW
from tutelage.run.first_steps import MOST_STEPS, FirstSteps
from tutelage.training.loop import run_loop
from tutelage.training.state import TrainState


def watched(total_steps: int) -> tuple[bool, FirstSteps, list[Pace]]:
    rows = {"x": torch.rand(16, 4), "target": torch.arange(16) % 2, "weight": torch.ones(16)}
    state = small_training(nn.Linear(4, 2), rows, optim=AdamW(), steps=total_steps)
    told: list[Pace] = []
    first = FirstSteps(Emitter([], started=time.monotonic()), then=told.append)
    is_watched = first.watch(state)
    first.start()
    run_loop(state, jobs=[first], seed=0)
    return is_watched, first, told


def test_a_tenth_of_the_steps_says_the_pace_and_no_more_are_timed() -> None:
    is_watched, first, told = watched(50)
    assert is_watched
    assert told == [first.pace]
    assert told[0].num_steps <= 5
    assert 0 < told[0].seconds <= first.seconds


def test_of_few_steps_none_is_timed() -> None:
    is_watched, first, told = watched(19)
    assert (is_watched, first.pace, first.seconds, told) == (False, None, 0, [])


def test_where_the_first_steps_are_odd_more_are_timed_before_anything_is_told() -> None:
    rows = {"x": torch.rand(16, 4), "target": torch.arange(16) % 2, "weight": torch.ones(16)}
    state = small_training(nn.Linear(4, 2), rows, optim=AdamW(), steps=400)
    told, asked = list[Pace](), list[Pace]()
    doubts = lambda pace: asked.append(pace) or True  # noqa: E731 - notes what it was asked
    first = FirstSteps(Emitter([], started=time.monotonic()), then=told.append, doubts=doubts)
    assert first.watch(state)
    first.start()
    run_loop(state, jobs=[Slow(), first], seed=0)
    # Asked once, of few; told once, of all that may be timed.
    assert len(asked) == len(told) == 1
    assert asked[0].num_steps < 10
    assert told[0].num_steps > asked[0].num_steps
    assert len(first._times) == MOST_STEPS


class Slow:
    """Makes each step long enough that a few are enough."""

    next_step = 1

    def run(self, state: TrainState) -> None:
        time.sleep(0.05)
        self.next_step = state.clock.step + 1 if state.clock.step < 12 else 2**62
