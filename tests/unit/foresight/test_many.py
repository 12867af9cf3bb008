"""One device to many: limits, order, and published steps."""

import pytest

from tutelage.core.errors import UsageError
from tutelage.foresight.many import Step, on_many
from tutelage.hardware.catalog import find_device


def test_one_device_is_what_was_measured() -> None:
    found = on_many(Step(0.5, 1e9), device=find_device("A100"), devices=1)
    assert (found.seconds, found.efficiency) == (0.5, 1.0)


def test_more_devices_are_less_efficient_and_less_certain() -> None:
    found = [on_many(Step(0.2, 7e8), device=find_device("A100"), devices=devices) for devices in (8, 64, 512)]
    assert [one.efficiency for one in found] == sorted((one.efficiency for one in found), reverse=True)
    widths = [one.interval_80.high / one.interval_80.low for one in found]
    assert widths == sorted(widths)


def test_slow_links_cost_more() -> None:
    step = Step(0.2, 7e8)
    fast, slow = (on_many(step, device=find_device(name), devices=8).seconds for name in ("A100 SXM 80GB", "A100 PCIe 80GB"))
    assert fast < slow


@pytest.mark.parametrize(
    ("name", "one", "eight", "samples", "gradient_bytes"),
    [
        ("V100 16GB", 833.0, 6174.0, 256, 51e6),
        ("A100 80GB SXM4", 1582.0, 11_439.0, 1280, 51e6),
        ("H100 80GB SXM5", 2791.0, 20_728.0, 1280, 51e6),
    ],
)
def test_published_nodes_of_eight_lie_in_the_interval(
    name: str, one: float, eight: float, samples: int, gradient_bytes: float
) -> None:
    """ResNet-50, images a second of one and of eight GPUs (Lambda's deep learning benchmark); a step's spread is 5 %."""
    found = on_many(Step(samples / one, gradient_bytes, sd=0.05), device=find_device(name), devices=8)
    assert found.interval_80.low < 8 * samples / eight < found.interval_80.high


def test_no_device_is_refused() -> None:
    with pytest.raises(UsageError, match="devices = 0"):
        on_many(Step(1.0, 1.0), device=find_device("A100"), devices=0)
