"""Makes checkpoints durable while training goes on: hashing, writing, syncing and pruning in a thread of its own."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tutelage.core.errors import OutOfMemoryError
from tutelage.core.manifest import Manifest
from tutelage.core.memory import memory_told
from tutelage.training.checkpoint import save_checkpoint
from tutelage.training.state import Snapshot

__all__ = ["Durable", "Writer"]


@dataclass(frozen=True, slots=True)
class Durable:
    """A checkpoint that has become durable: its step and digest, and the seconds that it took."""

    step: int
    digest: str
    seconds: float


class Writer:
    """Writes one snapshot at a time; the thread that trains hands it over, and asks now and then.

    The system's calls and SHA-256 let other threads run, so training waits for neither disk nor hash. A process that ends
    in the ordinary way waits for its writer; of one that is killed, a file written aside is left, and the checkpoints before.
    """

    def __init__(self, run_dir: Path) -> None:
        """Write into a run folder; the thread begins with the first snapshot."""
        self._manifest = Manifest(run_dir)
        self._thread = _thread()
        self._pending: Future[Durable] | None = None

    def write(self, snapshot: Snapshot) -> None:
        """Begin to write a snapshot, which nobody changes any more; the one before must have been waited for.

        Raises:
            OutOfMemoryError: There is no memory for the thread; the next one may be tried.
        """
        assert self._pending is None, "the snapshot before is still being written"
        try:
            with memory_told("starting to write a checkpoint"):
                self._pending = self._thread.submit(_write, self._manifest, snapshot)
        except OutOfMemoryError:
            # What it could not start it would still do, later than what follows.
            self._thread = _thread()
            raise

    @property
    def is_done(self) -> bool:
        """Whether a snapshot was written, or refused, which nobody has asked for yet: `wait` will not wait."""
        return self._pending is not None and self._pending.done()

    def wait(self) -> Durable | None:
        """Wait for the snapshot that is being written, and return what became durable; None where none was pending.

        Raises:
            DiskError, OutOfMemoryError: The disk refused it, or memory lacked; the next one may be tried.
            RunError: It cannot be written at all.
        """
        pending, self._pending = self._pending, None
        return None if pending is None else pending.result()

    def close(self) -> None:
        """End the thread, once what it is writing is done."""
        self._thread.shutdown(wait=True)


def _thread() -> ThreadPoolExecutor:
    """Return a thread that begins with its first work."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")


@memory_told("writing a checkpoint")
def _write(manifest: Manifest, snapshot: Snapshot) -> Durable:
    """Write one snapshot, in the writer's thread."""
    began = time.monotonic()
    sha = save_checkpoint(manifest.folder, snapshot, manifest=manifest)
    return Durable(snapshot.step, sha, time.monotonic() - began)
