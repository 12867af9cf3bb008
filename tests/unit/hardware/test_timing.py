"""Pieces of work are timed within a bound, and those that a device cannot do are left out."""

import time

import pytest
import torch

from tutelage.hardware.bench.base import Case, Prepared, bytes_of, called
from tutelage.hardware.timing import Described, Timer, time_cases

CPU = torch.device("cpu")


def sleeping(seconds: float, *, calls: int = 1) -> Case:
    return Case("sleep", "sleep", "float32", "", 10.0, lambda: Prepared(lambda: time.sleep(seconds), 100.0), calls=calls)


def test_a_piece_takes_as_long_as_it_takes() -> None:
    (point,) = time_cases([sleeping(0.004)], timer=Timer(CPU, limit_seconds=10))
    # Sleeping takes a little longer than asked for, on a busy machine much.
    assert 0.004 <= point.seconds < 0.02
    assert point.flops_per_second == pytest.approx(10 / point.seconds)
    assert point.bytes_per_second == pytest.approx(100 / point.seconds)


def test_a_chain_is_told_by_the_call() -> None:
    (point,) = time_cases([sleeping(0.004, calls=4)], timer=Timer(CPU, limit_seconds=10))
    assert 0.001 <= point.seconds < 0.005
    assert point.num_bytes == 25


def test_what_a_device_cannot_do_is_left_out() -> None:
    def refuse() -> Prepared:
        raise NotImplementedError("no such kernel")

    cases = [Case("none", "none", "float32", "", 0.0, refuse), sleeping(0.001)]
    assert [point.op for point in time_cases(cases, timer=Timer(CPU, limit_seconds=10))] == ["sleep"]


def test_nothing_is_begun_once_the_time_is_over() -> None:
    assert time_cases([sleeping(0.001)] * 3, timer=Timer(CPU, limit_seconds=0)) == []


def test_progress_ends_at_the_whole() -> None:
    told: list[float] = []
    time_cases([sleeping(0.0005)] * 2, timer=Timer(CPU, limit_seconds=10, tell=told.append))
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_a_counter_has_the_last_word_on_what_a_call_is() -> None:
    counted = Described("mm", "matmul", "float32", (1, 2, 3, 4), 48.0, 96.0)
    (point,) = time_cases([sleeping(0.0005)], timer=Timer(CPU, limit_seconds=10, describe=lambda _: counted))
    assert (point.op, point.category, point.dims, point.flops, point.num_bytes) == ("mm", "matmul", (1, 2, 3, 4), 48.0, 96.0)


def test_bytes_count_each_tensor_once_and_what_is_repeated_as_it_lies_in_memory() -> None:
    x = torch.zeros(4)
    assert bytes_of([x, [x, torch.zeros(2, dtype=torch.bfloat16)], 3, None]) == 16 + 4
    assert bytes_of([torch.zeros(1).expand(1000)]) == 4


def test_a_call_counts_what_it_returns() -> None:
    prepared = called("add.Tensor", torch.zeros(8), torch.zeros(8))
    assert prepared.num_bytes == 3 * 32
    assert torch.equal(prepared.run(), torch.zeros(8))  # type: ignore[arg-type]
