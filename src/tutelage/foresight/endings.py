"""How a training ends that may stop before its budget is used up: the rule of stopping, tried on many drawn learning curves.

Before the first step the curves are those of other trainings, as they were measured (`endings.toml`). Once there is a beginning,
it is continued as its extrapolation says, and as such extrapolations of other trainings turned out to be off: learning rates
fall, and networks begin to overfit, of which a beginning knows nothing.

Source: drawing what a forecast was off by elsewhere, in place of a model of errors, is conformal prediction with whole curves
(Distribution-Free Predictive Inference for Regression, Lei et al. 2018, arXiv 1604.04173, section 2).
Differs from the paper: curves of one training are drawn as a whole, and their noise is drawn anew. Quantiles are then
recalibrated (Accurate Uncertainties for Deep Learning Using Calibrated Regression, Kuleshov et al. 2018, arXiv 1807.00263,
algorithm 1).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutelage.core.stopping import BUDGET, PATIENCE, TARGET, Stopping
from tutelage.foresight.curve import Curve, scale_of
from tutelage.foresight.past import LEVELS, Past, levels, pasts

__all__ = ["Endings", "foresee_endings", "last_step", "usual_endings"]

DRAWS, SEED = 200, 20_26
EARLY = "early"
WIDTHS, SHARED = (0.4, 0.15), 0.02
"""How alike another training's first tenth has to be (standard deviations of `drop`), and the weight of one that is not."""
SHARES = (0.8, 0.5)
"""Of the outcomes that the intervals hold which are told."""
FIRST = {TARGET: 0, PATIENCE: 1, BUDGET: 2}
"""Which reason comes first, of several that end a training at the same step: what it is good for."""
REACHED, SOONEST = 0.5, 0.05
"""Before the first step nothing is known of a target: it is reached in half of all cases, at any share of the budget from the
second number on, by its logarithm. Both are said, not measured."""


@dataclass(frozen=True, slots=True)
class Endings:
    """How drawn continuations of one training end.

    Attributes:
        steps: The last step of each, float64 [N].
        reasons: Why each ends there.
        total: The most steps.
        has_target: Whether a target can end it.
    """

    steps: np.ndarray
    reasons: tuple[str, ...]
    total: int
    has_target: bool = False

    def share_of(self, reason: str) -> float:
        """Return the probability that it ends for a reason."""
        return self.reasons.count(reason) / len(self.reasons)

    def quantiles(self, count: int) -> np.ndarray:
        """Return so many last steps that are equally likely, rising."""
        return np.asarray(np.quantile(self.steps, (np.arange(count) + 0.5) / count))

    def interval(self, share: float) -> tuple[int, int]:
        """Return the narrowest interval around the median, by the factor between its ends, that holds this share of last steps.

        Many of them are the same step, such as the last of the budget: quantiles from both sides would hold more than they say
        (of 360 endings 96 % in place of 80, the narrowest ones 84 %). Of targets the narrowest one is too sure (65 % of 596),
        so of those as many are left out on both sides.
        """
        drawn = np.sort(self.steps)
        if self.has_target:
            low, high = np.quantile(drawn, [(1 - share) / 2, (1 + share) / 2])
            return round(float(low)), round(float(high))
        low, high = 0, len(drawn) - 1
        # Each within the wider one, and around the median.
        for part in (*(wider for wider in SHARES if wider > share), share):
            low, high = _narrowest(drawn, low, high, held=max(math.ceil(part * len(drawn) - 1e-9), 1))
        return round(float(drawn[low])), round(float(drawn[high]))

    @property
    def never(self) -> float | None:
        """Probability that the target is not reached; None where there is none."""
        return 1.0 - self.share_of(TARGET) if self.has_target else None

    def record(self) -> dict[str, Any]:
        """Return JSON values."""
        most, half = SHARES
        return {
            "steps": round(float(np.sort(self.steps)[(len(self.steps) - 1) // 2])),
            "steps_50": list(self.interval(half)),
            "steps_80": list(self.interval(most)),
            "most_steps": self.total,
            "early": round(self.share_of(PATIENCE), 3),
            "never": None if self.never is None else round(self.never, 3),
        }

    def say(self) -> str:
        """Return it in words."""
        told = self.record()
        low, high = told["steps_80"]
        said = f"at step {told['steps']:,} of {self.total:,} (80 %: {low:,} to {high:,})"
        early = f"; without a better score for long {told['early']:.0%}" if told["early"] else ""
        return said + early + (f"; the target is never reached {self.never:.0%}" if self.never is not None else "")


def _narrowest(drawn: np.ndarray, low: int, high: int, *, held: int) -> tuple[int, int]:
    """Return the first and the last place of the narrowest `held` values between two places that has the median in it."""
    middle = (len(drawn) - 1) // 2
    first = np.arange(max(low, middle - held + 1), max(min(middle, high - held + 1), low) + 1)
    best = first[np.argmin(drawn[first + held - 1] / np.maximum(drawn[first], 1.0))]
    return int(best), int(best + held - 1)


def usual_endings(stopping: Stopping, *, total: int, every: int) -> Endings | None:
    """Return how trainings with such a rule end of which nothing is known yet; None where only their budget ends them.

    Args:
        stopping: The rule.
        total: Steps of the budget.
        every: Steps between two evaluations.
    """
    if stopping.is_fixed:
        return None
    random, known, judged = np.random.default_rng(SEED), pasts(), _judged(total, every)
    # Of curves that stand for others the values mean nothing, so neither does a difference or a target in the metric's unit.
    rule = stopping.but(greater_is_better=False, min_delta=0.0, noise_rows=0, until=None)
    ends: list[tuple[float, str]] = []
    for past in known * -(-DRAWS // len(known)):
        curve = np.interp(judged / total, np.linspace(1 / len(past.usual), 1, len(past.usual)), past.usual)
        end = last_step(curve, judged, rule)
        at = total * SOONEST ** random.random() if random.random() < REACHED else np.inf
        if stopping.until is not None and at <= end[0]:
            end = float(judged[np.searchsorted(judged, at)]), TARGET
        ends.append(end)
    return _endings(ends, total, stopping, is_usual=True)


def foresee_endings(curve: Curve, stopping: Stopping, *, total: int, every: int, known: Sequence[Past] | None = None) -> Endings:
    """Return how a training may end, from its learning curve so far.

    Args:
        curve: What was evaluated so far, at least one score.
        stopping: The rule.
        total: Steps of the budget.
        every: Steps between two evaluations that the rule sees.
        known: What other trainings have shown; None = all that was measured.
    """
    random, scale = np.random.default_rng(SEED), scale_of(curve, greater_is_better=stopping.greater_is_better)
    known = pasts() if known is None else known
    # Where none is known on this scale, the others are better than nothing.
    known = [past for past in known if past.is_log == scale.is_log] or known
    last = curve.steps[-1]
    # What was before the first evaluation that is known is not made up.
    judged = np.array([step for step in _judged(total, every) if step >= min(curve.steps[0], total)])
    ahead = judged[judged > last]
    seen = np.interp(judged[judged <= last], curve.steps, curve.values)
    if not len(ahead):
        return _endings([last_step(seen, judged, stopping)], total, stopping)
    left = (ahead - last) / (total - last)
    level, drawn = scale.level(curve), scale.extrapolated(curve, ahead=ahead)
    middle = None if drawn is None else np.median(drawn, axis=0)
    ends: list[tuple[float, str]] = []
    for number, which in enumerate(random.choice(len(known), DRAWS, p=_alike(scale.drop(curve), known))):
        past = known[which]
        # By turns, since neither is the better one: what the curve promises, and what became of others from there on.
        is_promised = middle is not None and number % 2 == 1
        smooth = middle + past.beyond_at(left) if is_promised else level + past.onward_at(left)
        noisy = smooth + past.noise * random.standard_normal(len(ahead))
        ends.append(last_step(np.concatenate([seen, scale.back(noisy)]), judged, stopping))
    return _endings(ends, total, stopping)


def _alike(drop: tuple[float, float], known: Sequence[Past]) -> np.ndarray:
    """Return how likely each of the others is one like this, by how it began; they sum to 1."""
    distances = (np.array([past.drop for past in known]) - np.array(drop)) / np.array(WIDTHS)
    weights = np.exp(-0.5 * (distances**2).sum(axis=1))
    weights += SHARED * weights.max() + 1e-12
    return np.asarray(weights / weights.sum())


def _judged(total: int, every: int) -> np.ndarray:
    """Return the steps at which a training is evaluated."""
    return np.append(np.arange(every, total, every), total).astype(float)


def last_step(scores: np.ndarray, steps: np.ndarray, stopping: Stopping) -> tuple[float, str]:
    """Return the step at which a training with these scores ends, and why: the rule that trainings themselves obey."""
    total, cooled, last, since = float(steps[-1]), np.inf, None, 0.0
    for step, score in zip(steps.tolist(), scores.tolist(), strict=True):
        if step >= cooled:
            return cooled, PATIENCE
        if stopping.counts(score, last):
            last, since = score, step
        reason = stopping.reason(score, waited=step - since)
        if reason == PATIENCE and stopping.cooldown:
            # The end is drawn near once, if it is not anyway.
            cooled = step + stopping.cooldown if cooled == np.inf and step + stopping.cooldown < total else cooled
        elif reason:
            return step, reason
    return total, BUDGET


def _endings(ends: Sequence[tuple[float, str]], total: int, stopping: Stopping, *, is_usual: bool = False) -> Endings:
    """Put ends together; what was told by a curve becomes as sure as it has turned out to be."""
    has_target = stopping.until is not None
    if not is_usual and len(ends) > 1:
        # Where the outcomes of other trainings really lay among what was drawn for them.
        shares = np.interp(
            (np.arange(DRAWS) + 0.5) / DRAWS, (0.0, *LEVELS, 1.0), (0.0, *levels(TARGET if has_target else EARLY), 1.0)
        )
        # Step and reason together: who ends later has ended for another reason.
        ordered = sorted(ends, key=lambda end: (end[0], FIRST[end[1]]))
        ends = [ordered[place] for place in np.quantile(np.arange(len(ordered)), shares, method="inverted_cdf")]
    return Endings(np.array([step for step, _ in ends]), tuple(reason for _, reason in ends), total, has_target=has_target)
