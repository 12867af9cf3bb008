"""Conformal scores from the record that a predictor's file holds."""

from collections.abc import Mapping
from typing import Any

from tutelage.calibrate.conformal import Conformal
from tutelage.calibrate.intervals import ConformalIntervals
from tutelage.calibrate.sets import ConformalSets

__all__ = ["conformal_for", "conformal_from"]

FORMS: tuple[type[Conformal], ...] = (ConformalSets, ConformalIntervals)


def conformal_for(answers: str) -> type[Conformal] | None:
    """Return what is made for a kind of answers; None where there is nothing."""
    return next((form for form in FORMS if form.answers == answers), None)


def conformal_from(record: Mapping[str, Any] | None) -> Conformal | None:
    """Return what `Conformal.record` wrote; None where there was none.

    Raises:
        ValueError: It does not say it.
    """
    if record is None:
        return None
    forms = {str(form.model_fields["form"].default): form for form in FORMS}
    if record.get("form") not in forms:
        raise ValueError(f"conformal.form = {record.get('form')!r}: expected one of {', '.join(forms)}")
    return forms[str(record["form"])].model_validate(dict(record))
