"""Checkpoints while training goes on, and one that is waited for at its end; a disk that refuses is tried again.

Memory that lacks for a checkpoint is no other: the ones before are there, and training goes on.
"""

import time
from collections.abc import Mapping
from pathlib import Path

from tutelage.core.emitter import Emitter
from tutelage.core.errors import DiskError, OutOfMemoryError, RunError
from tutelage.core.events import Saved, Warned
from tutelage.core.memory import memory_told
from tutelage.core.patience import PATIENCE_SECONDS, Patience, telling
from tutelage.training.freed_memory import free_memory
from tutelage.training.rollback import is_sound
from tutelage.training.state import Snapshot, TrainState
from tutelage.training.writer import Durable, Writer

__all__ = ["SaveJob"]

PLANNED_TRIES = 3
"""Checkpoints that have to fail, at least, before a training ends for want of them."""
PART = "checkpoints"
"""Of the run's time: forecasts take it by the number of those made."""
COPYING = "copying the state of training for a checkpoint"


class SaveJob:
    """Makes a checkpoint when enough wall time has passed; when it does so has no influence on training.

    Training waits for the copy of its state, not for the disk: see `writer.py`.
    """

    FRACTION = 0.02
    """Training waits for saving at most about this fraction of its time."""
    WRITING_FRACTION = 0.1
    """Checkpoints are being written at most about this fraction of the time: that takes memory, and a core for the hash."""

    def __init__(
        self,
        emitter: Emitter,
        run_dir: Path,
        *,
        every_seconds: float,
        step: int,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Save into `run_dir`.

        Args:
            emitter: Told what was saved.
            run_dir: The run folder.
            every_seconds: Time between two checkpoints (longer where saving takes long).
            step: The step at which this process starts.
            patience_seconds: How long to train on while the disk refuses; 0 ends at the first refusal.
        """
        self.next_step = step + 1
        self._every = every_seconds
        self._wait = every_seconds
        self._emitter, self._writer = emitter, Writer(run_dir)
        self._last = time.monotonic()
        self._was_sound = True
        planned = PLANNED_TRIES * every_seconds if patience_seconds else 0.0
        remedy = f"What was saved before is whole. Then go on from there: tutelage resume {run_dir}"
        self._running = telling(emitter, max(patience_seconds, planned), meanwhile="Training goes on.", remedy=remedy)
        self._ending = telling(emitter, patience_seconds, meanwhile="The end of training waits for it.", remedy=remedy)
        self._running.keep_working()

    def run(self, state: TrainState) -> None:
        """Save if it is time by the first process's clock.

        Raises:
            RunError: Nothing could be written for too long, whichever process asks.
        """
        if state.mesh.lead(self._is_time):
            self.save(state)
        every = state.mesh.ask_every
        self.next_step = (state.clock.step // every + 1) * every

    def save(self, state: TrainState) -> None:
        """Copy the state now and begin to write it; of several processes all come here at the same step, and the first writes.

        Where the disk refuses or memory lacks, training goes on, and the next try comes soon. A state that is not finite is not
        written: it would take the place of one that is. It is put back soon, or ends training.

        Raises:
            RunError, OutOfMemoryError: Nothing could be written for too long, whichever process asks.
        """
        began = time.monotonic()
        if not self._is_sound(state):
            return
        self._emitter.stopwatch.lap("steps")
        seals = state.mesh.lead(self._begin)
        if seals is not None:
            snapshot = self._snapshot(state, seals, self._running)
            self._emitter.stopwatch.count(PART)
            if snapshot is not None:
                state.mesh.lead(lambda: self._hand_over(snapshot))
        self._emitter.stopwatch.lap(PART)
        self._last = time.monotonic()
        # Where each step is to be saved, none is left out.
        self._wait = max(self._every, (self._last - began) / self.FRACTION) if self._every else 0.0

    def save_now(self, state: TrainState) -> None:
        """Save, and return once it is durable, or once the disk has refused; errors as in `save`."""
        self.save(state)
        state.mesh.lead(self._settle)
        self._emitter.stopwatch.lap(PART)

    def secure(self, state: TrainState) -> None:
        """Save, and return once it is durable, so that what follows may rely on it; a full disk is waited for.

        Raises:
            RunError, OutOfMemoryError: It could not be written for too long, whichever process asks.
        """
        if not self._is_sound(state):
            # What is being written is the last that was.
            state.mesh.lead(self._settle)
            return
        self._emitter.stopwatch.count(PART)
        seals = state.mesh.lead(self._insist_on_logs)
        while (snapshot := self._snapshot(state, seals, self._ending)) is None:
            state.mesh.lead(lambda: time.sleep(self._ending.pause))
        copy = snapshot
        state.mesh.lead(lambda: self._ending.insist(lambda: self._write(copy), what=f"checkpoint of step {copy.step}"))

    def close(self) -> None:
        """End the writer, once it is done, whatever has happened; the run folder may then be given to another process."""
        self._writer.close()
        try:
            self._tell(self._writer.wait())
        except (RunError, OutOfMemoryError) as error:
            # Another reason ends this training already.
            self._emitter.emit(Warned(message=str(error)))

    def _is_sound(self, state: TrainState) -> bool:
        """Tell whether a state may be saved; the first of a row that may not is told."""
        before, self._was_sound = self._was_sound, is_sound(state)
        if before and not self._was_sound:
            found = f"step {state.clock.step:,}: the weights, or the optimizer's moments, are not finite"
            self._emitter.emit(Warned(message=f"{found}: no checkpoint is made of them, the ones before are kept."))
        if not self._was_sound:
            self._last = time.monotonic()
        return self._was_sound

    def _is_time(self) -> bool:
        """Tell what has become durable, or was refused, and whether the next checkpoint is due."""
        if self._writer.is_done:
            self._settle()
        return time.monotonic() - self._last >= min(self._wait, self._running.pause)

    def _settle(self) -> None:
        """Wait until the checkpoint that is being written, if any, is durable or refused."""
        try:
            self._tell(self._writer.wait())
        except (DiskError, OutOfMemoryError) as error:
            self._running.refused(error)

    def _hand_over(self, snapshot: Snapshot) -> None:
        """Let the writer begin."""
        try:
            self._writer.write(snapshot)
        except OutOfMemoryError as error:
            self._running.refused(error)

    def _begin(self) -> dict[str, tuple[int, str]] | None:
        """Be ready to write, and return what the logs are: a checkpoint relies on all that they were told before it.

        None where they cannot be written: then there is no checkpoint either.
        """
        self._settle()
        try:
            return self._emitter.seals()
        except DiskError as error:
            self._running.refused(error)
            return None

    def _insist_on_logs(self) -> dict[str, tuple[int, str]]:
        """Do what `_begin` says, at the end of training."""
        try:
            self._tell(self._writer.wait())
        except (DiskError, OutOfMemoryError) as error:
            # A newer one follows: the disk may take that.
            self._emitter.emit(Warned(message=str(error)))
        return self._ending.insist(self._emitter.seals, what="the logs")

    def _snapshot(self, state: TrainState, seals: Mapping[str, tuple[int, str]], patience: Patience) -> Snapshot | None:
        """Copy the state, with the facts of the outer world; None where memory lacks for that, in whichever process.

        Raises:
            OutOfMemoryError: It has lacked for too long.
        """
        state.outside["seconds"] = self._emitter.seconds
        # A sink that has just failed has none; what it had at the last checkpoint is then where its files are cut.
        state.outside["logs"] = {**state.outside.get("logs", {}), **{name: list(seal) for name, seal in seals.items()}}
        try:
            with memory_told(COPYING):
                return state.snapshot()
        except OutOfMemoryError as error:
            found = str(error)
        # Outside of the handler: its frames hold what was copied.
        free_memory()
        state.mesh.lead(lambda: patience.refused(OutOfMemoryError(found)))
        return None

    def _write(self, snapshot: Snapshot) -> None:
        """Write a snapshot and wait for it."""
        self._writer.write(snapshot)
        self._tell(self._writer.wait())

    def _tell(self, durable: Durable | None) -> None:
        """Tell what has become durable, in the thread that trains: sinks know no other."""
        if durable is not None:
            self._emitter.emit(Saved(step=durable.step, digest=durable.digest))
            self._running.accepted(f"checkpoint of step {durable.step}")
            self._wait = max(self._wait, durable.seconds / self.WRITING_FRACTION) if self._every else 0.0
