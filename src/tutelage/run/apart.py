"""What a step is made of: the loader alone, the computing alone, and the computing of half a batch.

Only for a training that is tried and thrown away: the stream moves on and the weights change.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

import torch

from tutelage.task.base import Batch
from tutelage.training.state import TrainState

__all__ = ["Apart", "time_apart"]

ROUNDS, MOST_SECONDS = 8, 1.5
"""Times that each is measured, and about how long each may take."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Seconds of the parts of a step.

    Attributes:
        loader: Of the next batch, ready for the model.
        device: Of a step on a batch that is there.
        half: Of a step on half of it; 0 where a batch cannot be halved.
    """

    loader: float
    device: float
    half: float = 0.0

    @property
    def fixed(self) -> float:
        """Seconds of a step that do not depend on how many rows it has."""
        return max(2 * self.half - self.device, 0.0) if self.half else 0.0

    def record(self) -> dict[str, Any]:
        """Return JSON values."""
        return {key: round(value, 6) for key, value in asdict(self).items()} | {"fixed": round(self.fixed, 6)}


def time_apart(state: TrainState) -> Apart | None:
    """Time them; None where batches come from acting, so that there is no loader by itself."""
    stream, task, step = state.stream, state.task, state.step
    if not stream.epoch_size:
        return None
    drawing = torch.Generator()

    def load() -> Batch:
        batch = stream.next()
        return task.draw(batch, drawing.manual_seed(0)) if task.draws else batch

    loader = _median(lambda: load())
    batch, beat = load(), task.usual_beat(0)
    rows = min(len(value) for value in batch.values())
    device = _median(lambda: step(beat, batch, 0.0))
    is_halved = rows >= 4 and step.num_micro == 1 and step.options.compile == "none"
    half = {key: value[: rows // 2] for key, value in batch.items()}
    return Apart(loader, device, _median(lambda: step(beat, half, 0.0)) if is_halved else 0.0)


def _median(call: Any) -> float:
    """Return the median time of a few calls, the first one left out."""
    times: list[float] = []
    began = time.monotonic()
    while len(times) < ROUNDS + 1 and time.monotonic() - began < MOST_SECONDS:
        start = time.perf_counter()
        call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    warm = sorted(times[1:] or times)
    return warm[len(warm) // 2]
