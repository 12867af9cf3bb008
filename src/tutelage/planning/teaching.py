"""Who teaches a student, and how: the wish of a recipe, the facts about the teachers, and what was decided."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tutelage.core.spec import Auto, Location, Pick, Spec

__all__ = ["TeacherFacts", "TeacherFile", "Teaching", "TeachingWish"]


class TeachingWish(Spec):
    """Learning from trained runs beside the labels."""

    teachers: tuple[Location, ...] = Field((), max_length=100, description="Run folders that teach; none = labels alone.")
    terms: tuple[Pick("distillation"), ...] | Auto = Field(  # type: ignore[valid-type]
        "auto", description="What the teachers add to the loss, where the task's own loss counts `own`."
    )
    own: float = Field(1.0, ge=0, le=1e6, description="Share of the task's own loss; 0 learns from the teachers alone.")
    views: Literal["auto", "live", "fixed"] = Field(
        "auto", description="live = teachers answer for each changed batch; fixed = once for each row as it is."
    )
    mixed: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of each batch that is mixtures of two pictures: for the teachers alone. Typical: 0 to 0.5.",
    )
    extra: Location = Field("", description="Further rows to learn from; those without labels count for the teachers alone.")

    def anywhere(self) -> "TeachingWish":
        """Return the same with paths in full, so that they are found from another working folder."""
        teachers = tuple(str(Path(place).resolve()) for place in self.teachers)
        extra = str(Path(self.extra).resolve()) if self.extra and Path(self.extra).exists() else self.extra
        return self.but(teachers=teachers, extra=extra)


class TeacherFile(Spec):
    """A teacher: the predictor's file, and its seal."""

    path: Location
    seal: str


class Teaching(Spec):
    """What was decided.

    Attributes:
        teachers: Files of the teachers' predictors.
        terms: What they add to the loss.
        own: Share of the task's own loss.
        views: Whether they answer for each changed batch, or once for each row as it is.
        extra: Further rows, or "".
        mixed: Share of each batch that is mixtures of two pictures.
    """

    teachers: Annotated[tuple[TeacherFile, ...], Field(min_length=1)]
    terms: tuple[Pick("distillation"), ...]  # type: ignore[valid-type]
    own: Annotated[float, Field(ge=0)]
    views: Literal["live", "fixed"]
    extra: Location = ""
    mixed: Annotated[float, Field(ge=0, le=1)] = 0.0


@dataclass(frozen=True, slots=True)
class TeacherFacts:
    """The teachers, as far as decisions depend on them.

    Attributes:
        files: Their predictors.
        not_live: Why they cannot answer for a batch as the student sees it; "" where they can.
        not_fixed: Why their answers cannot be kept; "" where they can.
        not_mixed: Why they cannot answer for mixtures of rows; "" where they can.
        notes: What is to be told of them.
    """

    files: tuple[TeacherFile, ...]
    not_live: str = ""
    not_fixed: str = ""
    not_mixed: str = ""
    notes: tuple[str, ...] = ()
