"""What every cause is: it looks at what was measured, and says whether it is why nothing was learned."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from tutelage.core import catalog
from tutelage.core.spec import Component
from tutelage.diagnosis.facts import Facts

__all__ = ["Cause", "Reason", "find_reasons"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why nothing was learned.

    Attributes:
        cause: Kind of the cause.
        found: What was measured that shows it.
        remedy: What to do.
    """

    cause: str
    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.found}. {self.remedy}"

    def record(self) -> dict[str, Any]:
        """Return all of it for result.json."""
        return asdict(self)


class Cause(Component):
    """One possible cause; a file of its own.

    Attributes:
        order: Of several that were found the lowest is named first: what leaves nothing else to be said.
        is_alone: Whether it is only what remains where no other cause was found.
        needs_steps: Whether it judges the data, of which a training of a few steps is no evidence.
        is_for_partly: Whether it also explains a run of which only the headline's metric is no better than a guess.
    """

    family: ClassVar[str] = "cause"
    order: ClassVar[int]
    is_alone: ClassVar[bool] = False
    needs_steps: ClassVar[bool] = False
    is_for_partly: ClassVar[bool] = False

    def find(self, facts: Facts) -> Reason | None:
        """Return what shows that this is the cause, or None."""
        raise NotImplementedError

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return facts of which this is the cause, and facts near them of which it is not."""
        raise NotImplementedError

    def reason(self, found: str, remedy: str) -> Reason:
        """Return the reason that this cause has found."""
        return Reason(str(getattr(self, "kind", "")), found, remedy)


def find_reasons(facts: Facts) -> list[Reason]:
    """Return every reason that the facts show, what explains most first."""
    causes: list[Cause] = [catalog.load("cause", kind)() for kind in catalog.names("cause")]
    asked = [
        cause
        for cause in sorted(causes, key=lambda cause: cause.order)
        if (cause.is_for_partly or not facts.is_partly_better) and not (cause.needs_steps and facts.is_short)
    ]
    found: list[Reason] = []
    for cause in asked:
        reason = None if found and cause.is_alone else cause.find(facts)
        found += [reason] if reason is not None else []
    # Of weights that never moved nothing else can be said.
    return found[:1] if facts.is_untrained else found
