"""The one training loop, for every task: next batch, draw, step, observe, count, then the jobs that are due.

There are no callbacks: what changes training is a task, a stream or a phase; jobs are plain calls in a fixed order.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch

from tutelage.core.seeds import derive
from tutelage.training.state import TrainState

__all__ = ["Job", "run_loop"]


class Job(Protocol):
    """Something done between steps, such as logging, evaluating or saving.

    Attributes:
        next_step: The step at which it is due next; the loop compares one number, so a job that is not due costs nothing.
    """

    next_step: int

    def run(self, state: TrainState) -> None:
        """Do it, and set `next_step` to a later step."""


def run_loop(
    state: TrainState,
    *,
    jobs: Sequence[Job],
    seed: int,
    is_interrupted: Callable[[], str] = lambda: "",
    until_step: int | None = None,
) -> None:
    """Train until the planned end, a reason to stop of early stopping, or an interruption.

    Args:
        state: Everything that survives a step; it is advanced in place.
        jobs: Run in this order after a step at which they are due.
        seed: The run's seed, from which each step's draws derive.
        is_interrupted: Returns a reason to stop such as `interrupted` once a signal has arrived; of several processes, any may
            have got it, and all stop at the same step.
        until_step: Leave after this step at the latest, without a reason to stop.
    """
    task, stream, step, clock, ledger = state.task, state.stream, state.step, state.clock, state.ledger
    mesh = step.mesh
    # Each process draws for its own part of a batch; the first one as if it were alone.
    place = (mesh.rank,) if mesh.rank else ()
    clock.epoch_size = stream.epoch_size
    generator = torch.Generator()
    task.train()
    task.begin(state.control.initial_steps)
    while not state.control.stop_reason and clock.step < state.control.total_steps:
        if clock.step == until_step:
            return
        batch = stream.next()
        if task.draws:
            batch = task.draw(batch, generator.manual_seed(derive(seed, "draw", clock.step, *place)))
        done, rate = clock.step / state.control.total_steps, state.control.rate(clock.step)
        report = step(task.beat(clock.step), batch, done, rate=rate)
        stream.observe(report)
        ledger.add(report)
        state.refusals.add(report.refused)
        clock.tick(stream.batch_size)
        for job in jobs:
            if clock.step >= job.next_step:
                job.run(state)
        stop_reason = mesh.first_word(is_interrupted()) if clock.step % mesh.ask_every == 0 else ""
        # A run that has just stopped by itself has ended: an interruption would be taken back by a resume, which would train on.
        if stop_reason and not state.control.stop_reason:
            state.control = state.control.stopped(stop_reason)
        if getattr(stream, "is_spent", False) and not state.control.stop_reason:
            # An agent that left out updates has used up its environment steps before its updates.
            state.control = state.control.stopped("budget")
    if not state.control.stop_reason:
        state.control = state.control.ended()
