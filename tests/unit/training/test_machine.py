"""What a machine can do is measured, and what its bits depend on is written down."""

import os
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch

from tutelage.core.errors import RecipeError
from tutelage.training import machine
from tutelage.training.machine import (
    bits_depend_on,
    choose_device,
    deterministic,
    environment,
    exactness,
    machine_facts,
    matmul_speeds,
    measure_matmul,
)


@pytest.fixture
def _nothing_measured() -> Iterator[None]:
    """A process that has not measured yet; what is pretended here is forgotten again."""
    matmul_speeds.cache_clear()
    yield
    matmul_speeds.cache_clear()


@pytest.fixture
def card(_nothing_measured: None, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A machine whose card has bfloat16 by emulation only, as a T4 or V100; the list says whether it has more than that."""
    native = [False]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Test card")
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or native[0])
    speeds = {torch.float32: 5000.0, torch.bfloat16: 6000.0}
    monkeypatch.setattr(machine, "measure_matmul", lambda dtype, device: speeds[dtype])
    return native


def test_a_card_that_only_emulates_bfloat16_has_none(card: list[bool]) -> None:
    facts = machine_facts("auto")
    assert (facts.device, facts.name, facts.bf16, facts.speedup, facts.gflops) == ("cuda", "Test card", "", 0.0, 5000)


@pytest.mark.usefixtures("_nothing_measured")
@pytest.mark.parametrize("is_scarce", [False, True])
def test_where_addresses_are_few_a_processor_rounds_nothing(is_scarce: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[torch.dtype] = []
    monkeypatch.setattr(machine, "is_scarce", lambda: is_scarce)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    monkeypatch.setattr(machine, "measure_matmul", lambda dtype, device: measured.append(dtype) or 10.0)
    found = machine_facts("cpu")
    assert (found.bf16, bool(found.bf16_refused)) == (("", True) if is_scarce else ("amx", False))
    # Not even to be measured.
    assert (torch.bfloat16 in measured) is not is_scarce


def test_a_cards_bfloat16_is_measured_like_a_processors(card: list[bool]) -> None:
    card[0] = True
    assert (machine_facts("cuda").bf16, machine_facts("cuda").speedup) == ("cuda", 1.2)


@pytest.mark.usefixtures("_nothing_measured")
def test_a_process_measures_once_for_each_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def look(dtype: torch.dtype, device: str) -> float:
        looks.append(torch.get_num_threads())
        return 10.0 * torch.get_num_threads()

    monkeypatch.setattr(machine, "measure_matmul", look)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        first, again = machine_facts("cpu"), machine_facts("cpu")
        assert (first, first.gflops) == (again, 10)
        number = len(looks)
        torch.set_num_threads(2)
        assert (machine_facts("cpu").gflops, machine_facts("cpu").num_threads) == (20, 2)
    finally:
        torch.set_num_threads(threads)
    assert len(looks) == 2 * number
    assert looks[0] != looks[-1]


def test_matrix_products_are_measured() -> None:
    assert measure_matmul(torch.float32, size=64) > 0


def test_the_bits_depend_on_every_library_that_a_resumed_run_fits_with() -> None:
    depends = bits_depend_on("cpu")
    assert {"torch", "numpy", "pyarrow", "pillow", "tutelage", "num_threads", "num_processes"} <= depends.keys()
    assert all(depends[name] for name in ("torch", "numpy", "pyarrow", "pillow"))
    assert bits_depend_on("cpu", num_processes=2) != depends
    assert "deterministic" not in depends


def test_the_environment_says_what_the_bits_depend_on() -> None:
    found = environment(machine_facts("cpu"), num_processes=2)
    assert bits_depend_on("cpu", num_processes=2).items() <= found.items()
    assert found["num_processes"] == 2


def test_only_deterministic_kernels_repeat_on_a_card() -> None:
    assert exactness("cpu") == ""
    assert exactness("cuda") == "CUDA kernels without deterministic mode"
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        assert "only warns" in exactness("cuda")
        torch.use_deterministic_algorithms(True)
        assert exactness("cuda:1") == ""
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_processor_needs_no_deterministic_mode() -> None:
    with deterministic("cpu", is_wished=True):
        assert not torch.are_deterministic_algorithms_enabled()


def test_a_card_repeats_its_bits_where_that_is_wished_and_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that it is put back, also where there was none
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    with deterministic("cuda:1", is_wished=False):
        assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
        assert exactness("cuda:1") != ""
    with deterministic("cuda:1", is_wished=True):
        assert exactness("cuda:1") == ""
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert not torch.are_deterministic_algorithms_enabled()


def test_deterministic_kernels_cannot_be_wished_for_once_the_card_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that it is put back, also where there was none
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    with pytest.raises(RecipeError, match="already in use"), deterministic("cuda", is_wished=True):
        pass


def test_a_device_is_chosen_without_starting_it(card: list[bool]) -> None:
    assert (choose_device("auto"), choose_device("cpu"), choose_device("cuda:0")) == ("cuda", "cpu", "cuda:0")
    with pytest.raises(RecipeError, match="finds 1 CUDA cards"):
        choose_device("cuda:1")


@pytest.mark.gpu
def test_a_real_card_is_measured_with_its_clock_read_when_it_is_done() -> None:
    facts = machine_facts("cuda")
    has_cores = torch.cuda.get_device_capability() >= (8, 0)
    assert facts.bf16 == ("cuda" if has_cores else "")
    assert 100 < facts.gflops < 1e6
    assert facts.speedup > 1.3 if has_cores else facts.speedup == 0
    assert {"cuda", "cudnn", "deterministic"} <= bits_depend_on("cuda").keys()
