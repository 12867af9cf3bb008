"""The first steps of a training are timed as they go by, and told once."""

import time

import torch
from torch import nn

from tests.stand_ins import small_training
from tutelage.core.emitter import Emitter
from tutelage.foresight.pace import Pace
from tutelage.optim.adamw import AdamW
from tutelage.run.first_steps import FirstSteps
from tutelage.training.loop import run_loop


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
