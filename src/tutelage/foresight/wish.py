"""What a user knows of a run of which nothing has been measured."""

import math
from dataclasses import dataclass
from typing import Literal

from tutelage.core.errors import UsageError

__all__ = ["Kind", "Precision", "RunWish"]

Kind = Literal["transformer", "images"]
Precision = Literal["fp32", "tf32", "fp16", "bf16", "fp8"]
PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "fp8")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """A run: the work, and what it is to be done on.

    The work is given by a known model's name, or by the size of a transformer, or by what one sample costs. A sample is a token
    of a transformer and an image otherwise.

    Attributes:
        hardware: Name of the device, such as `A100 80GB`.
        devices: How many.
        precision: Number format of the matrix products; `fp16` and `bf16` also stand for mixed precision.
        model: Name of a known model, such as `resnet50` or `llama3-8b`; empty where the numbers below say it.
        kind: What the numbers below describe.
        samples: Tokens or images of the whole run, counted as often as they are seen.
        params: Parameters that take part in each token.
        layers, width: Of a transformer; 0: guessed from the parameters.
        context: Tokens of a sequence; 0: 2,048.
        sample_flops: Forward and backward FLOPs of one sample; 0: worked out.
        sample_outputs: Numbers that all layers give for one image; 0: taken from the known model.
        side: Side of an image in pixels, where it is not the one the model is known for.
        is_recomputed: Whether all activations are computed again in the backward pass.
        is_whole: Whether the wall time of a long run is asked for, with evaluation, restarts and waiting, or bare training.
    """

    hardware: str
    samples: float
    devices: int = 1
    precision: Precision = "bf16"
    model: str = ""
    kind: Kind = "transformer"
    params: float = 0.0
    layers: int = 0
    width: int = 0
    context: float = 0.0
    sample_flops: float = 0.0
    sample_outputs: float = 0.0
    side: float = 0.0
    is_recomputed: bool = False
    is_whole: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be a run.

        Raises:
            UsageError: A number is out of range, or the precision is unknown.
        """
        if self.precision not in PRECISIONS:
            raise UsageError(f"precision = {self.precision!r}: unknown. Known: {', '.join(PRECISIONS)}.")
        for name in ("samples", "devices"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} = {value:g}: must be a finite number > 0.")
        for name in ("params", "context", "sample_flops", "sample_outputs", "side"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{name} = {value:g}: must be a finite number, at least 0 (0: not said).")
