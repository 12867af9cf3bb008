"""What a language model is measured by: the surprise at each token of one stretch, beside and together with a plain floor.

Shape letters: B pieces, T tokens of a piece, N tokens of a stretch, V vocabulary.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.events import Event, Sampled
from tutelage.core.seeds import derive
from tutelage.data.part.base import Part
from tutelage.data.prepare.running_text import FittedText
from tutelage.data.rows.pieces import PieceRows
from tutelage.floor.tokens import TokensFitted, mixed_logs
from tutelage.metric.token_outcome import TokenOutcome
from tutelage.planning.plan import Plan
from tutelage.task.answering import Answering, answer_batches
from tutelage.task.base import Batch, Task, TaskSpec
from tutelage.task.companion import whose
from tutelage.task.measured import Measured, UnitTallies
from tutelage.task.sampling import Drawing, FloorVoice, draw_tokens
from tutelage.task.text_beside import TextBeside

__all__ = ["TextEvaluator", "text_outcomes"]

BLOCK_TOKENS = 2**20
"""Tokens that are measured at once where no network is asked."""
BATCH_SIZE = 64
"""Pieces at a time."""
MORE_STEPS, LEAST_STEPS = 4, 250
"""How much longer to train where counting is better than the network; of steps, as if there had been at least so many."""


@dataclass(frozen=True)
class TextEvaluator(Measured):
    """Measures the surprise at every character of one stretch, and generates text to look at.

    Attributes:
        name: The part's name, which begins the metrics' names, such as `val`.
        spec: The task.
        plan: Metrics, device, precision.
        fitted: The preprocessing.
        part: The stretch.
        frequencies: Returns how often each token is in the train part, as a fraction > 0: float64 [V].
        beside: The floor; None where there is none.
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
    frequencies: Callable[[], np.ndarray]
    beside: TextBeside | None
    sample_length: int
    temperature: float
    is_watched: bool = False
    batch_size: int = BATCH_SIZE

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def num_measured(self) -> int:
        """Tokens that are predicted: a piece is one row of many of them."""
        return int(self.rows.num_new.sum())

    @cached_property
    def rows(self) -> Any:
        """The stretch in pieces that overlap by half."""
        return self.fitted.pieces(self.part)

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/nats_per_character`."""
        return self.measure(self.outcomes(task))

    def final(self, task: Task) -> dict[str, Any]:
        """Return metrics of what leaves, 95 % intervals from the spread between pieces, and what guessing and the floor reach."""
        alone, tallies = self.tallies(), self.tallies()
        units = [UnitTallies(metric, num_units=len(self)) for metric in self.metrics]
        log_N = None if self.beside is None else self.beside.log_likelihoods(self.rows.tokens)
        for network, outcome in self._leaving(self.outcomes(task), log_N):
            for by_itself, tally, own in zip(alone, tallies, units, strict=True):
                by_itself.add(network)
                tally.add(outcome)
                own.add(outcome)
        values = self.named(tally.value() for tally in tallies)
        intervals = [own.interval(seed=self.plan.seed, estimate=value) for own, value in zip(units, values.values(), strict=True)]
        described = f"guessing each of the {self.fitted.unit} as often as it stands in the train part"
        sample = self._sample_leaving(task) if self.is_watched else {}
        record = {**self.record(values, intervals=intervals, baseline=self.guess(), described=described), **sample}
        if self.beside is None or log_N is None:
            return record
        scores = {
            "network": self.named(tally.value() for tally in alone),
            "floor": self.measure(map(self.outcome, self._blocks(log_N), self._blocks(self.rows.tokens[1:]))),
        }
        warnings = self._worse(self.beside, scores["network"], scores["floor"]) if self.is_watched else []
        return {**record, "floor": {**self.beside.record(), "metrics": scores}, "warnings": warnings}

    def choose(self, task: Task) -> str:
        """Decide with the best weights how much of what leaves the floor says, and return why; "" without a floor."""
        if self.beside is None:
            return ""
        self.beside.choose(np.concatenate([outcome.log_likelihood for outcome in self.outcomes(task)]), self.rows.tokens)
        return self.beside.reason

    def _leaving(self, outcomes: Iterable[TokenOutcome], log_N: np.ndarray | None) -> Iterator[tuple[TokenOutcome, TokenOutcome]]:
        """Yield what the network says, piece by piece, and what leaves; `log_N` is what the floor says of the whole stretch."""
        begin = 0
        for outcome in outcomes:
            end = begin + len(outcome.log_likelihood)
            mixed = outcome
            if self.beside is not None and log_N is not None and self.beside.share:
                logs = mixed_logs(outcome.log_likelihood, log_N[begin:end], share=self.beside.share)
                mixed = TokenOutcome(logs, outcome.num_characters)
            yield outcome, mixed
            begin = end

    def measure_guess(self) -> Mapping[str, float]:
        """Return what the frequencies of the tokens reach, whatever stands before."""
        log_V = np.log(self.frequencies())
        return self.measure(self.outcome(log_V[targets], targets) for targets in self._blocks(self.rows.tokens[1:]))

    def _worse(self, beside: TextBeside, network: Mapping[str, float], floor: Mapping[str, float]) -> list[str]:
        """Warn where the network is worse than counting."""
        watched = next(metric for metric in self.metrics if metric.kind == self.plan.watched)
        own, counted = (scores[f"{self.name}/{watched.kind}"] for scores in (network, floor))
        if own == counted or (own > counted) == watched.greater_is_better:
            return []
        steps = max(self.plan.total_steps, LEAST_STEPS)
        # How long is enough, where there was a time, is told by what has measured its steps (a probe): two numbers would differ.
        longer = "" if self.plan.time_seconds else f", such as --steps {MORE_STEPS * steps}"
        return [
            f"the network is worse than counting: {watched.title} {own:.3f} on the {self.part.name} part, where "
            f"{beside.noun} reach {counted:.3f}. What leaves is {whose(beside.share)}. Train longer{longer}; "
            f"more text helps a network too"
        ]

    def events(self, task: Task, *, step: int) -> Sequence[Event]:
        """Return a text that the network generates."""
        return (Sampled(step=step, texts=(self._written(task, step=step),)),) if self.sample_length else ()

    def _sample_leaving(self, task: Task) -> dict[str, Any]:
        """Return a text written as `generate` will write: by the network, and the floor where it has a share."""
        if not self.sample_length:
            return {}
        beside, voice = self.beside, None
        if beside is not None and beside.share and isinstance(beside.fitted, TokensFitted):
            voice = FloorVoice(beside.fitted, beside.share)
        return {"leaving_sample": self._written(task, voice=voice)}

    def _written(self, task: Task, *, step: int = 0, voice: FloorVoice | None = None) -> str:
        """Return a text of `sample_length` tokens."""
        drawn = draw_tokens(
            task.network(),
            [self.fitted.start],
            num_texts=1,
            num_tokens=self.sample_length,
            length=self.fitted.length,
            drawing=Drawing(self.temperature, never=self.fitted.never_drawn),
            seed=derive(self.plan.seed, "sample", step),
            device=self.plan.device,
            voice=voice,
        )
        return self.fitted.decode(torch.cat(list(drawn)))

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
        answering = Answering(finisher, task.network(), task=self.spec, input_names=("token",))
        return text_outcomes(
            answering,
            self.fitted,
            self.rows,
            batch_size=self.batch_size,
            device=self.plan.device,
            precision=self.plan.precision,
        )


def text_outcomes(
    answering: Answering, fitted: FittedText, rows: PieceRows, *, device: str, precision: str, batch_size: int = BATCH_SIZE
) -> Iterator[TokenOutcome]:
    """Yield what a network says of what is new in each piece of a text, piece by piece.

    Args:
        answering: The network with what stands before and behind it.
        fitted: The preprocessing.
        rows: The text in pieces that overlap.
        device: Where the network is.
        precision: How it computes.
        batch_size: Pieces at a time.
    """
    batches = answer_batches(LikelihoodOf(answering), rows, batch_size=batch_size, device=device, precision=precision)
    for numbers, log_BT in batches:
        target_BT = rows.take(numbers)["token"][:, 1:].numpy()
        for log_T, target_T, new in zip(log_BT.double().numpy(), target_BT, rows.num_new[numbers.numpy()], strict=True):
            yield TokenOutcome(log_T[-new:], fitted.num_characters[target_T[-new:]])


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
