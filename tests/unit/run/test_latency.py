"""Latencies are of calls that are made, in turn, of all that answers for a batch."""

from dataclasses import replace
from pathlib import Path

import pytest

import tutelage
from tutelage.predictor.predictor import Predictor
from tutelage.run.latency import WARM_UPS, Timed, made_up_batches, measure_latencies, measure_models


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A model of a few numbers."""
    out = tmp_path_factory.mktemp("runs") / "iris"
    return tutelage.train("sklearn:iris", steps=2, model="linear", quiet=True, out=out).predictor


def test_models_take_turns_after_calls_that_do_not_count() -> None:
    calls: list[str] = []
    found = measure_latencies({"one": lambda: calls.append("one"), "other": lambda: calls.append("other")})
    assert calls[: 2 * WARM_UPS] == ["one"] * WARM_UPS + ["other"] * WARM_UPS
    assert calls[2 * WARM_UPS :][:10] == ["one"] * 5 + ["other"] * 5
    assert all(0 <= each.p50 <= each.p95 for each in found.values())


def test_a_model_of_several_is_measured_whole(predictor: Predictor) -> None:
    timed = Timed(predictor, made_up_batches(predictor))
    found = measure_models({"one": [timed], "ten": [timed] * 10})
    assert found["ten"]["32"]["p50"] > 2 * found["one"]["32"]["p50"]


def test_mirror_images_and_calibrators_are_part_of_what_an_answer_costs(tmp_path: Path) -> None:
    run = tutelage.train("sklearn:digits", steps=2, model="cnn", quiet=True, out=tmp_path / "run")
    plain = replace(run.predictor, is_mirrored=False)
    both = replace(plain, is_mirrored=True)
    found = measure_models({name: [Timed(one, made_up_batches(one))] for name, one in (("plain", plain), ("both", both))})
    assert found["both"]["32"]["p50"] > 1.3 * found["plain"]["32"]["p50"]
