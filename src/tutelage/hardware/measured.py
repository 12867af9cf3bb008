"""The machine file: what this machine was measured to do, kept in the user's cache folder under its fingerprint.

It is read through the border like any file from outside, and carries its own SHA-256: one that is damaged, or of another version,
counts as none, and the machine is measured anew.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import Field, ValidationError

from tutelage.core.border import BorderError, read_bounded
from tutelage.core.cache_folder import cache_folder
from tutelage.core.durable import write_durably
from tutelage.core.sealed_record import sealed, unsealed
from tutelage.core.spec import Spec
from tutelage.hardware.fingerprint import fingerprint, key_of
from tutelage.hardware.point import Amount, Point, Seconds

__all__ = ["MachineFile", "OwnStep", "load", "machine_path", "save"]

VERSION = 1
"""Raised whenever the same machine would be described by other points."""
MOST_BYTES = 2**22


class OwnStep(Spec):
    """A training step of ours that was measured whole: what its parts do not tell is calibrated by it."""

    name: str = Field(description="Which training.")
    style: str = Field(description="How its gradients come about: autograd, compiled, or the task that has a closed form.")
    features: dict[str, Amount] = Field(description="What it consists of: seconds of operators, calls, rows.")
    seconds: Seconds = Field(description="How long a step takes.")


class MachineFile(Spec):
    """Everything measured of one machine."""

    version: int = Field(VERSION, description="Which benchmarks it is from.")
    fingerprint: dict[str, str] = Field(description="What the figures hold for.")
    measured_at: str = Field("", description="Date and time, UTC.")
    seconds: float = Field(0.0, ge=0, description="How long measuring took.")
    clock_megahertz: float = Field(0.0, ge=0, description="The processor's clock then; 0 where unknown.")
    points: tuple[Point, ...] = Field(description="One for each operator and size.")
    own_steps: tuple[OwnStep, ...] = Field((), description="Steps of ours that were measured whole.")

    def best(self, category: str, dtype: str) -> Point | None:
        """Return the fastest computing of a category in a precision; None where it was not measured."""
        points = [point for point in self.points if (point.category, point.dtype) == (category, dtype) and point.flops]
        return max(points, key=lambda point: point.flops_per_second, default=None)

    def squares(self, dtype: str) -> dict[int, float]:
        """Return FLOP/s of products of square matrices by their rows, the smallest first."""
        points = [point for point in self.points if point.category == "matmul" and point.dtype == dtype]
        squares = [point for point in points if point.dims[:1] == (1,) and len(set(point.dims[1:])) == 1]
        return {point.dims[1]: point.flops_per_second for point in sorted(squares, key=lambda point: point.dims)}


def machine_path(found: Mapping[str, str]) -> Path:
    """Return where the file of a machine with this fingerprint lies."""
    return cache_folder() / "machine" / f"{key_of(found)}.json"


def load(device: torch.device) -> MachineFile | None:
    """Return what was measured of this machine; None where it never was, or the file cannot be taken."""
    found = fingerprint(device)
    try:
        kept = MachineFile.model_validate(unsealed(read_bounded(machine_path(found), most=MOST_BYTES)))
    except (OSError, BorderError, ValidationError):
        return None
    return kept if kept.version == VERSION and kept.fingerprint == found else None


def save(machine: MachineFile) -> Path:
    """Keep a machine file, whole or not at all, and return where.

    Raises:
        DiskError: The disk refuses.
    """
    path = machine_path(machine.fingerprint)
    write_durably(path, sealed(machine.model_dump(mode="json")) + b"\n")
    return path
