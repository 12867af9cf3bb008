"""When a loss is no longer finite: seen on a card without waiting for it. On a CPU: test_jobs; several processes: tests/e2e."""

import pytest
import torch

from tutelage.training.divergence import LateReading, are_finite


@pytest.mark.parametrize(("values", "expected"), [([1.0], True), ([1.0, torch.nan], False), ([-torch.inf], False), ([], True)])
def test_finite_means_all_of_them(values: list[float], expected: bool) -> None:
    assert are_finite([torch.tensor(value) for value in values]) is expected


@pytest.mark.gpu
def test_a_card_is_read_one_look_later_and_never_waited_for() -> None:
    device = torch.device("cuda")
    read = LateReading(device)
    good, bad = torch.ones((), device=device), torch.full((), torch.nan, device=device, dtype=torch.bfloat16)
    assert read([good])  # memory is pinned and kernels are loaded
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = [read(totals) for totals in ([good], [good, bad], [good], [])]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert found == [True, True, False, True]
