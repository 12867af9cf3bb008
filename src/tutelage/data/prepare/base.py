"""What every preprocessing gives: fitted on train rows only, applied to any part, saved as JSON with the model."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor, nn

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.shape.base import Shape
from tutelage.core.spec import Component
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.prepare.change import Change
from tutelage.data.prepare.intake import Intake
from tutelage.data.rows.base import Rows

__all__ = ["Fitted", "Pass", "Prepare", "unsuited"]


class Pass(nn.Module):
    """A finisher with nothing to do."""

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the batch itself."""
        return batch


class Fitted:
    """Fitted preprocessing: the same object in training, evaluation and prediction."""

    input_source: ClassVar[str] = ""
    """The kind of source that is asked first for rows to answer for, where these come in ways that no training has."""
    array_source: ClassVar[str] = ""
    """The kind of source that makes rows of arrays and lists from Python, where these are no table of numbers."""
    row_form: ClassVar[str] = ""
    """What a row looks like to people: `picture`, `row`, `text`, `series` or `numbers`; "" where nobody hands one over."""
    is_of_its_data: ClassVar[bool] = False
    """Whether what was fitted belongs to the very data, such as a scale of each series: for others it is fitted anew."""
    takes_texts: ClassVar[bool] = False
    """Whether a row is a text, so that a Python list of str is rows and not paths."""

    @property
    def shape(self) -> Shape:
        """What the model receives after the finisher."""
        raise NotImplementedError

    def apply(self, part: Part) -> Rows:
        """Turn a part into compact rows, one per item (uint8 [N, H, W, C] for images).

        Raises:
            DataError: Items that do not fit what was fitted, all of them.
        """
        raise NotImplementedError

    def finisher(self) -> nn.Module:
        """Return the module that turns a compact batch into what the model takes: a dict of tensors in, one out.

        It pads, masks, casts and normalizes, on any device; what it needs for that are buffers, made once.
        """
        return Pass()

    def outlet(self) -> nn.Module:
        """Return the module that turns what a generator puts out into what the finisher could give, float32 [B, ...], both ways.

        Where a sample holds choices among a few values, these become whole, with a gradient.
        """
        return nn.Identity()

    def seen(self) -> nn.Module:
        """Return the module that turns what a generator puts out into samples as a judge sees them: as `settle` leaves them."""
        return self.outlet()

    def intake(self) -> Intake | None:
        """Return the way from raw values to what the model takes, for models that leave the house; None where there is none."""
        return None

    def undone(self) -> nn.Module | None:
        """Return the module that brings what a generator makes to the unit of the data; None where only `undo` can."""
        return None

    def settle(self, samples: Tensor) -> Tensor:
        """Return samples as they come back once they are rows, float32 [N, ...] on the CPU: what no row has is rounded."""
        return samples

    def undo(self, samples: Tensor) -> RowsPart | None:
        """Return what the finisher gives, float32 [N, ...] on the CPU, as the rows that would give it; None where nothing could.

        What was lost stays lost: a picture made smaller stays small.
        """
        return None

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values; `Prepare.restore` takes it back."""
        raise NotImplementedError

    def say(self) -> str:
        """Write the preprocessing for people, such as `28x28 grey, normalized`."""
        return self.shape.say()

    def decisions(self) -> list[tuple[str, str, str]]:
        """Return what was decided beyond its settings, as (key, value, reason), such as the role of each column."""
        return []

    def warnings(self, part: RowsPart) -> list[str]:
        """Return what the user should look at in the train rows, since it spoils what was fitted to them."""
        return []

    def odd_rows(self, part: RowsPart) -> list[str]:
        """Return what the user should look at in the rows of any part, before anything is learned from them."""
        return []

    def lost(self, made: RowsPart, *, real: RowsPart) -> str:
        """Say what made rows never hold though real rows do, such as a word of a column; "" where nothing is lost or known."""
        return ""

    def summary(self, part: RowsPart) -> dict[str, Any]:
        """Return what data.json says about train rows as they are used, such as its columns with statistics."""
        return {}

    def adapted(self, part: Part) -> Self:
        """Return the same for rows that are like those that it was fitted to and come from elsewhere.

        Raises:
            DataError: They are not like those.
        """
        return self

    def misfit(self, part: Part) -> str:
        """Return why data that are no rows cannot be prepared by it, to go on learning from; "" where they can."""
        return f"it is for other data than {part.kind} data"

    def lasting(self, part: Part) -> dict[str, Any]:
        """Return settings that it should keep where it is fitted anew, so that the network fits what it gives."""
        return {}

    def entries(self) -> dict[str, tuple[str, ...]]:
        """Name what a network's inputs stand for; {} where they mean the same for all data, such as pixels.

        Words by code under `token`, columns under `number`, the values of the Kth category by code under `code K`.
        """
        return {}

    def reading(self) -> dict[str, Any]:
        """Return settings for the source, so that new files are read as the train files were; {} where nothing is needed."""
        return {}

    def changes(self, part: Any, row: int) -> list[Change]:
        """Return what becomes of each piece of one row of a part, in words; [] where nothing can be said."""
        return []

    def traits(self, rows: Rows, target: np.ndarray | None) -> dict[str, str]:
        """Ask the train rows what defaults would like to know, such as whether mirror images keep their meaning.

        Args:
            rows: Prepared train rows.
            target: Class numbers int64 [N]; None where there are no classes.
        """
        return {}


class Prepare(Component):
    """A kind of preprocessing."""

    family: ClassVar[str] = "prepare"
    reason: ClassVar[str] = "fitted on train rows only"
    """Where what it has learned comes from."""

    @property
    def restored_by(self) -> str:
        """The kind of preprocessing that rebuilds what this one fits from its state."""
        return str(getattr(self, "kind", ""))

    def fit(self, part: Part) -> Fitted:
        """Learn statistics from the train part.

        Raises:
            DataError: Not the kind of data that this prepares; or nothing usable is left, with the reason for each column.
        """
        raise NotImplementedError

    def restore(self, state: Mapping[str, Any]) -> Fitted:
        """Rebuild what `Fitted.state` returned."""
        raise NotImplementedError


def unsuited(part: Part, found: str, takes: str) -> DataError:
    """Return what to raise where a part is not of the kind that a preprocessing takes: in training, or afterwards.

    Args:
        part: What it was given.
        found: What that is not.
        takes: What it takes.
    """
    remedy = (
        f"This preprocessing takes {takes}: give the same as in the training; to train, leave `prepare` out, and one is chosen."
    )
    return DataError([DataProblem(part.name, found, remedy)])
