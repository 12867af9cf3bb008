"""All checks of the data, one after another; what they find goes to the report, and what weighs is told at once."""

from dataclasses import replace

from tutelage.core import catalog
from tutelage.data.quality.base import Check
from tutelage.data.source.base import Collected

__all__ = ["look_all"]


def look_all(collected: Collected) -> Collected:
    """Return the data set with what every check found, in the order of the catalog; findings of weight are warnings too."""
    checks: list[Check] = [catalog.load("check", kind)() for kind in catalog.names("check")]
    findings = tuple(finding for check in checks for finding in check.look(collected))
    told = tuple(str(finding) for finding in findings if finding.severity == "warning")
    return replace(
        collected, findings=(*collected.findings, *findings), warnings=tuple(dict.fromkeys((*collected.warnings, *told)))
    )
