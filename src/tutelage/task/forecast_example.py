"""One window of series, alone: what was measured before a moment, how it was prepared, and what is forecast after it.

Shape letters: L times before the moment, H after it, C series.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.errors import UsageError
from tutelage.data.part.stretch import Stretch
from tutelage.data.prepare.change import Change, say_less, say_value
from tutelage.data.prepare.timeline import TimelineFitted
from tutelage.data.rows.history import HistoryPart
from tutelage.loss.base import Loss
from tutelage.task.example import Example, Told

__all__ = ["forecast_example"]

MOST_SERIES, MOST_TIMES = 4, 6
"""Series, and times of each before the moment, that are shown."""
MOST_ROWS = 12
"""Values ahead that are told."""


def forecast_example(
    loss: Loss,
    fitted: TimelineFitted,
    parts: Mapping[str, tuple[Stretch, HistoryPart]],
    finisher: nn.Module,
    *,
    wanted: str | Stretch,
    row: int,
) -> Example:
    """Return one window.

    Args:
        loss: The task's.
        fitted: The preprocessing.
        parts: The parts of the data, each with its windows.
        finisher: Turns a compact batch into what the network takes.
        wanted: A part's name, or series of another table.
        row: Number of the window, from 0.

    Raises:
        UsageError: There is no such part, or no such window.
    """
    if isinstance(wanted, Stretch):
        name, part, windows = "the file", wanted, fitted.windows(wanted, lookback=fitted.lookback)
    elif wanted in parts:
        name, (part, windows) = f"the {wanted} part", parts[wanted]
    else:
        raise UsageError(f"part {wanted!r}: this run has {', '.join(parts)}.")
    if not 0 <= row < len(windows):
        raise UsageError(f"row {row + 1}: {name} has the windows 1 to {len(windows):,}.")
    one = windows.select(np.array([row]))
    moment = int(one.starts[0]) + one.length
    batch = finisher(fitted.rows_of(part, one).take(torch.tensor([0])))
    truth_HC = batch["target"][0]
    missing = int(torch.isnan(truth_HC).sum())
    counts = f"{one.horizon:,} times of {one.channels:,} series" if one.channels > 1 else f"{one.horizon:,} times"
    lost = f"; {missing:,} of them were not measured, and count for nothing" if missing else ""
    return Example(
        where=f"{part.file}, forecast from {part.say(moment)}, window {row + 1:,} of {name}",
        unit="window",
        shown={"row": _shown(part, moment)},
        target=f"what was measured from {part.say(moment)} to {part.say(moment + one.horizon - 1)}",
        wanted=f"{counts}, each on the scale of its series{lost}",
        changes=_changes(fitted, part, one, moment),
        inputs=tuple(fitted.shape.tensors),
        batch=batch,
        tell=lambda outputs: _tell(loss, fitted, part, moment, outputs.detach().float()[0], truth_HC),
        row=one,
        say=lambda answers: _say(fitted, np.asarray(answers)[0]),
    )


def _shown(part: Stretch, moment: int) -> dict[str, float | None]:
    """Return the latest values before the moment, by time and series."""
    values = {}
    for c, series in enumerate(part.series[:MOST_SERIES]):
        for place in range(max(0, moment - MOST_TIMES), moment):
            value = float(part.values[place, c])
            values[f"{series}, {part.say(place)}"] = None if np.isnan(value) else float(f"{value:.6g}")
    return values


def _changes(fitted: TimelineFitted, part: Stretch, one: HistoryPart, moment: int) -> list[Change]:
    """Return what became of the last value of each series, of its gaps, and of what is known beforehand."""
    first = int(one.starts[0])
    gaps = int(np.isnan(one.measured[first:moment]).sum())
    filled = f"; {gaps:,} values were not measured: earlier ones stand for them" if gaps else ""
    told = [
        Change("the window", f"{one.length:,} times before {part.say(moment)}", f"{one.length:,} numbers a series", filled[2:])
    ]
    for c, series in enumerate(fitted.series[:MOST_SERIES]):
        raw, scaled = part.values[moment - 1, c], float(one.past[moment - 1, c])
        before = "(missing)" if np.isnan(raw) else f"{raw:.6g}"
        how = f"({before} {say_less(fitted.mean[c])}) / {say_value(fitted.std[c])}, by mean and deviation of the train times"
        told.append(
            Change(f"{series}, its last value", before, say_value(scaled), "filled from before" if np.isnan(raw) else how)
        )
    known_K = fitted.known(part, moment + 1)[moment]
    names = [*part.known_names, *(f"{circle}: {wave}" for circle in fitted.calendar for wave in ("sine", "cosine"))]
    for k, name in enumerate(names[:MOST_ROWS]):
        is_named = k < len(part.known_names)
        before = f"{part.known[moment, k]:.6g}" if is_named and moment < len(part.known) else part.say(moment)
        how = "known beforehand, by mean and deviation" if is_named else "the place of the time on the circle of the calendar"
        told.append(Change(f"{name}, at the moment", before, say_value(float(known_K[k])), how))
    return told


def _tell(loss: Loss, fitted: TimelineFitted, part: Stretch, moment: int, told_HC: Tensor, truth_HC: Tensor) -> Told:
    """Read the outputs: some steps ahead of some series, on the scale of the network and in units."""
    horizon, channels = told_HC.shape
    series = range(min(channels, MOST_SERIES))
    steps = np.unique(np.linspace(0, horizon - 1, min(horizon, MOST_ROWS // len(series))).astype(np.int64)).tolist()
    rows = []
    for c in series:
        for step in steps:
            output, truth = float(told_HC[step, c]), float(truth_HC[step, c])
            units = [f"{value * fitted.std[c] + fitted.mean[c]:.6g}" for value in (output, truth)]
            there = (say_value(truth), say_value(output - truth), units[0], units[1])
            cells = there if np.isfinite(truth) else ("(missing)", "", units[0], "(missing)")
            rows.append([f"{part.say(moment + step)}, {fitted.series[c]}", say_value(output), *cells])
    is_known_HC = ~torch.isnan(truth_HC)
    values = loss.build()(told_HC[is_known_HC][:, None], truth_HC[is_known_HC])
    sums = loss.worked(told_HC[is_known_HC][:1, None], truth_HC[is_known_HC][:1])
    mean = f"mean over the {len(values):,} values that were measured = {float(values.mean()):.4g}"
    away_C = (told_HC - truth_HC).abs().nanmean(0) * torch.tensor(fitted.std)
    off = ", ".join(f"{fitted.series[c]} {float(away_C[c]):.4g}" for c in series if torch.isfinite(away_C[c]))
    return Told(
        f"Some of the {horizon:,} times ahead, on the scale of the network and in units",
        ("time and series", "network", "truth", "error", "in units", "truth in units"),
        rows,
        f"{_say(fitted, told_HC.double().numpy())}; it is off by, on average: {off}",
        (f"the first value: {sums}" if sums else "", mean) if sums else (mean,),
        {"forecast": told_HC.tolist(), "truth": [[None if v != v else v for v in row] for row in truth_HC.tolist()]},
    )


def _say(fitted: TimelineFitted, answer_HC: np.ndarray) -> str:
    """Write the first and the last value ahead of some series, in units."""
    units_HC = answer_HC * np.array(fitted.std) + np.array(fitted.mean)
    some = [
        f"{name} {units_HC[0, c]:.6g} first, {units_HC[-1, c]:.6g} last" for c, name in enumerate(fitted.series[:MOST_SERIES])
    ]
    return ", ".join(some)
