"""Whether a generator's samples are looked at by a judge before they leave: decided at the end by held-out samples.

The judge is a critic that starts anew when the generator has stopped: one that has chased it knows what it made a moment ago,
not what it makes now. It learns to tell train samples from generated ones, and what it takes for surely generated is made once
more (`model/layers/rejecting.py`). Held-out real samples say where "surely" begins, and whether it helps.

Source: Azadi et al., "Discriminator Rejection Sampling", 2018, arXiv 1810.06758.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.gain import Gain
from tutelage.core.seeds import derive
from tutelage.model.layers.rejecting import Judge, Rejecting
from tutelage.planning.decisions import Decisions
from tutelage.task.compared import Compared
from tutelage.task.latents import with_classes
from tutelage.task.modes import evaluation_mode

__all__ = ["AT_ONCE", "Rejection", "choose_rejection"]

STEPS, AT_ONCE, LEARNING_RATE = 1_000, 256, 2e-3
"""Of the judge, at most: some seconds for points (docs/LOG.md)."""
STEPS_FOR_ONE, LEAST_STEPS = 8, 50
"""Steps of the training for each one of the judge; with fewer of its own than that it knows nothing."""
TIMED = 3
SURELY = -3.0
"""Log-odds below which a sample is one of twenty of its kind: the other nineteen are generated too."""
LOST = 0.01
"""Share of held-out real samples that the judge may reject: where it has learned train samples by heart, the cut lies lower."""
SURE = 2.0
"""Standard errors that the gain has to be more than: each sample costs twice as much."""


def choose_rejection(wish: Literal["auto", "on", "off"], *, is_picture: bool, made: Decisions) -> Literal["auto", "on", "off"]:
    """Return whether there may be a judge."""
    chosen: Literal["on", "off"] = "off" if is_picture else "on"
    granted = chosen if wish == "auto" else wish
    why = "of pictures it learns the train samples by heart" if is_picture else "some samples fall between where data lie"
    made.choose("task.rejection", wish, granted, why)
    return granted


class Maker(Protocol):
    """Settings of a generator: what a judge of its samples has to know."""

    @property
    def critic(self) -> Any:
        """The judge's architecture, a component."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Dimensions of a sample."""

    @property
    def latent_size(self) -> int:
        """Random numbers that a sample starts from."""

    @property
    def classes(self) -> int:
        """Classes that may be asked for."""

    @property
    def rejection(self) -> str:
        """Whether there may be a judge: `on` or `off`, decided."""


@dataclass
class Rejection:
    """The judge of one training.

    Attributes:
        spec: What is known of the generator.
        compared: Real samples.
        shape: What the judge takes.
        seen: What makes samples of outputs, as they will be when they leave.
        device: Where to compute.
        seed: The run's.
        batch_size: Samples of each kind that the judge looks at together.
        judge: What has learned to tell samples apart; None before, and where it does not help.
        reason: Why, for people; "" before.
        found: What was measured.
    """

    spec: Maker
    compared: Compared
    shape: Any
    seen: nn.Module
    device: str
    seed: int
    batch_size: int = AT_ONCE
    judge: Judge | None = None
    reason: str = ""
    found: dict[str, float] = field(default_factory=dict)

    def around(self, network: nn.Module) -> nn.Module:
        """Return the generator with the judge, or as it is where there is none."""
        return network if self.judge is None else self._with(network, self.judge)

    def reserve_seconds(self, network: nn.Module) -> float:
        """Return how long a judge would learn at most, by a few steps of it."""
        if self.spec.rejection != "on":
            return 0.0
        # What is made once, and the first steps, which build kernels, are not timed.
        self._learned(network, steps=TIMED)
        began = time.perf_counter()
        self._learned(network, steps=TIMED)
        if torch.device(self.device).type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - began) / TIMED * STEPS

    def decide(self, network: nn.Module, scores: Callable[[], Sequence[float]], *, trained: int) -> None:
        """Decide with the weights that leave.

        Args:
            network: The generator.
            scores: Measures what `around(network)` makes, in several draws, the same ones each time; more is better.
            trained: Steps that were planned for the training.
        """
        steps = min(STEPS, trained // STEPS_FOR_ONE)
        if self.spec.rejection != "on" or steps < LEAST_STEPS:
            return
        before = np.array(scores())
        if not np.isfinite(before).all():
            # Too few held-out samples to measure by.
            return
        self.judge, rejected = self._with_cut(network, self._learned(network, steps=steps))
        cut = self.judge.cut
        after = np.array(scores())
        gain = Gain.of(after - before)
        is_better = gain.is_clear(errors=SURE)
        if not is_better:
            self.judge = None
        self.found = {
            "before": abs(float(before.mean())),
            "after": abs(float(after.mean())),
            "error": gain.error,
            "rejected": rejected,
            "cut": cut,
        }
        self.reason = (
            f"a judge takes {rejected:.1%} of the samples for surely generated. With these made once more, what is judged by "
            f"on the "
            f"validation part is {abs(after.mean()):.4g}, else {abs(before.mean()):.4g}: "
            f"{'more' if is_better else 'not more'} "
            f"than {SURE:g} standard errors (each {gain.error:.2g}) better. They are "
            f"{'made once more, so each sample costs twice as much' if is_better else 'kept'}"
        )

    def record(self) -> dict[str, Any]:
        """Return what result.json says of it; {} where nothing was decided."""
        return {"is_on": self.judge is not None, **self.found} if self.found else {}

    def _with(self, network: nn.Module, judge: Judge) -> Rejecting:
        """Return the generator with a judge."""
        return Rejecting(network, judge, seen=self.seen, sizes=self.spec.sizes, latent_size=self.spec.latent_size)

    def _learned(self, network: nn.Module, *, steps: int) -> Judge:
        """Return a judge that has learned; the default generator stays as the training left it."""
        device = torch.device(self.device)
        # Dropout draws from the default generators, of the card too: they stay as the training left them.
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.default_generator.manual_seed(derive(self.seed, "rejection init"))
            if device.type == "cuda":
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(derive(self.seed, "rejection init"))
            judge = Judge(self.spec.critic, self.spec.critic.build(self.shape, max(self.spec.classes, 1)), SURELY)
            self._teach(replace(judge, network=judge.network.to(self.device)), network, steps=steps)
        judge.network.eval()
        return judge

    def _teach(self, judge: Judge, network: nn.Module, *, steps: int) -> None:
        """Let a judge learn to tell train samples from generated ones."""
        generator = torch.Generator().manual_seed(derive(self.seed, "rejection"))
        both = self._with(network, judge)
        optimizer = torch.optim.Adam(judge.network.parameters(), lr=LEARNING_RATE)
        truth = torch.cat([torch.ones(self.batch_size), torch.zeros(self.batch_size)]).to(self.device)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / steps)
            real, latent = self._drawn(generator)
            with torch.no_grad(), evaluation_mode(network):
                made = self.seen(network(latent)).view(real.shape)
            with torch.enable_grad():
                score = both.log_odds_of(torch.cat([real, made]), torch.cat([latent, latent]))
                optimizer.zero_grad()
                F.binary_cross_entropy_with_logits(score, truth).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def _drawn(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return real train samples [B, ...], and latents [B, Z + C] of their classes."""
        rows = torch.randint(len(self.compared.train_samples), (self.batch_size,), generator=generator)
        latent = torch.randn(self.batch_size, self.spec.latent_size, generator=generator)
        target = self.compared.train.target
        classes = None if target is None or not self.spec.classes else target[rows]
        latent = with_classes(latent, classes, self.spec.classes)
        return self.compared.train_samples[rows].to(self.device), latent.to(self.device)

    @torch.no_grad()
    def _with_cut(self, network: nn.Module, judge: Judge) -> tuple[Judge, float]:
        """Return a judge that rejects hardly any held-out real sample, and which share of the generated ones it does."""
        held, both = self.compared["validation"], self._with(network, judge)
        generator = torch.Generator().manual_seed(derive(self.seed, "rejection cut"))
        latent = torch.randn(len(held.samples), self.spec.latent_size, generator=generator)
        latent = with_classes(latent, held.classes, self.spec.classes)
        odds: dict[str, list[Tensor]] = {"real": [], "made": []}
        with evaluation_mode(network):
            for real, start in zip(torch.split(held.samples, self.batch_size), torch.split(latent, self.batch_size), strict=True):
                start = start.to(self.device)
                odds["real"].append(both.log_odds_of(real.to(self.device), start).cpu())
                odds["made"].append(both.log_odds(network(start), start).cpu())
        cut = min(SURELY, float(torch.quantile(torch.cat(odds["real"]), LOST)))
        return replace(judge, cut=cut), float((torch.cat(odds["made"]) < cut).float().mean())
