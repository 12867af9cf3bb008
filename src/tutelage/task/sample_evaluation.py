"""Measures a generator: its samples beside real ones, what the two networks do to each other, and what the report shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tutelage.core.events import Event, Sampled, Warned
from tutelage.core.seeds import derive
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.base import Fitted
from tutelage.diagnosis.rivalry import Look, Rivalry
from tutelage.metric.neighbors import SampleOutcome
from tutelage.planning.plan import Plan
from tutelage.task.base import Task
from tutelage.task.compared import Compared, RealPart
from tutelage.task.measured import Measured
from tutelage.task.modes import evaluation_mode
from tutelage.task.rejection import Rejection
from tutelage.task.sample_maker import SampleMaker
from tutelage.task.sample_pictures import closest, interpolated, sheet
from tutelage.task.sample_space import gaussian_samples

__all__ = ["SampleEvaluator"]

MAX_SHOWN = 500
NUM_PICTURES = 64
NUM_DRAWS = 10
"""Times that samples are drawn for an interval."""
LEAST_COMPARED = 500
"""Generated samples that a score rests on: with few real ones several draws are averaged, lest one lucky draw be chosen."""
NORMAL_95 = 1.96
BATCH = 250
SAYS_GOOD = ("precision", "coverage")
"""Metrics by which samples are good though one Gaussian may be as good: such data are easy, and no training has failed."""


@dataclass(frozen=True)
class SampleEvaluator(Measured):
    """Compares generated samples with real ones.

    Attributes:
        fitted: The preprocessing, which can be undone.
        compared: Real samples of all parts.
        part: Which part's samples are the real ones.
        rejection: What looks at samples before they leave, once that is decided.
        rivalry: What was seen of the two networks so far.
    """

    name: str
    spec: SampleMaker
    plan: Plan
    fitted: Fitted
    compared: Compared
    part: str
    rejection: Rejection
    is_watched: bool = False
    rivalry: Rivalry = field(default_factory=Rivalry)

    def __len__(self) -> int:
        return self.compared.size(self.part)

    def ready(self) -> None:
        """Make the space of comparison and the real samples in it, which takes longer than to compare."""
        _ = self._real, self.compared.reference(len(self))

    def reserve_seconds(self, per_row: float) -> float:
        """Return how much longer the scores at the end take than evaluations of as many rows: these are of fewer draws.

        Args:
            per_row: Seconds that a row takes to evaluate.
        """
        at_end = (NUM_DRAWS / self._num_draws - 1) * (len(self) + self.compared.size("test")) * per_row
        # With and without a judge, and twice the samples with it.
        judging = 3 * NUM_DRAWS / self._num_draws * len(self) * per_row if self.rejection.spec.rejection == "on" else 0.0
        return at_end + judging

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/coverage`: of few real samples the mean over several draws."""
        outcomes = [self._drawn(task, draw=draw) for draw in range(self._num_draws)]
        found = _mean([self.measure([outcome]) for outcome in outcomes])
        self.rivalry.latest = self._look(task, outcomes[0], found)
        return found

    def choose(self, task: Task) -> str:
        """Decide whether samples are rejected, by what early stopping judges by; there is no floor to choose."""
        watched = f"{self.name}/{self.plan.watched}"
        metric = next(each for each in self.metrics if each.kind == self.plan.watched)
        sign = 1.0 if metric.greater_is_better else -1.0

        def scores() -> list[float]:
            return [sign * self.measure([self._drawn(task, draw=draw)])[watched] for draw in range(NUM_DRAWS)]

        trained: int = getattr(task, "num_planned")  # noqa: B009 - of this task alone
        self.rejection.decide(task.network(), scores, trained=trained)
        return ""

    def final(self, task: Task) -> dict[str, Any]:
        """Return metrics, intervals from several draws, what one Gaussian reaches, and what the report shows."""
        outcomes = [self._drawn(task, draw=draw) for draw in range(NUM_DRAWS)]
        draws = [self.measure([outcome]) for outcome in outcomes]
        ceiling = self.measure([SampleOutcome(self._real.features, outcomes[0].reference, outcomes[0].reference)])
        reached = [f"{metric.title} {value:.3g}" for metric, value in zip(self.metrics, ceiling.values(), strict=True)]
        best = f"real train samples in place of generated ones reach {', '.join(reached)}, the best that can be hoped for"
        described = (
            f"one Gaussian with the mean and covariance of the train samples; compared by {self.compared.space.said}; {best}"
        )
        found = _mean(draws[: self._num_draws])
        halves = {name: NORMAL_95 * float(np.std([draw[name] for draw in draws], ddof=1)) for name in found}
        # None of these measures is below 0, and shares are not above 1.
        most = [1.0 if metric.form == "percent" else np.inf for metric in self.metrics]
        intervals = [
            (max(value - halves[name], 0.0), min(value + halves[name], high))
            for (name, value), high in zip(found.items(), most, strict=True)
        ]
        record = self.record(found, intervals=intervals, baseline=self.guess(), described=described)
        look = self._look(task, outcomes[0], found)
        made = self.generate(task, MAX_SHOWN)
        lost = {"warnings": self._lost(made)} if self.is_watched else {}
        hoped = {name: value for name, value in ceiling.items() if name.rpartition("/")[2] in SAYS_GOOD}
        return {**record, "hoped": hoped, "rivalry": look.record(), "generated": self._pictures(task, made), **lost}

    def measure_guess(self) -> Mapping[str, float]:
        """Return what samples of one Gaussian reach."""
        train, count = self.compared.train_samples, len(self)
        random = np.random.default_rng(derive(self.plan.seed, f"{self.name} baseline"))
        drawn = gaussian_samples(train, count, random=random)
        samples = self.fitted.settle(torch.from_numpy(drawn).view(count, *train.shape[1:]))
        outcome = SampleOutcome(self._real.features, self.compared.space.features(samples), self.compared.reference(count))
        # What real samples reach is no achievement of a guess.
        return {name: value for name, value in self.measure([outcome]).items() if not name.endswith("_floor")}

    def memory(self) -> dict[str, Any]:
        """Return what was seen of the two networks so far."""
        return self.rivalry.memory()

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned."""
        self.rivalry.recall(memory)

    def events(self, task: Task, *, step: int) -> Sequence[Event]:
        """Return generated samples to look at, and a warning where one network has won."""
        warnings = [Warned(message=f"step {step:,}: {said}") for said in self.rivalry.judge()]
        part = self.undone(self.generate(task, MAX_SHOWN))
        if part is None:
            return warnings
        png = sheet(part, NUM_PICTURES)
        if png:
            return (Sampled(step=step, png=png), *warnings)
        made = part.numbers()
        if made is None or made.ndim != 2 or made.shape[1] != 2:
            return warnings
        real = self.undone(self._real.samples[:MAX_SHOWN])
        assert real is not None
        real_points = real.numbers()
        assert real_points is not None
        return (Sampled(step=step, points=_pairs(made), real=_pairs(real_points)), *warnings)

    def generate(self, task: Task, count: int, *, draw: int = 0) -> Tensor:
        """Return generated samples float32 [count, ...] on the CPU; the same latents each time, of the real samples' classes."""
        seed = derive(self.plan.seed, f"{self.name} samples", draw)
        classes = None
        if self.spec.classes and self._real.classes is not None:
            classes = self._real.classes[torch.arange(count) % len(self._real.classes)]
        return self.made_of(task, self.spec.latents(count, seed=seed, classes=classes))

    @torch.no_grad()
    def made_of(self, task: Task, latents: Tensor) -> Tensor:
        """Return what the network makes of random numbers."""
        network = self.rejection.around(task.network())
        with evaluation_mode(network):
            outputs = [network(piece.to(self.plan.device)).float().cpu() for piece in torch.split(latents, BATCH)]
        return self.fitted.settle(self.spec.answer(torch.cat(outputs)))

    def undone(self, samples: Tensor) -> RowsPart | None:
        """Return samples as the rows that they would have been prepared from; None where that cannot be done."""
        return self.fitted.undo(samples)

    @property
    def _num_draws(self) -> int:
        """How many draws a score is the mean of."""
        return min(-(-LEAST_COMPARED // len(self)), NUM_DRAWS)

    @property
    def _real(self) -> RealPart:
        return self.compared[self.part]

    def _drawn(self, task: Task, *, draw: int = 0) -> SampleOutcome:
        """Return as many generated samples as real ones, beside these."""
        generated = self.compared.space.features(self.generate(task, len(self), draw=draw))
        return SampleOutcome(self._real.features, generated, self.compared.reference(len(self)))

    @torch.no_grad()
    def _look(self, task: Task, outcome: SampleOutcome, found: Mapping[str, float]) -> Look:
        """Return what is to be seen of the two networks."""
        real = self._real.samples[:MAX_SHOWN]
        batch = {} if self._real.classes is None else {"target": self._real.classes[: len(real)].to(self.plan.device)}
        judge: Any = getattr(task, "judge")  # noqa: B009 - of this task alone
        with evaluation_mode(task):
            sides = [judge(side.to(self.plan.device), batch) for side in (real, self.generate(task, len(real)))]
        lead = float(torch.sigmoid(sides[0] - sides[1]).mean())
        width = float(np.sqrt(outcome.generated.var(axis=0).sum() / max(outcome.real.var(axis=0).sum(), 1e-30)))
        covered = next((value for name, value in found.items() if name.endswith("/coverage")), None)
        return Look(lead=lead, width=width, coverage=covered)

    def _lost(self, samples: Tensor) -> list[str]:
        """Tell what is never made though train rows hold it."""
        made = self.undone(samples)
        said = "" if made is None else self.fitted.lost(made, real=self.compared.train.part)
        return [said] if said else []

    def _pictures(self, task: Task, made: Tensor) -> dict[str, Any]:
        """Return what the report shows: samples beside the nearest train rows, and what lies between samples."""
        ends = self.spec.latents(16, seed=derive(self.plan.seed, "interpolation"), classes=self._few_classes(16))
        between = self.made_of(task, interpolated(ends))
        near = closest(made, self._real.samples[:MAX_SHOWN], train=self.compared.train_samples)
        part, train = self.undone(made[: len(near.rows)]), self.compared.train.part
        shown = self.undone(between)
        pairs = (
            [] if part is None else [{"made": part.show(n), "nearest": train.show(int(row))} for n, row in enumerate(near.rows)]
        )
        return {
            "space": self.compared.space.said,
            "nearest": [pair for pair in pairs if pair["made"]],
            "distance": {"generated": near.generated, "real": near.real},
            "interpolation": "" if shown is None else sheet(shown, len(between)),
        }

    def _few_classes(self, count: int) -> Tensor | None:
        """Return a class for each of a few samples, two and two alike; None without classes."""
        return torch.arange(count) // 2 % self.spec.classes if self.spec.classes else None


def _mean(draws: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each metric over several draws."""
    return {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]}


def _pairs(points: np.ndarray) -> tuple[tuple[float, float], ...]:
    """Return points as plain pairs with few digits."""
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y in points)
