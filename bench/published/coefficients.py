"""Writes the package's coefficients: what all rows of the table teach, and how far forecasts without their source missed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w

from bench.published.fits import MOVED, TARGET, WORK, Guess, Model, fit_moved, fit_work, guess_moved, guess_work, scales_of
from bench.published.rows import Table, WorkloadRow
from tutelage.foresight.evidence import Evidence

__all__ = ["write"]

FILE = Path(__file__).parents[2] / "src" / "tutelage" / "foresight" / "coefficients.toml"
HEAD = """# Coefficients of the forecasts with nothing measured, in logarithms of time.
# Made by `python -m bench.published_runs --fit`; not by hand.
# Rows: published training runs (papers, repositories, benchmark results), transcribed; the table is not part of the project.
# Effects: mean and standard deviation after the fit; what was believed before stands in bench/published/fits.py.
# Scales: half widths of intervals in standard deviations, from the misses of forecasts that had not seen their source.
"""


def write(table: Table) -> Path:
    """Fit to all rows and write the file; return where it lies."""
    steady = [row for row in table.workloads if not row.is_target]
    target = [row for row in table.workloads if row.is_target]
    work_misses = guess_work(table.work, key=lambda row: row.source)
    content = {
        "work": _section(fit_work(table.work), model=WORK, misses=work_misses, rows=len(table.work)),
        "moved": _moved_section(steady, model=MOVED, scenario="one workload, another device", by_device=True),
        "target": _moved_section(target, model=TARGET, scenario="to a target, another submission", by_device=False),
    }
    FILE.write_text(HEAD + "\n" + tomli_w.dumps(content), encoding="utf-8")
    return FILE


def _moved_section(rows: Sequence[WorkloadRow], *, model: Model, scenario: str, by_device: bool) -> dict[str, Any]:
    """Return the section of workloads that were measured on several devices."""
    misses = guess_moved(rows, model=model, key=lambda row: row.device.key if by_device else row.source, scenario=scenario)
    return _section(fit_moved(rows, model=model), model=model, misses=misses, rows=len(rows))


def _section(evidence: Evidence, *, model: Model, misses: Sequence[Guess], rows: int) -> dict[str, Any]:
    """Return one section of the file."""
    effects = {**model.effects, **evidence.learned(model.shared)}
    scales = {
        name: {"half_50": round(scale.half_50, 3), "half_80": round(scale.half_80, 3)}
        for name, scale in sorted(scales_of(misses).items())
    }
    return {
        "rows": rows,
        "sources": len({miss.source for miss in misses}),
        "noise": model.noise,
        "effects": {name: {"mean": round(effect.mean, 4), "sd": round(effect.sd, 4)} for name, effect in effects.items()},
        "scales": scales,
    }
