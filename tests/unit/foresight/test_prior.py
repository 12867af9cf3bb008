"""Forecasts with nothing measured: consistent in themselves, and sane where the answer is known from public runs."""

import math
from dataclasses import replace

import pytest

from tutelage.foresight.prior import forecast
from tutelage.foresight.wish import RunWish

RUN = RunWish(hardware="A100 80GB", devices=64, model="llama2-7b", samples=1e11)


def test_the_ideal_is_the_textbook_rule() -> None:
    found = forecast(RUN)
    assert found.ideal_s == pytest.approx(found.flops / (64 * 312e12))


def test_intervals_lie_within_one_another() -> None:
    found = forecast(RUN)
    edges = [found.interval_80.low, found.interval_50.low, found.seconds, found.interval_50.high, found.interval_80.high]
    assert edges == sorted(edges)
    assert found.ideal_s < found.interval_80.low


def test_parts_add_up_and_causes_multiply_to_the_forecast() -> None:
    for run in (RUN, RunWish(hardware="H100", model="resnet50", samples=1e8, is_whole=False)):
        found = forecast(run)
        assert sum(found.parts.values()) == pytest.approx(found.seconds)
        assert math.prod(found.causes.values()) == pytest.approx(found.seconds / found.ideal_s)


def test_the_two_largest_contributors_are_named() -> None:
    contributors = forecast(RUN).contributors
    assert len(contributors) == 2
    assert sum(contributors.values()) <= 1
    assert next(iter(contributors)).startswith("how good the software is")


def test_twice_the_samples_take_twice_as_long_and_twice_the_devices_more_than_half() -> None:
    found = forecast(RUN)
    assert forecast(replace(RUN, samples=2e11)).seconds == pytest.approx(2 * found.seconds)
    assert found.seconds / 2 < forecast(replace(RUN, devices=128)).seconds < found.seconds


def test_faster_hardware_and_precision_are_faster_by_less_than_their_peaks() -> None:
    a100, h100 = forecast(RUN), forecast(replace(RUN, hardware="H100"))
    assert 1.5 < a100.seconds / h100.seconds < 989 / 312
    assert 1.0 < h100.seconds / forecast(replace(RUN, hardware="H100", precision="fp8")).seconds < 1.5


def test_a_format_that_the_device_lacks_is_told() -> None:
    found = forecast(replace(RUN, hardware="V100"))
    assert any("has no bf16: fp16 instead" in text for text in found.assumptions)


def test_a_public_run_lies_in_its_interval() -> None:
    """LLaMA 7B: 82,432 device-hours of A100 80GB for 1e12 tokens (LLaMA paper, 2023, table 15); not among the rows of the fit."""
    found = forecast(RunWish(hardware="A100 80GB", devices=2048, model="llama-7b", samples=1e12))
    hours = found.device_hours / found.seconds
    assert found.interval_80.low * hours < 82_432 < found.interval_80.high * hours
