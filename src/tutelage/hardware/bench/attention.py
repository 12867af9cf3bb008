"""Attention with softmax as one kernel, as torch has it, forward and backward, causal and not."""

from collections.abc import Iterator
from typing import Literal

import torch

from tutelage.hardware.bench.base import Benchmark, Case, Prepared, bytes_of, called, dtypes_of, name_of

__all__ = ["Attention"]

SIZES = ((16, 4, 64, 32), (16, 8, 128, 16), (64, 4, 64, 32), (8, 4, 256, 32), (16, 4, 128, 64), (1, 4, 512, 64))
"""B, H, T, D."""
FORWARD, BACKWARD = "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention_for_cpu_backward"


class Attention(Benchmark):
    """Each step of a sequence looks at the others."""

    kind: Literal["attention"] = "attention"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield sequences of several lengths."""
        for dtype in dtypes_of(device):
            if device.type == "cuda" and dtype == torch.float32:
                continue
            for sizes in SIZES:
                for is_causal in (False, True):
                    yield from _both_ways(sizes, (device, dtype), is_causal=is_causal)


def _both_ways(sizes: tuple[int, int, int, int], place: tuple[torch.device, torch.dtype], *, is_causal: bool) -> Iterator[Case]:
    """Yield the forward and the backward pass."""
    batch, heads, steps, numbers = sizes
    device, dtype = place
    # Half of all pairs where nothing looks ahead: what is masked as a whole is skipped.
    flops = 4.0 * batch * heads * steps * steps * numbers * (0.5 if is_causal else 1.0)

    def made(count: int) -> list[torch.Tensor]:
        # As a layer makes them: the heads lie beside one another in memory.
        return [torch.randn(batch, steps, heads, numbers, device=device).to(dtype).transpose(1, 2) for _ in range(count)]

    def forward() -> Prepared:
        query, key, value = made(3)
        if device.type == "cpu":
            return called(FORWARD, query, key, value, 0.0, is_causal)
        attend = torch.nn.functional.scaled_dot_product_attention
        total = bytes_of([query, key, value, query])
        return Prepared(lambda: attend(query, key, value, is_causal=is_causal), total)

    def backward() -> Prepared:
        query, key, value, slope = made(4)
        if device.type == "cpu":
            out, logsum = getattr(torch.ops.aten, FORWARD)(query, key, value, 0.0, is_causal)
            return called(BACKWARD, slope, query, key, value, out, logsum, 0.0, is_causal)
        for each in (query, key, value):
            each.requires_grad_()
        made_out = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=is_causal)
        total = bytes_of([query, key, value, slope, made_out, query.detach(), key.detach(), value.detach()])
        return Prepared(lambda: torch.autograd.grad(made_out, (query, key, value), slope, retain_graph=True), total)

    is_card = device.type == "cuda"
    dims = (batch * heads, steps, steps, numbers, numbers)
    shown = f"{batch} x {heads} heads x {steps} steps x {numbers}{', causal' if is_causal else ''}"
    yield Case(FORWARD, "attention", name_of(dtype), shown, flops, forward, dims=dims, is_learning=is_card)
    # Five products to the forward pass's two: what was not kept is computed again.
    yield Case(
        BACKWARD, "attention", name_of(dtype), shown, 2.5 * flops, backward, phase="backward", dims=dims, is_learning=is_card
    )
