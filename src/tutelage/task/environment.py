"""An environment as data: what tasks that act in it are given."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tutelage.core import catalog
from tutelage.core.shape.base import Shape
from tutelage.data.source.base import Collected
from tutelage.env.actions import Actions
from tutelage.env.base import Environment
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Decision
from tutelage.task.base import Data

__all__ = ["EnvironmentData"]


@dataclass(frozen=True)
class EnvironmentData(Data):
    """An environment to act in; see `Data` for what is common to all data.

    Attributes:
        task_kind: What is learned.
        task_reason: Why this task was chosen.
        env: Settings of an environment component, its `kind` included.
        shape: What a network receives of it.
        actions: What may be done.
        inexact: Why a resumed run cannot go on within an episode; "" where it can.
        make_own: Returns one environment, where it is the user's own.
        notes: What is odd about the environment.
    """

    task_kind: str
    task_reason: str
    collected: Collected
    env: Mapping[str, Any]
    shape: Shape
    actions: Actions
    inexact: str = ""
    make_own: Callable[[], Any] | None = None
    notes: tuple[str, ...] = ()
    fitted: None = None
    prepare: None = None
    target: None = None
    split: None = None
    unit: str = "environments"

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Hash of the settings."""
        return self.collected.train.fingerprint[:16]

    @property
    def sizes(self) -> Mapping[str, int]:  # type: ignore[override]
        """One environment, as often as it is asked for."""
        return {"train": 1, "validation": 0, "test": 0}

    def make(self, count: int, *, device: str) -> Environment:
        """Make copies of the environment; who asks for them closes them."""
        settings = dict(self.env)
        env: Environment = catalog.load("env", settings["kind"])(**settings, num_envs=count).build(
            device=device, make=self.make_own
        )
        return env

    def warnings(self) -> tuple[str, ...]:
        """Say what is odd about the environment, and where a resumed run would not be exact."""
        if not self.inexact:
            return self.notes
        why = f"{self.collected.name}: the environment cannot be put back within an episode: {self.inexact}"
        return (
            *self.notes,
            f"{why}. A resumed run begins new episodes, and is not exact.",
        )

    def decisions(self) -> tuple[Decision, ...]:
        """Return the task."""
        return (Decision(key="task", value=self.task_kind, reason=self.task_reason),)

    def facts(self, machine: Machine, *, task: str, is_own_model: bool) -> Facts:
        """Return what decisions depend on; there is no end of samples."""
        return Facts(
            modality=self.collected.train.kind,
            shape=self.shape,
            num_train=0,
            num_validation=0,
            num_test=0,
            task=task,
            class_counts=(),
            machine=machine,
            is_own_model=is_own_model,
            traits={"actions": json.dumps(asdict(self.actions))},
        )

    def describe(self) -> dict[str, Any]:
        """Return what is acted in, what is observed, and what may be done."""
        return self.collected.train.summary({})
