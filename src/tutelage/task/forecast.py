"""Forecasting: continue several series beyond the last time that was measured.

The network takes `past` [B, L, C] and, where anything is known beforehand, `known` [B, L + H, K], and returns [B, H, C] on the
scale on which each series has mean 0 and deviation 1 over the train times. The loss is the mean over all measured values.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import DataError, DataProblem, RecipeError
from tutelage.core.shape.forecast import ForecastShape
from tutelage.core.spec import Component, Pick, grant
from tutelage.data.part.base import Part
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.prepare.timeline import Timeline, TimelineFitted
from tutelage.data.rows.history import HistoryPart
from tutelage.data.source.base import Collected
from tutelage.defaults.base import Suggestion
from tutelage.floor.base import Floor
from tutelage.loss.base import LossFunction
from tutelage.loss.mse import SquaredError
from tutelage.planning.decisions import Decisions, say
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan, SplitPlan
from tutelage.planning.recipe import Recipe
from tutelage.task.answering import Answering
from tutelage.task.average import Average
from tutelage.task.base import Batch, Claim, Data, Objective, Phase, Problem, Task, TaskSpec
from tutelage.task.empty_cells import say_end
from tutelage.task.forecast_beside import ForecastBeside
from tutelage.task.forecast_data import Cuts, ForecastData, choose_cuts, choose_length
from tutelage.task.forecast_evaluation import ForecastEvaluator, Outlook
from tutelage.task.forecast_example import forecast_example
from tutelage.task.lags import lag_batch, measure_lags
from tutelage.task.rows import choose_prepare, planned_stream
from tutelage.task.series_spans import measured_series, say_left_out
from tutelage.task.staged import opening_of, staged_phases
from tutelage.task.supervised import build_model, choose_ema

__all__ = ["Forecast", "ForecastTask"]

MOST_TRAIN_WINDOWS = 500
"""Train windows that are measured where a training seems to have learned nothing."""
PLAIN_HORIZON = 10
"""Steps ahead where nobody says how many and there is no season."""


class Forecast(TaskSpec):
    """Settings of forecasting."""

    kind: Literal["forecast"] = "forecast"
    noun: ClassVar[str] = "forecasting"
    answers: ClassVar[str] = "forecasts"
    answers_rows: ClassVar[bool] = False
    continues_series: ClassVar[bool] = True
    starts = "head first"
    reads_as: ClassVar[str] = "timeline"
    uses: ClassVar[frozenset[str]] = frozenset({"target", "prepare", "augment", "floor", "loss", "ema", "split"})
    horizon: int = Field(0, ge=0, le=100_000, description="Times ahead that are forecast; 0 = one season.")
    loss: Pick("loss") = Field(  # type: ignore[valid-type]
        default_factory=SquaredError, description="Loss of each forecast value: one of those for numbers."
    )
    ema: float = Field(0.0, ge=0, lt=1, description="Decay of the weight average; 0 keeps none.")

    def claims(self, part: Part) -> Claim | None:
        """Claim series with times."""
        return Claim("series with times: learn to go on with them") if isinstance(part, TimelinePart) else None

    def refusal(self, part: Part) -> str:
        """Refuse all but series with times, and tables of which such may be made."""
        found = f"task 'forecast' continues series, and these are {part.kind} data"
        remedy = "Give a table with a column of dates and say --task forecast, or choose another task."
        return "" if isinstance(part, TimelinePart) else f"{found}. {remedy}"

    def prepare(self, collected: Collected, recipe: Recipe, *, reason: str) -> ForecastData:
        """Cut validation and test from the end of the times, and fit the scale of each series before them."""
        ended = tuple(
            told for part in (collected.train, collected.test) if isinstance(part, TimelinePart) for told in say_end(part)
        )
        collected = _up_to_measured(collected)
        whole, has_test = collected.train, collected.test is not None
        assert isinstance(whole, TimelinePart)
        wished = choose_prepare(recipe, whole)
        if not isinstance(wished, Timeline):
            raise RecipeError(f"recipe: prepare = {getattr(wished, 'kind', '')!r} is not for series with times. Try timeline.")
        spec = grant(recipe.task, self)
        assert isinstance(spec, Forecast)

        def cut(times: TimelinePart, horizon: int) -> Cuts:
            if isinstance(collected.test, TimelinePart) and len(collected.test) < horizon:
                raise DataError([_short_of(collected.test, 0, len(collected.test), horizon)])
            return choose_cuts(recipe, len(times), horizon=horizon, has_test=has_test, where=times.file)

        collected, (fitted, cuts, said), left_out = _of_measured(collected, spec.horizon or wished.horizon, wished, cut)
        whole = collected.train
        assert isinstance(whole, TimelinePart)
        train, horizon = whole.stretch(0, cuts.train, name="train"), fitted.horizon
        if wished.horizon and not spec.horizon:
            said = "as prepare.horizon says"
        length, why = choose_length(season=fitted.season, horizon=horizon, train=len(train))
        if wished.length:
            length, why = _wished_length(wished.length, train, horizon), "as prepare.length says"
        prepare, fitted = wished.but(length=length, horizon=horizon), replace(fitted, length=length)
        parts, lookback = _parts(whole, collected.test, cuts, fitted)
        windows = {name: fitted.windows(part, lookback=lookback[name]) for name, part in parts.items()}
        _require_windows(parts, windows, lookback)
        sizes = (cuts.validation - cuts.train, cuts.end - cuts.validation)
        split = SplitPlan(validation=sizes[0] / len(whole), test=sizes[1] / len(whole), seed=recipe.seed, by="order")
        reasons = {"horizon": said, "length": why}
        return ForecastData(reason, collected, prepare, fitted, parts, windows, split, cuts, lookback, reasons, ended + left_out)

    def decide(self, recipe: Recipe, facts: Facts, *, auto: Suggestion, made: Decisions) -> TaskSpec:
        """Choose loss and weight average; the horizon is that of the data."""
        loss = made.choose("loss", recipe.loss, grant(recipe.loss, self.loss), auto.why.get("loss", "the usual loss for numbers"))
        if getattr(loss, "answers", "") != "numbers":
            raise RecipeError(f"recipe: loss = {say(loss)} is for {getattr(loss, 'answers', '')}, and forecasts are numbers.")
        ema = choose_ema(self.ema if recipe.ema == "auto" and self.ema else recipe.ema, auto=auto, made=made)
        return Forecast(horizon=_shape(facts).horizon, loss=loss, ema=ema)

    def count_outputs(self, facts: Facts) -> int:
        """Return one for each time ahead and series."""
        return _shape(facts).horizon * _shape(facts).channels

    def metrics(self, facts: Facts) -> tuple[str, ...]:
        """Return errors on the standardized scale and in units, those of seasonal-naive, and whether the bands hold."""
        return ("mse", "mae", "mae_units", "naive_mae_units", "coverage_80")

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Put the task around the network, windows into a stream, and evaluators and the floor beside."""
        assert isinstance(data, ForecastData)
        model = build_model(plan, module)
        fitted, windows = data.fitted, data.windows
        finisher = fitted.finisher().to(plan.device)
        names = tuple(fitted.shape.tensors)
        phases = staged_phases(plan, model, prefix="model.")
        loss: Any = self.loss
        task = ForecastTask(model, loss=loss.build(), input_names=names, phase=phases["fit"], ema=self.ema)
        task.phases, task.opening = phases, opening_of(plan)
        rows = fitted.rows_of(data.parts["train"], windows["train"])
        outlook = Outlook(_beside(plan, data))

        def answering(task: Task) -> nn.Module:
            return Answering(finisher, task.network(), task=self, input_names=names)

        def evaluator(
            name: str, part: str, chosen: HistoryPart, outlook: Outlook, *, is_watched: bool = False
        ) -> ForecastEvaluator:
            return ForecastEvaluator(name, data.parts[part], chosen, fitted, plan, answering, outlook, is_watched)

        validation = evaluator("val", "validation", data.watched, outlook, is_watched=True)
        return Problem(
            task=task.to(plan.device),
            stream=planned_stream(rows, plan, finisher=finisher, rank=rank, world=world),
            validation=validation,
            test=evaluator("test", "test", windows["test"], outlook) if "test" in windows else None,
            beside=outlook.beside,
            choose=validation.choose,
            reserve=validation.reserve_seconds,
            example=lambda part, row: forecast_example(
                self.loss,
                fitted,
                {name: (data.parts[name], chosen) for name, chosen in windows.items()},
                finisher,
                wanted=part,
                row=row,
            ),
            lags=lambda task: measure_lags(task, lambda: lag_batch(validation.rows, finisher, device=plan.device)),
            calibrator=lambda: outlook.bands,
            num_parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
            train=lambda: evaluator("train", "train", _some(windows["train"]), Outlook(None)),
        )


class ForecastTask(Task):
    """A network that continues windows; one phase, `fit`."""

    def __init__(
        self, model: nn.Module, *, loss: LossFunction, input_names: tuple[str, ...], phase: Phase, ema: float = 0.0
    ) -> None:
        """Hold the network and its loss; see `SupervisedTask`."""
        super().__init__()
        self.model = model
        self.average = Average(model, decay=ema) if ema else None
        self.loss = loss
        self.input_names = input_names
        self.phases = {"fit": phase}

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the summed loss over all values that were measured."""
        forecast = self.model(*[batch[name] for name in self.input_names]).float().flatten()
        target = batch["target"].flatten()
        is_measured = ~torch.isnan(target)
        # Where nothing was measured, the forecast stands for the truth: no loss, and no gradient that is not finite.
        truth = torch.where(is_measured, target, forecast.detach())
        loss = self.loss(forecast[:, None], truth)
        total = torch.where(is_measured, loss, torch.zeros_like(loss)).sum()
        return Objective(total, is_measured.sum().clamp(min=1).float(), {})

    def after_update(self, phase: str, made: Tensor | None = None) -> None:
        """Let the average follow the weights."""
        if self.average is not None:
            self.average.follow(self.model, made=made)

    def network(self) -> nn.Module:
        """Return the model, or its average where one is kept."""
        return self.model if self.average is None else self.average.module


def _shape(facts: Facts) -> ForecastShape:
    assert isinstance(facts.shape, ForecastShape)
    return facts.shape


def _up_to_measured(collected: Collected) -> Collected:
    """Return series without the times at their end of which things are known, and nothing was measured."""
    train, test = collected.train, collected.test
    return replace(
        collected,
        train=train.up_to_measured() if isinstance(train, TimelinePart) else train,
        test=test.up_to_measured() if isinstance(test, TimelinePart) else test,
    )


def _of_measured(
    collected: Collected, wish: int, prepare: Timeline, cut: Callable[[TimelinePart, int], Cuts]
) -> tuple[Collected, tuple[TimelineFitted, Cuts, str], tuple[str, ...]]:
    """Return the data without the series that no train time has a value of, what `_fitted` says of them, and what was left out.

    Raises:
        DataError: None is left.
    """
    told: tuple[str, ...] = ()
    while True:
        whole, test = collected.train, collected.test
        assert isinstance(whole, TimelinePart)
        found = _fitted(wish, prepare, whole, cut)
        kept = measured_series(whole, train=found[1].train)
        if len(kept) == len(whole.series):
            return collected, found, told
        gone = [name for name in whole.series if name not in set(kept)]
        told = (*told, say_left_out(whole, gone, train=found[1].train))
        later = test.of_series(kept) if isinstance(test, TimelinePart) else test
        # Another season, found out without them, may leave other train times.
        collected = _up_to_measured(replace(collected, train=whole.of_series(kept), test=later))


def _fitted(
    wish: int, prepare: Timeline, whole: TimelinePart, cut: Callable[[TimelinePart, int], Cuts]
) -> tuple[TimelineFitted, Cuts, str]:
    """Return what the train times say, with the horizon; where these end; and why the horizon is what it is.

    Args:
        wish: The horizon; 0 = one season.
        prepare: What is fitted.
        whole: All times.
        cut: Says for times and a horizon where the stretches end.
    """
    cuts = cut(whole, wish or 1)
    while True:
        fitted = prepare.but(horizon=wish).fit(whole.stretch(0, cuts.train, name="train"))
        if wish:
            return fitted, cuts, "as you said"
        horizon, said = fitted.season, "one season, since nothing else was said: --horizon"
        if horizon <= 1:
            horizon = min(PLAIN_HORIZON, max(1, len(whole) // 4))
            said = "there is no season, and nothing else was said: --horizon"
        horizon, said = _that_fits(whole, horizon, fitted, cut, said=said)
        # A longer horizon may leave fewer train times: then these alone say what the season is.
        before, cuts = cuts, cut(whole, horizon)
        if cuts.train == before.train:
            return replace(fitted, horizon=horizon), cuts, said
        if cuts.train > before.train:
            return replace(prepare.fit(whole.stretch(0, cuts.train, name="train")), horizon=horizon), cuts, said


def _that_fits(
    whole: TimelinePart, horizon: int, fitted: TimelineFitted, cut: Callable[[TimelinePart, int], Cuts], *, said: str
) -> tuple[int, str]:
    """Return a horizon that nobody asked for, or the longest shorter one for which there are times, and why.

    One that leaves two seasons to learn from is preferred: with fewer the season would not be found.
    """
    span = fitted.interval.say_span
    for least in (2 * fitted.season, 0):
        for shorter in range(horizon, 0, -1):
            try:
                cuts = cut(whole, shorter)
            except DataError:
                continue
            if shorter == horizon:
                return horizon, said
            if cuts.train >= least:
                wished = f"{span(horizon)}, one season," if horizon == fitted.season else span(horizon)
                return shorter, f"the longest that fits: {wished} would need more times: --horizon"
    return horizon, said


def _wished_length(length: int, train: TimelinePart, horizon: int) -> int:
    """Return the window that was asked for.

    Raises:
        DataError: No train window would fit.
    """
    most = len(train) - horizon
    if length > most:
        found = f"prepare.length = {length:,} leaves no window: {len(train):,} train times, and {horizon:,} of a window are ahead"
        raise DataError([DataProblem(train.file, found, f"Say at most --set prepare.length={most}, or a smaller --horizon.")])
    return length


def _parts(
    whole: TimelinePart, test: Part | None, cuts: Cuts, fitted: TimelineFitted
) -> tuple[dict[str, TimelinePart], dict[str, int]]:
    """Return the stretches, each with the times before it that its moments look back at, and how many these are."""
    spans = {"train": (whole, 0, cuts.train), "validation": (whole, cuts.train, cuts.validation)}
    if isinstance(test, TimelinePart):
        joined, begin = whole.followed_by(test)
        spans["test"] = (joined, begin, len(joined))
    elif cuts.end > cuts.validation:
        spans["test"] = (whole, cuts.validation, cuts.end)
    lookback = {name: _lookback(times, begin, fitted) for name, (times, begin, _) in spans.items()}
    return {name: times.stretch(begin - lookback[name], end, name=name) for name, (times, begin, end) in spans.items()}, lookback


def _lookback(times: TimelinePart, begin: int, fitted: TimelineFitted) -> int:
    """Return how many times before a stretch are seen: what answers depend on; more where a gap there is filled from before."""
    first = max(0, begin - fitted.lookback)
    measured_TC = ~np.isnan(times.values[: first + 1])
    begun = np.flatnonzero(measured_TC.any(axis=0))
    last = min((first - int(measured_TC[::-1, c].argmax()) for c in begun.tolist()), default=first)
    return begin - (first if last == first else max(0, last - fitted.season))


def _require_windows(parts: dict[str, TimelinePart], windows: dict[str, HistoryPart], lookback: dict[str, int]) -> None:
    """Refuse stretches in which there is nothing to learn, or to measure.

    Raises:
        DataError: There are such, all of them.
    """
    problems = []
    for name, part in parts.items():
        own, size = windows[name], len(part) - lookback[name]
        found, remedy = (
            f"no window of {own.length:,} times has a value in it and one after it",
            "Nothing was measured there: give other times, or another split.",
        )
        if not len(own):
            where = f"{part.file}, {name} part from {part.say(lookback[name])}"
            is_short = size < own.horizon
            problems.append(_short_of(part, lookback[name], size, own.horizon) if is_short else DataProblem(where, found, remedy))
    if problems:
        raise DataError(problems)


def _short_of(part: TimelinePart, begin: int, size: int, horizon: int) -> DataProblem:
    """Say that a part has fewer times than the horizon, from a place on."""
    where = f"{part.file}, {part.name} part from {part.say(begin)}"
    remedy = f"Give at least {horizon:,} times there, or say a smaller --horizon."
    return DataProblem(where, f"{size:,} times, fewer than the horizon of {horizon:,}", remedy)


def _beside(plan: Plan, data: ForecastData) -> ForecastBeside | None:
    """Return the floor of a plan."""
    floor: Component | None = plan.floor
    if floor is None:
        return None
    assert isinstance(floor, Floor)
    later = data.parts["train"]
    source = data.collected.train
    if isinstance(source, TimelinePart):
        later = source.stretch(0, data.cuts.validation, name="train")
    return ForecastBeside(floor, data.windows["train"], data.fitted.windows(later), plan.seed)


def _some(windows: HistoryPart) -> HistoryPart:
    """Return some windows, evenly spaced."""
    return windows.select(np.unique(np.linspace(0, len(windows) - 1, MOST_TRAIN_WINDOWS).astype(np.int64)))
