"""A training that was tried here, forecast for other hardware: only what the device does moves."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import tutelage
from tutelage.core.errors import UsageError
from tutelage.foresight.pace import Pace
from tutelage.hardware.catalog import find_device
from tutelage.planning.recipe import recipe_from
from tutelage.run import elsewhere
from tutelage.run.apart import Apart
from tutelage.run.elsewhere import Where, home_device, moved
from tutelage.run.estimate import Estimate, estimate_of
from tutelage.run.estimating import Tried, estimate_training
from tutelage.run.start import Request

HERE = ("starting", "reading", "preparing", "planning", "scoring")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """A training of small pictures, tried for a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUTELAGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        wishes = {"source": "sklearn:digits", "budget": {"steps": 5_000}, "precision": "float32"}
        return estimate_training(Request(recipe_from(wishes, where="test")), report=lambda folder: None, most_seconds=0.2)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))


def on(tried: Tried, hardware: str, *, devices: int = 1, price: float | None = None) -> Estimate:
    return estimate_of(tried, Where(hardware, devices, price))


@pytest.mark.slow
def test_only_what_the_device_does_moves(tried: Tried) -> None:
    here, there = estimate_of(tried), on(tried, "A100 80GB")
    assert {part: there.time.parts[part] for part in HERE} == {part: here.time.parts[part] for part in HERE}
    assert there.time.parts["steps"] != here.time.parts["steps"]
    assert (
        there.time.interval_80[0]
        < there.time.interval_50[0]
        < there.seconds
        < there.time.interval_50[1]
        < there.time.interval_80[1]
    )
    assert there.hardware == "NVIDIA A100 SXM 80GB"
    assert there.record()["hardware"] == there.hardware


@pytest.mark.slow
def test_the_ideal_is_work_over_peak(tried: Tried) -> None:
    # 19.5 TFLOP/s in float32 (NVIDIA A100 data sheet).
    there = on(tried, "a100-sxm-80gb")
    assert there.flops is not None
    assert there.ideal_seconds == pytest.approx(there.flops / 19.5e12)
    assert on(tried, "a100-sxm-80gb", devices=4).ideal_seconds == pytest.approx(there.flops / 19.5e12 / 4)


@pytest.mark.slow
def test_a_small_step_takes_what_the_host_needs_to_call_its_operators(tried: Tried) -> None:
    # Far below a microsecond of work: a faster card changes nothing.
    steps = {name: on(tried, name).time.parts["steps"] for name in ("A100 80GB", "H100 SXM")}
    assert steps["A100 80GB"] == pytest.approx(steps["H100 SXM"])


@pytest.mark.slow
def test_a_price_makes_a_cost_and_rated_power_an_energy(tried: Tried) -> None:
    there = on(tried, "A100 80GB", devices=8, price=2.0)
    assert there.cost == pytest.approx(2.0 * 8 * there.seconds / 3600)
    assert there.energy_joules is not None
    low, high = there.energy_joules
    # 400 W each, 85 % of it, and 1.3 times that for the node at the wall.
    assert low < 8 * 400 * 0.85 * 1.3 * there.seconds < high
    assert estimate_of(tried).cost is None


def test_what_cannot_be_is_refused_before_anything_is_tried() -> None:
    with pytest.raises(UsageError, match="not in the catalogue"):
        Where("A10O")
    with pytest.raises(UsageError, match="whole number"):
        Where(devices=0)


@pytest.mark.parametrize(
    ("devices", "price"), [(0, None), (10**30, None), (1.5, None), (float("nan"), None), (1, -1.0), (1, 1e300)]
)
def test_numbers_out_of_range_are_refused_before_anything_is_tried(devices: float, price: float | None) -> None:
    with pytest.raises(UsageError, match="expected a"):
        Where("", devices, price)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_opening_moves_with_the_steps(tried: Tried) -> None:
    opening = Pace(2 * tried.measured.pace.seconds, 1.0, num_steps=10)
    there = moved(replace(tried, measured=replace(tried.measured, opening=opening)), Where("A100 80GB")).measured
    assert there.opening is not None
    assert there.opening.seconds == pytest.approx(2 * there.pace.seconds, rel=0.01)
    assert there.opening.warm_up_seconds == 0


@pytest.mark.slow
def test_devices_do_not_share_what_does_not_depend_on_rows(tried: Tried) -> None:
    tried.pilot.apart, before = Apart(loader=0.0, device=0.5, half=0.5), tried.pilot.apart
    slow = replace(tried, measured=replace(tried.measured, pace=Pace(0.5, num_steps=10)))
    try:
        assert moved(slow, Where(devices=8)).measured.pace.seconds > 0.5
        tried.pilot.apart = Apart(loader=0.0, device=0.5, half=0.25)
        assert moved(slow, Where(devices=8)).measured.pace.seconds < 0.1
    finally:
        tried.pilot.apart = before


@pytest.mark.slow
def test_what_many_devices_add_is_told(tried: Tried) -> None:
    told = on(tried, "A100 80GB", devices=8).record()["details"]["devices"]
    assert told["step_seconds"] > told["exposed_seconds"] > 0
    assert (told["slowest"] > 1, 0 < told["goodput"] <= 1, told["efficiency"] < 1) == (True, True, True)
    assert "devices" not in on(tried, "A100 80GB").record()["details"]
    rows = tried.plan.batch_size
    with pytest.raises(UsageError, match=f"share each batch, and one has {rows} rows. Take {rows} devices at most"):
        on(tried, "A100 80GB", devices=rows + 1)


@pytest.mark.slow
def test_the_largest_batch_of_a_card_fits_it(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    assert on(tried, "A100 80GB").largest_batch == tried.plan.num_train, "all rows at once are no more than that"
    assert tried.pilot.work is not None
    course, rows = tried.pilot.work.course, tried.plan.batch_size
    room = course.on_card(share=3).expected
    monkeypatch.setattr(elsewhere, "find_device", lambda name: replace(find_device("T4"), memory_bytes=room))
    found = on(tried, "T4").largest_batch
    assert found is not None
    # The allocator rounds to blocks of 2 MiB.
    assert 2 * rows <= found <= 6 * rows
    assert on(tried, "T4", devices=2).largest_batch > found  # type: ignore[operator]


def test_a_card_that_the_catalogue_lacks_is_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "device_bytes", lambda device: 12 * 2**30)
    tried: Any = SimpleNamespace(
        machine={"machine": "NVIDIA GeForce NEW 1", "matmul_gflops": 9000}, plan=SimpleNamespace(device="cuda")
    )
    home = home_device(tried)
    assert (home.is_processor, home.memory_bytes, home.peak("fp32")) == (False, 12 * 2**30, 9e12)


def test_memory_is_timed_with_what_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def ones(size: int, **_: Any) -> torch.Tensor:
        sizes.append(size)
        if size > 2**24:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return torch.zeros(size)

    monkeypatch.setattr(elsewhere.torch, "ones", ones)
    assert elsewhere._bandwidth("cpu") > 0
    assert sizes == [2**26, 2**25, 2**24]


def test_words_beside_a_run_that_would_change_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="banana and optim and steps: a run goes on by its own plan"):
        tutelage.estimate(tmp_path, banana=3, steps=17, optim="sgd")
