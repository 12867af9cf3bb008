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
from tutelage.calibrate.bands import Bands
from tutelage.calibrate.temperature import Temperature
from tutelage.cli.main import main
from tutelage.core import layout
from tutelage.core.errors import RunError, UsageError
from tutelage.export import forecasts, load
from tutelage.export.export import export_run
from tutelage.export.outgoing import VERSION, Output, _Graph, answers_of_rows
from tutelage.export.place import require_free
from tutelage.export.proof import Proof
from tutelage.export.verify import Check, compare
from tutelage.predictor.int8 import OnnxNetwork
from tutelage.run.run import Run

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore")
NOTES = [
    "\u0130STANBUL!",
    "\u039f\u0394\u039f\u03a3",
    "gro\u017fs",
    "m\u00b2",
    "a\nGross-M",
    "Ism\u00ad m\u0301",
    "",
    None,
    "\u212bm \u1e9e",
]
ROWS: dict[str, Any] = {
    "size": [0.3, None, 2.5, 1e300, -0.0, 0, 7, -3.1, 1],
    "form": ["x", None, "new", "X", "", "y", "\u01c5", "z", "-"],
    "open": [" tRUE ", "FALSE\t", None, "true", "", "false", "\u3000True", "True", "FALSE"],
    "note": NOTES,
}
"""Cells that are odd, missing, unknown, or whose letters have more than one other form."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("export")
    random = np.random.default_rng(0)
    cells = [f"{random.normal() + 2 * (i % 2):.3f}" if i % 11 else "" for i in range(80)]
    words = ["istanbul", "\u03bf\u03b4\u03bf\u03c2", "gross", "m", "\u00e5m \u00df", "ism"]
    lines = [
        f"{cell},{'xyz'[i % 3] if i % 7 else ''},{['true', 'False', ''][i % 3]},{words[i % 6]} no {i},{['no', 'yes'][i % 2]}"
        for i, cell in enumerate(cells)
    ]
    (folder / "rows.csv").write_text("\n".join(["size,form,open,note,label", *lines, ""]), encoding="utf-8")
    return tutelage.train(folder / "rows.csv", steps=4, quiet=True, out=folder / "run")


@pytest.mark.parametrize("kind", ["onnx", "torch-export", "safetensors"])
def test_a_file_answers_as_the_run_does(run: Run, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suffix = {"onnx": ".onnx", "torch-export": ".pt2", "safetensors": ".safetensors"}[kind]
    out = tmp_path / "new" / f"model{suffix}"
    assert main(["export", str(run.path), "--format", kind, "--out", str(out), "--json"]) == 0
    said = capsys.readouterr()
    assert f"there is no folder {out.parent} yet: it is made" in said.err
    told = json.loads(said.out)
    assert told["file"] == str(out)
    assert told["num_rows"] > 0
    assert told["max_difference"] <= 1e-4
    assert told["labels_equal"] is True
    assert sorted(path.name for path in out.parent.iterdir()) == sorted([out.name, f"{out.name}.json"])
    expected = run.prediction(ROWS)
    size = np.array([np.nan if value is None else value for value in ROWS["size"]], dtype=np.float64)
    absent = load(out).told["recipe"]["cells"]["missing"]
    words = {
        name: np.array(["" if value is None or value in absent else value for value in ROWS[name]], dtype=object)
        for name in ("form", "open", "note")
    }
    found = load(out).run(size=size, **words)
    np.testing.assert_allclose(found["probabilities"], expected.probabilities, atol=1e-6)
    if kind == "onnx":
        assert found["label"].tolist() == expected.labels
        onnx = pytest.importorskip("onnx")
        graph = onnx.load(str(out)).graph
        assert {one.type.tensor_type.shape.dim[0].dim_param for one in (*graph.input, *graph.output)} == {"batch"}
    assert load(out).told["labels"] == ["no", "yes"]


def test_formats_beside_each_other_keep_their_own_records(run: Run, tmp_path: Path) -> None:
    ends = {"onnx": ".onnx", "torch-export": ".pt2", "safetensors": ".safetensors"}
    for folder in (*ends, "together"):
        (tmp_path / folder).mkdir()
    for kind, end in ends.items():
        for folder in (kind, "together"):
            export_run(run, format=kind, out=tmp_path / folder / f"m{end}")
    for kind, end in ends.items():
        alone, beside = ((tmp_path / folder / f"m{end}.json").read_text() for folder in (kind, "together"))
        assert alone == beside
        types = {one["name"]: one["dtype"] for one in json.loads(alone)["inputs"]}
        # Only ONNX's graphs take words themselves.
        assert (types["size"], types["form"]) == ("float64", "string" if kind == "onnx" else "int64")


def test_formats_of_texts_stand_beside_each_other(tmp_path: Path) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text(
        "text,label\n" + "".join(f"a {word} film,{label}\n" for word, label in (("fine", "yes"), ("dull", "no")) * 20)
    )
    run = tutelage.train(texts, text="text", target="label", model="bag", steps=2, quiet=True, out=tmp_path / "run")
    files = [run.export(format=kind).file for kind in ("onnx", "safetensors")]  # type: ignore[attr-defined]
    assert sorted(path.name for path in files[0].parent.iterdir()) == sorted(
        f"{file.name}{end}" for file in files for end in ("", ".json", ".tokenizer.json")
    )


def test_python_exports_too_and_again_over_its_own_file(run: Run, tmp_path: Path) -> None:
    for _ in range(2):
        found = run.export(format="safetensors", out=tmp_path / "m.safetensors")  # type: ignore[attr-defined]
        assert found.file.is_file()


def test_an_export_in_the_folder_of_its_run_is_the_runs(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def standing(code: int) -> dict[str, dict[str, str]]:
        assert main(["verify", str(run.path), "--json"]) == code
        return {each["file"]: each for each in json.loads(capsys.readouterr().out)["files"] if each["file"].startswith("export")}

    file = export_run(run, format="safetensors").file
    assert {name: each["state"] for name, each in standing(0).items()} == {
        "export/model.safetensors": "whole",
        "export/model.safetensors.json": "whole",
    }
    file.write_bytes(file.read_bytes() + b"\0")
    changed = standing(2)["export/model.safetensors"]
    assert changed["state"] == "changed"
    assert f"tutelage export {run.path}" in changed["remedy"]
    file.unlink()
    assert standing(0)["export/model.safetensors"]["state"] == "missing"
    export_run(run, format="safetensors")
    assert {each["state"] for each in standing(0).values()} == {"whole"}


def test_a_difference_is_named_with_its_row_and_its_output() -> None:
    expected = np.array([[0.5, 0.5], [0.2, 0.8]])
    wrong = expected + np.array([[0, 0], [0.1, -0.1]])
    with pytest.raises(RunError, match=r"row 1, probabilities of 'cat': 0\.3 in place of 0\.2"):
        compared(wrong, expected)


def compared(found: np.ndarray, expected: np.ndarray, *, label: Any = None, predicted: Any = None) -> Check:
    """Compare probabilities of two classes, and the label of each row if there is one."""
    proof = Proof([(np.arange(len(expected)), {})], expected, "row {}".format, predicted=predicted)
    given = {"probabilities": found} | ({} if label is None else {"label": np.array(label)})
    return compare(lambda raw: given, proof, outputs=(Output("probabilities", (2,), ""),), labels=("cat", "dog"))


def test_a_label_that_is_not_the_most_probable_class_fails() -> None:
    expected = np.array([[0.6, 0.4], [0.2, 0.8]])
    assert compared(expected, expected, label=["cat", "dog"]).labels_equal
    with pytest.raises(RunError, match=r"row 1: the label 'cat', though 'dog' is its most probable class"):
        compared(expected, expected, label=["cat", "cat"])


def test_without_a_row_nothing_is_proved() -> None:
    with pytest.raises(RunError, match="no validation row"):
        compared(np.zeros((0, 2)), np.zeros((0, 2)))


def test_what_predict_answers_in_another_precision_is_compared_too() -> None:
    expected = np.array([[0.6, 0.4], [0.501, 0.499]])
    found = compared(expected, expected, predicted=expected - [[0.01, -0.01], [0.002, -0.002]])
    assert (found.max_difference, found.labels_equal) == (0.0, False)
    assert found.predict_difference == pytest.approx(0.01)
    with pytest.raises(RunError, match=r"row 0 is 'dog' to predict, with 0\.55, and 'cat' to the exported file, with 0\.6"):
        compared(expected, expected, predicted=np.array([[0.45, 0.55], [0.501, 0.499]]))


def test_each_output_is_compared() -> None:
    scores, action = np.array([[1.0, 2.0, 0.0], [0.5, 0.5, -1.0]], dtype=np.float32), np.array([1, 0])
    bands = np.array([[1.0, np.nan], [2.0, np.nan]])
    outputs = tuple(Output(name, (), "") for name in ("scores", "action", "quantiles"))

    def check(**changed: np.ndarray) -> Check:
        given = {"scores": scores, "action": action, "quantiles": bands} | changed
        proof = Proof([(np.arange(2), {})], scores, "step {}".format, {"action": action, "quantiles": bands})
        return compare(lambda raw: given, proof, outputs=outputs, labels=())

    assert check().max_difference == 0
    # Two choices are as good as each other.
    assert check(action=np.array([1, 1])).max_difference == 0
    with pytest.raises(RunError, match="step 0, action: 2 in place of 1"):
        check(action=np.array([2, 0]))
    with pytest.raises(RunError, match="step 1, quantiles: 198 in place of 2"):
        check(quantiles=99 * bands)


def test_outputs_of_which_nothing_is_known_are_those_of_the_module() -> None:
    model: Any = SimpleNamespace(outputs=(Output("a", (), ""), Output("b", (), "")), run=lambda raw: {"b": 2 * raw["x"]})
    proof = Proof([(np.array([row]), {"x": np.array([row])}) for row in range(3)], np.zeros(3), str)
    assert proof.completed(model).others["b"].tolist() == [0, 2, 4]


def test_bands_are_compared_with_those_of_predict(monkeypatch: pytest.MonkeyPatch) -> None:
    offsets = np.array([[[-1.0, np.nan]], [[1.0, np.nan]]])
    predictor: Any = SimpleNamespace(calibrator=Bands.of(offsets, (0.1, 0.9)))
    model: Any = SimpleNamespace(predictor=predictor, outputs=("forecast", "quantiles"))
    monkeypatch.setattr(forecasts, "_timeline", lambda _: SimpleNamespace(std=(10.0, 1.0)))
    monkeypatch.setattr(forecasts, "parts_of", lambda one: ((one, one), (0.25, 0.75)))
    found = forecasts._quantiles(model, np.array([[[5.0, 7.0]]]))["quantiles"]
    np.testing.assert_array_equal(found, [[[[-5.0, np.nan]], [[15.0, np.nan]]]])


def test_nothing_of_others_is_written_over(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("m.json", "m.bin", "m"):
        with pytest.raises(UsageError, match=r"'\.safetensors' is expected"):
            export_run(run, format="safetensors", out=tmp_path / name)
    mine = tmp_path / "m.safetensors.json"
    mine.write_text('{"format": "mine"}')
    with pytest.raises(
        UsageError, match=r"m\.safetensors\.json would be written beside it, over a file that no export has written"
    ):
        export_run(run, format="safetensors", out=tmp_path / "m.safetensors")
    assert mine.read_text() == '{"format": "mine"}'
    mine.unlink()
    (tmp_path / "m.tokenizer.json").write_text("")
    with pytest.raises(UsageError, match=r"m\.tokenizer\.json would be written"):
        require_free(tmp_path / "m.onnx", tmp_path / "m.tokenizer.json", version=VERSION)
    assert (
        main(["export", str(run.path), "--format", "safetensors", "--out", str(run.path / layout.BEST / layout.PREDICTOR)]) == 2
    )
    assert "is a file of the run" in capsys.readouterr().err


def test_what_cannot_leave_is_refused_before_any_work(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown export format 'onyx'; did you mean 'onnx'. .*safetensors, torch-export"):
        run.export(format="onyx")  # type: ignore[attr-defined]
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
        ("model.json", "'.onnx' is expected"),
        ("model", "'.onnx' is expected"),
        ("folder.onnx", "is a folder"),
    ],
)
def test_a_name_that_would_take_another_files_place_is_refused(
    out: str, found: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.onnx").mkdir()
    assert main(["export", str(run.path), "--out", str(tmp_path / out)]) == 2
    assert found in capsys.readouterr().err


def test_a_forecast_of_a_line_without_known_columns_leaves_by_torch_export(tmp_path: Path) -> None:
    hours = np.arange("2024-01-01", "2024-01-21", dtype="datetime64[h]").astype("datetime64[m]")
    lines = [f"{hour},{np.sin(i / 4):.4f},{np.cos(i / 5):.4f}" for i, hour in enumerate(hours)]
    (tmp_path / "hours.csv").write_text("\n".join(["date,one,two", *lines, ""]), encoding="utf-8")
    run = tutelage.train(
        tmp_path / "hours.csv", task={"kind": "forecast", "horizon": 4}, steps=2, quiet=True, out=tmp_path / "run"
    )
    # Its effects have no rows, in memory that NumPy handed out: torch took them for a part of another tensor.
    assert run.export(format="torch-export").check.max_difference < 1e-4
