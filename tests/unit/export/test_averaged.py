"""An ensemble leaves as one graph: what its members take alike is handed over once, and the mean of their answers comes out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tutelage
from tutelage.export import load
from tutelage.export.export import export_run
from tutelage.run.ensemble import make_ensemble
from tutelage.run.run import Run

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore")
SUFFIXES = {"onnx": ".onnx", "torch-export": ".pt2", "safetensors": ".safetensors"}
ROWS: dict[str, Any] = {"size": [0.3, None, 2.5, -1.0], "form": ["x", None, "w", "never seen"]}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two models of the same columns, which know different words, as one."""
    folder = tmp_path_factory.mktemp("averaged")
    runs = []
    for number, words in enumerate(("xyz", "xwv")):
        random = np.random.default_rng(number)
        cells = [f"{random.normal() + 2 * (i % 2):.3f},{words[i % 3] if i % 7 else ''},{['no', 'yes'][i % 2]}" for i in range(80)]
        (folder / f"{number}.csv").write_text("\n".join(["size,form,label", *cells, ""]), encoding="utf-8")
        floor = {} if number else {"floor": "none"}
        runs.append(tutelage.train(folder / f"{number}.csv", steps=4, quiet=True, out=folder / str(number), **floor).path)
    return make_ensemble(runs, folder / "both")


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind == "safetensors" else [pytest.mark.slow]) for kind in SUFFIXES]
)
def test_members_that_know_different_words_take_each_cell_once(tables: Run, kind: str, tmp_path: Path) -> None:
    found = export_run(tables, format=kind, out=tmp_path / f"model{SUFFIXES[kind]}")
    assert found.check.max_difference <= 1e-4
    assert found.check.labels_equal
    size = np.array([np.nan if value is None else value for value in ROWS["size"]])
    form = np.array([value or "" for value in ROWS["form"]], dtype=object)
    loaded = load(found.file)
    assert {one.get("given", one["name"]) for one in loaded.told["inputs"]} == {"size", "form"}
    answers = loaded.run(size=size, form=form)["probabilities"]
    np.testing.assert_allclose(answers, tables.predict_proba(ROWS), atol=1e-6)


def test_forecasters_that_look_back_at_different_numbers_of_times_take_the_longest(tmp_path: Path) -> None:
    hours = np.datetime64("2024-01-01T00:00") + np.timedelta64(1, "h") * np.arange(400)
    values = 100 + 10 * np.sin(np.arange(400) * 2 * np.pi / 24) + np.random.default_rng(0).normal(size=400)
    lines = [f"{str(hour).replace('T', ' ')},{value:.3f}" for hour, value in zip(hours, values, strict=True)]
    (tmp_path / "hours.csv").write_text("\n".join(["time,load", *lines, ""]), encoding="utf-8")
    wishes: dict[str, Any] = {"horizon": 6, "model": "nlinear", "steps": 2, "quiet": True}
    runs = [
        tutelage.train(
            tmp_path / "hours.csv", out=tmp_path / str(length), prepare={"length": length, "calendar": False}, **wishes
        )
        for length in (30, 48)
    ]
    both = make_ensemble([run.path for run in runs], tmp_path / "both")
    found = export_run(both, format="safetensors", out=tmp_path / "model.safetensors")
    assert found.check.num_rows > 0
    loaded = load(found.file)
    (past,) = loaded.told["inputs"]
    written = np.array([float(f"{value:.3f}") for value in values])
    answers = loaded.run(past=written[None, -past["sizes"][1] :, None])
    expected = both.forecast()
    np.testing.assert_allclose(answers["forecast"][0], expected.values, rtol=1e-5)
    np.testing.assert_allclose(answers["quantiles"][0, 0], next(iter(expected.quantiles.values())), rtol=1e-5)
