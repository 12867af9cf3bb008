"""Models that continue series on their way out: a history in its own unit in, what comes next with its quantiles out.

Shape letters: B windows, S times looked back at, L times that the network sees, H ahead, C series, K known numbers, Q levels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.calibrate.bands import Bands
from tutelage.core.errors import RunError
from tutelage.data.prepare.intake import RawInput, row_batches
from tutelage.data.prepare.timeline import TimelineFitted
from tutelage.data.rows.history import HistoryPart
from tutelage.export.averaged import Averaged
from tutelage.export.outgoing import Outgoing, Output, is_as_precise, on_cpu
from tutelage.export.proof import Proof
from tutelage.predictor.ensemble import Answerer, parts_of
from tutelage.predictor.predictor import Predictor
from tutelage.run.run import Run
from tutelage.task.answering import answer_batches

__all__ = ["forecast_graph", "of_forecasts"]

MOST_WINDOWS = 1_000
Raw = dict[str, np.ndarray]
"""Inputs by name."""


class _Continued(nn.Module):
    """History to forecast and quantiles, in the unit of each series."""

    mean: Tensor
    std: Tensor
    offset: Tensor

    def __init__(self, predictor: Predictor) -> None:
        """Put it together.

        Raises:
            RunError: The floor beside the network has no form inside a graph.
        """
        super().__init__()
        fitted = _timeline(predictor)
        self.network, self._task = predictor.network, predictor.task
        self.length, self.lookback, self.horizon = fitted.length, fitted.lookback, fitted.horizon
        self.num_named = len(fitted.known_scale[0])
        mean, std = np.array(fitted.mean), np.array(fitted.std)
        self.register_buffer("mean", torch.from_numpy(mean), persistent=False)
        self.register_buffer("std", torch.from_numpy(std), persistent=False)
        self.has_known = fitted.shape.known > 0
        companion, bands = predictor.companion, predictor.calibrator
        self.share = 0.0 if companion is None else companion.share
        self.floor = None if companion is None else companion.fitted.graph(mean=mean, std=std, horizon=fitted.horizon)
        if companion is not None and self.floor is None:
            found = f"the floor {companion.floor.noun!r} has no form inside a graph"
            raise RunError(f"{found}. Train without it: --set floor=none.")
        offsets = bands.array() if isinstance(bands, Bands) and bands.levels else np.zeros((0, fitted.horizon, len(mean)))
        self.register_buffer("offset", torch.from_numpy(offsets.copy()), persistent=False)
        self.has_bands = len(offsets) > 0

    def forward(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `forecast` float64 [B, H, C], and `quantiles` [B, Q, H, C] where there are bands."""
        whole_BSC = given["past"]
        # Beside a model that looks back farther, the earliest times are not for this one.
        before = whole_BSC.shape[1] - self.lookback
        past_BSC = (whole_BSC[:, before:] - self.mean) / self.std
        skipped = self.lookback - self.length
        window_BLC = past_BSC[:, skipped:].float()
        known = given["known"][:, before:] if self.has_known else None
        inputs = (window_BLC,) if known is None else (window_BLC, known[:, skipped:])
        members = int(getattr(self.network, "num_members", 1))
        answer_BHC = self._task.answer(self.network(*inputs).float(), num_members=members).double()
        if self.floor is not None:
            named_BTK = past_BSC[..., :0] if known is None else known[..., : self.num_named].double()
            answer_BHC = (1 - self.share) * answer_BHC + self.share * self.floor(past_BSC, named_BTK)
        found = {"forecast": answer_BHC * self.std + self.mean}
        if self.has_bands:
            found["quantiles"] = (answer_BHC[:, None] + self.offset) * self.std + self.mean
        return found


def forecast_graph(answerer: Answerer, *, facts: Mapping[str, Any]) -> Outgoing:
    """Return a model that continues series, or several as one, ready to be written.

    Raises:
        RunError: The floor beside a network has no form inside a graph, or members need other columns known beforehand.
    """
    members, weights = parts_of(answerer)
    each = tuple(on_cpu(member) for member in members)
    graphs = [_Continued(member) for member in each]
    farthest = max(each, key=lambda member: _timeline(member).lookback)
    fitted = _timeline(farthest)
    told = [(_timeline(member).known_scale, _timeline(member).calendar) for member in each if _timeline(member).shape.known]
    if any(other != told[0] for other in told):
        raise RunError("its members standardize what is known beforehand by other train times. Export its runs one by one.")
    levels = [bands.levels if isinstance(bands := member.calibrator, Bands) else () for member in each]
    shared = levels[0] if all(one == levels[0] for one in levels) else ()
    if not shared:
        for one in graphs:
            one.has_bands = False
    recipe = {
        "series": list(fitted.series),
        "step": fitted.interval.state(),
        "known": {"mean": list(fitted.known_scale[0]), "std": list(fitted.known_scale[1]), "circles": list(fitted.calendar)},
        "levels": list(shared),
    }
    names = [{name: name for name in _names(member)} for member in each]
    graph: nn.Module = graphs[0] if len(graphs) == 1 else Averaged(graphs, weights=weights, names=names)
    known = max(_timeline(member).shape.known for member in each)
    whole: Answerer = each[0] if isinstance(answerer, Predictor) else replace(answerer, members=each)
    inputs, outputs = _inputs_of(fitted, known), _outputs_of(fitted, shared)
    return Outgoing(whole, graph.eval(), inputs, outputs, recipe=recipe, facts=facts)


def _timeline(predictor: Predictor) -> TimelineFitted:
    """Return the preprocessing of a model that continues series.

    Raises:
        RunError: It is another one.
    """
    if not isinstance(predictor.fitted, TimelineFitted):
        raise RunError(f"its preprocessing {predictor.prepare!r} cannot leave with the model.")
    return predictor.fitted


def _names(predictor: Predictor) -> tuple[str, ...]:
    return ("past", "known") if _timeline(predictor).shape.known else ("past",)


def _inputs_of(fitted: TimelineFitted, known: int) -> tuple[RawInput, ...]:
    """Return what is handed over; `known` numbers of each time beforehand."""
    told = "the latest times of each series in its unit, without gaps: the last value stands for one that is missing"
    inputs = [RawInput("past", "float64", (fitted.lookback, len(fitted.series)), told)]
    if known:
        told = "of these times and of those ahead: columns known beforehand, standardized, then sine and cosine of each circle"
        inputs.append(RawInput("known", "float32", (fitted.lookback + fitted.horizon, known), told))
    return tuple(inputs)


def _outputs_of(fitted: TimelineFitted, levels: tuple[float, ...]) -> tuple[Output, ...]:
    """Return what is answered."""
    horizon, channels = fitted.horizon, len(fitted.series)
    outputs = [Output("forecast", (horizon, channels), "of each time ahead, in the unit of each series")]
    if levels:
        outputs.append(Output("quantiles", (len(levels), horizon, channels), f"at the levels {', '.join(map(str, levels))}"))
    return tuple(outputs)


def of_forecasts(run: Run, data: Any, *, facts: Mapping[str, Any]) -> tuple[Outgoing, Proof]:
    """Return what continues series, and validation windows without gaps.

    Raises:
        RunError: As of `forecast_graph`; or no window is without gaps.
    """
    model = forecast_graph(run.answerer, facts=facts)
    return model, _proof(run, model, data)


def _proof(run: Run, model: Outgoing, data: Any) -> Proof:
    """Return windows, and what `predict` says after them."""
    members, weights = parts_of(model.predictor)
    farthest = max(members, key=lambda member: _timeline(member).lookback)
    fitted, whole = _timeline(farthest), run.data(data)
    part = whole.parts["validation"]  # type: ignore[attr-defined]
    windows = fitted.windows(part, lookback=fitted.lookback)
    before = fitted.lookback - fitted.length
    is_whole_T = ~np.isnan(windows.measured).any(axis=1)
    missing_T = np.r_[0, (~is_whole_T).cumsum()]
    starts = windows.starts
    usable = (starts >= before) & (missing_T[starts + fitted.length] == missing_T[np.maximum(starts - before, 0)])
    rows = np.flatnonzero(usable)
    if not len(rows):
        raise RunError(f"no validation window of {fitted.lookback:,} times is without gaps to compare an export on.")
    chosen = windows.select(rows[np.linspace(0, len(rows) - 1, min(MOST_WINDOWS, len(rows))).astype(np.int64)])
    known_TK = None
    if len(model.inputs) > 1:
        informed = next(_timeline(member) for member in members if _timeline(member).shape.known)
        known_TK = informed.known(part, max(len(part), int(chosen.starts.max()) + fitted.length + fitted.horizon))
    batches = [(numbers, _inputs(chosen, known_TK, numbers, fitted)) for numbers in row_batches(len(chosen))]
    moments = chosen.starts + fitted.length
    expected, predicted = _mean_of(members, weights, part, moments), None
    if not is_as_precise(run.answerer, model.predictor):
        predicted = _mean_of(parts_of(run.answerer)[0], weights, part, moments)
    return Proof(batches, expected, chosen.locate, _quantiles(model, expected), predicted)


def _mean_of(members: Sequence[Predictor], weights: Sequence[float], part: Any, moments: np.ndarray) -> np.ndarray:
    """Return the weighted mean of what some models forecast, float64 [N, H, C]."""
    each = [weight * _expected(member, part, moments) for weight, member in zip(weights, members, strict=True)]
    return np.asarray(sum(each))


def _quantiles(model: Outgoing, expected: np.ndarray) -> dict[str, np.ndarray]:
    """Return the bands that `predict` puts around forecasts, [N, Q, H, C], where there are any."""
    if len(model.outputs) < 2:
        return {}
    members, weights = parts_of(model.predictor)
    offsets = [
        weight * member.calibrator.array() * np.array(_timeline(member).std)
        for weight, member in zip(weights, members, strict=True)
        if isinstance(member.calibrator, Bands)
    ]
    return {"quantiles": expected[:, None] + np.asarray(sum(offsets))}


def _inputs(windows: HistoryPart, known_TK: np.ndarray | None, numbers: np.ndarray, fitted: TimelineFitted) -> Raw:
    """Return the raw inputs of some windows."""
    first_B1 = (windows.starts[numbers] - (fitted.lookback - fitted.length))[:, None]
    given = {"past": windows.raw(windows.past[first_B1 + np.arange(fitted.lookback)])}
    if known_TK is not None:
        given["known"] = known_TK[first_B1 + np.arange(fitted.lookback + fitted.horizon)].astype(np.float32)
    return given


def _expected(predictor: Predictor, part: Any, moments: np.ndarray) -> np.ndarray:
    """Return what a model in the house forecasts at some moments, float64 [N, H, C], in the unit of each series."""
    fitted = _timeline(predictor)
    windows = fitted.windows(part)
    windows = windows.select(np.searchsorted(windows.starts, moments - fitted.length))
    rows = fitted.rows_of(part, windows)
    found = answer_batches(predictor.module, rows, device=predictor.device, precision=predictor.precision)
    answers = np.concatenate([answer.double().numpy() for _, answer in found])
    if predictor.companion is not None:
        answers = predictor.companion.mix(answers, windows)
    return windows.raw(answers)
