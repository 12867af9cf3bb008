"""The catalogue: names as people write them, and values that physics allows."""

import pytest

from tutelage.core.errors import UsageError
from tutelage.hardware.catalog import devices, find_device


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("A100", "a100-sxm-80gb"),
        ("a100-80gb-sxm", "a100-sxm-80gb"),
        ("A100 SXM4 80GB", "a100-sxm-80gb"),
        ("NVIDIA A100-SXM4-40GB", "a100-sxm-40gb"),
        ("NVIDIA A100 - PCIe - 80 GB", "a100-pcie-80gb"),
        ("A100 (DGX A100)", "a100-sxm-80gb"),
        ("NVIDIA H100 80GB HBM3", "h100-sxm"),
        ("H100 NVL Tensor Core GPU (PCIe)", "h100-nvl"),
        ("NVIDIA Blackwell GPU (GB200)", "gb200"),
        ("Tesla V100-SXM2-32GB", "v100-sxm-32gb"),
        ("4090", "rtx-4090"),
        ("A6000", "rtx-a6000"),
        ("TPU-trillium", "tpu-v6e"),
        ("AMD Instinct MI300X 192GB HBM3", "mi300x"),
        ("Intel Xeon Platinum 8480+", "xeon-8480"),
        ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "xeon-8375c"),
        ("AMD EPYC 7763 64-Core Processor", "epyc-7763"),
        ("13th Gen Intel(R) Core(TM) i9-13900K", "core-i9-13900k"),
    ],
)
def test_a_name_is_found_as_people_write_it(name: str, key: str) -> None:
    assert find_device(name).key == key


def test_every_device_is_found_by_its_key_and_by_its_name() -> None:
    for device in devices():
        assert find_device(device.key) is device
        assert find_device(device.name).model == device.model


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'h10' is not in the catalogue.*h100-sxm.*tutelage hardware --list"):
        find_device("h10")


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    with pytest.raises(UsageError) as refused:
        find_device("zzzzzz")
    assert "Did you mean" not in str(refused.value)


def test_a_missing_format_runs_in_the_next_wider_one() -> None:
    assert find_device("V100").computed_in("bf16") == "fp16"
    assert find_device("GTX 1080 Ti").computed_in("fp16") == "fp32"
    assert find_device("TPU v4").computed_in("fp32") == "bf16"
    assert find_device("A100").peak("fp8") == 312e12


def test_values_are_dense_and_possible() -> None:
    for device in devices():
        assert device.bandwidth > 0
        assert device.per_node >= 1
        assert 0 <= device.matmul_share <= 1
        assert device.source
        ordered = [device.peaks[name] for name in ("fp32", "tf32", "bf16", "fp8") if name in device.peaks]
        assert ordered == sorted(ordered)
        # More than four times the next wider format would be the sparse figure (fp32 runs on other units).
        assert device.peaks.get("fp8", 0) <= 2.05 * device.peaks.get("bf16", float("inf"))


def test_known_datasheet_values() -> None:
    a100, h100 = find_device("A100 80GB SXM"), find_device("H100 SXM")
    assert (a100.peak("bf16"), a100.bandwidth, a100.tdp_w) == (312e12, 2.039e12, 400)
    assert (h100.peak("bf16"), h100.peak("fp8"), h100.bandwidth) == (989e12, 1979e12, 3.35e12)
