"""What every section of the report is: it looks whether a run has something to show, and shows it."""

from typing import ClassVar

from tutelage.core.spec import Component
from tutelage.report.html import Html
from tutelage.report.record import RunRecord

__all__ = ["Section"]


class Section(Component):
    """One section of the page.

    Attributes:
        order: Place on the page, in steps of 10; no two sections share one.
        menu: Title in the menu; "" for a section that is found by scrolling.
    """

    family: ClassVar[str] = "section"
    order: ClassVar[int]
    menu: ClassVar[str] = ""

    @property
    def anchor(self) -> str:
        """The id of its element, which links lead to: its kind."""
        return str(getattr(self, "kind", ""))

    def show(self, run: RunRecord) -> Html | None:
        """Return one `section` element whose id is `anchor`, or None where the run has nothing to show here.

        Any file of the run may be missing or damaged; this must never raise.
        """
        raise NotImplementedError
