"""Arithmetic and bytes of single calls, against what their formulas say on paper."""

import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.work.counter import OperatorCounter
from tutelage.work.formulas import classes
from tutelage.work.result import Counted, Work, join

N, M, K = 6, 5, 4
FLOAT = 4
"""Bytes of a number."""


def only(compute: Callable[[], object], *, op: str) -> Counted:
    """The one call of an operator."""
    with OperatorCounter() as counter:
        compute()
    (found,) = [each for each in counter.work.ops if each.op == op]
    return found


@pytest.mark.parametrize(
    ("compute", "op", "kind", "flops", "read", "written"),
    [
        (lambda x: x + x, "add", "elementwise", N * M, 2 * N * M, N * M),
        (lambda x: torch.add(x, x, alpha=2), "add", "elementwise", 2 * N * M, 2 * N * M, N * M),
        (lambda x: x.mul_(2.0), "mul_", "elementwise", N * M, N * M, N * M),
        (lambda x: x.exp(), "exp", "elementwise", N * M, N * M, N * M),
        (lambda x: x.sum(), "sum", "reduction", N * M, N * M, 1),
        (lambda x: x.softmax(-1), "_softmax", "normalization", 5 * N * M, N * M, N * M),
        (lambda x: x.clone(), "clone", "copy", 0, N * M, N * M),
        (lambda x: torch.zeros(N, M), "zeros", "copy", 0, 0, N * M),
        (lambda x: torch.zeros_like(x), "zeros_like", "copy", 0, 0, N * M),
        (lambda x: x.t(), "t", "view", 0, 0, 0),
        (lambda x: x[:2], "slice", "view", 0, 0, 0),
        (lambda x: torch.empty(N), "empty", "view", 0, 0, 0),
    ],
)
def test_flops_and_bytes_of_a_call(
    compute: Callable[[Tensor], object], op: str, kind: str, flops: int, read: int, written: int
) -> None:
    x = torch.randn(N, M)
    found = only(lambda: compute(x), op=op)
    assert (found.kind, found.flops, found.read, found.written) == (kind, flops, FLOAT * read, FLOAT * written)


def test_what_is_expanded_is_read_once() -> None:
    row = torch.randn(1, M).expand(N, M)
    found = only(lambda: row + torch.ones(N, M), op="add")
    assert found.read == FLOAT * (M + N * M)


def test_a_lookup_reads_the_chosen_rows_alone() -> None:
    table, places = torch.randn(1000, K), torch.tensor([3, 5, 3])
    found = only(lambda: F.embedding(places, table), op="embedding")
    assert (found.read, found.written) == (3 * 8 + 3 * K * FLOAT, 3 * K * FLOAT)
    assert found.flops == 0


def test_the_gradient_of_a_lookup_fills_the_whole_table() -> None:
    table = nn.Parameter(torch.randn(1000, K))
    looked = F.embedding(torch.tensor([3, 5, 3]), table).sum()
    found = only(lambda: looked.backward(), op="embedding_dense_backward")
    assert found.written == FLOAT * (1000 * K + 3 * K)
    assert found.flops == 3 * K


def test_a_bias_is_one_addition_a_number() -> None:
    found = only(lambda: torch.addmm(torch.randn(M), torch.randn(N, K), torch.randn(K, M)), op="addmm")
    assert (found.products, found.others, found.sizes) == (2 * N * K * M, N * M, (1, N, K, M))


@pytest.mark.parametrize(
    ("make", "op", "each", "tensors"),
    [
        # read: weights, gradients, moments; written: weights, moments.
        (lambda p: torch.optim.Adam(p, fused=True), "_fused_adam_", 14, (4, 3)),
        (lambda p: torch.optim.AdamW(p, fused=True, weight_decay=0.1), "_fused_adamw_", 16, (4, 3)),
        (lambda p: torch.optim.SGD(p, lr=0.1, fused=True), "_fused_sgd_", 2, (2, 1)),
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, fused=True), "_fused_sgd_", 6, (3, 2)),
    ],
)
def test_an_update_reads_weights_gradients_and_moments_and_writes_all_but_gradients(
    make: Callable[[list[nn.Parameter]], torch.optim.Optimizer], op: str, each: int, tensors: tuple[int, int]
) -> None:
    parameter = nn.Parameter(torch.randn(100))
    optimizer = make([parameter])
    for _ in range(2):
        parameter.grad = torch.randn(100)
        with OperatorCounter("update") as counter:
            optimizer.step()
    (found,) = [each for each in counter.work.ops if each.op == op]
    assert found.kind == "optimizer"
    assert found.others == each * 100
    # A count of steps lies beside.
    assert found.read - FLOAT * 100 * tensors[0] in (0, 4)
    assert found.written - FLOAT * 100 * tensors[1] in (0, 4)


def test_an_operator_of_somebody_elses_is_told_as_uncovered() -> None:
    @torch.library.custom_op("tests_work::mystery", mutates_args=())
    def mystery(x: Tensor) -> Tensor:
        return x.clone()

    with OperatorCounter() as counter:
        mystery(torch.ones(N)) + 1
    assert counter.work.uncovered == {"tests_work::mystery": 1}
    assert 0 < counter.work.coverage < 1
    assert counter.work.op_coverage == pytest.approx(2 / 3)


def test_classes_are_the_files_of_the_folder() -> None:
    assert {"attention", "convolution", "copy", "elementwise", "embedding", "matmul", "normalization"} < set(classes())


def test_work_is_written_as_json_and_joined() -> None:
    with OperatorCounter() as counter:
        torch.ones(N) * 2
    twice = join([counter.work, counter.work])
    assert twice.flops == 2 * counter.work.flops == 2 * N
    assert twice.num_ops == 4
    assert json.loads(json.dumps(twice.record()))["flops"] == 2 * N
    assert Work().coverage == 1.0


def test_work_is_told_by_part_and_class() -> None:
    weight = nn.Parameter(torch.randn(K, M))
    with OperatorCounter() as counter:
        (torch.randn(N, K) @ weight).sum().backward()
    by = counter.work.by("part", "kind")
    assert by["forward", "matmul"].matmul_flops == by["backward", "matmul"].matmul_flops == 2 * N * K * M
