"""A run whose generator leaves with a judge: what `generate`, the scores and an exported file make is one and the same."""

from pathlib import Path

import numpy as np
import pytest

import tutelage
from tutelage.core import layout
from tutelage.export.others import samples_graph
from tutelage.predictor.predictor import load_predictor
from tutelage.run.run import Run


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A generator of points of a grid, trained long enough that a judge helps."""
    out = tmp_path_factory.mktemp("grid") / "run"
    return tutelage.train("gaussians:3x3", task={"kind": "generate"}, steps=1_200, out=out, quiet=True)


@pytest.mark.slow
def test_the_judge_leaves_with_the_generator(grid: Run) -> None:
    assert grid.result["rejection"]["is_on"]
    assert grid.result["rejection"]["after"] > grid.result["rejection"]["before"]
    predictor = grid.predictor
    assert predictor.judge is not None
    again = load_predictor(grid.path / layout.BEST / layout.PREDICTOR)
    latents = again.task.latents(200, seed=1)  # type: ignore[attr-defined]
    assert grid.result["num_parameters"] == sum(parameter.numel() for parameter in again.maker.parameters())
    made, plain = again.maker(latents), again.network(latents)
    is_other = (made != plain).any(1)
    # Some are made once more, and these alone.
    assert 0 < int(is_other.sum()) < 100
    assert grid.generate(num=200, seed=1).shape == (200, 2)


@pytest.mark.slow
def test_an_exported_graph_rejects_too(grid: Run, tmp_path: Path) -> None:
    model = samples_graph(grid.predictor, facts={})
    latents = grid.predictor.task.latents(200, seed=1).numpy()  # type: ignore[attr-defined]
    made = model.run({model.inputs[0].name: latents})["sample"]
    np.testing.assert_allclose(made, grid.generate(num=200, seed=1), atol=1e-5)
    # Each file is compared with the run before it is kept.
    assert grid.export(format="torch-export", out=tmp_path / "model.pt2").file.exists()  # type: ignore[attr-defined]
