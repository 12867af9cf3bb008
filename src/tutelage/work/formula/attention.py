"""Fused attention: scores of all queries with all keys, softmax, and the values weighted by it, in one kernel.

Forward: 2 E for each pair of a query and a key (scores) and 2 V (weighting), E and V being the widths of keys and values.
Backward: scores anew, and the gradients by weights, values, queries and keys: 2 (3 E + 2 V) a pair.
Source: Dao et al., "FlashAttention", 2022, arXiv 2205.14135, algorithms 1 and 4.
Differs from torch's own counter: under a causal mask the kernels pass over what no query sees; that part is told as `skipped`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tutelage.work.call import Call, Cost, Operand

__all__ = ["OPERATORS"]

SOFTMAX, SOFTMAX_BACKWARD = 5, 6
"""Operations a pair beside products. Forward: scale, maximum, subtract, exponential, sum.

Backward: scale, subtract, exponential; then subtract, multiply, scale.
"""


class _Pairs(NamedTuple):
    """Pairs of a query and a key, over batch and heads."""

    seen: int
    hidden: int
    key_width: int
    value_width: int
    sizes: tuple[int, ...]
    num_queries: int


def forward(call: Call) -> Cost:
    """Count the forward pass."""
    pairs = _pairs(call)
    each = 2 * (pairs.key_width + pairs.value_width)
    has_mask = any(isinstance(call.values.get(name), Operand) for name in ("attn_mask", "attn_bias"))
    others = (SOFTMAX + has_mask) * pairs.seen + pairs.num_queries * pairs.value_width
    return Cost(products=each * pairs.seen, others=others, skipped=each * pairs.hidden, sizes=pairs.sizes)


def backward(call: Call) -> Cost:
    """Count the backward pass."""
    pairs = _pairs(call)
    each = 2 * (3 * pairs.key_width + 2 * pairs.value_width)
    others = SOFTMAX_BACKWARD * pairs.seen + 2 * pairs.num_queries * pairs.value_width
    return Cost(products=each * pairs.seen, others=others, skipped=each * pairs.hidden, sizes=pairs.sizes)


def _pairs(call: Call) -> _Pairs:
    """Return how many pairs there are; [B, H, T, E] each, queries may have more heads than keys."""
    query, key, value = (call.operand(name) for name in ("query", "key", "value"))
    batch, heads, num_queries, key_width = query.sizes
    num_keys, value_width = key.sizes[-2], value.sizes[-1]
    all_pairs = seen = num_queries * num_keys
    if call.values.get("is_causal"):
        # The n-th query sees the first n keys.
        whole = max(num_queries - num_keys, 0)
        ramp = num_queries - whole
        seen = ramp * (ramp + 1) // 2 + whole * num_keys
    num, sizes = batch * heads, (batch * heads, num_queries, num_keys, key_width, value_width)
    return _Pairs(num * seen, num * (all_pairs - seen), key_width, value_width, sizes, num * num_queries)


NAMES = (
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_fused_attention_overrideable",
)
OPERATORS: Mapping[str, Callable[[Call], Cost]] = dict.fromkeys(NAMES, forward) | {f"{name}_backward": backward for name in NAMES}
