"""Small normal initialization: every weight from a normal distribution of one small width, whatever the layer's size.

Use it for transformers with residual streams (0.02 is usual). Plain deep stacks fade with it: take `he` there.

Source: "Language Models are Unsupervised Multitask Learners" (GPT-2), Radford et al. 2019, section 2.3.
Differs from the paper: residual layers are not scaled by depth; an architecture does that with `keeps_own_init`.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.model.init.base import Init

__all__ = ["SmallNormal"]


class SmallNormal(Init):
    """Zero-mean normal weights with a fixed standard deviation."""

    kind: Literal["small_normal"] = "small_normal"
    renamed: ClassVar[dict[str, str]] = {"deviation": "std"}
    std: float = Field(0.02, gt=0, le=1e6, description="Standard deviation of each weight. Typical: 0.005 to 0.05.")

    def fill(self, weight: Tensor, generator: torch.Generator) -> None:
        """Fill one weight in place."""
        nn.init.normal_(weight, 0.0, self.std, generator=generator)
