"""What one sample of a model costs: floating-point operations and bytes, worked out from its size.

Source: Kaplan et al., Scaling laws for neural language models, 2020, arXiv 2001.08361, eq. 2.1 and 2.2 (6 N for each token);
Chowdhery et al., PaLM, 2022, arXiv 2204.02311, appendix B (12 L d T for attention); Korthikanti et al., Reducing activation
recomputation, 2022, arXiv 2205.05198, appendix A (a third more with full recomputation).
Differs from the papers: attention is counted in full for causal models too, since half of it runs at half the rate.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from tutelage.core.errors import UsageError
from tutelage.foresight.wish import Kind, RunWish

__all__ = ["Demand", "demand_of", "known_models"]

ASPECT = 100.0
"""Width over layers of a transformer where neither is said; 64 to 130 in published ones."""
CONTEXT = 2048.0
"""Tokens of a sequence where none is said."""
TOKEN_BYTES = 120.0
"""Traffic of one layer for each token and number of its width, forward and backward: sixty passes of two bytes over the residual
stream and what is next to it."""
OUTPUT_BYTES = 60.0
"""Traffic for each output of an image model's layers: thirty passes of two bytes by normalization, activation, their backward."""
RECOMPUTED = 4 / 3


@dataclass(frozen=True, slots=True)
class Demand:
    """What one sample costs.

    Attributes:
        kind: Token of a transformer, or image.
        flops: Forward and backward, a multiply-add counted as two; what models are compared by.
        executed: The same with what is computed again.
        num_bytes: To and from memory.
        context: Tokens of a sequence; 0 for images.
        assumptions: What was not said and had to be guessed.
    """

    kind: Kind
    flops: float
    executed: float
    num_bytes: float
    context: float
    assumptions: tuple[str, ...] = ()


@cache
def known_models() -> Mapping[str, Mapping[str, Any]]:
    """Return what is known of each model by its name; `kind` says of which sort it is."""
    text = resources.files("tutelage.foresight").joinpath("families.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    transformers = {name: {**values, "kind": "transformer"} for name, values in tables["transformers"].items()}
    return transformers | {name: {**values, "kind": "images"} for name, values in tables["images"].items()}


def demand_of(wish: RunWish) -> Demand:
    """Return what one sample of a run costs.

    Raises:
        UsageError: The model is unknown, or its size is not said.
    """
    known = _known(wish.model) if wish.model else {}
    if known.get("kind", wish.kind) == "images":
        return _image(wish, known=known)
    return _token(wish, known=known)


def _known(name: str) -> Mapping[str, Any]:
    """Return what is known of a model."""
    models = known_models()
    if name.lower() in models:
        return models[name.lower()]
    near = difflib.get_close_matches(name.lower(), models, n=3, cutoff=0.5)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise UsageError(f"model {name!r} is not known.{hint} Give its size instead: params, or FLOPs of a sample.")


def _token(wish: RunWish, *, known: Mapping[str, Any]) -> Demand:
    """Return what one token costs."""
    guessed = []
    params = wish.params or known.get("params", 0) * 1e6
    if not params and not wish.sample_flops:
        raise UsageError("the model's size is not said. Give params, or sample_flops, or the name of a known model.")
    params = params or wish.sample_flops / 6
    context = wish.context or float(known.get("context", 0))
    if not context:
        context = CONTEXT
        guessed.append(f"sequences of {CONTEXT:.0f} tokens")
    width, layers = float(wish.width or known.get("width", 0)), float(wish.layers or known.get("layers", 0))
    if not (width and layers):
        width = (params * ASPECT / 12) ** (1 / 3)
        layers = params / 12 / width**2
        guessed.append(f"about {layers:.0f} layers of width {width:.0f}, from the parameters")
    flops = wish.sample_flops or 6 * params + 12 * layers * width * context
    executed = flops * (RECOMPUTED if wish.is_recomputed else 1.0)
    return Demand("transformer", flops, executed, TOKEN_BYTES * width * layers, context, tuple(guessed))


def _image(wish: RunWish, *, known: Mapping[str, Any]) -> Demand:
    """Return what one image costs."""
    larger = (wish.side / known["side"]) ** 2 if wish.side and known else 1.0
    flops = wish.sample_flops or known.get("gmacs", 0) * 6e9 * larger
    outputs = wish.sample_outputs or known.get("outputs", 0) * 1e6 * larger
    if not flops or not outputs:
        raise UsageError("the cost of an image is not said. Give sample_flops and sample_outputs, or the name of a known model.")
    executed = flops * (RECOMPUTED if wish.is_recomputed else 1.0)
    return Demand("images", flops, executed, OUTPUT_BYTES * outputs, 0.0)
