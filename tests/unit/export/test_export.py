"""A run's model leaves, is compared, and answers from its file alone; what differs is named and not kept."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import tutelage
from tutelage.calibrate.temperature import Temperature
from tutelage.cli.main import main
from tutelage.core.errors import RunError, UsageError
from tutelage.export import load
from tutelage.export.outgoing import Output, _Graph, answers_of_rows
from tutelage.export.verify import compare
from tutelage.predictor.int8 import OnnxNetwork
from tutelage.run.run import Run

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore")
ROWS: dict[str, Any] = {"size": [0.3, None, 2.5], "form": ["x", None, "new"]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("export")
    random = np.random.default_rng(0)
    cells = [f"{random.normal() + 2 * (i % 2):.3f}" if i % 11 else "" for i in range(80)]
    lines = [f"{cell},{'xyz'[i % 3] if i % 7 else ''},{['no', 'yes'][i % 2]}" for i, cell in enumerate(cells)]
    (folder / "rows.csv").write_text("\n".join(["size,form,label", *lines, ""]), encoding="utf-8")
    return tutelage.train(folder / "rows.csv", steps=4, quiet=True, out=folder / "run")


@pytest.mark.parametrize("kind", ["onnx", "torch-export", "safetensors"])
def test_a_file_answers_as_the_run_does(run: Run, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suffix = {"onnx": ".onnx", "torch-export": ".pt2", "safetensors": ".safetensors"}[kind]
    out = tmp_path / f"model{suffix}"
    assert main(["export", str(run.path), "--format", kind, "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(out)
    assert told["num_rows"] > 0
    assert told["max_difference"] <= 1e-4
    assert told["labels_equal"] is True
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([out.name, "model.json"])
    expected = run.prediction(ROWS)
    size = np.array([np.nan if value is None else value for value in ROWS["size"]])
    form = np.array([value or "" for value in ROWS["form"]], dtype=object)
    found = load(out).run(size=size, form=form)
    np.testing.assert_allclose(found["probabilities"], expected.probabilities, atol=1e-6)
    if kind == "onnx":
        assert found["label"].tolist() == expected.labels
    assert load(out).told["labels"] == ["no", "yes"]


def test_python_exports_too(run: Run, tmp_path: Path) -> None:
    found = run.export(format="safetensors", out=tmp_path / "m.safetensors")  # type: ignore[attr-defined]
    assert found.file.is_file()


def test_a_difference_is_named_with_its_row_and_its_output() -> None:
    expected = np.array([[0.5, 0.5], [0.2, 0.8]])
    wrong = expected + np.array([[0, 0], [0.1, -0.1]])
    batches = [(np.array([0, 1]), {"x": wrong})]
    output = Output("probabilities", (2,), "")
    with pytest.raises(RunError, match=r"row 1, probabilities of 'cat': 0\.3 in place of 0\.2"):
        compare(
            lambda raw: {"probabilities": raw["x"]},
            batches,
            expected,
            output=output,
            labels=("cat", "dog"),
            locate="row {}".format,
        )


def test_what_cannot_leave_is_refused_before_any_work(run: Run, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="unknown export"):
        run.export(format="word")  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="ends in"):
        load(tmp_path / "model.doc")


@pytest.mark.parametrize("name", ["model.onnx", "model.pt2", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{}", b"PK\x03\x04" + b"\0" * 60, b"\x08\x08" + b"x" * 100])
def test_a_file_that_another_program_wrote_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RunError, match=name):
        load(tmp_path / name)


def test_what_is_calibrated_is_the_mean_of_network_and_floor() -> None:
    class Said(nn.Module):
        def __init__(self, name: str, *, is_floor: bool) -> None:
            super().__init__()
            self.name, self.is_floor = name, is_floor

        def forward(self, raw: dict[str, Tensor]) -> Any:
            return {"answers": raw[self.name].double()} if self.is_floor else raw[self.name]

    names = {"network": "network", "plain": "plain"}
    graph = _Graph(Said("network", is_floor=False), nn.Identity(), name="probabilities", names=names)
    graph.floor, graph.share = Said("plain", is_floor=True), 0.25
    calibrator = Temperature(temperature=2.0)
    graph.calibrator = calibrator.module()
    network, plain = torch.tensor([[0.9, 0.1], [0.3, 0.7]]), torch.tensor([[0.5, 0.5], [0.1, 0.9]])
    found = graph({"network": network, "plain": plain})["probabilities"]
    expected = calibrator.apply((0.75 * network + 0.25 * plain).double().numpy())
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_an_int8_network_is_refused_with_what_to_do() -> None:
    network = object.__new__(OnnxNetwork)
    nn.Module.__init__(network)
    network.products = "int8"
    with pytest.raises(RunError, match=r"int8 already.*Export the run that it was made from"):
        answers_of_rows(SimpleNamespace(network=network), facts={})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("out", "found"),
    [
        ("model.json", "ends in .onnx"),
        ("model", "ends in .onnx"),
        ("folder.onnx", "is a folder"),
        ("RUN/plan.onnx", "plan.json: is a file of the run"),
        ("RUN/result.onnx", "result.json: is a file of the run"),
    ],
)
def test_a_name_that_would_take_another_files_place_is_refused(
    out: str, found: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.onnx").mkdir()
    before = {path: path.read_bytes() for path in run.path.glob("*.json")}
    place = out.replace("RUN", str(run.path)) if "RUN" in out else str(tmp_path / out)
    assert main(["export", str(run.path), "--out", place]) == 2
    assert found in capsys.readouterr().err
    assert {path: path.read_bytes() for path in run.path.glob("*.json")} == before
