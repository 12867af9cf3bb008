"""Models that continue series on their way out: a history in its own unit in, what comes next with its quantiles out.

Shape letters: B windows, S times looked back at, L times that the network sees, H ahead, C series, K known numbers, Q levels.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.calibrate.bands import Bands
from tutelage.core.errors import RunError
from tutelage.data.prepare.intake import RawInput, row_batches
from tutelage.data.prepare.timeline import TimelineFitted
from tutelage.data.rows.history import HistoryPart
from tutelage.export.outgoing import Outgoing, Output, on_cpu
from tutelage.export.proof import Proof
from tutelage.predictor.predictor import Predictor
from tutelage.run.run import Run
from tutelage.task.answering import answer_batches

__all__ = ["of_forecasts"]

MOST_WINDOWS = 1_000


class _Continued(nn.Module):
    """History to forecast and quantiles, in the unit of each series."""

    mean: Tensor
    std: Tensor
    offset: Tensor

    def __init__(self, predictor: Predictor, fitted: TimelineFitted) -> None:
        super().__init__()
        self.network, self._task = predictor.network, predictor.task
        self.length, self.num_named = fitted.length, len(fitted.known_scale[0])
        mean, std = np.array(fitted.mean), np.array(fitted.std)
        self.register_buffer("mean", torch.from_numpy(mean), persistent=False)
        self.register_buffer("std", torch.from_numpy(std), persistent=False)
        self.has_known = fitted.shape.known > 0
        companion, bands = predictor.companion, predictor.calibrator
        self.share = 0.0 if companion is None else companion.share
        self.floor = None if companion is None else companion.fitted.graph(mean=mean, std=std, horizon=fitted.horizon)
        offsets = bands.array() if isinstance(bands, Bands) and bands.levels else np.zeros((0, fitted.horizon, len(mean)))
        self.register_buffer("offset", torch.from_numpy(offsets.copy()), persistent=False)
        self.has_bands = len(offsets) > 0

    def forward(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `forecast` float64 [B, H, C], and `quantiles` [B, Q, H, C] where there are bands."""
        past_BSC = (given["past"] - self.mean) / self.std
        skipped = past_BSC.shape[1] - self.length
        window_BLC = past_BSC[:, skipped:].float()
        inputs = (window_BLC, given["known"][:, skipped:]) if self.has_known else (window_BLC,)
        members = int(getattr(self.network, "num_members", 1))
        answer_BHC = self._task.answer(self.network(*inputs).float(), num_members=members).double()
        if self.floor is not None:
            named_BTK = given["known"][..., : self.num_named].double() if self.has_known else past_BSC[..., :0]
            answer_BHC = (1 - self.share) * answer_BHC + self.share * self.floor(past_BSC, named_BTK)
        found = {"forecast": answer_BHC * self.std + self.mean}
        if self.has_bands:
            found["quantiles"] = (answer_BHC[:, None] + self.offset) * self.std + self.mean
        return found


def of_forecasts(run: Run, data: Any) -> tuple[Outgoing, Proof]:
    """Return a model that continues series, and validation windows without gaps.

    Raises:
        RunError: The floor beside its network has no form inside a graph; or no window is without gaps.
    """
    predictor = on_cpu(run.predictor)
    fitted, bands = predictor.fitted, predictor.calibrator
    if not isinstance(fitted, TimelineFitted):
        raise RunError(f"{run.path}: its preprocessing {predictor.prepare!r} cannot leave with the model.")
    companion = predictor.companion
    graph = _Continued(predictor, fitted)
    if companion is not None and graph.floor is None:
        found = f"the floor {companion.floor.noun!r} has no form inside a graph"
        raise RunError(f"{run.path}: {found}. Train without it: --set floor=none.")
    horizon, channels, known = fitted.horizon, len(fitted.series), fitted.shape.known
    told = "the latest times of each series in its unit, without gaps: the last value stands for one that is missing"
    inputs = [RawInput("past", "float64", (fitted.lookback, channels), told)]
    if known:
        told = "of these times and of those ahead: columns known beforehand, standardized, then sine and cosine of each circle"
        inputs.append(RawInput("known", "float32", (fitted.lookback + horizon, known), told))
    outputs = [Output("forecast", (horizon, channels), "of each time ahead, in the unit of each series")]
    levels = bands.levels if isinstance(bands, Bands) else ()
    if levels:
        outputs.append(Output("quantiles", (len(levels), horizon, channels), f"at the levels {', '.join(map(str, levels))}"))
    recipe = {
        "series": list(fitted.series),
        "step": fitted.interval.state(),
        "known": {"mean": list(fitted.known_scale[0]), "std": list(fitted.known_scale[1]), "circles": list(fitted.calendar)},
        "levels": list(levels),
    }
    facts = {"run": run.path.name, **predictor.facts}
    model = Outgoing(predictor, graph.eval(), tuple(inputs), tuple(outputs), recipe=recipe, facts=facts)
    return model, _proof(run, model, fitted, data)


def _proof(run: Run, model: Outgoing, fitted: TimelineFitted, data: Any) -> Proof:
    """Return windows, and what `predict` says after them."""
    whole: Any = run.data(data)
    part = whole.parts["validation"]
    windows = fitted.windows(part, lookback=fitted.lookback)
    before = fitted.lookback - fitted.length
    is_whole_T = ~np.isnan(windows.measured).any(axis=1)
    missing_T = np.r_[0, (~is_whole_T).cumsum()]
    starts = windows.starts
    usable = (starts >= before) & (missing_T[starts + fitted.length] == missing_T[np.maximum(starts - before, 0)])
    rows = np.flatnonzero(usable)
    if not len(rows):
        raise RunError(f"{run.path}: no validation window of {fitted.lookback:,} times is without gaps to compare an export on.")
    chosen = windows.select(rows[np.linspace(0, len(rows) - 1, min(MOST_WINDOWS, len(rows))).astype(np.int64)])
    known_TK = fitted.known(part, max(len(part), int(chosen.starts.max()) + fitted.length + fitted.horizon))
    batches = [(numbers, _inputs(chosen, known_TK, numbers, fitted)) for numbers in row_batches(len(chosen))]
    expected, is_same = _expected(model.predictor, part, chosen, fitted), run.predictor.precision == model.predictor.precision
    predicted = None if is_same else _expected(run.predictor, part, chosen, fitted)
    return Proof(batches, expected, chosen.locate, _quantiles(model.predictor, expected, fitted), predicted)


def _quantiles(predictor: Predictor, expected: np.ndarray, fitted: TimelineFitted) -> dict[str, np.ndarray]:
    """Return the bands that `predict` puts around forecasts, [N, Q, H, C], where there are any."""
    bands = predictor.calibrator
    if not isinstance(bands, Bands) or not bands.levels:
        return {}
    return {"quantiles": expected[:, None] + bands.array() * np.array(fitted.std)}


def _inputs(windows: HistoryPart, known_TK: np.ndarray, numbers: np.ndarray, fitted: TimelineFitted) -> dict[str, np.ndarray]:
    """Return the raw inputs of some windows."""
    first_B1 = (windows.starts[numbers] - (fitted.lookback - fitted.length))[:, None]
    given = {"past": windows.raw(windows.past[first_B1 + np.arange(fitted.lookback)])}
    if fitted.shape.known:
        given["known"] = known_TK[first_B1 + np.arange(fitted.lookback + fitted.horizon)].astype(np.float32)
    return given


def _expected(predictor: Predictor, part: Any, windows: HistoryPart, fitted: TimelineFitted) -> np.ndarray:
    """Return what the model in the house forecasts, float64 [N, H, C], in the unit of each series."""
    rows = fitted.rows_of(part, windows)
    found = answer_batches(predictor.module, rows, device=predictor.device, precision=predictor.precision)
    answers = np.concatenate([answer.double().numpy() for _, answer in found])
    if predictor.companion is not None:
        answers = predictor.companion.mix(answers, windows)
    return windows.raw(answers)
