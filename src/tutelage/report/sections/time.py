"""Where the time of a run went, beside what was told when it began, and beside what arithmetic alone would take."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from tutelage.core import layout
from tutelage.core.amount import say_seconds
from tutelage.report.blocks import fact, figure, fold, section, table
from tutelage.report.charts.legend import legend
from tutelage.report.charts.pairs import Pair, pair_list
from tutelage.report.html import Child, Html, join, tag
from tutelage.report.number import say_percent
from tutelage.report.record import Number, Record, RunRecord, Text, Value
from tutelage.report.sections.base import Section
from tutelage.report.value import as_number

__all__ = ["Time"]

STAGES: Mapping[str, tuple[str, ...]] = {
    "before the first step": (
        "before", "starting", "reading", "preparing", "planning", "building", "floor", "probe", "guess",
    ),
    "steps": ("steps", "warm-up"),
    "evaluations": ("evaluations",),
    "checkpoints": ("checkpoints", "saving"),
    "after the last step": ("deciding", "writing", "scoring", "diagnosing", "ending"),
}  # fmt: skip
"""Each stage of a run, and the parts of it as a forecast or a stopwatch names them."""
OTHERS = "other processes of this run"
"""Of a run that was resumed, what the last process has not seen itself."""
LEAST_SHARE = 0.01
"""Share of the run from which on time that no part accounts for is told."""
HOWS = {
    "known": "from equal runs on this machine",
    "contradicted": "from the first steps: equal runs on this machine went at another pace",
    "timed": "from a few steps that were timed and put back",
}
LEAD = (
    "Every moment of the run belongs to one part. The forecast was made when it began; the ideal is the textbook rule, "
    "operations of a step x steps / operations a second, as if nothing but products took time."
)
MOST_CAUSES = 3


class ForecastRecord(Record):
    """What was told at the beginning."""

    seconds: Number = None
    interval_50: tuple[Number, Number] | None = None
    interval_80: tuple[Number, Number] | None = None
    how: Text = ""
    parts: dict[Text, Number] = Field(default_factory=dict)
    actual_seconds: Number = None
    step_flops: Number = None


class TimePart(Record):
    """Its slice of result.json."""

    seconds: Number = None
    last_step: Number = None
    seconds_by_part: dict[Text, Number] = Field(default_factory=dict)
    foresight: ForecastRecord = ForecastRecord()


class MachinePart(Record):
    """Its slice of env.json."""

    matmul_gflops: Value = None
    bf16_speedup: Value = None


class PrecisionPart(Record):
    """Its slice of plan.json."""

    precision: Text = ""


class Time(Section):
    """Where the time went."""

    kind: Literal["time"] = "time"
    order: ClassVar[int] = 86
    menu: ClassVar[str] = "Time"

    def show(self, run: RunRecord) -> Html | None:
        """Return forecast, chart and parts, or None where no part was measured."""
        found = run.read(TimePart, layout.RESULT)
        parts = _numbers(found.seconds_by_part)
        if not parts:
            return None
        told = found.foresight
        whole = max(as_number(told.actual_seconds) or as_number(found.seconds) or 0.0, sum(parts.values()))
        stages = _stages(parts, whole)
        facts = [*_forecast_facts(told, whole), *_ideal_facts(run, found, stages, whole)]
        rows: list[list[Child]] = [[name, say_seconds(seconds), say_percent(seconds / whole)] for name, seconds in parts.items()]
        return section(
            "Where the time went",
            tag("dl", facts, class_="facts") if facts else None,
            _chart(_numbers(told.parts), stages, whole),
            fold("Each part", table(["part", "time", "share"], rows, numeric=(1, 2), class_="compact")),
            anchor=self.anchor,
            lead=LEAD,
        )


def _numbers(values: Mapping[str, object]) -> dict[str, float]:
    """Return the values that are times."""
    found = {name: as_number(value) for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not None and value > 0}


def _stages(parts: Mapping[str, float], whole: float) -> dict[str, float]:
    """Return the seconds of each stage; what no part accounts for belongs to other processes, or to the end."""
    stages = {stage: sum(parts.get(name, 0.0) for name in names) for stage, names in STAGES.items()}
    known = {name for names in STAGES.values() for name in names}
    stages |= {name: seconds for name, seconds in parts.items() if name not in known}
    if (rest := whole - sum(parts.values())) > LEAST_SHARE * whole:
        stages[OTHERS] = rest
    return {name: seconds for name, seconds in stages.items() if seconds > 0}


def _chart(expected: Mapping[str, float], stages: Mapping[str, float], whole: float) -> Html:
    """Return the bars, with those of the forecast where there was one."""
    foreseen = _stages(expected, 0.0)
    names = list(dict.fromkeys([*stages, *foreseen]))
    pairs = [Pair(name, foreseen.get(name), stages.get(name, 0.0), _beside(foreseen, stages, name, whole)) for name in names]
    title = "Forecast and run" if foreseen else "The run"
    colors = legend([("forecast", 1), ("the run", 2)]) if foreseen else None
    return figure(join(colors, pair_list(pairs)), title=title)


def _beside(foreseen: Mapping[str, float], stages: Mapping[str, float], name: str, whole: float) -> str:
    """Write what stands beside the bars of a stage."""
    actual = stages.get(name, 0.0)
    told = f"{say_seconds(actual)}, {say_percent(actual / whole, digits=0)}"
    return f"{told} (forecast {say_seconds(foreseen[name])})" if name in foreseen else told


def _forecast_facts(told: ForecastRecord, whole: float) -> list[Html]:
    """Return what was told and what came of it."""
    seconds = as_number(told.seconds)
    if seconds is None or not seconds > 0:
        return []
    how = HOWS.get(told.how.partition(" ")[0], told.how)
    ranges = [_range(told.interval_80, "80 %"), _range(told.interval_50, "50 %")]
    detail = "; ".join(filter(None, [*ranges, how]))
    low, high = (as_number(end) for end in told.interval_80 or (None, None))
    place = "" if low is None or high is None else f"{'within' if low <= whole <= high else 'outside of'} the 80 %"
    off = whole / seconds - 1
    longer = f"{say_percent(abs(off))} {'longer' if off >= 0 else 'shorter'} than forecast"
    return [
        fact("forecast", say_seconds(seconds), detail=detail),
        fact("took", say_seconds(whole), detail=", ".join(filter(None, [longer, place]))),
    ]


def _range(ends: tuple[float | None, float | None] | None, name: str) -> str:
    """Say between which times a share of all runs ends; "" where that was not told."""
    low, high = (as_number(end) for end in ends or (None, None))
    return f"{name}: {say_seconds(low)} to {say_seconds(high)}" if low is not None and high is not None and high > 0 else ""


def _ideal_facts(run: RunRecord, found: TimePart, stages: Mapping[str, float], whole: float) -> list[Html]:
    """Return the textbook rule's time and why the run took longer; nothing where operations were not counted."""
    machine, precision = run.read(MachinePart, layout.ENV), run.read(PrecisionPart, layout.PLAN).precision
    flops, steps, gflops = (as_number(value) for value in (found.foresight.step_flops, found.last_step, machine.matmul_gflops))
    if not flops or not steps or not gflops or min(flops, steps, gflops) <= 0:
        return []
    faster = (as_number(machine.bf16_speedup) or 1.0) if precision == "bfloat16" else 1.0
    ideal = flops * steps / (gflops * 1e9 * max(faster, 0.1))
    if not 0 < ideal < whole:
        return []
    beyond = {name if name != "steps" else "steps beyond the ideal": seconds for name, seconds in stages.items()}
    if "steps" in stages:
        beyond["steps beyond the ideal"] = max(stages["steps"] - ideal, 0.0)
    total = sum(beyond.values()) or 1.0
    causes = sorted(beyond.items(), key=lambda pair: -pair[1])[:MOST_CAUSES]
    by = ", ".join(f"{name} {say_percent(seconds / total, digits=0)}" for name, seconds in causes if seconds > 0)
    return [
        fact("ideal", say_seconds(ideal), detail=f"{flops:.3g} operations a step x {steps:,.0f} steps"),
        fact("the run to the ideal", f"{whole / ideal:.1f} times", detail=f"the rest by {by}"),
    ]
