"""Every micro-benchmark can be run, says what it does, and counts as a training step is counted."""

from collections.abc import Iterator

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tutelage.core import catalog
from tutelage.hardware.bench.base import Benchmark, Case

CPU = torch.device("cpu")
ELSEWHERE = ("transfer", "all_reduce")
"""Those that need a card, or several processes."""
BLIND = ("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention_for_cpu_backward")
"""Operators that torch's own counter does not count."""


def smallest(kind: str) -> Iterator[Case]:
    """Give the smallest piece of each operator and precision."""
    cases: dict[tuple[str, str, str], Case] = {}
    benchmark: Benchmark = catalog.load("benchmark", kind)()
    for case in benchmark.cases(CPU):
        key = (case.op, case.dtype, case.category)
        if key not in cases or case.flops < cases[key].flops:
            cases[key] = case
    yield from cases.values()


KINDS = [kind for kind in catalog.names("benchmark") if kind not in ELSEWHERE]


@pytest.mark.parametrize("kind", KINDS)
def test_every_operator_runs_and_moves_bytes(kind: str) -> None:
    found = list(smallest(kind))
    assert found
    for case in found:
        with torch.set_grad_enabled(case.is_learning):
            prepared = case.make()
            prepared.run()
            prepared.run()
        assert prepared.num_bytes > 0 or case.category == "dispatch", case.op
        assert case.sizes


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_what_cannot_be_measured_here_yields_nothing(kind: str) -> None:
    assert list(catalog.load("benchmark", kind)().cases(CPU)) == []


@pytest.mark.parametrize("kind", ["matmul", "convolution"])
def test_products_are_counted_as_torch_counts_them(kind: str) -> None:
    for case in smallest(kind):
        if "depthwise" in case.category and case.phase == "backward":
            # torch counts the gradient of the weights as if there were one group.
            continue
        prepared = case.make()
        with FlopCounterMode(display=False) as counter:
            prepared.run()
        assert counter.get_total_flops() == pytest.approx(case.flops), (case.op, case.sizes)


def test_the_counter_of_steps_names_benchmarks_as_they_name_themselves() -> None:
    from tutelage.run.machine import described

    for kind in ("matmul", "convolution", "attention", "normalization", "optimizer", "elementwise"):
        for case in smallest(kind):
            if not case.is_operator or case.op in BLIND:
                continue
            found = described(case.make().run)
            assert found is not None, case.op
            assert found.op == case.op
            assert not case.dims or found.dims == case.dims
