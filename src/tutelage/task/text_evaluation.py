"""What a language model is measured by: the surprise at each token of one stretch, beside plain counts of runs of tokens.

Shape letters: B pieces, T tokens of a piece, N tokens of a stretch, V vocabulary.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.events import Event, Sampled
from tutelage.core.seeds import derive
from tutelage.data.part.base import Part
from tutelage.data.prepare.running_text import FittedText
from tutelage.floor.n_grams import ORDER, NGrams
from tutelage.metric.token_outcome import TokenOutcome
from tutelage.planning.plan import Plan
from tutelage.task.answering import Answering, answer_batches
from tutelage.task.base import Batch, Task, TaskSpec
from tutelage.task.measured import Measured, UnitTallies
from tutelage.task.sampling import Drawing, draw_tokens

__all__ = ["CountedRuns", "TextEvaluator"]


BLOCK_TOKENS = 2**20
"""Tokens that are measured at once where no network is asked."""
MORE_TIME, LEAST_STEPS = 4, 250
"""How much longer to train where counting is better than the network; of steps, as if there had been at least so many."""


@dataclass
class CountedRuns:
    """The plain models of a train part, made when they are first asked for.

    Attributes:
        fitted: The preprocessing.
        part: The train part.
        seconds: How long counting took.
    """

    fitted: FittedText
    part: Part
    seconds: float = field(default=0.0, init=False)

    @cached_property
    def frequencies(self) -> np.ndarray:
        """How often each token is in the train part, as a fraction > 0: float64 [V]."""
        return self.fitted.frequencies(self.part)

    @cached_property
    def runs(self) -> NGrams:
        """Counts of runs of tokens."""
        began = time.monotonic()
        tokens = self.fitted.pieces(self.part).tokens
        counted = NGrams.fit(tokens, vocabulary_size=len(self.fitted.num_characters))
        self.seconds = time.monotonic() - began
        return counted

    def record(self) -> dict[str, Any]:
        """Return what result.json says of the floor, but for the scores."""
        return {
            "kind": "n_grams",
            "noun": f"runs of up to {ORDER} {self.fitted.unit}, counted (interpolated Kneser-Ney)",
            "share": 0.0,
            "reason": "a language model leaves alone: the floor is there to compare with",
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True)
class TextEvaluator(Measured):
    """Measures the surprise at every character of one stretch, and generates text to look at.

    Attributes:
        name: The part's name, which begins the metrics' names, such as `val`.
        spec: The task.
        plan: Metrics, device, precision.
        fitted: The preprocessing.
        part: The stretch.
        counted: The plain models of the train part.
        sample_length: Tokens to generate at each evaluation.
        temperature: How boldly they are drawn.
        is_watched: Whether early stopping judges by this part.
        batch_size: Pieces at a time.
    """

    name: str
    spec: TaskSpec
    plan: Plan
    fitted: FittedText
    part: Part
    counted: CountedRuns
    sample_length: int
    temperature: float
    is_watched: bool = False
    batch_size: int = 64

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def rows(self) -> Any:
        """The stretch in pieces that overlap by half."""
        return self.fitted.pieces(self.part)

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/nats_per_character`."""
        return self.measure(self.outcomes(task))

    def final(self, task: Task) -> dict[str, Any]:
        """Return metrics, 95 % intervals from the spread between pieces, what guessing reaches, and what counting does."""
        tallies, units = self.tallies(), [UnitTallies(metric, num_units=len(self)) for metric in self.metrics]
        for outcome in self.outcomes(task):
            for tally, own in zip(tallies, units, strict=True):
                tally.add(outcome)
                own.add(outcome)
        values = self.named(tally.value() for tally in tallies)
        intervals = [own.interval(seed=self.plan.seed, estimate=value) for own, value in zip(units, values.values(), strict=True)]
        described = f"guessing each of the {self.fitted.unit} as often as it stands in the train part"
        floor = self.measure_floor(values)
        return {
            **self.record(values, intervals=intervals, baseline=self.guess(), described=described),
            "floor": floor,
            "warnings": self._worse(values, floor["metrics"]["floor"]) if self.is_watched else [],
        }

    def measure_guess(self) -> Mapping[str, float]:
        """Return what the frequencies of the tokens reach, whatever stands before."""
        log_V = np.log(self.counted.frequencies)
        return self.measure(self.outcome(log_V[targets], targets) for targets in self._blocks(self.rows.tokens[1:]))

    def measure_floor(self, network: Mapping[str, float]) -> dict[str, Any]:
        """Return what counting reaches beside the network, by name."""
        log_N = self.counted.runs.log_likelihoods(self.rows.tokens)
        floor = self.measure(map(self.outcome, self._blocks(log_N), self._blocks(self.rows.tokens[1:])))
        return {**self.counted.record(), "metrics": {"network": dict(network), "floor": floor}}

    def _worse(self, network: Mapping[str, float], floor: Mapping[str, float]) -> list[str]:
        """Warn where the network, which leaves all the same, is worse than counting."""
        watched = next(metric for metric in self.metrics if metric.kind == self.plan.watched)
        own, counted = (scores[f"{self.name}/{watched.kind}"] for scores in (network, floor))
        if own == counted or (own > counted) == watched.greater_is_better:
            return []
        seconds, steps = self.plan.time_seconds, max(self.plan.total_steps, LEAST_STEPS)
        longer = f"--time {MORE_TIME * seconds:.0f}s" if seconds else f"--steps {MORE_TIME * steps}"
        return [
            f"the network is worse than counting: {watched.title} {own:.3f} on the {self.part.name} part, where runs of up to "
            f"{ORDER} {self.fitted.unit}, counted, reach {counted:.3f}. The network leaves all the same. Train longer, such as "
            f"{longer}; more text helps a network too"
        ]

    def events(self, task: Task, *, step: int) -> Sequence[Event]:
        """Return a text that the network generates."""
        if not self.sample_length:
            return ()
        drawn = draw_tokens(
            task.network(),
            [self.fitted.start],
            num_texts=1,
            num_tokens=self.sample_length,
            length=self.fitted.length,
            drawing=Drawing(self.temperature, never=self.fitted.never_drawn),
            seed=derive(self.plan.seed, "sample", step),
            device=self.plan.device,
        )
        return (Sampled(step=step, texts=(self.fitted.decode(torch.cat(list(drawn))),)),)

    @staticmethod
    def _blocks(values_N: np.ndarray) -> Iterator[np.ndarray]:
        """Yield what belongs to the tokens of a stretch block by block, since a long one is measured in the memory of a few."""
        return (values_N[begin : begin + BLOCK_TOKENS] for begin in range(0, len(values_N), BLOCK_TOKENS))

    def outcome(self, log_N: np.ndarray, targets: np.ndarray) -> TokenOutcome:
        """Return log-likelihoods with the number of characters that begin in each token."""
        return TokenOutcome(log_N, self.fitted.num_characters[targets])

    def outcomes(self, task: Task) -> Iterator[TokenOutcome]:
        """Yield the log-likelihoods of what is new in each piece, piece by piece."""
        finisher = self.fitted.finisher().to(self.plan.device)
        answering = LikelihoodOf(Answering(finisher, task.network(), task=self.spec, input_names=("token",)))
        batches = answer_batches(
            answering, self.rows, batch_size=self.batch_size, device=self.plan.device, precision=self.plan.precision
        )
        for numbers, log_BT in batches:
            target_BT = self.rows.take(numbers)["token"][:, 1:].numpy()
            for log_T, target_T, new in zip(log_BT.double().numpy(), target_BT, self.rows.num_new[numbers.numpy()], strict=True):
                yield self.outcome(log_T[-new:], target_T[-new:])


class LikelihoodOf(nn.Module):
    """The log-probability of each right token, [B, T], so that [B, T, V] never leaves the device."""

    def __init__(self, answering: Answering) -> None:
        super().__init__()
        self.answering = answering

    def forward(self, batch: Batch) -> Tensor:
        """Return float32 [B, T]."""
        log_BTV = self.answering(batch)
        target_BT = self.answering.finisher(batch)["target"]
        log_BT: Tensor = log_BTV.gather(-1, target_BT[..., None]).squeeze(-1)
        return log_BT
