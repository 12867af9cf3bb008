"""Preprocessing that another run has fitted, used as it is: what a training has that starts from that run.

Nobody has to name it: `--from` chooses it where the new data fit. `--set start_from.prepare=refit` fits a new one instead.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.data.part.base import Part
from tutelage.data.prepare.base import Fitted, Prepare

__all__ = ["Kept"]


class Kept(Prepare):
    """Which preprocessing it is, and all that was fitted."""

    kind: Literal["kept"] = "kept"
    reason: ClassVar[str] = "kept as it was fitted before: what was learned expects it"
    of: str = Field("", description="Kind of the preprocessing.")
    state: dict[str, Any] = Field(default_factory=dict, description="What it has learned.")

    @property
    def restored_by(self) -> str:
        """The kind of preprocessing that rebuilds it."""
        return self.of

    def fit(self, part: Part) -> Fitted:
        """Return what was fitted before, whatever the rows.

        Raises:
            RecipeError: There is nothing that was fitted before.
            DataError: It is for another kind of data.
        """
        return self.restore(self.state).adapted(part)

    def restore(self, state: Mapping[str, Any]) -> Fitted:
        """Rebuild what `Fitted.state` returned.

        Raises:
            RecipeError: It did not return this.
        """
        if not self.of:
            raise RecipeError("recipe: prepare = 'kept' is what a training has that starts from a run. Say --from RUN.")
        try:
            prepare: Prepare = catalog.load("prepare", self.of)()
        except RecipeError as error:
            raise RecipeError(f"recipe: prepare.of: {error}") from error
        try:
            return prepare.restore(state)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # A border: a recipe or a plan may say anything here.
            found = f"recipe: prepare.state is not what a preprocessing {self.of!r} has learned ({str(error)[:200]})"
            raise RecipeError(f"{found}. Leave prepare out, and say --from RUN.") from error
