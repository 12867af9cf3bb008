"""A step's time from a machine file: kernels by their curves, calls by who makes them."""

from dataclasses import replace
from typing import Any

import pytest

from tutelage.core.errors import UsageError
from tutelage.hardware.device_model import DeviceModel, Operation
from tutelage.hardware.measured import MachineFile
from tutelage.hardware.point import Point

CALL, LEARNING, BACKWARD, VIEW = 1e-6, 3e-6, 2e-6, 5e-7
BANDWIDTH = 1e10


def point(op: str, category: str, **changes: Any) -> Point:
    usual = {"dtype": "float32", "phase": "forward", "sizes": "", "flops": 0.0, "num_bytes": 0.0, "seconds": 1e-6}
    return Point.model_validate({"op": op, "category": category, **usual, **changes})


def machine(device: str = "cpu", *, more: tuple[Point, ...] = ()) -> MachineFile:
    calls = {"call": CALL, "call_operator": CALL, "call_learning": LEARNING, "call_backward": BACKWARD, "call_view": VIEW}
    points = [point(op, "dispatch", seconds=seconds) for op, seconds in calls.items()]
    sizes = (2**12, 2**20, 2**28)
    points += [point("triad", "memory", flops=size / 4, num_bytes=size, seconds=CALL + size / BANDWIDTH) for size in sizes]
    points += [point("relu", "elementwise", flops=size / 4, num_bytes=size, seconds=CALL + size / BANDWIDTH) for size in sizes]
    points += [
        point("tanh", "elementwise", flops=size / 4, num_bytes=size, seconds=CALL + 10 * size / BANDWIDTH) for size in sizes
    ]
    points.append(point("mm", "matmul", dims=(1, 512, 512, 512), flops=2.0 * 512**3, num_bytes=3.0 * 2**20, seconds=1e-2))
    return MachineFile(fingerprint={"device": device}, points=(*points, *more))


RELU = Operation(op="relu", category="elementwise", dtype="float32", phase="forward", flops=2.0**18, num_bytes=2.0**20)
PRODUCT = Operation("mm", "matmul", "float32", "backward", 2.0 * 512**3, 3.0 * 2**20, (1, 512, 512, 512))


def test_an_operator_takes_what_was_measured_and_the_call_comes_on_top() -> None:
    model = DeviceModel(machine())
    time = model.step([RELU])
    assert time.parts["elementwise"] == pytest.approx(2**20 / BANDWIDTH, rel=0.02)
    assert time.parts["calls"] == pytest.approx(LEARNING)
    assert time.seconds == pytest.approx(2**20 / BANDWIDTH + LEARNING, rel=0.02)


def test_calls_add_up() -> None:
    model = DeviceModel(machine())
    once, often = model.step([RELU]), model.step([replace(RELU, count=10)])
    assert often.seconds == pytest.approx(10 * once.seconds)
    assert often.num_calls == 10


def test_who_calls_decides_what_a_call_costs() -> None:
    model = DeviceModel(machine())
    assert model.call_seconds(RELU, "autograd") == LEARNING
    assert model.call_seconds(PRODUCT, "autograd") == BACKWARD
    assert model.call_seconds(replace(PRODUCT, phase="update"), "autograd") == CALL
    assert model.call_seconds(RELU, "plain") == CALL
    assert model.call_seconds(RELU, "compiled") == 0
    assert 0 < model.call_seconds(PRODUCT, "compiled") < CALL


def test_a_view_costs_its_call_alone() -> None:
    view = replace(RELU, op="view", category="view", phase="update")
    assert DeviceModel(machine()).step([view]).seconds == pytest.approx(VIEW)


def test_a_compiled_step_moves_fewer_bytes_and_computes_as_much() -> None:
    model = DeviceModel(machine())
    eager, compiled = model.step([RELU, PRODUCT]), model.step([RELU, PRODUCT], style="compiled")
    assert compiled.parts["elementwise"] < eager.parts["elementwise"]
    assert compiled.parts["matmul"] == eager.parts["matmul"]
    assert compiled.parts["calls"] < eager.parts["calls"]


def test_an_operator_that_was_not_measured_takes_what_its_class_does() -> None:
    model = DeviceModel(machine())
    unknown = model.kernel_seconds(replace(RELU, op="hardswish"))
    assert model.kernel_seconds(RELU) < unknown < model.kernel_seconds(replace(RELU, op="tanh"))


def test_in_place_takes_what_the_same_operator_does_elsewhere() -> None:
    model = DeviceModel(machine())
    assert model.kernel_seconds(replace(RELU, op="relu_")) == model.kernel_seconds(RELU)


def test_a_precision_that_was_not_measured_is_taken_from_another() -> None:
    model = DeviceModel(machine())
    half = model.kernel_seconds(replace(PRODUCT, dtype="bfloat16"))
    assert half == pytest.approx(model.kernel_seconds(PRODUCT), rel=0.05)


def test_on_a_card_calls_are_hidden_behind_the_device_and_the_reverse() -> None:
    model = DeviceModel(machine("cuda"))
    busy = model.step([PRODUCT])
    assert busy.parts["calls"] == 0
    small = replace(RELU, num_bytes=0.0, flops=0.0, count=100)
    # Kernels of a microsecond, called every three.
    assert model.step([small]).seconds == pytest.approx(100 * LEARNING)


def test_the_interval_of_eighty_per_cent_lies_around_the_forecast() -> None:
    time = DeviceModel(machine()).step([RELU])
    assert time.low < time.seconds < time.high
    assert time.high / time.seconds == pytest.approx(time.seconds / time.low)


def test_a_file_without_the_memory_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="tutelage hardware --again"):
        DeviceModel(MachineFile(fingerprint={}, points=()))
