"""Where a run stands, counted in steps and samples."""

from dataclasses import dataclass

__all__ = ["Clock"]


@dataclass(slots=True)
class Clock:
    """Counters that only the loop advances.

    Attributes:
        step: Optimizer steps done (batches; a beat of several phases counts once).
        samples: Training samples seen.
        epoch_size: Samples in one epoch; 0 where the stream is endless.
    """

    step: int = 0
    samples: int = 0
    epoch_size: int = 0

    @property
    def epoch(self) -> float:
        """Passes over the training data so far, with its fraction; 0 where the stream is endless."""
        return self.samples / self.epoch_size if self.epoch_size else 0.0

    def tick(self, batch_size: int) -> None:
        """Count one step over `batch_size` samples."""
        self.step += 1
        self.samples += batch_size
