"""What is written at the end of a training: models, logs, the mark of the test part; a full disk is waited for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tutelage.core import layout
from tutelage.core.emitter import Emitter
from tutelage.core.manifest import Manifest
from tutelage.core.patience import telling
from tutelage.planning.plan import Plan
from tutelage.run.collect import Gathered
from tutelage.run.compose import Composed, build_predictor
from tutelage.run.opened import open_test_part, opened_before
from tutelage.training.mesh import Mesh

__all__ = ["Keeping"]

Value = TypeVar("Value")


@dataclass(frozen=True)
class Keeping:
    """Writes the end of a run.

    Attributes:
        folder: The run folder.
        plan: Everything decided.
        gathered: Prepared data.
        emitter: Told of a disk that refuses.
        mesh: The processes that train together; the first one writes.
        patience_seconds: How long a full disk is waited for.
    """

    folder: Path
    plan: Plan
    gathered: Gathered
    emitter: Emitter
    mesh: Mesh
    patience_seconds: float

    def insist(self, write: Callable[[], Value], *, what: str) -> Value:
        """Let the first process write something at the end of training; a full disk is waited for.

        Raises:
            RunError: It could not be written for too long, whichever process asks.
        """
        remedy = f"All steps are saved. Then finish the run: tutelage resume {self.folder}"
        patience = telling(self.emitter, self.patience_seconds, meanwhile="The end of the run waits for it.", remedy=remedy)
        value: Value = self.mesh.lead(lambda: patience.insist(write, what=what))
        return value

    def predictor(self, composed: Composed, name: str, *, step: int) -> str:
        """Write the predictor of the task's present weights into a folder of the run, and return their SHA-256."""

        def write() -> str:
            facts = {"step": step, "source": self.plan.source}
            predictor = build_predictor(self.plan, self.gathered.data, composed.problem, facts=facts)
            path, manifest = self.folder / name / layout.PREDICTOR, Manifest(self.folder)
            return predictor.save(path, announce=lambda seal: manifest.announcing(path, seal=seal))

        return self.insist(write, what=f"{name}/{layout.PREDICTOR}")

    def test_opened(self, weights: str, *, step: int) -> None:
        """Say that the test part is being opened, and whether it was before."""

        def say() -> None:
            said = opened_before(self.folder, weights=weights)
            open_test_part(self.folder, weights=weights, step=step)
            if said is not None:
                self.emitter.emit(said)

        self.insist(say, what=layout.TEST_OPENED)

    def logs(self) -> None:
        """Bring all that was told to the disk."""

        def settle() -> None:
            self.emitter.seals()

        self.insist(settle, what="the logs")
